"""Words of the page, for its markup and its scripts; ``{gaps}`` of the scripts' words are filled there."""

from __future__ import annotations

from auditor.language import both

WORDS = {
    # head
    "report": both("Audit report"),
    "skip": both("Skip to the findings"),
    "area": both("Pilot area"),
    "as_of": both("As of"),
    "declared_on": both("Declared on"),
    "undated": both("without a date"),
    "network": both("Network"),
    "nodes_links": both("{nodes:,} nodes, {links:,} links"),
    "theme": both("Light or dark"),
    "print": both("Print"),
    "contents": both("Contents"),
    "no_script": both(
        "The map, the filters and the lists beyond the first entries need JavaScript, which is off here. "
        "Everything else is in the text."
    ),
    "old_browser": both(
        "This browser is too old for the map and the filters; the text is complete without them."
    ),
    "fails": both("findings that fail"),
    "undecided": both("findings undecided"),
    "clauses_passed": both("clauses passed"),
    "need_person": both("clauses that need a person"),
    # verdicts in a sentence
    "says_fail": both(
        "At least one requirement of the circular or of the audit's policy is not met, by what the "
        "operator itself declares."
    ),
    "says_inconclusive": both(
        "Nothing fails, but what is declared does not suffice to say that all requirements are met."
    ),
    "says_pass": both("Every requirement that could be checked is met, on documents that were confirmed."),
    "says_declared": both(
        "Every requirement that could be checked is met, by the operator's own word: no document was "
        "confirmed."
    ),
    "says_not_applicable": both("No rule applies to this operator on this date."),
    # filters
    "filters": both("Filters"),
    "search": both("Search findings and nodes"),
    "search_hint": both("id, name, owner, or words of a finding"),
    "rule": both("Rule"),
    "verdict": both("Verdict"),
    "service": both("Service"),
    "owner": both("Owner"),
    "all": both("all"),
    "reset": both("Clear filters"),
    "shown_all": both("Shown: all. Findings: {findings}; nodes: {nodes}."),
    "shown_some": both("Shown: findings {findings} of {all_findings}; nodes {nodes} of {all_nodes}."),
    "nothing": both("Nothing matches these filters."),
    "nodes_found": both("Nodes that match: {count}"),
    "not_stated": both("not stated"),
    # findings
    "findings": both("Findings"),
    "no_findings": both("Nothing fails and nothing is undecided."),
    "clause": both("Clause"),
    "governs": both("The Chinese text governs."),
    "note": both("Remark"),
    "advisory": both("Advisory: related law changes no verdict of the audit."),
    "subjects": both("{count:,} subjects"),
    "one_subject": both("1 subject"),
    "by_handoff": both("{count:,} subjects by one hand-off: {where}"),
    "handoff": both("Hand-off: {where}"),
    "do": both("What to do"),
    "path": both("Path"),
    "path_to_gate": both("Path to the carrier's access equipment"),
    "seen": both("Observed"),
    "distance": both("{metres:,} m outside the edge of the area"),
    "distance_in": both("{metres:,} m inside the edge of the area"),
    "subscribers": both("{count:,} subscribers"),
    "more": both("Show {count} more"),
    "more_groups": both("Show {count} more groups"),
    "rest": both("{count:,} more are not listed in this page; they are in the JSON and table reports."),
    "link_here": both("Link to this finding"),
    "blank_end": both("far end not declared"),
    # the other parts
    "holds": both("What holds"),
    "holds_what": both("Rules of which every finding is a pass, or does not apply."),
    "not_applicable": both("What does not apply"),
    "manual": both("What needs a person"),
    "manual_what": both(
        "Clauses that no rule answers from a declaration; nobody may read silence on them as a pass."
    ),
    "not_checked": both("What was not checked"),
    "not_checked_none": both("Every rule that ran judged every subject of its scope."),
    "not_checked_partial": both("Only some rules were run; the rest of the circular was not looked at."),
    "not_checked_offline": both(
        "No observations were given: nothing of the declaration was held against other sources."
    ),
    "not_checked_incomplete": both(
        "The operator does not state that its network is complete: what was left out was not checked."
    ),
    "not_checked_unread": both("Something of the input that may be a node or a link could not be read."),
    "not_checked_skipped": both("{rule} did not judge {count:,} subjects of its scope."),
    "not_checked_error": both("{rule} broke off on {count:,} subjects."),
    "unused": both("Input that no rule used"),
    "notes": both("Assumed in reading"),
    "where": both("Where"),
    "what": both("What"),
    "why": both("Why"),
    "title": both("Title"),
    "counts": both("Counts"),
    # provenance
    "provenance": both("Provenance"),
    "inputs": both("Inputs"),
    "file": both("File"),
    "zones": both("Zones"),
    "part": both("Part"),
    "version": both("Version"),
    "source": both("Data source"),
    "licence": both("Licence"),
    "attribution": both("Attribution"),
    "own": both("given by the user"),
    "vintage": both("Data of"),
    "sources": both("Sources of observations"),
    "policy": both("Policy (SHA-256)"),
    "tool": both("Tool"),
    "min_grade": both("Least grade for a pass"),
    "made_with": both(
        "Map drawn with Leaflet 1.9.4 (BSD-2-Clause, © Volodymyr Agafonkin, © CloudMade), which is part of "
        "this file."
    ),
    "offline": both("This page asks nothing of any network; all of it is in this one file."),
    "drawn": both("Outlines are drawn simplified, to about {metres:,} m; verdicts rest on the full ones."),
    "drawn_full": both("Outlines and places are drawn to about 1 m; verdicts rest on the full coordinates."),
    "settled": both("Every pass, and what does not apply, one by one"),
    "not_drawn": both(
        "{count:,} nodes that only pass are not drawn one by one: the map counts them by cells of about 1 "
        "km, and the search does not know them."
    ),
    # map
    "view": both("Map and topology"),
    "map": both("Map"),
    "topology": both("Topology"),
    "map_label": both("Map of zones and nodes; the list of findings says the same in words"),
    "topology_label": both(
        "Topology of the paths that bear witness; the list of findings says the same in words"
    ),
    "fit": both("Fit"),
    "legend": both("Legend"),
    "legend_fail": both("fails"),
    "legend_open": both("cannot be told"),
    "legend_pass": both("passes"),
    "legend_none": both("not judged"),
    "legend_facility": both("facilities are drawn larger"),
    "legend_cluster": both("several nodes; the worst verdict shows"),
    "legend_in": both("in the pilot area"),
    "legend_undecided": both("undecided"),
    "legend_out": both("cut out"),
    "legend_band": both("doubt about the edge"),
    "legend_disc": both("accuracy of a place, with its datum"),
    "legend_path": both("path that bears witness"),
    "legend_link": both("link"),
    "zoom_links": both("Zoom in to see links and single nodes."),
    "no_places": both("No node has coordinates; the topology shows the network."),
    "unplaced": both("{count} nodes have no coordinates; they are in the topology and in the list."),
    "path_unplaced": both(
        "{count} of the {all} nodes of this path have no coordinates; the topology shows all of them."
    ),
    "to_topology": both("Show it there"),
    "topology_none": both("No path bears witness here; choose a node to see its links."),
    "topology_some": both(
        "The {count} nodes shown are those of the worst groups; choose a finding to see its path."
    ),
    "subscriber_group": both("{count} subjects"),
    # details
    "choose": both(
        "Choose a finding or a node, in the list or on the map, to see its path and what is known of it."
    ),
    "close": both("Close"),
    "nodes_here": both("{count} nodes stand here:"),
    "kind": both("Kind"),
    "name": both("Name"),
    "services": both("Services"),
    "services_all": both("all pilot services (none stated)"),
    "role": both("Role"),
    "place": both("Place"),
    "site": both("Site"),
    "inherited": both("place of its site"),
    "accuracy": both("± {metres} m, doubt about the datum included"),
    "accuracy_stated": both("± {metres} m"),
    "region": both("region code {code}"),
    "address": both("Address"),
    "no_place": both("no place known"),
    "no_coordinates": both("no coordinates"),
    "undeclared": both("not declared"),
    "judged": both("Judged"),
    "role_subject": both("subject of the access rules"),
    "role_facility": both("service facility"),
    "role_maybe": both("service facility on one reading"),
    "role_gate": both("carrier's access equipment"),
    "role_maybe_gate": both("access equipment on one reading"),
    "role_root": both("the Internet lies behind it"),
    "role_maybe_root": both("the Internet may lie behind it"),
    "out_of_service": both("not in service on the date"),
    "by_region_code": both("by region code"),
    "by_coordinates": both("by coordinates"),
    "by_address": both("by address"),
    "conflict": both("what is declared of the place contradicts itself"),
    "neighbours": both("Linked to"),
}


def words(lang: str) -> dict[str, str]:
    """All words of the page in one language."""
    return {name: text.in_(lang) for name, text in WORDS.items()}
