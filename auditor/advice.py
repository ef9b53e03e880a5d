"""What to do about what fails: links to cut or hand over, sites to move to, equipment that many hang on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from auditor.dominators import Hanging, hanging
from auditor.language import Text, both
from auditor.relocation import Sites, suggest_sites
from auditor.repair import suggest_cut

if TYPE_CHECKING:
    import pyarrow as pa

    from auditor.case import Case
    from auditor.suggested import Cut

TITLES: dict[str, Text] = {
    "cut": both("Links to cut or to hand over"),
    "hanging": both("Equipment that subscribers hang on"),
    "sites": both("Sites for the facilities outside the area"),
}


@dataclass(frozen=True)
class Advice:
    """What to do about the bypasses and the facilities outside of one case.

    Parameters
    ----------
    cut
        The cheapest links to cut or hand over, so that ISP-02 has no fail.
    hanging
        The equipment on which groups of subscribers hang.
    sites
        The cheapest sites in the area for facilities that FAC-01 or FAC-02 fails.
    """

    cut: Cut
    hanging: Hanging
    sites: Sites

    def to_dict(self) -> dict[str, Any]:
        """Give plain values, for JSON."""
        return {"cut": self.cut.to_dict(), "hanging": self.hanging.to_dict(), "sites": self.sites.to_dict()}

    def parts(self, lang: str = "en") -> dict[str, list[str]]:
        """Give titles with their lines, for people; parts that say nothing are left out."""
        told = {name: getattr(self, name).lines(lang) for name in TITLES}
        return {TITLES[name].in_(lang): lines for name, lines in told.items() if lines}


def advise(
    case: Case,
    candidates: pa.Table | None = None,
    *,
    distance_weight: float = 1e-3,
    most_m: float | None = None,
) -> Advice:
    """Suggest a repair.

    Parameters
    ----------
    case
        The case, as ``auditor.check(...).case`` has it.
    candidates
        Sites on offer (`auditor.relocation.read_candidates`), besides the operator's own in the area.
    distance_weight
        Cost of moving one facility by one metre, in the unit of the sites' ``fixed_cost``.
    most_m
        Farthest that a facility may move, in metres.

    Examples
    --------
    >>> import auditor
    >>> result = auditor.check(auditor.read_declaration(auditor.sample("backbone")), as_of="2026-11-22")
    >>> advise(result.case).cut.cost
    1.0
    """
    sites = suggest_sites(case, candidates, distance_weight=distance_weight, most_m=most_m)
    return Advice(suggest_cut(case), hanging(case), sites)
