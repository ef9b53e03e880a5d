"""What the operator is on the date: the services it offers, its approvals and contracts, its area."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from auditor import registers
from auditor.columns import Coded
from auditor.language import Text, both
from auditor.places import RELATIONS, Places
from auditor.roles import Surety

if TYPE_CHECKING:
    from auditor.columns import FloatArray
    from auditor.governance import Registration
    from auditor.model import Approval, Contract, Declaration, Domicile, Service
    from auditor.observations import Observations
    from auditor.places import Relation
    from auditor.settings import Policy
    from auditor.zones import Areas

WITHIN, OUTSIDE, STRADDLING, UNDECIDED, UNKNOWN = (
    RELATIONS.index(name) for name in ("within", "outside", "straddling", "undecided", "unknown")
)


def serves(codes: frozenset[str], offered: str) -> bool:
    """Tell whether services stated on a node include `offered`, itself or by a sub-item (B11-IRCS is B11).

    Usual names count as codes, so that nobody slips out of a rule by writing ISP for B14.

    Examples
    --------
    >>> serves(frozenset({"ISP"}), "B14"), serves(frozenset({"B11-IRCS"}), "idc")
    (True, True)
    """
    wanted = registers.service_code(offered) or offered
    return any(code == offered or wanted in registers.lineage(code) for code in codes)


def relation_of(areas: Areas, record: Domicile | Registration, *, address: str | None = None) -> Relation:
    """Relation of the place that a record states to the areas, one row.

    Parameters
    ----------
    address
        Its address in another spelling; by default as stated.
    """

    def number(value: float | None) -> FloatArray:
        return np.array([np.nan if value is None else value], np.float64)

    return areas.relate(
        Places(
            number(record.lon),
            number(record.lat),
            Coded.of([record.datum]),
            number(record.accuracy_m),
            Coded.of([record.region_code]),
            Coded.of([record.address if address is None else address]),
        )
    )


def split(text: str) -> frozenset[str]:
    """Split a list in a cell: ``B12;B14``."""
    return frozenset(part.strip() for part in text.split(";") if part.strip())


def _undecided() -> Policy:
    """Policy of a user who decided nothing."""
    from auditor.settings import Policy  # noqa: PLC0415 -- rules take words from here, and pydantic is slow

    return Policy()


@dataclass(frozen=True)
class Standing:
    """Declaration, areas and date of one audit, and what they make of the operator.

    Parameters
    ----------
    declaration
        What the operator declares.
    areas
        Pilot areas in force on the date.
    as_of
        Date of the audit.
    policy
        The user's decisions on what the circular leaves open.
    confirmed
        SHA-256 of documents that a review outside the declaration confirms.
    observations
        What sources said, or None where nobody asked.
    """

    declaration: Declaration
    areas: Areas
    as_of: dt.date
    policy: Policy = field(default_factory=_undecided)
    confirmed: frozenset[str] = frozenset()
    observations: Observations | None = None

    # --- services -----------------------------------------------------------------------------------------

    @cached_property
    def services(self) -> tuple[Service, ...]:
        """Services offered on the date, whatever their regime."""
        return tuple(
            s for s in self.declaration.services if registers.in_force(self._since(s), s.to_on, self.as_of)
        )

    @staticmethod
    def _since(service: Service) -> dt.date | None:
        return service.regime_from_on or service.started_on

    @cached_property
    def pilot_services(self) -> tuple[Service, ...]:
        """Services declared under the pilot."""
        if self.declaration.operator.nature == "domestic":
            return ()
        return tuple(s for s in self.services if s.regime and registers.regime_key(s.regime) == "pilot107")

    @cached_property
    def unsure_services(self) -> tuple[Service, ...]:
        """Services that the pilot may open whose regime is not stated, or stated in words nobody knows."""
        if self.declaration.operator.nature == "domestic":
            return ()
        return tuple(
            s
            for s in self.services
            if (not s.regime or registers.regime_key(s.regime) is None)
            and registers.opened(s.code) is not False
        )

    def offers(self, code: str) -> Surety:
        """How surely a service is offered under the pilot."""
        if any(serves(frozenset({s.code}), code) for s in self.pilot_services):
            return Surety.SURE
        maybe = any(serves(frozenset({s.code}), code) for s in self.unsure_services)
        return Surety.DOUBTFUL if maybe else Surety.NO

    @cached_property
    def approvals(self) -> tuple[Approval, ...]:
        """Pilot replies declared, whatever their state."""
        return tuple(a for a in self.declaration.approvals if a.kind == "pilot_reply")

    @cached_property
    def contracts(self) -> tuple[Contract, ...]:
        """Contracts in force on the date."""
        return tuple(
            c for c in self.declaration.contracts if registers.in_force(c.from_on, c.to_on, self.as_of)
        )

    @cached_property
    def age_days(self) -> int | None:
        """Age of the declaration on the date; nothing if it bears no date."""
        declared = self.declaration.declared_on
        return None if declared is None else (self.as_of - declared).days

    @cached_property
    def stale(self) -> bool:
        """Whether the declaration is too old to show today's network."""
        return self.age_days is None or self.age_days > self.policy.max_age_days

    # --- the operator's area ------------------------------------------------------------------------------

    @cached_property
    def domicile(self) -> Domicile | None:
        """Registered place in force on the date; the latest if several are, in whatever order they stand."""
        held = [
            d
            for d in self.declaration.operator.domiciles
            if registers.in_force(d.from_on, d.to_on, self.as_of)
        ]

        def since(place: Domicile) -> tuple[dt.date, str, str]:
            return place.from_on or dt.date.min, place.region_code or "", place.address or ""

        return max(held, key=since, default=None)

    @cached_property
    def domicile_place(self) -> Relation | None:
        """Relation of the registered place to the areas, one row; nothing where none is declared."""
        return None if self.domicile is None else relation_of(self.areas, self.domicile)

    @cached_property
    def area(self) -> int:
        """Index of the operator's area: of the domicile if it lies in one, else of its approvals; else -1."""
        home = self.domicile_place
        if home is not None and home.relation[0] == WITHIN:
            return int(home.area[0])
        granted = {self.area_of(a.area) for a in self.approvals if self._its_own(a)} - {-1}
        return granted.pop() if len(granted) == 1 else -1

    def area_of(self, name: str | None) -> int:
        """Index of the area that a claim or an approval names; -1 if it names none.

        By id, name, or the province or city that the name begins with: 上海市 means the area there.
        """
        said = (name or "").strip().casefold()
        for index, area in enumerate(self.areas.areas):
            short = area.name_zh[:2]
            if said in {area.id, area.name_en.casefold(), area.name_zh, short, f"{short}市"}:
                return index
        return -1

    def _its_own(self, approval: Approval) -> bool:
        """Whether the operator itself holds an approval, as far as it says; an affiliate's does not help."""
        operator = self.declaration.operator
        if approval.uscc and operator.uscc:
            return approval.uscc == operator.uscc
        return not approval.holder or approval.holder.casefold() == operator.name.casefold()

    def area_name(self, index: int) -> Text:
        """Name of an area by index, for messages."""
        if index < 0:
            return both("no pilot area")
        area = self.areas.areas[index]
        return Text(area.name_en, area.name_zh)
