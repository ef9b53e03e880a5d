"""The ways of one subject as a layered drawing: subject, nodes, gate, root, and the hand-off."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from auditor import shortest, topology
from auditor.errors import UsageError
from auditor.findings import WORST_FIRST
from auditor.language import Text, both, say
from auditor.messages import VERDICTS, kind_name
from auditor.paths import names_of, ranker
from auditor.plots import _style as style
from auditor.problems import nearest
from auditor.roles import Party, Surety

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from auditor.findings import Batch, Finding
    from auditor.result import AuditResult

WAYS = {
    "path": both("the way that the finding shows"),
    "path_to_gate": both("the way to the carrier's access equipment"),
    "path_observed": both("the way that a traceroute took"),
}
PARTIES: Mapping[Party | None, tuple[str, Text]] = {
    Party.OPERATOR: ("#cfe6f5", both("the operator's")),
    Party.CUSTOMER: ("#ececec", both("the customer's")),
    Party.CARRIER: ("#cdeadd", both("a carrier's")),
    Party.THIRD: ("#fbe0c6", both("a third party's")),
    None: ("#ffffff", both("owner not stated or not known")),
}
TAGS = {
    "subject": both("subject"),
    "gate": both("access equipment"),
    "maybe_gate": both("access equipment in doubt"),
    "root": both("the Internet begins here"),
    "maybe_root": both("the Internet may begin here"),
}
LAWFUL = "#00805c"
HANDOFF = both("hand-off")
BEYOND = both("the carrier's network, the Internet")
NO_GATE = both("No way to a carrier's access equipment is declared.")
BY_OPERATOR = both("run by the operator")
NOT_DECLARED = both("far end not declared")
STEP, ROW, WIDE, HIGH = 1.95, 1.4, 1.4, 0.82  # inches, as what follows
MARGIN, HEAD, FOOT = 0.8, 0.4, 0.9
TEXT_CELLS = 22
ENDS = 4  # nodes of a long way that are shown at either end
LONGEST = 11
EXAMPLES = 5
MOST_KNOWN = 2_000


class Way(NamedTuple):
    """One way of the subject: node ids in order, None for a far end that is blank; a number is a gap."""

    kind: str
    nodes: tuple[str | int | None, ...]
    handoff: tuple[str | None, ...]
    finding: Finding | None = None


class Spot(NamedTuple):
    """What is written on a node, and how it looks."""

    lines: tuple[str, ...]
    tag: str
    party: Party | None
    sure: bool


def plot_paths(
    result: AuditResult,
    subject: str,
    ax: Axes | None = None,
    *,
    lang: str | None = None,
    size: tuple[float, float] | None = None,
) -> Axes:
    """Draw the ways of one subject, see `AuditResult.plot_paths`."""
    style.needed("matplotlib.patches")
    lang = lang or result.lang
    subject = subject if ":" in subject or subject == "operator" else f"node:{subject}"
    ways = _ways(result, subject)
    spots = _layout(ways)
    across = max(x for x, _ in spots.values()) * STEP + 2 * MARGIN
    down = -min(y for _, y in spots.values()) * ROW + HIGH + 0.9
    size = size or (max(across, 6.0), down + HEAD + FOOT)
    ax = style.axes(ax, size, (0.01, FOOT / size[1], 0.98, 1 - (HEAD + FOOT) / size[1]))
    ax.set(xlim=(-MARGIN, across - MARGIN), ylim=(HIGH / 2 + 0.45 - down, HIGH / 2 + 0.45), aspect="equal")
    ax.set_anchor("NW")
    ax.set_axis_off()
    drawn: dict[Any, Spot] = {key: _spot(result, key, lang) for key in spots}
    for way in reversed(ways):  # the first lies on top where they share a step
        _draw_links(ax, way, spots, drawn, lang)
    for key, (x, y) in spots.items():
        _draw_node(ax, drawn[key], x * STEP, y * ROW, lang)
    _tell(ax, result, ways, drawn, lang)
    style.plain_text(ax)
    return ax


# --- finding the ways -------------------------------------------------------------------------------------


def _ways(result: AuditResult, subject: str) -> list[Way]:
    """Give the ways that findings on a subject show, the worst first, each once.

    Raises
    ------
    UsageError
        Nothing was found on the subject, or no way.
    """
    found, rules = findings_on(result, subject)
    if not rules:
        known = _known(result)
        raise UsageError(
            say("nothing was found on {subject}; {hint}", subject=repr(subject), hint=nearest(subject, known))
        )
    found.sort(key=lambda f: (WORST_FIRST.index(f.verdict), f.rule))
    ways: dict[tuple[Any, ...], Way] = {}
    for kind in WAYS:
        for finding in found:
            nodes = tuple(finding.details.get(kind) or ())
            if nodes and nodes not in ways:
                handoff = tuple(finding.details.get("handoff") or ()) if kind == "path" else ()
                ways[nodes] = Way(kind, _shortened(nodes, handoff), handoff, finding)
    if not ways:
        told = _examples(result)
        raise UsageError(
            say(
                "no finding on {subject} shows a way ({rules}); those on these do: {others}",
                subject=repr(subject), rules=list(rules), others=told or [both("none")],
            )
        )  # fmt: skip
    shown = list(ways.values())
    if {way.kind for way in shown} != {"path"} or not subject.startswith("node:"):
        return shown
    lawful = way_to_gate(result, subject.removeprefix("node:"))
    return [*shown, *([Way("path_to_gate", _shortened(lawful, ()), ())] if lawful else [])]


def way_to_gate(result: AuditResult, node: str) -> tuple[str | None, ...]:
    """Give the shortest way of a node to a sure gate that runs through no root; empty where there is none."""
    network, declaration = result.case.network, result.case.declaration
    against, along = network.ways[0]
    found = topology.search(
        against,
        np.flatnonzero(network.gate == Surety.SURE),
        blocked=(network.root == Surety.SURE) & (network.gate != Surety.SURE),
        ends=network.ends,
        absent=network.to_gate(Surety.DOUBTFUL),
    )
    row = result.case.rows_of([node]).astype(np.int32)
    if found.level[row[0]] < 0:
        return ()
    nodes = shortest.paths(shortest.tree(found, along, row, ranker(declaration)), row).nodes
    return tuple(names_of(declaration, network.blank(nodes)))


def findings_on(result: AuditResult, subject: str) -> tuple[list[Finding], dict[str, None]]:
    """Give the findings on one subject that show a way, and the rules that judged it; read no others."""
    shown: list[Finding] = []
    judged: dict[str, None] = {}
    kind, _, name = subject.partition(":")
    row = int(result.case.rows_of([name])[0]) if kind == "node" else -1
    for found in result.findings.rules:
        for batch in (b for b in found.batches if b.kind == kind):
            position = _position(result, batch, row, subject)
            if position is None:
                continue
            judged[found.rule] = None
            if WAYS.keys() & batch.details.keys():
                only = replace(found, batches=(batch.take(np.array([position])),))
                shown += replace(result.findings, rules=(only,)).rows()
    return shown, judged


def _position(result: AuditResult, batch: Batch, row: int, subject: str) -> int | None:
    """Find a subject in a batch."""
    if batch.kind == "node" and isinstance(batch.subjects, np.ndarray):
        at = np.flatnonzero(batch.subjects == row).tolist() if row >= 0 else []
        return at[0] if at else None
    names = result.findings.names(batch)
    return names.index(subject) if subject in names else None


def _known(result: AuditResult) -> list[str]:
    """Some subjects, to guess which was meant."""
    names: dict[str, None] = {}
    for found in result.findings.rules:
        for batch in found.batches:
            some = batch.take(np.arange(min(len(batch), MOST_KNOWN)))
            names |= dict.fromkeys(result.findings.names(some))
            if len(names) >= MOST_KNOWN:
                break
    return sorted(names)[:MOST_KNOWN] if len(names) > EXAMPLES else sorted(names)


def _examples(result: AuditResult) -> list[str]:
    """Some subjects whose findings show a way, the worst first."""
    order = {verdict: rank for rank, verdict in enumerate(WORST_FIRST)}
    told: list[str] = []
    batches = [b for found in result.findings.rules for b in found.batches if WAYS.keys() & b.details.keys()]
    for batch in sorted(batches, key=lambda b: order[b.verdict]):
        told += result.findings.names(batch.take(np.arange(min(len(batch), EXAMPLES))))
    return list(dict.fromkeys(told))[:EXAMPLES]


def _shortened(nodes: Sequence[str | None], handoff: Sequence[str | None]) -> tuple[str | int | None, ...]:
    """Leave out the middle of a long way, but never the hand-off; a number says how many are left out."""
    if len(nodes) <= LONGEST:
        return tuple(nodes)
    kept = {*range(ENDS), *range(len(nodes) - ENDS, len(nodes))}
    kept |= {i for i, node in enumerate(nodes) if node is not None and node in handoff}
    told: list[str | int | None] = []
    before = -1
    for i in sorted(kept):
        if i - before > 1:
            told.append(i - before - 1)
        told.append(nodes[i])
        before = i
    return tuple(told)


# --- drawing ----------------------------------------------------------------------------------------------


def _keys(way: Way) -> list[Any]:
    """Name what is drawn of a way: a node by its id, so that ways share it; all else by way and place."""
    named = way.kind != "path_observed"
    keys: list[Any] = [
        ("node", node) if isinstance(node, str) and (named or i == 0) else (way.kind, way.nodes, i)
        for i, node in enumerate(way.nodes)
    ]
    return [*keys, ("beyond",)] if way.kind == "path_to_gate" else keys


def _layout(ways: Sequence[Way]) -> dict[Any, tuple[int, int]]:
    """Give each node its column (steps from the subject) and its row (the first way that has it)."""
    spots: dict[Any, tuple[int, int]] = {}
    for row, way in enumerate(ways):
        for column, key in enumerate(_keys(way)):
            spots.setdefault(key, (column, -row))
    return spots


def _spot(result: AuditResult, key: Any, lang: str) -> Spot:
    """Say what is written on a node."""
    if key[0] == "beyond":
        return Spot((BEYOND.in_(lang),), "", Party.CARRIER, sure=False)
    if key[0] != "node":
        text = key[1][key[2]]
        told = NOT_DECLARED.in_(lang) if text is None else str(text)
        told = say("{number:,} more", number=text).in_(lang) if isinstance(text, int) else told
        return Spot((told,), "", None, sure=False)
    case = result.case
    row = int(case.rows_of([key[1]])[0])
    if row < 0:
        return Spot((key[1], both("not declared").in_(lang)), "maybe_root", None, sure=False)
    kind, name, owner = (case.node(column).at(row) for column in ("kind", "name", "owner"))
    party = Party(int(case.owner[row]))
    words = {Party.OPERATOR: party, Party.CUSTOMER: party}
    whose = PARTIES[party][1].in_(lang) if party in words else owner or PARTIES[None][1].in_(lang)
    drawn = {Party.NON_BASIC: Party.THIRD, Party.UNKNOWN: None}.get(party, party)
    run = [BY_OPERATOR.in_(lang)] if case.runner[row] == Party.OPERATOR != party else []
    lines = (key[1], *([name] if name and name != key[1] else []), kind_name(kind).in_(lang), whose, *run)
    return Spot(lines, _tag(result, row), drawn, sure=True)


def _tag(result: AuditResult, row: int) -> str:
    """Name the part that a node plays."""
    access = result.case.access
    for role, surety in (("gate", access.gate[row]), ("root", access.root[row])):
        if surety != Surety.NO:
            return role if surety == Surety.SURE else f"maybe_{role}"
    return "subject" if result.case.subscribers[row] else ""


def _draw_node(ax: Axes, spot: Spot, x: float, y: float, lang: str) -> None:
    """Draw a box with its texts; gates have a heavy frame, roots a double one."""
    patches = style.needed("matplotlib.patches")
    gate, root = "gate" in spot.tag, "root" in spot.tag
    heavy = {"gate": 2.4, "root": 1.6}.get(spot.tag.removeprefix("maybe_"), 0.8)
    look = {
        "facecolor": PARTIES[spot.party][0],
        "edgecolor": "#00664a" if gate else style.HANDOFF if root else "#777777",
        "linewidth": heavy,
        "linestyle": "--" if not spot.sure or spot.tag.startswith("maybe") else "-",
    }
    shape = "round,pad=0.02,rounding_size=0.32" if root else "round,pad=0.02,rounding_size=0.06"
    corner = (x - WIDE / 2, y - HIGH / 2)
    ax.add_patch(patches.FancyBboxPatch(corner, WIDE, HIGH, boxstyle=shape, zorder=3, **look))
    head, *rest = spot.lines
    text = [
        style.broken(head, TEXT_CELLS, 1 if len(rest) > 1 else 2),
        *(style.short(t, TEXT_CELLS) for t in rest),
    ]
    ax.text(
        x, y, "\n".join(filter(None, text)), ha="center", va="center", fontproperties=style.font(7),
        color=style.INK, zorder=4, linespacing=1.3,
    )  # fmt: skip
    if spot.tag:
        colour = look["edgecolor"] if gate or root else style.FAINT
        ax.text(
            x, y + HIGH / 2 + 0.07, TAGS[spot.tag].in_(lang), ha="center", va="bottom", color=colour,
            fontproperties=style.font(7), zorder=4,
        )  # fmt: skip


def _draw_links(
    ax: Axes, way: Way, spots: Mapping[Any, tuple[int, int]], drawn: Mapping[Any, Spot], lang: str
) -> None:
    """Draw the steps of a way; the hand-off heavy and named."""
    patches = style.needed("matplotlib.patches")
    keys = _keys(way)
    for near, far in pairwise(keys):
        (ax_, ay), (bx, by) = spots[near], spots[far]
        a, b = np.array([ax_ * STEP, ay * ROW]), np.array([bx * STEP, by * ROW])
        handed = bool(way.handoff) and _ends(near, far, way)
        plain = "#555555" if way.kind == "path" else LAWFUL
        lawful = "gate" in drawn[far].tag
        colour = (LAWFUL if lawful else style.HANDOFF) if handed else plain
        start, stop = _edge(a, b), _edge(b, a)
        ax.add_patch(
            patches.FancyArrowPatch(
                start, stop, arrowstyle="-|>", mutation_scale=14 if handed else 9, zorder=2, color=colour,
                linewidth=3.0 if handed else 1.2, shrinkA=0, shrinkB=0,
                linestyle="--" if far == ("beyond",) or way.kind == "path_observed" else "-",
            )
        )  # fmt: skip
        if handed:
            middle = (np.asarray(start) + np.asarray(stop)) / 2
            ax.text(
                middle[0], middle[1] - 0.12, HANDOFF.in_(lang), ha="center", va="top", color=colour,
                fontproperties=style.font(7), zorder=5,
            )  # fmt: skip


def _ends(near: Any, far: Any, way: Way) -> bool:
    """Whether a step is the hand-off."""
    told = [key[1] if key[0] == "node" else None for key in (near, far)]
    return told == list(way.handoff)


def _edge(a: Any, b: Any) -> tuple[float, float]:
    """Where the line from one box to another leaves the first."""
    dx, dy = b - a
    half = WIDE / 2 + 0.03, HIGH / 2 + 0.03
    share = min(half[0] / abs(dx) if dx else np.inf, half[1] / abs(dy) if dy else np.inf)
    return float(a[0] + dx * share), float(a[1] + dy * share)


def _tell(ax: Axes, result: AuditResult, ways: Sequence[Way], drawn: Mapping[Any, Spot], lang: str) -> None:
    """Write the title, what each way shows, and the legend."""
    patches = style.needed("matplotlib.patches")
    first = next(way.finding for way in ways if way.finding is not None)
    left, right = ax.get_xlim()
    width = int((right - left) * 14)
    head = f"{first.subject}: {first.rule}, {VERDICTS[first.verdict].in_(lang)}"
    ax.set_title(
        style.broken(head, width, 1), fontproperties=style.font(10.5), color=style.INK, loc="left", pad=4
    )
    notes = []
    for way in ways:
        about = f" ({way.finding.rule})" if way.finding else ""
        told = f": {result.message(way.finding, lang)}" if way.finding else ""
        notes.append(WAYS[way.kind].in_(lang) + about + told)
    if {way.kind for way in ways} == {"path"}:
        notes.append(NO_GATE.in_(lang))
    seen = {spot.party for spot in drawn.values()}
    handles = [
        patches.Patch(facecolor=colour, edgecolor="#777777", linewidth=0.8, label=word.in_(lang))
        for party, (colour, word) in PARTIES.items()
        if party in seen
    ]
    ax.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(0.0, 0.0), ncols=5, frameon=False,
        prop=style.font(7), borderaxespad=0.0,
    )  # fmt: skip
    style.footnotes(ax, [style.broken(note, int(width * 1.3), 3) for note in notes], -20)
