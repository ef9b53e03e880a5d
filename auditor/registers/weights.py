"""How much the word of a family of sources weighs, area by area: the calibration, with source and date."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from auditor.registers._files import read_toml


@dataclass(frozen=True, slots=True)
class Family:
    """An independent origin of places; sources that copy one another are one.

    Parameters
    ----------
    id, name_en, name_zh
        In the observations, and for people.
    finest
        Finest extent that its word is taken for: what is finer counts as that.
    defaults
        Regions that it names where it does not know.
    alone
        Whether its contradiction opens a question by itself: the holder's own word.
    """

    id: str
    name_en: str
    name_zh: str
    finest: str = "city"
    defaults: tuple[str, ...] = ()
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Weight:
    """How a family's word weighs for one area.

    Parameters
    ----------
    support, contradict
        Likelihood ratios of "in the area", capped: above 1 for support, below 1 for contradiction.
    void
        Words (``support``, ``contradict``) that count nothing.
    instead
        Regions that it names for places in the area.
    """

    support: float
    contradict: float
    void: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Weights:
    """The calibration file ``data/evidence.toml``.

    Parameters
    ----------
    families
        By id.
    by_area
        By family and area.
    by_source
        By source and area, of sources that were measured by themselves: ``qqwry`` is that of a user's table
        ``[databases.qqwry]``.
    needed
        Families that must agree before they support a place, by area; areas that are not calibrated lack it.
    fresh_days
        Age up to which "not in mainland China" counts.
    """

    families: dict[str, Family] = field(default_factory=dict)
    by_area: dict[tuple[str, str], Weight] = field(default_factory=dict)
    by_source: dict[tuple[str, str], Weight] = field(default_factory=dict)
    needed: dict[str, int] = field(default_factory=dict)
    fresh_days: int = 366

    def family(self, name: str) -> Family:
        """A family; one that the file does not know is taken at its word, to the city."""
        return self.families.get(name) or Family(name, name, name)

    def unsure(self, name: str) -> frozenset[str]:
        """Regions that a family names where it does not know: defaults, and what it says instead of areas.

        Examples
        --------
        >>> sorted(read_weights().unsure("dbip")), sorted(read_weights().unsure("community"))
        (['110000', '440100'], [])
        """
        own = (weight.instead for (family, _), weight in self.by_area.items() if family == name)
        return frozenset(self.family(name).defaults).union(*own)


@cache
def read_weights() -> Weights:
    """Read the calibration.

    Examples
    --------
    >>> weight = read_weights().by_area["community", "shanghai"]
    >>> weight.support, round(1 / weight.contradict)  # measured 1613 and 33; nothing counts beyond the cap
    (20.0, 20)
    """
    data = read_toml("evidence.toml")
    cap = float(data["cap"])

    def ratio(top: float, bottom: float) -> float:
        return min(max(top / bottom if bottom else cap, 1 / cap), cap)

    families = [
        Family(
            f["id"],
            f["name_en"],
            f["name_zh"],
            f["finest"],
            tuple(f.get("defaults", ())),
            alone=f.get("alone", False),
        )
        for f in data["families"]
    ]
    measured: dict[str, dict[tuple[str, str], Weight]] = {key: {} for key in ("family", "source")}
    for w in data["weights"]:
        key = "family" if "family" in w else "source"
        measured[key][w[key], w["area"]] = Weight(
            ratio(w["says_in"], w["says_out"]),
            ratio(w["elsewhere_in"], 1 - w["says_out"] - w["silent"]),
            tuple(w.get("void", ())),
            tuple(w.get("instead", ())),
        )
    named = {f.id: f for f in families}
    return Weights(named, measured["family"], measured["source"], data["needed"], data["fresh_days"])
