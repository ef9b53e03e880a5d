"""The record of a draw: all that is needed to draw it again, and to see that it was not made up.

It holds the population, unit by unit with stratum and weight, so that anybody can repeat the draw without the
declarations; and the digests of the declarations and results that the population was made of, so that whoever
has those can hold the population against them.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson
from pydantic import ValidationError

from auditor.errors import UsageError
from auditor.files import read_given
from auditor.language import say
from auditor.scans import sampling_form
from auditor.scans.canonical import canonical, sha256
from auditor.scans.sampling_inspectors import Inspector, Target, assigned
from auditor.scans.sampling_selection import ALGORITHM, Unit, population_sha256, probability, select
from auditor.scans.sampling_units import PARTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from auditor.language import Said

    Named: TypeAlias = Mapping[tuple[str, str], object]  # units by operator and subject

COLUMNS = ("operator", "subject", "stratum", "weight", *PARTS)
MOST_TOLD = 5


@dataclass(frozen=True)
class Plan:
    """What was to be drawn, and how.

    Parameters
    ----------
    kind
        One of `sampling_units.KINDS`, or the caller's own word for the rows of a frame.
    as_of, due_on
        Day of the draw, and last day on which its results are in time.
    seed, seed_from
        What all numbers come from; ``given``, ``settings``, or ``secrets`` of the system at the draw.
    by
        Columns that make strata.
    weights
        ``even``, ``risk``, or ``given``.
    size, per_stratum, at_least, all_of
        As `sampling_selection.select` takes them.
    team
        Inspectors an operator, where inspectors are drawn.
    """

    kind: str
    as_of: str
    due_on: str
    seed: str
    seed_from: str = "given"
    by: tuple[str, ...] = ()
    weights: str = "even"
    size: int | None = None
    per_stratum: int | None = None
    at_least: int = 0
    all_of: tuple[str, ...] = ()
    team: int = 2


@dataclass(frozen=True)
class Population:
    """What is drawn from.

    Parameters
    ----------
    units
        In any order.
    sources
        By operator: ``name``, ``uscc``, ``area``, and the digests that the units rest on.
    left_out
        By operator: why its units are not among them, in both languages.
    terms
        What else weights and strata rest on: auditor, policy, zones, and of a store its history.
    """

    units: list[Unit]
    sources: Mapping[str, Mapping[str, Any]]
    left_out: Mapping[str, Mapping[str, str]]
    terms: Mapping[str, Any]


@dataclass(frozen=True)
class Draw:
    """A draw and its record.

    Parameters
    ----------
    record
        `auditor.draw/1` as plain values.
    """

    record: Mapping[str, Any]

    @property
    def data(self) -> bytes:
        """The record as it is kept, the same draw the same bytes."""
        return canonical(self.record).encode() + b"\n"

    @property
    def sha256(self) -> str:
        """Digest of the record."""
        return sha256(self.data)

    @property
    def drawn(self) -> list[dict[str, Any]]:
        """Units drawn, by stratum, in the order drawn."""
        return list(self.record["drawn"])

    @property
    def plan(self) -> Plan:
        """What was to be drawn."""
        given: dict[str, Any] = dict(self.record["plan"])
        for name in ("by", "all_of"):
            given[name] = tuple(given[name])
        return Plan(**given)

    @property
    def of_store(self) -> bool:
        """Whether it was drawn from a store."""
        return "at" in self.record["terms"]

    @property
    def units(self) -> list[Unit]:
        """The population."""
        return [Unit(o, s, t, w, tuple(parts)) for o, s, t, w, *parts in self.record["population"]["rows"]]

    def to_frame(self) -> pd.DataFrame:
        """Give the units drawn, a row each."""
        import pandas as pd  # noqa: PLC0415

        names = ["number", "operator", "subject", "stratum", "weight", "probability", "inspectors"]
        return pd.DataFrame(self.drawn, columns=names)

    def population_frame(self) -> pd.DataFrame:
        """Give all units that might have been drawn, a row each."""
        import pandas as pd  # noqa: PLC0415

        rows = self.record["population"]["rows"]
        return pd.DataFrame(rows, columns=list(COLUMNS[: len(rows[0])]))

    def __repr__(self) -> str:
        units = self.record["population"]["units"]
        return f"<Draw of {len(self.drawn)} of {units} units, seed {self.record['plan']['seed']!r}>"


def draw_from(population: Population, plan: Plan, roster: Sequence[Inspector] = ()) -> Draw:
    """Draw, and write the record.

    Raises
    ------
    UsageError
        There is nothing to draw from, names that are none, or too few inspectors.
    """
    units = sorted(population.units)
    return Draw(
        {
            "schema": ALGORITHM,
            "plan": {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(plan).items()},
            "terms": dict(population.terms),
            "sources": {name: dict(own) for name, own in sorted(population.sources.items())},
            "left_out": {name: dict(why) for name, why in sorted(population.left_out.items())},
            "population": {
                **_described(units, plan),
                "rows": [[*unit[:4], *unit.parts] for unit in units],
            },
            "roster": [[list(v) if isinstance(v, tuple) else v for v in one] for one in roster],
            **_outcome(units, plan, targets_of(population.sources), roster),
        }
    )


def _described(units: list[Unit], plan: Plan) -> dict[str, Any]:
    """What a record says of its population, beside its rows."""
    columns = COLUMNS if plan.weights == "risk" else COLUMNS[:4]
    return {"sha256": population_sha256(units), "units": len(units), "columns": list(columns)}


def _outcome(
    units: list[Unit], plan: Plan, targets: Sequence[Target], roster: Sequence[Inspector]
) -> dict[str, Any]:
    """What a plan makes of a population: strata, units drawn, who inspects them."""
    names = Counter(unit[:2] for unit in units)
    twice = [" ".join(name) for name, count in names.items() if count > 1]
    if twice:
        raise UsageError(
            say("units are there twice: {names}; give every one its own name", names=twice[:MOST_TOLD])
        )
    strata, drawn = select(
        units,
        plan.seed,
        size=plan.size,
        per_stratum=plan.per_stratum,
        at_least=plan.at_least,
        all_of=plan.all_of,
    )
    own = {stratum.name: stratum for stratum in strata}
    weights: dict[str, set[int]] = {name: set() for name in own}
    for unit in units:
        weights[unit.stratum].add(unit.weight)
    teams: dict[str, tuple[str, ...]] = {}
    if roster:
        known = {target.operator: target for target in targets}
        order = dict.fromkeys(unit.operator for unit in drawn)
        wanted = [known.get(operator, Target(operator)) for operator in order]
        teams = assigned(wanted, roster, plan.seed, team=plan.team, on=dt.date.fromisoformat(plan.as_of))
    rows = []
    for number, unit in enumerate(drawn, start=1):
        chance = probability(unit, own[unit.stratum], even=len(weights[unit.stratum]) == 1)
        rows.append(
            {
                "number": number,
                "operator": unit.operator,
                "subject": unit.subject,
                "stratum": unit.stratum,
                "weight": unit.weight,
                "probability": None if chance is None else str(chance),
                "inspectors": list(teams.get(unit.operator, ())),
            }
        )
    return {"strata": [stratum._asdict() for stratum in strata], "drawn": rows}


# --- reading one back -------------------------------------------------------------------------------------


def read_draw(path: str | Path) -> Draw:
    """Read the record of a draw.

    Raises
    ------
    UsageError
        The file cannot be read, or is no such record.
    """
    return draw_of(read_given(path), str(path))


def draw_of(data: bytes, name: str) -> Draw:
    """Read a record from its bytes; `name` is how errors call it.

    Raises
    ------
    UsageError
        They are no record of a draw.
    """
    try:
        record = orjson.loads(data)
        sampling_form.Record.model_validate_json(data, strict=True)
    except ValidationError as error:
        places = dict.fromkeys(".".join(map(str, one["loc"][:4])) or "-" for one in error.errors())
        raise UsageError(
            say(
                "{path}: is no record of a draw (auditor.draw/1): missing or wrong: {places}",
                path=name,
                places=list(places)[:MOST_TOLD],
            )
        ) from None
    except ValueError as error:
        raise UsageError(say("{path}: is no JSON: {reason}", path=name, reason=str(error))) from None
    return Draw(record)


def roster_of(record: Mapping[str, Any]) -> tuple[Inspector, ...]:
    """Give the inspectors of a record."""
    return tuple(
        Inspector(name, unit, tuple(areas), tuple(not_for), first, last)
        for name, unit, areas, not_for, first, last in record["roster"]
    )


def targets_of(sources: Mapping[str, Mapping[str, Any]]) -> list[Target]:
    """Give the operators of a population as inspectors' conflicts name them."""
    return [Target(name, own["name"], own["uscc"], own["area"]) for name, own in sources.items()]


# --- holding it against what it says ----------------------------------------------------------------------


def faults_of(draw: Draw) -> list[object]:
    """Draw again from the population that a record holds, and say where it claims otherwise."""
    record, units = draw.record, draw.units
    faults: list[object] = []
    stated = {name: record["population"][name] for name in ("sha256", "units", "columns")}
    if stated != _described(units, draw.plan):
        faults.append(say("the population is not the one whose digest the record states"))
    if draw.plan.weights != "given" and any(unit.weight != 1 + sum(unit.parts) for unit in units):
        faults.append(say("weights are not what the record says that they are made of"))
    try:
        again = _outcome(sorted(units), draw.plan, targets_of(record["sources"]), roster_of(record))
    except UsageError as error:
        return [*faults, *error.args]
    if again["strata"] != record["strata"]:
        faults.append(say("strata, or the units drawn of each, are others"))
    faults += _other_rows(record["drawn"], again["drawn"])
    return faults


def _other_rows(claimed: list[dict[str, Any]], again: list[dict[str, Any]]) -> list[object]:
    """Name rows that a draw does not give."""
    if claimed == again:
        return []

    before, after = ({(row["operator"], row["subject"]): row for row in rows} for rows in (claimed, again))
    found = _told(
        before,
        after,
        say("drawn by the record, not by its seed"),
        say("drawn by the seed, missing in the record"),
        say("drawn, and otherwise described in the record"),
    )
    return found or [say("the order of the units drawn is another")]


@dataclass(frozen=True)
class Differences:
    """How the population of a record differs from one made anew, in words.

    Parameters
    ----------
    sources
        Declarations and results that are others than those the record names by digest.
    terms
        Auditor, policy, zones that are others.
    units
        Units, strata and weights that are others. Where sources and terms are the same, the record is at
        fault; else nobody can tell.
    """

    sources: list[object]
    terms: list[object]
    units: list[object]


def differences(draw: Draw, population: Population) -> Differences:
    """Hold the population of a record against one made anew."""
    record = draw.record
    sources: list[object] = [
        say("{operator}: its declaration or its result is another", operator=name)
        for name in sorted(record["sources"].keys() | population.sources.keys())
        if record["sources"].get(name) != population.sources.get(name)
    ]
    terms: list[object] = [
        say(
            "{name}: {before} in the record, now {after}",
            name=name,
            before=_short(before),
            after=_short(after),
        )
        for name in sorted(record["terms"].keys() | population.terms.keys())
        if (before := record["terms"].get(name)) != (after := population.terms.get(name))
    ]
    left_out = {name: dict(why) for name, why in population.left_out.items()}
    found: list[object] = []
    if record["left_out"] != left_out:
        names = sorted(record["left_out"].keys() ^ left_out.keys()) or sorted(left_out)
        found.append(say("left out otherwise: {names}", names=names[:MOST_TOLD]))
    found += _told(
        {unit[:2]: unit for unit in draw.units},
        {unit[:2]: unit for unit in population.units},
        say("in the record, not declared"),
        say("declared, not in the record"),
        say("of another stratum or weight"),
    )
    return Differences(sources, terms, found)


def _told(before: Named, after: Named, lost: Said, gained: Said, other: Said) -> list[object]:
    """Name the units that only one of two has, and those that the two describe otherwise."""
    changed = {key for key in before.keys() & after.keys() if before[key] != after[key]}
    found: list[object] = []
    for what, keys in (
        (lost, before.keys() - after.keys()),
        (gained, after.keys() - before.keys()),
        (other, changed),
    ):
        if keys:
            shown = [" ".join(key) for key in sorted(keys)[:MOST_TOLD]]
            found.append(say("{what}: {count:,}: {names}", what=what, count=len(keys), names=shown))
    return found


def _short(value: Any) -> str:
    text = canonical(value)
    return text if len(text) <= 80 else f"{sha256(text)[:16]}…"  # noqa: PLR2004 -- a line
