"""What an area that leaves the pilot takes with it: services, facilities, subscribers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from auditor import registers
from auditor.arrow import pa
from auditor.language import Text, both
from auditor.roles import Surety
from auditor.standing import WITHIN

if TYPE_CHECKING:
    from auditor.case import Case
    from auditor.columns import BoolArray
    from auditor.settings import AreaEvent

SHOWN = ("id", "kind", "name", "services", "region_code")


@dataclass(frozen=True)
class Hits:
    """What one area event hits of an operator.

    Parameters
    ----------
    event, area
        The event, and the name of its area.
    services
        Codes of the services under the pilot that lose their basis.
    partly
        Codes of those of which the event removes an item alone.
    facilities
        Facilities inside the area that serve such a service: id, kind, name, services, region_code, ``sure``
        (whether it is bound on every reading).
    subscribers
        Groups that such a service serves: id, kind, name, services, region_code, ``count``.
    """

    event: AreaEvent
    area: Text
    services: tuple[str, ...]
    partly: tuple[str, ...]
    facilities: pa.Table
    subscribers: pa.Table

    @property
    def users(self) -> int:
        """Subscribers hit, groups counted by their members."""
        return int(np.sum(self.subscribers.column("count").to_numpy()))

    def to_text(self, lang: str = "en") -> list[str]:
        """Give the lines that people read."""
        said = (
            both("{area} {event} on {on}", area=self.area, event=KINDS[self.event.kind], on=self.event.on),
            both("services hit: {services}", services=list(self.services) or both("none")),
            both("facilities hit: {count:,}", count=self.facilities.num_rows),
            both(
                "groups of subscribers hit: {groups:,}, subscribers: {users:,}",
                groups=self.subscribers.num_rows,
                users=self.users,
            ),
        )
        return [line.in_(lang) for line in said]


KINDS = {"narrow": both("is narrowed"), "terminate": both("leaves the pilot")}


def removes(event: AreaEvent, code: str) -> Surety:
    """Tell how surely an event removes a service: NO, DOUBTFUL where it names an item of it alone, SURE.

    Examples
    --------
    >>> from auditor.settings import AreaEvent
    >>> event = AreaEvent(area="hainan", on="2026-06-01", kind="narrow", services=["ISP", "B11-IRCS"])
    >>> [removes(event, code).name for code in ("B14", "B11", "B12")]
    ['SURE', 'DOUBTFUL', 'NO']
    """
    if event.kind == "terminate":
        return Surety.SURE
    mine = registers.service_code(code) or code
    gone = {registers.service_code(text) or text for text in event.services}
    if gone & {mine, *registers.lineage(mine)}:
        return Surety.SURE
    return Surety.DOUBTFUL if any(mine in registers.lineage(item) for item in gone) else Surety.NO


def area_of(case: Case, event: AreaEvent) -> int:
    """Index of the area of an event; -1 where no area in force bears that name."""
    return case.area_of(event.area)


def hit_by(case: Case, event: AreaEvent) -> Hits:
    """Tell what an event hits: nothing of an operator that is registered elsewhere, but its facilities there.

    Parameters
    ----------
    case
        The declaration on its date; whether the event lies ahead or behind makes no difference here.
    event
        An area that is narrowed or ends.
    """
    area = area_of(case, event)
    at_home = area >= 0 and area == case.area
    mine = [(registers.service_code(s.code) or s.code) for s in case.pilot_services]
    named = list(dict.fromkeys(mine))
    gone = {level: [c for c in named if removes(event, c) == level] for level in Surety}
    served = _serve(case, [*gone[Surety.SURE], *gone[Surety.DOUBTFUL]])
    there = (case.place.relation == WITHIN) & (case.place.area == area) & (area >= 0)
    held = (case.facility > Surety.NO) & served & there
    groups = case.node("kind").isin({"subscriber"}) & case.in_service & served & at_home
    facilities, subscribers = np.flatnonzero(held), np.flatnonzero(groups)
    sure = pa.array(case.facility[facilities] == Surety.SURE)
    return Hits(
        event,
        case.area_name(area) if area >= 0 else Text(event.area, event.area),
        tuple(gone[Surety.SURE]) if at_home else (),
        tuple(gone[Surety.DOUBTFUL]) if at_home else (),
        _table(case, facilities).append_column("sure", sure),
        _table(case, subscribers).append_column("count", pa.array(case.counts_of(subscribers), pa.int64())),
    )


def _serve(case: Case, codes: list[str]) -> BoolArray:
    """Nodes that serve one of some services; a subscriber without services has Internet access alone."""
    served = np.zeros(case.n, np.bool_)
    users = case.node("kind").isin({"subscriber"}) & case.node("services").blank
    for code in codes:
        served |= case.serves(code) & (~users | (code == "B14"))
    return served


def _table(case: Case, rows: Any) -> pa.Table:
    nodes = case.declaration.nodes.select(list(SHOWN)).take(pa.array(rows))
    return pa.table({name: nodes.column(name).cast(pa.string()) for name in SHOWN})
