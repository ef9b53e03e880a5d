"""What a suggested repair says: links to cut or to hand over, and what that does to whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from auditor.language import Text, both

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditor.model import Declaration

RULE = "PILOT-ISP-02"
SHOWN = 10
"""Subjects and links listed in a text; `to_dict` has all."""


@dataclass(frozen=True)
class Step:
    """What to do with one link.

    Parameters
    ----------
    row
        Row of the declared link.
    link
        Its id.
    ends
        Ids of its source and target; None where the far end is not declared.
    cost
        In the unit of the column `cost`, 1 where that is blank.
    kept
        Which end stays where it is if the link is handed over: 0 the source, 1 the target.
    gate
        Id of the carrier's access equipment to which the other end may be moved; None if the link is just
        cut, or if a gate is still to be agreed.
    hand_over
        Whether somebody would lose the only path by a cut.
    """

    row: int
    link: str
    ends: tuple[str | None, str | None]
    cost: float
    kept: int
    gate: str | None
    hand_over: bool

    def to_dict(self) -> dict[str, Any]:
        """Give plain values, for JSON."""
        action = "hand_over" if self.hand_over else "cut"
        return {
            "link": self.link,
            "source": self.ends[0],
            "target": self.ends[1],
            "cost": self.cost,
            "action": action,
            "gate": self.gate,
        }

    def told(self) -> Text:
        """Say it in a line."""
        link = both("{link} ({source} – {target})", link=self.link, source=self._end(0), target=self._end(1))
        if not self.hand_over:
            return both("cut {link}, cost {cost:g}", link=link, cost=self.cost)
        end = self._end(self.kept)
        if self.gate is None:
            return both(
                "hand {link} over to a carrier, cost {cost:g}: lead it from {end} to access equipment of a "
                "carrier that is still to be agreed",
                link=link,
                cost=self.cost,
                end=end,
            )
        return both(
            "hand {link} over to a carrier, cost {cost:g}: lead it from {end} to {gate}",
            link=link,
            cost=self.cost,
            end=end,
            gate=self.gate,
        )

    def _end(self, which: int) -> Text | str:
        name = self.ends[which]
        return both("a far end that is not declared") if name is None else name


@dataclass(frozen=True)
class Stuck:
    """A subject whose bypass no link that the operator may cut interrupts.

    Parameters
    ----------
    subject
        Its id.
    path
        Ids from the subject to the root, None for a far end that is not declared.
    links
        Ids of the links on it, all of them others'.
    """

    subject: str
    path: tuple[str | None, ...]
    links: tuple[str, ...]

    def told(self) -> Text:
        """Say it in a line."""
        path = [both("a far end that is not declared") if name is None else name for name in self.path]
        if not self.links:
            return both("{subject}: is itself where the Internet begins", subject=self.subject)
        return both(
            "{subject}: by {path}, over links of others: {links}",
            subject=self.subject,
            path=path,
            links=list(self.links),
        )


@dataclass(frozen=True)
class Cut:
    """The cheapest set of links to cut or to hand over, after which ISP-02 has no fail; and what it does.

    The problem: of the links that the operator may cut choose a set of least total cost so that, without
    them, no subject reaches a sure root over sure links past all gates, sure and doubtful ones, in any
    direction of traffic (DESIGN 6). The unit is a declared link; parallel links are cut each for itself. Of
    sets that cost the same it is one with fewest links, and of those the one nearest to the Internet: then
    fewest subscribers lose their only path. It is a minimum cut; see `auditor.cut` for how it is found.

    The operator may cut links that it owns, and links with an end at a node that it owns, holds or runs
    (unless a carrier owns that node), whoever owns the link: it takes them, and may stop. At a customer's
    node it may cut links of unstated owner. All other links are others' and stay: carriers' own, and those
    between others.

    Parameters
    ----------
    steps
        What to do with each link, by id.
    cost
        Sum of their costs.
    bound
        No set of links that does it costs less.
    exact
        Whether that is proven to be the least; always so unless links of one direction matter.
    stuck
        Subjects that fail whatever the operator cuts.
    lost
        Ids of subjects that a mere cut leaves without any path.
    before, cut, after
        Findings of ISP-02 by verdict: as declared, with the links cut, and with those handed over for which
        there is a gate.
    declaration
        The declaration as it is after the repair.
    """

    steps: tuple[Step, ...]
    cost: float
    bound: float
    exact: bool
    stuck: tuple[Stuck, ...]
    lost: tuple[str, ...]
    before: Mapping[str, int]
    cut: Mapping[str, int]
    after: Mapping[str, int]
    declaration: Declaration

    def to_dict(self) -> dict[str, Any]:
        """Give plain values, for JSON."""
        return {
            "links": [step.to_dict() for step in self.steps],
            "cost": self.cost,
            "bound": self.bound,
            "exact": self.exact,
            "lost": list(self.lost),
            "stuck": [
                {"subject": one.subject, "path": list(one.path), "links": list(one.links)}
                for one in self.stuck
            ],
            "before": dict(self.before),
            "cut": dict(self.cut),
            "after": dict(self.after),
        }

    def lines(self, lang: str = "en") -> list[str]:
        """Say it in words, a line each."""
        return [text.in_(lang) for text in self._told()]

    def _told(self) -> list[Text]:
        if not self.before.get("fail"):
            return [both("No subject has a bypass for sure: there is nothing to cut.")]
        told = [self._head()] if self.steps else []
        told += listed([step.told() for step in self.steps])
        if self.lost:
            text = both(
                "Cut without replacement, these would lose their only path: {names}.",
                names=named(self.lost),
            )
            told.append(text)
        if self.stuck:
            told.append(both("Nothing that the operator may cut helps these:"))
            told += listed([one.told() for one in self.stuck])
        return [*told, *self._counts()]

    def _head(self) -> Text:
        args = {"count": len(self.steps), "cost": self.cost}
        if self.exact:
            return both(
                "Links to cut or to hand over: {count:,}, cost {cost:g} in all; no cheaper set does it.",
                **args,
            )
        return both(
            "Links to cut or to hand over: {count:,}, cost {cost:g} in all; none costs less than {bound:g}.",
            **args,
            bound=self.bound,
        )

    def _counts(self) -> list[Text]:
        rows = [(both("as declared"), self.before), (both("with these links cut"), self.cut)]
        if self.after != self.cut:
            rows.append((both("with links handed over"), self.after))
        return [
            both(
                "{rule}, {state}: fail {fail:,}, inconclusive {inconclusive:,}, pass {passed:,}",
                rule=RULE,
                state=state,
                fail=counts.get("fail", 0),
                inconclusive=counts.get("inconclusive", 0),
                passed=counts.get("pass", 0),
            )
            for state, counts in rows
        ]


def listed(texts: list[Text]) -> list[Text]:
    """Indent some texts, the first ones only, and say how many there are more."""
    told = [both("  {text}", text=text) for text in texts[:SHOWN]]
    if len(texts) > SHOWN:
        told.append(both("  and {count:,} more", count=len(texts) - SHOWN))
    return told


def named(names: tuple[str, ...]) -> list[Any]:
    """Give the first names, and how many there are more, for a gap of a text."""
    shown: list[Any] = list(names[:SHOWN])
    return shown + ([both("{count:,} more", count=len(names) - SHOWN)] if len(names) > SHOWN else [])
