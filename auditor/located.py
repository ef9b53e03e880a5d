"""Where an address is, by all that its sources say: the votes against each area, and what they come to.

A vote is the same for all addresses of which the same regions are said, so it is taken once for each distinct
combination of answers.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from auditor import observations, votes
from auditor.columns import Coded
from auditor.places import OUTSIDE, STRADDLING, UNKNOWN, WITHIN
from auditor.registers import read_weights, region_extent

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from auditor.columns import BoolArray, IntArray
    from auditor.observations import Provenance
    from auditor.votes import Tally, Votes
    from auditor.zones import Areas

_LONG_AGO = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Answers:
    """What one source says of many addresses, one row each.

    Parameters
    ----------
    source
        Who says it, with family and vintage.
    region
        As in the observations; blank where it does not know. How far it extends is told by its code.
    """

    source: Provenance
    region: Coded


@dataclass(frozen=True)
class Located:
    """How addresses lie to the areas by the votes of their sources.

    Parameters
    ----------
    relation, area
        int8 a row, as `auditor.zones.Relation` has them. *Within* asks for as many independent families as
        the area needs (`data/evidence.toml`) and none against; *outside* for two that name regions elsewhere,
        other than those that they name where they do not know; *straddling* says that they speak of a whole
        city or province of which the area is a part.
    conflict
        Whether families contradict one another, though two of them may agree.
    which
        Combination of answers of each row.
    combinations
        The votes on each combination.
    """

    relation: IntArray
    area: IntArray
    conflict: BoolArray
    which: IntArray
    combinations: Combinations


@dataclass(frozen=True)
class Combinations:
    """Distinct combinations of answers, with the votes on each for each area.

    Parameters
    ----------
    answers
        What each source says, one row a combination.
    areas, as_of
        Against which, and when.
    """

    answers: tuple[Answers, ...]
    areas: Areas
    as_of: dt.date

    @cached_property
    def rows(self) -> int:
        """Number of combinations."""
        return len(self.answers[0].region) if self.answers else 0

    @cached_property
    def _table(self) -> pa.Table:
        tables = []
        for answer in self.answers:
            outcome = np.where(answer.region.blank, "unknown", "answer").tolist()
            tables.append(
                observations.table(
                    self.rows,
                    subject="prefix:?",
                    asked=[str(row) for row in range(self.rows)],
                    source=answer.source.source,
                    family=answer.source.family,
                    kind="place",
                    outcome=outcome,
                    extent=answer.region.map(region_extent, blank="none", dtype=object),
                    region=answer.region,
                    vintage_on=answer.source.vintage_on,
                    seen_at=_LONG_AGO,
                )
            )
        return observations.join(tables)

    def cast(self, area: int) -> Votes:
        """Votes on "it stands in this area": all combinations by the first source, then by the next."""
        table = self._table
        n = table.num_rows
        nowhere = np.full(n, np.nan)
        claims = votes.Claims(
            np.full(n, area), Coded.of([None] * n), nowhere, nowhere, nowhere, np.zeros(n, np.bool_)
        )
        return votes.weigh(table, claims, self.areas, self.as_of)

    def tally(self, area: int) -> Tally:
        """Families for and against "it stands in this area", one row a combination."""
        cast = self.cast(area)
        row = np.tile(np.arange(self.rows), len(self.answers))
        return votes.tally(cast, np.zeros(len(cast), np.bool_), row, row, self.rows)

    def joint(self, area: int, row: int) -> float | None:
        """Likelihood ratio of all votes on one combination for an area."""
        cast = self.cast(area)
        at = np.arange(len(self.answers)) * self.rows + row
        return votes.joint(cast.weight[at], cast.family.take(at))

    @cached_property
    def decided(self) -> tuple[IntArray, IntArray, BoolArray]:
        """Relation, area and conflict of each combination."""
        n, two = self.rows, votes.CONTRADICTION
        relation, area = np.full(n, UNKNOWN, np.int8), np.full(n, -1, np.int8)
        out = self._named(OUTSIDE, -1)
        partly = np.array([self._named(STRADDLING, index) for index in range(len(self.areas.ids))])
        named = (partly > 0).sum(axis=0) + (out > 0)
        conflict = named > 1
        relation[out >= two] = OUTSIDE
        for index, families in enumerate(partly):
            whole = families >= two
            relation[whole], area[whole] = STRADDLING, index
        tied = ((partly >= two).sum(axis=0) + (out >= two)) > 1
        relation[tied], area[tied] = UNKNOWN, -1
        split = np.zeros(n, np.bool_)
        needed = read_weights().needed
        for index, name in enumerate(self.areas.ids):
            found = self.tally(index)
            least = needed.get(name, len(read_weights().families) + 1)
            inside = (found.supporting >= least) & (found.contradicting == 0)
            relation[inside], area[inside] = WITHIN, index
            split |= (found.supporting > 0) & (found.contradicting > 0)
        relation[split], area[split] = UNKNOWN, -1
        return relation, area, conflict | split

    def _named(self, relation: int, area: int) -> IntArray:
        """Count the families that name regions which lie so to an area; -1 is none."""
        weights = read_weights()
        families: dict[str, BoolArray] = {}
        oldest = self.as_of - dt.timedelta(days=weights.fresh_days)
        for answer in self.answers:
            family = weights.family(answer.source.family)
            coded = Coded.of([votes.coarsened(code, family.finest) for code in answer.region.values])
            coded = coded.take(answer.region.codes)
            said, where = votes.relate_regions(self.areas, list(coded.values))
            old = (answer.source.vintage_on or self.as_of) < oldest
            unsure = weights.unsure(family.id)
            void = [v == "CN" or v in unsure or (old and v.isalpha()) for v in coded.values]
            hit = (said == relation) & (where == area) & ~np.array(void, np.bool_)
            mine = np.append(hit, False)[coded.codes]
            families[family.id] = families.get(family.id, mine) | mine
        return sum((mask.astype(np.int8) for mask in families.values()), np.zeros(self.rows, np.int8))


def locate(answers: Sequence[Answers], areas: Areas, as_of: dt.date) -> Located:
    """Vote on where addresses are.

    Parameters
    ----------
    answers
        What each source says, one row an address.
    areas
        Areas in force.
    as_of
        Date from which the age of data counts.
    """
    key, which = _combined(answers)
    some = Combinations(tuple(Answers(a.source, a.region.take(key)) for a in answers), areas, as_of)
    relation, area, conflict = some.decided
    return Located(relation[which], area[which], conflict[which], which, some)


def _combined(answers: Sequence[Answers]) -> tuple[IntArray, IntArray]:
    """One row of each distinct combination of answers, and the combination of every row."""
    keys: Any = np.zeros(len(answers[0].region) if answers else 0, np.int64)
    for answer in answers:
        keys = keys * (len(answer.region.values) + 1) + answer.region.codes + 1
        if keys.max(initial=0) > np.iinfo(np.int32).max:
            keys = np.unique(keys, return_inverse=True)[1].reshape(-1)
    _, first, which = np.unique(keys, return_index=True, return_inverse=True)
    return first, which.reshape(-1)
