"""Look addresses up: what each source on this machine says of them, and how they lie to the areas by vote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from auditor import located, votes
from auditor.archive import Archive
from auditor.asking import Asked
from auditor.collection import Collector, Question, choose_sources
from auditor.columns import Coded
from auditor.located import Answers, Located
from auditor.settings import Settings
from auditor.sources._bulk import Bulk
from auditor.zones import RELATIONS

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable
    from pathlib import Path

    from auditor.addresses import Addresses
    from auditor.columns import IntArray
    from auditor.observations import Observations, Provenance
    from auditor.zones import Areas


@dataclass(frozen=True)
class Found:
    """What is known of a column of addresses.

    Parameters
    ----------
    addresses
        What was asked, one a row.
    observations
        What sources said; the subject of each is the number of its row.
    answers
        Regions by source, one a row of `addresses`.
    located
        The votes.
    areas
        Against which.
    """

    addresses: Addresses
    observations: Observations
    answers: tuple[Answers, ...]
    located: Located
    areas: Areas

    def table(self) -> pa.Table:
        """One row an address: relation and area by vote, then the region that each source names."""
        columns: dict[str, Any] = {
            "ip": self.addresses.text,
            "relation": Coded(self.located.relation, RELATIONS).arrow(),
            "area": Coded(self.located.area, self.areas.ids).arrow(),
            "conflict": pa.array(self.located.conflict),
        }
        for answer in self.answers:
            columns[f"{answer.source.source}_region"] = answer.region.arrow()
        return pa.table(columns)

    def words(self, row: int) -> list[dict[str, Any]]:
        """Everything that sources said of one address, in words."""
        rows = np.flatnonzero(Coded.of(self.observations.table.column("subject")).isin({str(row)}))
        return self.observations.records(rows)

    def ballot(self, row: int) -> dict[str, dict[str, Any]]:
        """Votes on one address, by area: families for and against, those that do not count, their ratio."""
        some, at = self.located.combinations, int(self.located.which[row])
        told = {}
        for index, name in enumerate(self.areas.ids):
            cast = some.cast(index)
            mine = np.arange(len(self.answers)) * some.rows + at
            sides: dict[str, list[str]] = {"support": [], "contradict": [], "nothing": [], "void": []}
            for position in mine.tolist():
                family = cast.family.at(position) or ""
                sides[votes.Says(int(cast.says[position])).name.lower()].append(family)
            ratio = some.joint(index, at)
            told[name] = {**sides, "ratio": None if ratio is None else round(ratio, 3)}
        return told


def look_up(
    addresses: Addresses,
    *,
    areas: Areas,
    as_of: dt.date,
    now: Callable[[], dt.datetime],
    archive: Path,
    settings: Settings | None = None,
) -> Found:
    """Ask the sources on this machine about addresses and blocks, and vote.

    Parameters
    ----------
    addresses
        Addresses or blocks.
    areas, as_of
        Areas in force, and the date from which the age of data counts.
    now
        Clock, aware UTC.
    archive
        Folder for raw answers; sources on this machine leave none.
    settings
        Databases of the user's.
    """
    settings = settings or Settings()
    collector = Collector(settings, Archive(archive), now, _never)
    subject = pa.array(np.arange(len(addresses))).cast(pa.string())
    asked = Question(Asked(subject, addresses), np.ones(len(addresses), np.bool_))
    seen = collector.ask(asked, choose_sources((), {}, online=False))
    answers = answers_of(seen, len(addresses))
    return Found(addresses, seen, answers, located.locate(answers, areas, as_of), areas)


def _never(seconds: float) -> None:
    raise AssertionError(f"a source on this machine waited {seconds} s")


def convert(
    source: Path, target: Path, *, areas: Areas, as_of: dt.date, settings: Settings | None = None
) -> int | None:
    """Locate the column ``ip`` of a Parquet file into another by the sources that ship; for millions.

    Returns
    -------
    int
        Number of rows; none where that cannot be done so: databases of the user's, blocks, IPv6, or cells
        that are no address. `look_up` knows all of these.
    """
    if settings is not None and settings.databases:
        return None
    return Bulk.of(areas, as_of).convert(source, target)


def answers_of(seen: Observations, rows: int) -> tuple[Answers, ...]:
    """Regions by source, of observations whose subjects are numbers of rows; the first answer counts."""
    kind, source = Coded.of(seen.table.column("kind")), Coded.of(seen.table.column("source"))
    region = Coded.of(seen.table.column("region"))
    number = Coded.of(seen.table.column("subject")).map(int, blank=-1, dtype=np.int64)
    given = kind.isin({"place"}) & Coded.of(seen.table.column("outcome")).isin({"answer"})
    named: dict[str, Provenance] = {p.source: p for p in seen.sources}
    found = []
    for name, about in named.items():
        at = np.full(rows, -1)
        good: IntArray = np.flatnonzero(given & source.isin({name}))[::-1]  # the first is written last
        at[number[good]] = good
        found.append(Answers(about, region.take(at)))
    return tuple(found)
