"""Which sites to open and what to place at which: capacitated facility location with single sourcing.

No law here. Small problems are solved as a mixed integer program by HiGHS. Large ones get a lower bound by
Lagrangian relaxation and a plan by a heuristic that the relaxation guides [1]_ [2]_; how far the plan can be
from the best one is stated.

References
----------
.. [1] G. Cornuéjols, R. Sridharan, J. M. Thizy, *A comparison of heuristics and relaxations for the
   capacitated plant location problem*, European Journal of Operational Research 50, 1991.
.. [2] M. Held, P. Wolfe, H. P. Crowder, *Validation of subgradient optimization*, Mathematical Programming 6,
   1974.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csr_array

if TYPE_CHECKING:
    from auditor.columns import BoolArray, FloatArray, IntArray

MOST_EXACT = 5_000
"""Pairs of a demand and a site up to which the exact program is asked."""
MOST_BRANCHES = 20_000
"""Branches after which it stops and states how far it got."""
ROUNDS = 300
PATIENCE = 12
"""Rounds without a better bound after which steps get shorter."""
CLOSEST = 12
"""Open sites for each demand among which the last placement is the best."""
NOWHERE = -1
EVERY = 15
"""Rounds of the relaxation between two plans made of it."""
CLOSE = 1e-9
"""Relative difference that counts as none."""
SLACK = 1e-9
"""Relative overload that counts as none: sums of sizes are rounded."""


@dataclass(frozen=True)
class Siting:
    """One problem.

    With ``y[j]`` whether site j is opened and ``x[i, j]`` whether demand i is placed there, both 0 or 1::

        minimise    sum_j fixed[j] y[j] + sum_ij cost[i, j] x[i, j]
        subject to  sum_j x[i, j] = 1               each demand is placed, whole
                    sum_i size[i] x[i, j] <= capacity[j] y[j]
                    x[i, j] <= y[j]

    Parameters
    ----------
    cost
        A row a demand, a column a site: what placing it there costs; infinite where it may not be placed.
    fixed
        One a site: what opening it costs.
    size, capacity
        One a demand and one a site, in one unit. Infinite capacity is none at all.
    """

    cost: FloatArray
    fixed: FloatArray
    size: FloatArray
    capacity: FloatArray

    @cached_property
    def allowed(self) -> BoolArray:
        """Pairs of a demand and a site that can hold it."""
        fits: BoolArray = np.isfinite(self.cost) & (self.size[:, None] <= self.capacity)
        return fits

    @property
    def even(self) -> bool:
        """Whether all demands are of one size: placing them is then no harder than a flow."""
        return bool(self.size.size) and bool((self.size == self.size[0]).all())

    def price(self, chosen: IntArray) -> float:
        """What a plan costs."""
        used = np.unique(chosen)
        return float(self.fixed[used].sum() + self.cost[np.arange(chosen.size), chosen].sum())

    def fits(self, chosen: IntArray) -> bool:
        """Whether a plan places everything where it may be, within the capacities."""
        if (chosen == NOWHERE).any() or not self.allowed[np.arange(chosen.size), chosen].all():
            return False
        load = np.bincount(chosen, self.size, self.fixed.size)
        return bool((load <= self.capacity * (1 + 1e-9)).all())


@dataclass(frozen=True)
class Plan:
    """An answer.

    Parameters
    ----------
    chosen
        One a demand: its site; None where no plan was found.
    bound
        No plan costs less; infinite where it is proven that there is none.
    exact
        Whether the plan is proven to be the best, or that there is none.
    """

    chosen: IntArray | None
    bound: float
    exact: bool


def solve(siting: Siting) -> Plan:
    """Solve exactly if the problem is small, else with a bound."""
    demands, sites = siting.cost.shape
    if not demands:
        return Plan(np.empty(0, np.int64), 0.0, exact=True)
    room = siting.capacity.sum() * (1 + SLACK) >= siting.size.sum()
    if not room or not siting.allowed.any(axis=1).all():
        return Plan(None, np.inf, exact=True)
    return by_program(siting) if demands * sites <= MOST_EXACT else by_relaxation(siting)


def by_program(siting: Siting) -> Plan:
    """Solve as a mixed integer program."""
    (demand, site), sites = np.nonzero(siting.allowed), siting.fixed.size
    pairs = np.arange(demand.size)
    placed = coo_array((np.ones(pairs.size), (demand, sites + pairs)), (siting.size.size, sites + pairs.size))
    room = np.minimum(siting.capacity, siting.size.sum())
    held = coo_array(
        (
            np.concatenate([siting.size[demand], -room]),
            (np.concatenate([site, np.arange(sites)]), np.concatenate([sites + pairs, np.arange(sites)])),
        ),
        (sites, sites + pairs.size),
    )
    opened = coo_array(
        (
            np.concatenate([np.ones(pairs.size), -np.ones(pairs.size)]),
            (np.concatenate([pairs, pairs]), np.concatenate([sites + pairs, site])),
        ),
        (pairs.size, sites + pairs.size),
    )
    solved = milp(
        np.concatenate([siting.fixed, siting.cost[demand, site]]),
        constraints=[
            LinearConstraint(placed.tocsr(), 1, 1),
            LinearConstraint(held.tocsr(), -np.inf, 0),
            LinearConstraint(opened.tocsr(), -np.inf, 0),
        ],
        integrality=np.ones(sites + pairs.size, np.int8),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 0, "node_limit": MOST_BRANCHES},
    )
    if solved.x is None:
        proven = solved.status == 2  # noqa: PLR2004 -- infeasible
        return Plan(None, np.inf if proven else 0.0, exact=proven)
    chosen = np.full(siting.size.size, NOWHERE)
    taken = solved.x[sites:] > 0.5  # noqa: PLR2004 -- 0 or 1, but for rounding
    chosen[demand[taken]] = site[taken]
    price = siting.price(chosen)
    exact = solved.status == 0
    return Plan(chosen, price if exact else min(float(solved.mip_dual_bound), price), exact)


# --- large problems ---------------------------------------------------------------------------------------


def by_relaxation(siting: Siting) -> Plan:
    """Bound from below by prices on the demands, and build a plan from the sites that the prices open.

    That each demand is placed once is priced by a multiplier a demand; what is left falls apart into a
    knapsack a site. That the open sites hold everything is kept, which makes the bound higher.
    """
    cost = np.where(siting.allowed, siting.cost, np.inf)
    by_site = np.ascontiguousarray(cost.T)
    best = placed(siting, np.ones(siting.fixed.size, np.bool_))
    best = None if best is None else improved(siting, best)
    upper = np.inf if best is None else siting.price(best)
    price = cost.min(axis=1)
    if best is not None:
        price = price + max(0.0, upper - price.sum()) / price.size
    lower, pace, idle, kept = -np.inf, 1.0, 0, price
    for turn in range(ROUNDS):
        bound, opened, excess = _relaxed(siting, by_site, price)
        idle += 1
        if bound > lower:
            lower, idle, kept = bound, 0, price
        if turn % EVERY == 0:
            best, upper = _better(siting, opened, best, upper)
        norm = float(excess @ excess)
        if upper - lower <= CLOSE * abs(upper) or norm == 0:
            break
        if idle >= PATIENCE:
            pace, idle, price = pace / 2, 0, kept
            continue
        goal = upper if np.isfinite(upper) else lower + abs(lower) / EVERY + 1
        price = price + pace * max(goal - bound, CLOSE) / norm * excess
    return _finished(siting, best, lower)


def _better(
    siting: Siting, opened: BoolArray, best: IntArray | None, upper: float
) -> tuple[IntArray | None, float]:
    """Place everything at the sites opened, if that is cheaper than the best plan so far."""
    chosen = placed(siting, opened)
    if chosen is None:
        return best, upper
    chosen = improved(siting, chosen)
    cost = siting.price(chosen)
    return (chosen, cost) if cost < upper else (best, upper)


def _finished(siting: Siting, best: IntArray | None, lower: float) -> Plan:
    if best is None:
        return Plan(None, max(lower, 0.0), exact=False)
    polished = improved(siting, transported(siting, best))
    polished = transported(siting, polished)
    best = min((best, polished), key=siting.price)
    price = siting.price(best)
    lower = min(lower, price)
    return Plan(best, lower, exact=bool(price - lower <= CLOSE * abs(price)))


def _relaxed(siting: Siting, by_site: FloatArray, price: FloatArray) -> tuple[float, BoolArray, FloatArray]:
    """Bound at some prices, the sites it opens, and by how much each demand is placed too seldom."""
    sites, demands = by_site.shape
    total = siting.size.sum()
    value, taken = np.zeros(sites), np.zeros((sites, demands), np.float32)
    for site in range(sites):
        value[site] = _knapsack(siting, site, by_site[site] - price, taken[site])
    value += siting.fixed
    open_ = (value < 0).astype(np.float64)
    room = np.minimum(siting.capacity, total)
    lacking = total - open_ @ room
    closed = np.flatnonzero((open_ == 0) & (room > 0))
    if lacking > 0:  # the cheapest further capacity, in part if need be: a bound still
        order = closed[np.argsort(value[closed] / room[closed], kind="stable")]
        before = np.cumsum(room[order]) - room[order]
        open_[order] = np.clip((lacking - before) / room[order], 0, 1)
    return float(price.sum() + open_ @ value), open_ > 0, 1 - open_ @ taken


def _knapsack(siting: Siting, site: int, gain: FloatArray, taken: FloatArray) -> float:
    """Least sum of negative gains that a site can hold, demands in part allowed; marks what is taken."""
    worth = np.flatnonzero(gain < 0)
    size, room = siting.size[worth], siting.capacity[site]
    if size.sum() <= room:
        taken[worth] = 1
        return float(gain[worth].sum())
    if siting.even:
        most = int(room / size[0] + 1e-9)
        worth = worth[np.argpartition(gain[worth], most)[:most]] if most < worth.size else worth
        taken[worth] = 1
        return float(gain[worth].sum())
    order = worth[np.argsort(gain[worth] / size, kind="stable")]
    size = siting.size[order]
    share = np.clip((room - (np.cumsum(size) - size)) / size, 0, 1)
    taken[order] = share
    return float(share @ gain[order])


def placed(siting: Siting, opened: BoolArray, chosen: IntArray | None = None) -> IntArray | None:
    """Place demands at open sites: those first that would lose most by their second choice.

    Parameters
    ----------
    siting
        The problem.
    opened
        One a site.
    chosen
        Sites of demands that stay where they are, `NOWHERE` for those to place; by default all.

    Returns
    -------
    IntArray or None
        None where some found no room; they might in another order.
    """
    sites = np.flatnonzero(opened)
    chosen = np.full(siting.size.size, NOWHERE) if chosen is None else chosen.copy()
    left = np.flatnonzero(chosen == NOWHERE)
    held = np.bincount(chosen[chosen >= 0], siting.size[chosen >= 0], siting.fixed.size)
    room = (siting.capacity * (1 + SLACK) - held)[sites]
    pairs = np.ix_(left, sites)
    cost, size = np.where(siting.allowed[pairs], siting.cost[pairs], np.inf), siting.size[left]
    while left.size:
        if not sites.size:
            return None
        options, rows = np.where(size[:, None] <= room, cost, np.inf), np.arange(left.size)
        pick = options.argmin(axis=1)
        first = options[rows, pick]
        if not np.isfinite(first).all():
            return None
        options[rows, pick] = np.inf
        order = np.lexsort((left, first - options.min(axis=1), pick))
        before, starts = np.cumsum(size[order]), np.searchsorted(pick[order], pick[order])
        fits = before - (before[starts] - size[order][starts]) <= room[pick[order]]
        taken = order[fits]
        chosen[left[taken]] = sites[pick[taken]]
        room = room - np.bincount(pick[taken], size[taken], sites.size)
        stay = np.ones(left.size, np.bool_)
        stay[taken] = False
        left, size, cost = left[stay], size[stay], cost[stay]
    return chosen


def improved(siting: Siting, chosen: IntArray) -> IntArray:
    """Open, close and exchange sites while a plan becomes cheaper, the dearest first."""
    price, before = siting.price(chosen), np.inf
    order = np.argsort(-siting.fixed, kind="stable").tolist()
    while price < before:
        before = price
        for site in order:
            other = _without(siting, chosen, site) if (chosen == site).any() else _with(siting, chosen, site)
            if other is not None and siting.price(other) < price - CLOSE * abs(price):
                chosen, price = other, siting.price(other)
    return chosen


def _without(siting: Siting, chosen: IntArray, site: int) -> IntArray | None:
    """Close a site; what was there goes to other open ones."""
    opened = np.isin(np.arange(siting.fixed.size), chosen)
    opened[site] = False
    return placed(siting, opened, np.where(chosen == site, NOWHERE, chosen))


def _with(siting: Siting, chosen: IntArray, site: int) -> IntArray | None:
    """Open a site for those that gain most by it, and close the one that this serves best."""
    gain = siting.cost[np.arange(chosen.size), chosen] - siting.cost[:, site]
    gain = np.where(siting.allowed[:, site], gain, -np.inf)
    order = np.argsort(-gain, kind="stable")
    order = order[np.cumsum(siting.size[order]) <= siting.capacity[site] * (1 + SLACK)]
    gaining = order[gain[order] > 0]
    if not gaining.size:
        return None
    other = chosen.copy()
    other[gaining] = site
    # Of the sites that lose demands the one with least left, for what it costs.
    rest = np.bincount(other, siting.size, siting.fixed.size)
    losers = np.unique(chosen[gaining])
    losers = losers[(rest[losers] > 0) & (siting.fixed[losers] > 0)]
    if not losers.size:
        return other
    weakest = int(losers[np.argmin(rest[losers] / siting.fixed[losers])])
    fewer = _without(siting, other, weakest)
    return other if fewer is None or siting.price(other) <= siting.price(fewer) else fewer


def transported(siting: Siting, chosen: IntArray) -> IntArray:
    """Place demands of one size best at the sites that a plan opens: a transportation problem.

    Each among its `CLOSEST` open sites and the one it has; with capacities in whole demands the linear
    program has a whole solution.
    """
    if not siting.even:
        return chosen
    sites = np.unique(chosen)
    cost = np.where(siting.allowed[:, sites], siting.cost[:, sites], np.inf)
    most = min(CLOSEST, sites.size)
    near = np.argpartition(cost, most - 1, axis=1)[:, :most]
    near = np.column_stack([near, np.searchsorted(sites, chosen)])
    demand = np.repeat(np.arange(chosen.size), near.shape[1])
    site = near.ravel()
    pair = np.unique(demand * sites.size + site)
    demand, site = pair // sites.size, pair % sites.size
    finite = np.isfinite(cost[demand, site])
    demand, site = demand[finite], site[finite]
    ones, columns = np.ones(demand.size), np.arange(demand.size)
    room = np.floor(np.minimum(siting.capacity[sites], siting.size.sum()) / siting.size[0] + 1e-9)
    solved = milp(  # without any whole variable: the simplex method gives a vertex, which is whole
        cost[demand, site],
        constraints=[
            LinearConstraint(csr_array((ones, (demand, columns))), 1, 1),
            LinearConstraint(csr_array((ones, (site, columns)), (sites.size, demand.size)), -np.inf, room),
        ],
        bounds=Bounds(0, 1),
    )
    if solved.x is None:
        return chosen
    better = np.full(chosen.size, NOWHERE)
    taken = solved.x > 0.5  # noqa: PLR2004 -- 0 or 1, but for rounding
    better[demand[taken]] = sites[site[taken]]
    return better if siting.fits(better) else chosen
