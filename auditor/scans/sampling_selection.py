"""How units are selected: by keys that anybody can work out again, never by the state of a random generator.

The method is that of Efraimidis and Spirakis (Weighted random sampling with a reservoir, 2006): every unit
has a number u between 0 and 1 and is ranked by u^(1/weight), the largest first. Here u is 1 - v, and v is
read off SHA-256 over the seed and the name of the unit, so that neither the order of the units nor the
machine matters: units are ranked by -ln(1 - v) / weight, the smallest first, worked out to 50 decimal digits.
Where all weights are the same, the digests themselves rank.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from math import floor, log1p
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from auditor.errors import UsageError
from auditor.language import say
from auditor.scans.canonical import canonical, sha256

if TYPE_CHECKING:
    from collections.abc import Mapping

ALGORITHM = "auditor.draw/1"  # hashed with every unit: another way of drawing gets another name
SPAN = 1 << 256
DIGITS = 50
MARGIN = 1e-9  # relative; floating-point keys are good to 1e-15


class Unit(NamedTuple):
    """One thing that may be drawn.

    Parameters
    ----------
    operator
        Whose it is.
    subject
        ``operator``, ``node:ID``, ``link:ID`` or ``subscriber_area:PLACE``.
    stratum
        Where it is counted; blank where there is one stratum.
    weight
        A whole number from 1 up.
    parts
        What the weight is made of, beside the 1 that every unit has: `sampling_units.PARTS`, or nothing.
    """

    operator: str
    subject: str
    stratum: str = ""
    weight: int = 1
    parts: tuple[int, ...] = ()


class Stratum(NamedTuple):
    """A part of the population, and how many of it are drawn."""

    name: str
    units: int
    weight: int
    drawn: int
    census: bool


Bounds: TypeAlias = tuple[int, int, int]  # weight, least, most


def digest_of(seed: str, *name: str) -> int:
    """Give the number from 0 to 2^256 - 1 that a seed gives to a name."""
    return int(sha256(canonical([ALGORITHM, seed, *name])), 16)


def population_sha256(units: list[Unit]) -> str:
    """Digest of a population: a line of canonical JSON a unit, in order of operator and subject.

    Examples
    --------
    >>> a, b = Unit("A", "node:1"), Unit("B", "node:1")
    >>> population_sha256([a, b]) == population_sha256([b, a])
    True
    """
    digest = hashlib.sha256()
    for unit in sorted(units):
        digest.update(canonical(list(unit)).encode() + b"\n")
    return digest.hexdigest()


def ranked(units: list[Unit], seed: str, most: int) -> list[Unit]:
    """Give the first units in the order in which a seed draws them.

    Parameters
    ----------
    units
        In any order, all of one stratum.
    most
        How many are wanted.

    Examples
    --------
    >>> units = [Unit("A", f"node:{i}") for i in range(5)]
    >>> [unit.subject for unit in ranked(units, "2026-1", 3)]
    ['node:3', 'node:4', 'node:0']
    """
    numbers = [digest_of(seed, unit.operator, unit.subject) for unit in units]
    rows = range(len(units))
    if len({unit.weight for unit in units}) <= 1:
        order = sorted(rows, key=lambda i: (numbers[i], units[i]))
        return [units[i] for i in order[:most]]
    rough = [-log1p(-(2 * n + 1) / (2 * SPAN)) / unit.weight for n, unit in zip(numbers, units, strict=True)]
    last = sorted(rough)[min(most, len(units)) - 1] if most else -1.0
    near = [i for i in rows if rough[i] <= last * (1 + MARGIN)]
    order = sorted(near, key=lambda i: (exact_key(numbers[i], units[i].weight), units[i]))
    return [units[i] for i in order[:most]]


def exact_key(number: int, weight: int) -> Decimal:
    """Give -ln(1 - v) / weight to 50 digits, where v is the middle of the step that a digest names.

    Decimal arithmetic rounds alike everywhere; floating-point logarithms do not.

    Examples
    --------
    >>> exact_key(1 << 255, 2)
    Decimal('0.34657359027997265470861606072908828403775006718013')
    """
    exact = Context(prec=DIGITS, rounding=ROUND_HALF_EVEN)
    below_one = exact.divide(Decimal(2 * (SPAN - number) - 1), Decimal(2 * SPAN))
    return exact.divide(exact.minus(exact.ln(below_one)), Decimal(weight))


def allocated(size: int, strata: Mapping[str, Bounds]) -> dict[str, int]:
    """Share a size out between strata in proportion to their weights, within bounds, by largest remainder.

    Each stratum gets t times its weight, or its bound where that lies beyond it, with the one t at which all
    shares make up the size. What is left of whole units goes to the largest remainders; of equal ones, to the
    larger weight, then to the name that sorts first.

    Parameters
    ----------
    size
        Units in all.
    strata
        By name: weight from 1 up, least and most units.

    Examples
    --------
    >>> allocated(5, {"a": (60, 0, 60), "b": (30, 0, 30), "c": (10, 1, 10)})
    {'a': 3, 'b': 1, 'c': 1}
    """

    def shares(t: Fraction) -> dict[str, Fraction]:
        return {
            name: min(max(t * weight, Fraction(least)), Fraction(most))
            for name, (weight, least, most) in strata.items()
        }

    bounds = sorted({Fraction(end, weight) for weight, *ends in strata.values() for end in ends})
    at = bisect_left(bounds, Fraction(size), key=lambda t: sum(shares(t).values(), Fraction(0)))
    if at == len(bounds):  # more than there is, or no strata: all of it
        return {name: most for name, (_, _, most) in strata.items()}
    share = shares(bounds[at])
    if at and sum(share.values()) > size:
        low, high = bounds[at - 1], bounds[at]
        below = sum(shares(low).values())
        share = shares(low + (high - low) * (size - below) / (sum(share.values()) - below))
    whole = {name: floor(part) for name, part in share.items()}
    order = sorted(share, key=lambda name: (whole[name] - share[name], -strata[name][0], name))
    for name in order[: max(size - sum(whole.values()), 0)]:
        whole[name] += 1
    return whole


def select(
    units: list[Unit],
    seed: str,
    *,
    size: int | None = None,
    per_stratum: int | None = None,
    at_least: int = 0,
    all_of: tuple[str, ...] = (),
) -> tuple[list[Stratum], list[Unit]]:
    """Draw units, stratum by stratum.

    Parameters
    ----------
    size
        Units in all, shared out between strata by their weights (`allocated`).
    per_stratum
        Instead: units of every stratum.
    at_least
        Units of every stratum, however small its share; no more than it has.
    all_of
        Strata that are taken whole, beside the size.

    Returns
    -------
    tuple
        The strata by name, and the drawn units by stratum, in the order drawn.

    Raises
    ------
    UsageError
        Strata that are none, nothing to draw from, or a size too small for the least.
    """
    by_stratum: dict[str, list[Unit]] = {}
    for unit in units:
        by_stratum.setdefault(unit.stratum, []).append(unit)
    _refuse(by_stratum, size, at_least, all_of)
    weights = {name: sum(unit.weight for unit in own) for name, own in by_stratum.items()}
    free = {name: len(own) for name, own in by_stratum.items() if name not in all_of}
    if per_stratum is not None:
        sizes = {name: min(per_stratum, count) for name, count in free.items()}
    else:
        bounds = {name: (weights[name], min(at_least, count), count) for name, count in free.items()}
        sizes = allocated(size or 0, bounds)
    strata, drawn = [], []
    for name in sorted(by_stratum):
        own = by_stratum[name]
        count = sizes.get(name, len(own))
        strata.append(Stratum(name, len(own), weights[name], count, name in all_of))
        drawn += ranked(own, seed, count)
    return strata, drawn


def _refuse(
    by_stratum: Mapping[str, list[Unit]], size: int | None, at_least: int, all_of: tuple[str, ...]
) -> None:
    if not by_stratum:
        raise UsageError(say("there is nothing to draw from: no unit of this kind is declared"))
    lost = sorted(set(all_of) - by_stratum.keys())
    faults: list[object] = []
    if lost:
        faults.append(
            say("no stratum is called {lost}; strata are {known}", lost=lost, known=sorted(by_stratum))
        )
    least = sum(min(at_least, len(own)) for name, own in by_stratum.items() if name not in all_of)
    if size is not None and least > size:
        faults.append(
            say(
                "{least} units are needed for at least {each} of every stratum, and the size is {size}: "
                "raise it",
                least=least,
                each=at_least,
                size=size,
            )
        )
    if faults:
        raise UsageError(*faults)


def probability(unit: Unit, stratum: Stratum, *, even: bool) -> Fraction | None:
    """Give the probability with which a unit was to be drawn, where it can be said exactly.

    That is where a stratum is taken whole, where its weights are all the same, and where one unit of it is
    drawn; else it has no closed form.

    Examples
    --------
    >>> probability(Unit("A", "node:1", "", 3), Stratum("", 4, 12, 2, False), even=True)
    Fraction(1, 2)
    """
    if even or stratum.drawn == stratum.units:
        return Fraction(stratum.drawn, stratum.units)
    return Fraction(unit.weight, stratum.weight) if stratum.drawn == 1 else None
