"""No link leaves the mainland but through a carrier's gateway.

Clause
------
电信条例 Arts. 58(1), 64; 国际通信出入口局管理办法 Art. 6; 信管函〔2017〕32号. International communications, and those with
Hong Kong, Macao and Taiwan likewise, pass through approved gateways, which the carriers run; leased international
lines serve internal office use and may not join data centres or business platforms for telecom business.

Check
-----
Links in service of kind ``cross_border``, and links with an end outside the mainland, are judged by what stands at
the mainland end, who owns or supplies the line, and what it joins. A carrier's gateway or egress passes. Without
one, a line that the operator owns or supplies itself fails, and one of an enterprise with value-added licences
only; so does a carrier's international line between data centres or platforms.

Inconclusive when
-----------------
Nobody says whose line it is; a carrier's line whose use is not clear from what it joins; an end of
which it is not certain whether it lies on the mainland; a tunnel one end of which is not declared or has no place.

Not applicable when
-------------------
No link is of that kind, or the operator has no service under the pilot.

Limits
------
Related law: stands apart from the verdict under Circular 107. Ordinary Internet traffic abroad is no channel of the
operator's. Lines with which the operator has nothing to do (carriers', customers') pass. Self-built fibre between
sites on the mainland is not judged.

Source
------
Card PILOT-ISP-04; decision 12.10.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from auditor import columns, roles
from auditor.columns import FIRST_DAY, LAST_DAY, Coded
from auditor.findings import Batch, Verdict
from auditor.language import both
from auditor.paths import ends_of, names_of
from auditor.roles import Party, Surety
from auditor.rule import Message, Rule
from auditor.standing import OUTSIDE, UNKNOWN
from auditor.values import Each

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.case import Case
    from auditor.columns import BoolArray, FloatArray, IntArray

OTHER_JURISDICTIONS = ("71", "81", "82")  # GB/T 2260: Taiwan, Hong Kong, Macao
THEIR_NAMES = ("台湾", "香港", "澳门", "中国台湾", "中国香港", "中国澳门")
# Degrees, lon and lat from and to: China with its seas, and boxes round the three, Guangdong's edge in them.
CHINA = (73.0, 3.0, 135.5, 54.0)
NEAR_THEM = ((113.8, 22.1, 114.5, 22.6), (113.5, 22.0, 113.7, 22.25), (119.9, 21.7, 122.2, 25.5))
GATEWAYS = frozenset({"gateway", "egress"})
PLATFORMS = roles.FACILITY
OFFICES = frozenset({"office", "management", "cpe"})
NO_CHANNEL = frozenset({"subscriber", "cpe"})  # whose place ISP-01 asks for, once


@dataclass(frozen=True)
class Lines:
    """Links that leave the mainland or may, one a row.

    Parameters
    ----------
    rows
        Rows of the link table.
    ends
        Row of the node at either end; the number of nodes stands for an end that is not declared.
    abroad
        `Surety` that either end lies outside the mainland.
    leaves
        `Surety` that the link leaves the mainland.
    owner, supplier
        `Party` of the line.
    """

    rows: IntArray
    ends: tuple[IntArray, IntArray]
    abroad: tuple[IntArray, IntArray]
    leaves: IntArray
    owner: IntArray
    supplier: IntArray


def scope(case: Case) -> list[tuple[str, IntArray]]:
    """Give links that leave the mainland or may."""
    return [("link", _lines(case).rows)]


def check(case: Case) -> Iterator[Batch]:
    """Sort the links by the first answer that holds."""
    lines = _lines(case)
    left = np.ones(len(lines.rows), np.bool_)
    for verdict, message, mask in _answers(case, lines):
        at = np.flatnonzero(left & mask)
        left &= ~mask
        if len(at):
            told = _told(case, lines, at)
            yield Batch(verdict, message, lines.rows[at], "link", told, told)


def _answers(case: Case, lines: Lines) -> Iterator[tuple[Verdict, str, BoolArray]]:
    owner, supplier = lines.owner, lines.supplier
    carriers = (owner == Party.CARRIER) | (supplier == Party.CARRIER)
    own = (owner == Party.OPERATOR) | (supplier == Party.OPERATOR)
    non_basic = (owner == Party.NON_BASIC) | (supplier == Party.NON_BASIC)
    gateway = _either(lines, _at_gateway(case), mainland=True)
    involved = _either(lines, _involved(case), mainland=False) | own
    platforms, offices = (
        _both(lines, np.append(case.node("kind").isin(k), False)) for k in (PLATFORMS, OFFICES)
    )
    yield Verdict.PASS, "not_the_operators", ~involved
    yield Verdict.INCONCLUSIVE, "tunnel_end_unknown", lines.leaves == Surety.NO
    yield Verdict.PASS, "carrier_gateway", gateway
    yield Verdict.INCONCLUSIVE, "may_leave", lines.leaves == Surety.DOUBTFUL
    yield Verdict.FAIL, "own_channel", own & ~carriers
    yield Verdict.FAIL, "non_basic", non_basic & ~carriers
    yield Verdict.FAIL, "joins_platforms", carriers & platforms
    yield Verdict.PASS, "office_line", carriers & offices
    yield Verdict.INCONCLUSIVE, "use_unknown", carriers
    yield Verdict.INCONCLUSIVE, "line_unknown", np.ones(len(lines.rows), np.bool_)


def _either(lines: Lines, nodes: BoolArray, *, mainland: bool) -> BoolArray:
    """Lines with a node of the mask at an end; with `mainland`, at one that is not surely abroad."""
    found = np.zeros(len(lines.rows), np.bool_)
    for end, abroad in zip(lines.ends, lines.abroad, strict=True):
        found |= nodes[end] & ((abroad < Surety.SURE) | (not mainland))
    return found


def _both(lines: Lines, nodes: BoolArray) -> BoolArray:
    both: BoolArray = nodes[lines.ends[0]] & nodes[lines.ends[1]]
    return both


def _at_gateway(case: Case) -> BoolArray:
    """Carriers' gateways that they run themselves; the last is for an end that is not declared."""
    run = (case.owner == Party.CARRIER) & (case.runner == Party.CARRIER)
    return np.append(case.node("kind").isin(GATEWAYS) & run, False)


def _involved(case: Case) -> BoolArray:
    """Nodes that are the operator's, held for it, or nobody's by name."""
    ours = (case.owner == Party.OPERATOR) | (case.runner == Party.OPERATOR) | case.held
    return np.append(ours | (case.owner == Party.UNKNOWN), False)


def _abroad(case: Case) -> IntArray:
    """`Surety` that a node lies outside the mainland: by region code, else address, else coordinates."""
    rows, place = case.placed_by, case.place
    code, address = case.node("region_code").take(rows), case.node("address").take(rows)

    def by_code(text: str) -> int:
        abroad = text.startswith(OTHER_JURISDICTIONS) or (text.isalpha() and text.upper() != "CN")
        return Surety.SURE if abroad else Surety.NO

    coded = code.map(by_code, blank=Surety.NO, dtype=np.int8)
    said = address.map(lambda text: text.strip().startswith(THEIR_NAMES), blank=False, dtype=np.bool_)
    outside = place.relation == OUTSIDE
    at = np.flatnonzero(outside)
    near = np.zeros(case.n, np.bool_)
    near[at] = np.logical_or.reduce([_in_box(place.lon[at], place.lat[at], box) for box in NEAR_THEM])
    drawn = ~_in_box(place.lon, place.lat, CHINA) & ~np.isnan(place.lon) & ~np.isnan(place.lat)
    return np.where(code.blank, roles.surety_of(drawn | (said & outside), near), coded)


def _in_box(lon: FloatArray, lat: FloatArray, box: tuple[float, float, float, float]) -> BoolArray:
    west, south, east, north = box
    inside: BoolArray = (west <= lon) & (lon <= east) & (south <= lat) & (lat <= north)
    return inside


def _used(case: Case) -> BoolArray:
    """Links that carry traffic on the date, on any layer."""
    links = case.declaration.links
    kind, status = Coded.of(links.column("kind")), Coded.of(links.column("status"))
    starts = columns.days(links, "from_on", blank=int(FIRST_DAY))
    ends = columns.days(links, "to_on", blank=int(LAST_DAY))
    dated = (starts <= case.day) & (case.day < ends)
    used: BoolArray = dated & (kind.blank | kind.isin(roles.CARRYING_LINKS))
    return used & ~status.isin({"planned", "retired"})


def _declared(end: IntArray, n: int) -> IntArray:
    """Rows of declared nodes; the number of nodes for an end that is not declared."""
    return np.where((end >= 0) & (end < n), end, n)


def _lines(case: Case) -> Lines:
    links, n = case.declaration.links, case.n
    kind, abroad = Coded.of(links.column("kind")), _abroad(case)
    crosses, tunnel = kind.isin({"cross_border"}), kind.isin({"tunnel"})
    from_abroad, to_abroad = case.at_ends(abroad > Surety.NO)
    # Few links have to do with abroad at all: the rest is asked of them alone.
    rows = np.flatnonzero(_used(case) & (from_abroad | to_abroad | crosses | tunnel))
    first, second = (_declared(end[rows], n) for end in ends_of(case.declaration))
    alive, abroad = np.append(case.in_service, True), np.append(abroad, np.int8(Surety.NO))
    lost = np.append(case.place.relation == UNKNOWN, True) & (abroad == Surety.NO)
    # Both ends abroad: does not leave the mainland. One abroad, one nobody knows where: may leave it.
    leaves = np.abs(abroad[first] - abroad[second])
    leaves = np.where(lost[first] | lost[second], np.minimum(leaves, Surety.DOUBTFUL), leaves)
    leaves = np.where(crosses[rows], Surety.SURE, leaves)
    astray = lost & ~np.append(case.node("kind").isin(NO_CHANNEL), False)
    through = tunnel[rows] & (astray[first] | astray[second])
    kept = alive[first] & alive[second] & ((leaves > Surety.NO) | through)
    rows, first, second, leaves = (column[kept] for column in (rows, first, second, leaves))
    owner, supplier = (
        roles.parties(
            Coded.of(links.column(name)).take(rows), case.declaration.operator, as_of=case.as_of
        ).party
        for name in ("owner", "supplier")
    )
    return Lines(rows, (first, second), (abroad[first], abroad[second]), leaves, owner, supplier)


def _told(case: Case, lines: Lines, at: IntArray) -> dict[str, Any]:
    links = case.declaration.links
    owner, supplier = (Coded.of(links.column(name)).take(lines.rows[at]) for name in ("owner", "supplier"))

    def ends(position: int) -> list[Any]:
        row = int(lines.rows[at[position]])
        tail, head = (np.asarray(links.column(name).slice(row, 1).to_numpy()) for name in ("tail", "head"))
        names = names_of(case.declaration, np.concatenate([tail, head]))
        return [name or both("an end that is not declared") for name in names]

    def whose(position: int) -> Any:
        return supplier.at(position) or owner.at(position) or both("nobody named")

    return {"ends": Each(ends), "whose": Each(whose)}


RULE = Rule(
    id="PILOT-ISP-04",
    title=both("No link leaves the mainland but through a carrier's gateway"),
    basis="related_law",
    clauses=("law-telecom-58", "law-telecom-64", "law-gateway-6", "law-32-self-built"),
    severity="medium",
    scope=scope,
    check=check,
    messages={
        "carrier_gateway": Message("Leaves the mainland through a carrier's gateway ({ends})."),
        "not_the_operators": Message("Neither end nor the line is the operator's ({ends})."),
        "office_line": Message("A carrier's line between offices ({ends}): for internal use."),
        "own_channel": Message(
            "The operator owns or supplies this link out of the mainland itself ({ends}).",
            "Take the line out of service; lead international traffic through a carrier's gateway.",
        ),
        "non_basic": Message(
            "This link out of the mainland ({ends}) is supplied by {whose}, which holds value-added licences only.",
            "Lead international traffic through a carrier's gateway.",
        ),
        "joins_platforms": Message(
            "A carrier's international line joins data centres or platforms ({ends}); such lines are for internal "
            "office use.",
            "Show what the line is used for, or end its use for telecom business.",
        ),
        "use_unknown": Message(
            "A carrier's line leaves the mainland ({ends}); what it is used for is not clear.",
            "Ask for the contract and the use stated in it: internal office use only.",
        ),
        "line_unknown": Message(
            "This link leaves the mainland ({ends}), but nobody says through which carrier's gateway.",
            "State owner and supplier of the line, and the gateway.",
        ),
        "may_leave": Message(
            "Whether this link ({ends}) leaves the mainland cannot be told: the place of an end is not certain.",
            "Give the region codes of both ends.",
        ),
        "tunnel_end_unknown": Message(
            "Where this tunnel ends is not known ({ends}), so it may leave the mainland.",
            "Declare both ends with their places.",
        ),
    },
)
