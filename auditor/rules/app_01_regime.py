"""Each service of a foreign-invested operator rests on a regime: the pilot, or another that allows the share.

Clause
------
Circular 107, point 3: 拟在试点地区开展前述增值电信业务的外商投资电信企业，应按照相关规定向工业和信息化部申请取得电信业务经营试点批复.
Foreign-invested enterprises that intend to carry out the services opened by the pilot apply for its approval.

Check
-----
Service by service. Declared under the pilot: passes, and the other rules bind it. Under another regime whose cap
allows the foreign share (or up to 50 % under the national rules, or with a licence where the regime opens a part
of the service): the circular does not bind it. A service opened by the pilot whose foreign share is above the cap
of every other regime that could be claimed, without licence and without any pilot reply that may name it, fails
if the approvals are stated complete.

Inconclusive when
-----------------
Nature, share or regime are unknown; the claimed regime does not open the whole service, does not allow the share
or does not hold where the operator is registered; a service under the Hainan list of 2020 is offered nationwide;
an operator declared domestic has a pilot service, a pilot reply or more than 50 % of foreign shares; a service
ran before its stated regime began; no services are declared.

Not applicable when
-------------------
The operator is domestic; every service rests on another regime, or is one that the pilot does not open and that is
not claimed under it.

Limits
------
Whether the reply behind a claimed pilot service exists and holds is APP-03's (one breach, one finding), and
whether the pilot opens the service APP-04's, so neither fails here. Control by contract (VIE) is not looked at.
Whether a service beside the pilot keeps to the law of its own regime is no question of the circular.

Source
------
Card PILOT-APP-01; NEG-02, NEG-03, NEG-14; FITE Provisions Art. 6 (general cap of 50 %).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditor import registers
from auditor.findings import Batch, Verdict
from auditor.language import Text, both
from auditor.rule import Message, Rule
from auditor.rules import _approvals
from auditor.rules._approvals import Answer
from auditor.standing import OUTSIDE, WITHIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.case import Case
    from auditor.model import Service

GENERAL_CAP = (
    0.5  # 外商投资电信企业管理规定 Art. 6: value-added services, unless the State provides otherwise
)
ONLY_IN = {"hainan_nl": "hainan", "beijing_2023": "beijing"}
HAINAN_ABROAD_ONLY = {"B11", "B12"}


def scope(case: Case) -> list[tuple[str, list[str]]]:
    """Give the services offered; the operator where it is domestic or offers none."""
    offered = _approvals.codes(_offered(case))
    if case.declaration.operator.nature == "domestic" or not offered:
        return [("operator", [""])]
    return [("service", offered)]


def check(case: Case) -> Iterator[Batch]:
    """Judge the operator if it is domestic, else each service."""
    offered = _offered(case)
    if case.declaration.operator.nature == "domestic":
        yield _domestic(case)
    elif offered:
        yield from _approvals.judge_each(offered, lambda service, code: _judge(case, service, code))
    elif case.declaration.services:
        yield Batch(Verdict.NOT_APPLICABLE, "none_on_date", args={"as_of": case.as_of})
    else:
        yield Batch(Verdict.INCONCLUSIVE, "no_services")


def _offered(case: Case) -> tuple[Service, ...]:
    """Services offered on the date, those too whose stated regime began only later."""
    held = set(_approvals.codes(case.services))
    later = [
        service
        for service in case.declaration.services
        if _regime_later(case, service) and _approvals.code_of(service) not in held
    ]
    return (*case.services, *later)


def _regime_later(case: Case, service: Service) -> bool:
    began, regime_from_on = service.started_on, service.regime_from_on
    return (
        began is not None
        and regime_from_on is not None
        and began <= case.as_of < regime_from_on
        and registers.in_force(began, service.to_on, case.as_of)
    )


def _domestic(case: Case) -> Batch:
    operator = case.declaration.operator
    share = operator.foreign_share or 0.0
    pilot = [s for s in case.services if s.regime and registers.regime_key(s.regime) == "pilot107"]
    signs = {
        both("a foreign share of {share:.0%}", share=share): share > GENERAL_CAP,
        both("services under the pilot"): bool(pilot),
        both("a pilot reply of its own"): any(
            _approvals.held_by_operator(case, reply) for reply in case.approvals
        ),
    }
    found = [sign for sign, holds in signs.items() if holds]
    if found:
        return Batch(Verdict.INCONCLUSIVE, "not_so_domestic", args={"signs": found})
    return Batch(Verdict.NOT_APPLICABLE, "domestic")


def _judge(case: Case, service: Service, code: str) -> Answer:
    if _regime_later(case, service):
        later = {"regime": service.regime or "?", "regime_from_on": service.regime_from_on}
        return Answer(Verdict.INCONCLUSIVE, "regime_later", later)
    regime = registers.regime_key(service.regime) if service.regime else None
    if registers.opened(code) is False:
        # Circular 107 has nothing to say of what it does not open; a claim to the contrary is APP-04's.
        claimed = regime == "pilot107"
        return Answer(Verdict.NOT_APPLICABLE, "claimed_but_not_opened" if claimed else "not_opened")
    if case.as_of < _approvals.replies_on() and regime != "pilot107":
        return Answer(Verdict.NOT_APPLICABLE, "before_pilot", {"replies_on": _approvals.replies_on()})
    return _by_regime(case, service, code, regime)


def _by_regime(case: Case, service: Service, code: str, regime: str | None) -> Answer:
    operator = case.declaration.operator
    if operator.nature is None and not operator.foreign_share:
        return Answer(Verdict.INCONCLUSIVE, "nature_unknown")
    if regime == "pilot107":
        return _pilot(case, code)
    if service.regime and regime is None:
        return Answer(Verdict.INCONCLUSIVE, "regime_not_known", {"regime": service.regime})
    if regime is None:
        return _above_all(case, code) or Answer(Verdict.INCONCLUSIVE, "regime_unknown")
    return _other(case, service, code, regime)


def _pilot(case: Case, code: str) -> Answer:
    replies = _approvals.own_approvals(case, code, "pilot_reply")
    if not replies:
        return Answer(Verdict.PASS, "pilot_claimed")
    grade = min(_approvals.grade_of(case, reply) for reply in replies)
    return Answer(Verdict.PASS, "pilot", {"number": replies[0].number or "?"}, grade)


def _other(case: Case, service: Service, code: str, regime: str) -> Answer:
    share = case.declaration.operator.foreign_share
    args = {"regime": _name(regime), "share": _percent(share), "cap": _cap(case, regime, code)}
    allowed = _allows(case, regime, code)
    if (
        allowed
        and regime == "hainan_nl"
        and "CN" in service.scope
        and HAINAN_ABROAD_ONLY & {code, *registers.lineage(code)}
    ):
        return Answer(Verdict.INCONCLUSIVE, "hainan_nationwide", args)
    if allowed:
        return Answer(Verdict.NOT_APPLICABLE, "other_regime", args)
    if share is None:
        return Answer(Verdict.INCONCLUSIVE, "share_unknown", args)
    if allowed is None and _approvals.licence_of(case, code) is not None:
        return Answer(Verdict.NOT_APPLICABLE, "other_regime", args)
    if allowed is None:
        return Answer(Verdict.INCONCLUSIVE, "part_only", args)
    return _above_all(case, code) or Answer(Verdict.INCONCLUSIVE, "above_cap", args)


def _allows(case: Case, regime: str, code: str) -> bool | None:
    """Tell whether a regime allows the foreign share; an unknown share is taken as the whole."""
    if not _claimable(case, regime):
        return False
    share = case.declaration.operator.foreign_share
    whole = 1.0 if share is None else share
    terms = registers.terms_of(regime, code, as_of=case.as_of)
    if regime == "national" and (terms is None or terms.part_cap is None):
        # The general cap holds wherever the national rules provide nothing else.
        allowed: bool | None = whole <= max(GENERAL_CAP, (terms and terms.cap) or 0.0)
    else:
        allowed = registers.share_allowed(regime, code, whole, as_of=case.as_of)
    return None if share is None and allowed is False else allowed


def _claimable(case: Case, regime: str) -> bool:
    """Tell whether a regime may hold where the operator is registered, as far as that is known."""
    home, only = case.domicile_place, ONLY_IN.get(regime)
    if home is None or only is None:
        return True
    if home.relation[0] == WITHIN:
        return case.areas.ids[int(home.area[0])] == only
    return bool(home.relation[0] != OUTSIDE)


def _above_all(case: Case, code: str) -> Answer | None:
    """Say that nothing but the pilot could carry a service, if that is so and no paper speaks for it.

    A list of openings that does not name the service opens nothing; a regime that opens a part of it counts with
    that part's cap.
    """
    share = case.declaration.operator.foreign_share
    if share is None or not registers.opened(code) or share <= _highest_cap(case, code):
        return None
    papers = [
        a
        for a in case.declaration.approvals
        if a.kind != "licence" and _approvals.names_service(a, code) is not False
    ]
    if papers or _approvals.licence_of(case, code) is not None:
        return None
    args = {"share": _percent(share), "cap": _percent(_highest_cap(case, code))}
    if case.declaration.approvals_complete:
        return Answer(Verdict.FAIL, "only_pilot", args)
    return Answer(Verdict.INCONCLUSIVE, "only_pilot_not_complete", args)


def _highest_cap(case: Case, code: str) -> float:
    highest = GENERAL_CAP
    for regime in registers.read_regimes():
        if regime != "pilot107" and _claimable(case, regime):
            terms = registers.terms_of(regime, code, as_of=case.as_of)
            if terms is not None and terms.covered:
                highest = max(highest, terms.cap or 0.0, terms.part_cap or 0.0)
    return highest


def _name(regime: str) -> Text:
    found = registers.read_regimes()[regime]
    return Text(found.name_en, found.name_zh)


def _percent(share: float | None) -> Any:
    return both("unknown") if share is None else f"{share * 100:.6g}%"


def _cap(case: Case, regime: str, code: str) -> Any:
    terms = registers.terms_of(regime, code, as_of=case.as_of)
    if regime == "national" and (terms is None or not terms.covered):
        return f"{GENERAL_CAP:.0%}"
    if terms is None or not terms.covered:
        return both("not stated in the sources read")
    if terms.cap is None:
        part = Text(terms.part_en, terms.part_zh)
        return both("{cap:.0%}, {part}", cap=terms.part_cap, part=part)
    return f"{terms.cap:.0%}"


RULE = Rule(
    id="PILOT-APP-01",
    title=both("Each service rests on a regime that allows the foreign share"),
    basis="circular",
    clauses=("circular-3-approval",),
    severity="critical",
    scope=scope,
    check=check,
    always=True,
    messages={
        "pilot": Message(
            "{service} is declared under the pilot, with pilot reply {number}: the circular binds it."
        ),
        "pilot_claimed": Message(
            "{service} is declared under the pilot: the circular binds it. PILOT-APP-03 asks for its reply."
        ),
        "other_regime": Message(
            "{service} rests on another regime ({regime}; foreign share {share}, cap {cap}): the circular does not "
            "bind it."
        ),
        "only_pilot": Message(
            "{service}: a foreign share of {share} is above the cap of every other regime (highest: {cap}), so only "
            "the pilot could carry it; yet the operator states that it has no pilot reply for it.",
            "End the service or apply to the ministry for the pilot approval.",
        ),
        "only_pilot_not_complete": Message(
            "{service}: a foreign share of {share} is above the cap of every other regime (highest: {cap}), so only "
            "the pilot could carry it, and no pilot reply for it is declared; whether there is one is not stated.",
            "Ask for the pilot reply, or for `approvals_complete = true`.",
        ),
        "above_cap": Message(
            "{service} is declared under {regime}, which does not allow its foreign share here (share {share}, cap "
            "{cap}); a licence, a reply or another regime may still carry it.",
            "Ask on which regime the licence was granted.",
        ),
        "part_only": Message(
            "{service} is declared under {regime}; whether that regime carries the whole service at a foreign share "
            "of {share} is not clear (cap: {cap}), and no licence is declared.",
            "Ask for the licence of this service and the part of it that is offered.",
        ),
        "hainan_nationwide": Message(
            "{service} is declared under {regime}, which reaches the Free Trade Port and abroad, but is offered "
            "nationwide.",
            "Ask whether the nationwide service has a pilot reply.",
        ),
        "share_unknown": Message(
            "{service} is declared under {regime} (cap {cap}), and the foreign share is not stated.",
            "State `foreign_share` of the operator.",
        ),
        "nature_unknown": Message(
            "{service}: neither the nature of the operator nor a foreign share is stated, so it is open whether the "
            "circular binds it.",
            "State `nature` and `foreign_share`; see the business licence.",
        ),
        "regime_unknown": Message(
            "The regime of {service} is not stated: it may be under the pilot or under another.",
            "State `regime` of the service.",
        ),
        "regime_not_known": Message(
            "{service} is declared under {regime}, which is no regime known here.",
            "Give one of the known regimes, or ask for the legal ground.",
        ),
        "regime_later": Message(
            "{service} ran on the date, but its stated regime ({regime}) began only on {regime_from_on}; under which "
            "it ran before is not stated.",
            "Declare the earlier period as a service of its own, with its regime and `to_on`.",
        ),
        "not_opened": Message(
            "The pilot does not open {service} and it is not declared under it: the circular does not bind it."
        ),
        "claimed_but_not_opened": Message(
            "{service} is declared under the pilot, which does not open it: PILOT-APP-04 judges that."
        ),
        "before_pilot": Message(
            "The pilot is in force since {replies_on}: on the date {service} rested on another regime."
        ),
        "domestic": Message("The operator is domestic: the pilot is for foreign-invested enterprises."),
        "not_so_domestic": Message(
            "The operator is declared domestic, yet there are signs to the contrary: {signs}.",
            "Ask for the register of shareholders, and which regime its services rest on.",
        ),
        "no_services": Message(
            "No services are declared, so it cannot be told what the operator offers on which regime.",
            "Ask for the list of services with their regimes.",
        ),
        "none_on_date": Message("None of the services declared is offered on {as_of}."),
    },
)
