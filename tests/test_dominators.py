"""What subscribers hang on: against taking out one node, and one link, after the other."""

from __future__ import annotations

from hypothesis import given, settings

import auditor
from auditor.dominators import hanging
from tests.test_repair import ENDS, GATES, ROOTS, case_of, names, nets, node_rows, read

STARTS = GATES | ROOTS | {"third", "leased"}  # what third parties own may have its own way to the Internet


def reached(roles, links, gone=None):
    """Nodes that a path from the Internet reaches, without one node or link."""
    role = names(roles)
    onward, starts = {}, {name for name, what in role.items() if what in STARTS}
    for link in links:
        if link["kind"] == "power" or link.get("status") == "planned" or link["id"] == gone:
            continue
        head = link["target"] or f"?{link['id']}"
        starts |= set() if link["target"] else {head}
        onward.setdefault(head, set()).add(link["source"])
        if link.get("direction") != "forward":
            onward.setdefault(link["source"], set()).add(head)
    seen = starts - {gone}
    left = list(seen)
    while left:
        here = left.pop()
        if role.get(here) in ENDS:
            continue
        new = onward.get(here, set()) - seen - {gone}
        seen |= new
        left += new
    return seen


def nearest(roles, links, home):
    """The node that all paths pass, and that all others that they pass lie before."""
    singles = [n for n in names(roles) if n != home and home not in reached(roles, links, n)]
    for node in singles:
        if all(node not in reached(roles, links, other) for other in singles if other != node):
            return node
    return None


@settings(max_examples=24)
@given(net=nets())
def test_taking_out_the_equipment_cuts_the_group_off(net, areas, tmp_path_factory):
    roles, links = net
    case = case_of(read(tmp_path_factory.getbasetemp(), node_rows(roles), links), areas)
    homes = [name for name, role in names(roles).items() if role == "home"]
    connected = [home for home in homes if home in reached(roles, links)]
    found = {}
    for row in case.subscribers.nonzero()[0]:
        groups = hanging(case, row.reshape(1)).groups
        found |= {group.example: group for group in groups}
    assert sorted(found) == sorted(connected)
    for home, group in found.items():
        assert group.equipment == nearest(roles, links, home)
        if group.link is not None:
            assert home not in reached(roles, links, group.link)
        if group.equipment is not None:
            singles = [x["id"] for x in links if group.equipment not in reached(roles, links, x["id"])]
            assert (group.link in singles) if singles else group.link is None
    assert sum(group.groups for group in hanging(case).groups) == len(connected)


def test_sample_and_both_languages(areas):
    declaration = auditor.read_declaration(auditor.sample("backbone"))
    found = hanging(case_of(declaration, areas))
    assert [(g.equipment, g.link, g.groups, g.subscribers) for g in found.groups] == [
        ("olt-1", "olt-1>agg-1", 1, 310),
        ("olt-2", "olt-2>agg-2", 1, 22),
    ]
    assert found.lines()[0].strip().startswith("310 subscribers (1 groups) hang on olt-1")
    assert "依赖 olt-1" in found.lines("zh")[0]
    assert found.to_dict()[1]["equipment"] == "olt-2"
