"""Who inspects what was drawn: inspectors drawn too (双随机), by the same seed.

Each drawn operator gets a team that inspects all that was drawn of it. Nobody inspects an operator that they
must keep away from, one outside the areas that they cover, or while on leave; within that, the load is as
even as it can be, and the seed decides between equals.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from auditor.cells import read_day
from auditor.errors import DeclarationError, Problem, UsageError
from auditor.language import say
from auditor.problems import quote
from auditor.registers._files import read_rows
from auditor.scans.sampling_selection import digest_of
from auditor.signed import in_order, read_signed

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping, Sequence

COLUMNS = ("name", "unit", "areas", "not_for", "leave_from_on", "leave_to_on")
REQUIRED = ("name", "unit")
KNOWN = say("columns are {columns}; leave others out", columns=COLUMNS)


class Inspector(NamedTuple):
    """A person who may be drawn.

    Parameters
    ----------
    name, unit
        Who, and of which office.
    areas
        Ids of the pilot areas that they cover; none named: all.
    not_for
        Operators that they must keep away from, by key, name or USCC.
    leave_from_on, leave_to_on
        First day of leave, and the first day after it; blank: not on leave, or without an end.
    """

    name: str
    unit: str
    areas: tuple[str, ...] = ()
    not_for: tuple[str, ...] = ()
    leave_from_on: str = ""
    leave_to_on: str = ""

    @property
    def label(self) -> str:
        """Name for people and for records."""
        return f"{self.name} ({self.unit})"

    def away(self, on: dt.date) -> bool:
        """Whether they are on leave on a day."""
        day = on.isoformat()
        stated = bool(self.leave_from_on or self.leave_to_on)
        return stated and self.leave_from_on <= day and (not self.leave_to_on or day < self.leave_to_on)


class Target(NamedTuple):
    """A drawn operator: how it is called here, its declared name and USCC, its area (an id)."""

    operator: str
    name: str | None = None
    uscc: str | None = None
    area: str | None = None

    def is_one_of(self, names: Iterable[str]) -> bool:
        """Whether any of the names means it."""
        own = {folded(name) for name in (self.operator, self.name, self.uscc) if name}
        return not own.isdisjoint(map(folded, names))


def folded(name: str) -> str:
    """Fold what people write at will: full width, case, blanks.

    Examples
    --------
    >>> folded("Ａcme 有限公司") == folded("acme有限公司")
    True
    """
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def read_inspectors(path: str | Path) -> tuple[Inspector, ...]:
    """Read ``inspectors.csv``.

    Parameters
    ----------
    path
        CSV with the columns ``name`` and ``unit``, and if wanted ``areas`` and ``not_for`` (lists separated
        by ``;``), ``leave_from_on`` and ``leave_to_on`` (exclusive). Their Chinese names are read as well.

    Raises
    ------
    DeclarationError
        All that is wrong with the file.
    """
    path = Path(path)
    names = _headings()
    rows = read_signed(path, lambda name: names.get(name.replace(" ", "_"), name), REQUIRED)
    problems: list[Problem] = []
    roster: dict[tuple[str, str], Inspector] = {}
    for number, row in enumerate(rows, start=2):
        wrong = _problems(path.name, number, row)
        if not wrong:
            one = _inspector(row)
            if (one.name, one.unit) in roster:
                where, what = say("row {number}", number=number), say("{name} is there twice", name=one.label)
                wrong.append(Problem(path.name, where, "name", what, say("give everybody one row")))
            roster.setdefault((one.name, one.unit), one)
        problems += wrong
    if not rows:
        problems.append(Problem(path.name, "", "", say("names nobody")))
    problems += [  # a misspelt not_for would hide a conflict
        Problem(path.name, say("row {number}", number=1), name, say("is no column of inspectors"), KNOWN)
        for name in dict.fromkeys(name for row in rows for name in row)
        if name not in {None, *COLUMNS}
    ]
    if problems:
        raise DeclarationError(problems)
    return tuple(sorted(roster.values()))


@cache
def _headings() -> dict[str, str]:
    """Our columns by every name that they go by."""
    rows = read_rows("inspector_headings.csv")
    return {name: row["field"] for row in rows for name in (row["field"], *row["names"].split("|"))}


def _inspector(row: Mapping[str, str]) -> Inspector:
    def words(name: str) -> tuple[str, ...]:
        listed = (row.get(name) or "").replace("；", ";").split(";")
        return tuple(sorted({word.strip() for word in listed if word.strip()}))

    first, last = ((row.get(name) or "").strip() for name in ("leave_from_on", "leave_to_on"))
    return Inspector(row["name"].strip(), row["unit"].strip(), words("areas"), words("not_for"), first, last)


def _problems(file: str, number: int, row: Mapping[Any, Any]) -> list[Problem]:
    where = say("row {number}", number=number)
    found = []
    if None in row:
        found.append(Problem(file, where, "", say("has more cells than the header")))
    found += [
        Problem(file, where, name, say("is missing")) for name in REQUIRED if not (row[name] or "").strip()
    ]
    given = {name: (row.get(name) or "").strip() for name in ("leave_from_on", "leave_to_on")}
    for name, value in given.items():
        if value and read_day(value) is None:
            what = say("{on} is no date", on=quote(value))
            found.append(Problem(file, where, name, what, say("write it as 2026-11-22")))
    first, last = given.values()
    if not found and first and last and first >= last:
        what = say("{value} is not after from_on", value=last)
        found.append(Problem(file, where, "leave_to_on", what, say("to_on is exclusive")))
    return in_order(found, COLUMNS)


def assigned(
    targets: Sequence[Target], roster: Sequence[Inspector], seed: str, *, team: int, on: dt.date
) -> dict[str, tuple[str, ...]]:
    """Draw a team for each operator.

    Parameters
    ----------
    targets
        The drawn operators, in the order drawn.
    team
        Inspectors an operator.
    on
        Day of the draw: whoever is on leave then is not drawn.

    Returns
    -------
    dict
        Labels of the inspectors by operator.

    Raises
    ------
    UsageError
        Operators for whom there are too few; nothing is bent.
    """
    eligible = {target.operator: _eligible(target, roster, on) for target in targets}
    faults = [
        _shortage(target, roster, team, on) for target in targets if len(eligible[target.operator]) < team
    ]
    if faults:
        raise UsageError(*faults)
    load = dict.fromkeys(range(len(roster)), 0)
    teams: dict[str, list[int]] = {}
    for target in targets:
        lots = {
            i: digest_of(seed, "inspector", target.operator, roster[i].name, roster[i].unit)
            for i in eligible[target.operator]
        }
        teams[target.operator] = sorted(lots, key=lambda i, lots=lots: (load[i], lots[i], i))[:team]  # type: ignore[misc]
        for i in teams[target.operator]:
            load[i] += 1
    while _evened(teams, eligible, load):
        pass
    return {operator: tuple(roster[i].label for i in sorted(own)) for operator, own in teams.items()}


def _eligible(target: Target, roster: Sequence[Inspector], on: dt.date) -> list[int]:
    return [
        i
        for i, one in enumerate(roster)
        if not one.away(on)
        and not target.is_one_of(one.not_for)
        and (not one.areas or target.area in one.areas)
    ]


def _shortage(target: Target, roster: Sequence[Inspector], team: int, on: dt.date) -> object:
    """Say why there are too few for an operator."""
    return say(
        "{operator}: {free} of {all} inspectors may be drawn, {team} are needed: {leave} on leave, "
        "{conflict} must keep away, {elsewhere} cover other areas",
        operator=target.operator,
        free=len(_eligible(target, roster, on)),
        all=len(roster),
        team=team,
        leave=sum(one.away(on) for one in roster),
        conflict=sum(target.is_one_of(one.not_for) for one in roster),
        elsewhere=sum(bool(one.areas) and target.area not in one.areas for one in roster),
    )


def _evened(teams: dict[str, list[int]], eligible: Mapping[str, Sequence[int]], load: dict[int, int]) -> bool:
    """Hand work on from one inspector to another who has two less, through others if need be, if it can be.

    Where no such chain is left the loads are as even as they can be (Harvey and others, Semi-matchings for
    bipartite graphs and load balancing, 2006).
    """
    for start in sorted(load, key=lambda i: (-load[i], i)):
        came: dict[int, tuple[int, str]] = {}
        queue = [start]
        for giver in queue:
            for operator, own in teams.items():
                if giver not in own:
                    continue
                for taker in eligible[operator]:
                    if taker == start or taker in came or taker in own:
                        continue
                    came[taker] = (giver, operator)
                    queue.append(taker)
                    if load[taker] <= load[start] - 2:
                        _hand_on(teams, came, start, taker)
                        load[start] -= 1
                        load[taker] += 1
                        return True
    return False


def _hand_on(
    teams: dict[str, list[int]], came: Mapping[int, tuple[int, str]], start: int, taker: int
) -> None:
    while taker != start:
        giver, operator = came[taker]
        teams[operator] = [taker if i == giver else i for i in teams[operator]]
        taker = giver


def strangers(roster: Sequence[Inspector], targets: Sequence[Target]) -> list[str]:
    """Names in ``not_for`` that no operator of the population bears: a slip there would hide a conflict."""
    named = sorted({name for one in roster for name in one.not_for})
    return [name for name in named if not any(target.is_one_of([name]) for target in targets)]
