"""Services offered are within the approval, and within what the pilot opens.

Clause
------
Annex 2(1): 取消互联网数据中心（IDC）、内容分发网络（CDN）、互联网接入服务（ISP）、在线数据处理与交易处理，以及信息服务中信息发布平台和递送服务（…除外）、
信息保护和处理服务业务的外资股比限制. The pilot opens IDC, CDN, ISP, online data and transaction processing, and of the
information services only publishing platforms and information protection.

Check
-----
Of an operator with services under the pilot, each service offered is held against the catalogue. Under the pilot:
one that the pilot does not open fails (B13, search, community, instant interaction, B26); an opened one passes if
a pilot reply of the operator names it, and fails if the operator's replies leave it out and are stated complete
(the card: in neither the approval nor another valid licence). Beside the pilot: one with a licence is not the circular's; one that the
pilot does not open, without regime and without licence, fails if the approvals are stated complete.

Inconclusive when
-----------------
A product cannot be mapped to the catalogue, or only to a heading that is opened in part (B25); an unopened service
is declared under the pilot although a licence names it; the replies declared leave a service out and are not stated
complete; no licence is declared for a service beside the pilot; a
data centre stands in a city that the coverage of the approval does not list.

Not applicable when
-------------------
The operator has no service under the pilot; the service rests on another licence or regime; the operator declares
no reply of its own, or one that may name the service, which is APP-03's; its regime is not stated, which is
APP-01's.

Limits
------
Validity of the reply is APP-03's. Products inside a service (VPN sold as cloud) show only if they are declared.
Coverage is compared where it is given in region codes, for data centres inside the operator's area: those outside
are FAC-01's and FAC-02's.

Source
------
Card PILOT-APP-04; decision 12.14; NEG-03.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor import registers, roles
from auditor.findings import Verdict
from auditor.language import both
from auditor.roles import Surety
from auditor.rule import Message, Rule
from auditor.rules import _approvals
from auditor.rules._approvals import Answer
from auditor.rules._helpers import place_named
from auditor.standing import WITHIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.case import Case
    from auditor.findings import Batch
    from auditor.model import Approval, Service


def scope(case: Case) -> list[tuple[str, list[str]]]:
    """Give all services offered."""
    return [("service", _approvals.codes(case.services))]


def check(case: Case) -> Iterator[Batch]:
    """Judge each service offered."""
    yield from _approvals.judge_each(case.services, lambda service, code: _judge(case, service, code))


def _judge(case: Case, service: Service, code: str) -> Answer:
    if service in case.pilot_services:
        return _pilot(case, service, code)
    licence = _approvals.licence_of(case, code)
    if licence is not None:
        return Answer(Verdict.NOT_APPLICABLE, "licensed", {"number": licence.number or "?"})
    if not service.regime and registers.opened(code) is not False:
        return Answer(Verdict.NOT_APPLICABLE, "regime_not_stated")
    return _unlicensed(case, service, code)


def _unlicensed(case: Case, service: Service, code: str) -> Answer:
    uncapped = registers.share_cap("national", code, as_of=case.as_of) == 1.0
    complete = case.declaration.approvals_complete
    # NEG-03: which licence carries an uncapped service is no question of the circular.
    if uncapped or (service.regime and not complete):
        return Answer(Verdict.NOT_APPLICABLE, "other_regime")
    if service.regime:
        return Answer(Verdict.INCONCLUSIVE, "no_licence")
    if complete:
        return Answer(Verdict.FAIL, "no_basis")
    return Answer(Verdict.INCONCLUSIVE, "no_basis_declared")


def _pilot(case: Case, service: Service, code: str) -> Answer:
    if registers.service_code(service.code) is None:
        return Answer(Verdict.INCONCLUSIVE, "not_mapped")
    opened = registers.opened(code)
    if opened is False:
        licence = _approvals.licence_of(case, code)
        if licence is None:
            return Answer(Verdict.FAIL, "not_opened")
        return Answer(Verdict.INCONCLUSIVE, "licensed_not_opened", {"number": licence.number or "?"})
    if opened is None:
        return Answer(Verdict.INCONCLUSIVE, "partly_opened")
    return _opened(case, code)


def _opened(case: Case, code: str) -> Answer:
    replies = _approvals.own_approvals(case, code, "pilot_reply")
    if not replies:
        return _left_out(case, code)
    beyond = _beyond_coverage(case, replies, code) if code.startswith("B11") else []
    if beyond:
        return Answer(
            Verdict.INCONCLUSIVE, "coverage", {"codes": [place_named(case, entry) for entry in beyond]}
        )
    grade = min(_approvals.grade_of(case, reply) for reply in replies)
    return Answer(Verdict.PASS, "within", {"number": replies[0].number or "?"}, grade)


def _left_out(case: Case, code: str) -> Answer:
    """Say that the operator's replies leave a service out, if they surely do and no licence names it."""
    own = [a for a in case.approvals if _approvals.held_by_operator(case, a)]
    doubtful = any(_approvals.names_service(a, code) is None for a in own)
    if not own or doubtful or _approvals.licence_of(case, code) is not None:
        return Answer(Verdict.NOT_APPLICABLE, "no_reply")
    args = {"numbers": [a.number or "?" for a in own]}
    if case.declaration.approvals_complete:
        return Answer(Verdict.FAIL, "left_out", args)
    return Answer(Verdict.INCONCLUSIVE, "left_out_of_declared", args)


def _beyond_coverage(case: Case, replies: list[Approval], code: str) -> list[str]:
    """Region codes of data centres inside the area that the coverage, given in codes, does not reach."""
    papers = [*replies, *_approvals.own_approvals(case, code, "licence")]
    coverage = [entry for paper in papers for entry in paper.coverage]
    if not coverage or not all(entry.isdigit() for entry in coverage):
        return []
    prefixes = tuple(_prefix(entry) for entry in coverage)
    region = case.node("region_code").take(case.placed_by)
    inside = (case.place.relation == WITHIN) & (case.place.area == case.area)
    rooms = (case.facility > Surety.NO) & case.node("kind").isin(roles.HOSTING) & case.serves(code) & inside
    missed = rooms & region.map(lambda text: not text.startswith(prefixes), blank=False, dtype=np.bool_)
    return sorted({region.values[position] for position in np.unique(region.codes[missed])})


def _prefix(code: str) -> str:
    """Digits of a region code that count: 310000 is all of 31."""
    while len(code) > 2 and code.endswith("00"):  # noqa: PLR2004 -- two digits a level
        code = code[:-2]
    return code


RULE = Rule(
    id="PILOT-APP-04",
    title=both("Services are within the approval and within what the pilot opens"),
    basis="circular",
    clauses=("circular-2", "annex-2-1"),
    severity="high",
    scope=scope,
    check=check,
    placed=False,
    messages={
        "within": Message("{service} is opened by the pilot and named in pilot reply {number}."),
        "not_opened": Message(
            "{service} is offered under the pilot, which does not open it to foreign investment beyond other caps.",
            "End the service, or show the licence and the regime on which it rests.",
        ),
        "licensed_not_opened": Message(
            "{service} is declared under the pilot, which does not open it, yet licence {number} names it.",
            "Ask which regime the service rests on and correct `regime`.",
        ),
        "not_mapped": Message(
            "{service} is no service of the catalogue, so it cannot be told whether the pilot opens it.",
            "Describe the product and give its code in the catalogue.",
        ),
        "partly_opened": Message(
            "{service} is a heading that the pilot opens only in part.",
            "Say which item is offered: of B25 the pilot opens B25-1 and B25-5.",
        ),
        "coverage": Message(
            "{service}: data centres stand in {codes}, which the coverage of the approval does not list.",
            "Ask whether the coverage was extended; it is kept city by city for data centres.",
        ),
        "no_reply": Message(
            "{service} is opened by the pilot; whether the operator holds a reply for it is judged by PILOT-APP-03."
        ),
        "left_out": Message(
            "{service} is offered under the pilot, but the operator's pilot reply ({numbers}) leaves it out.",
            "End the service, or apply to the ministry to have the approval extended.",
        ),
        "left_out_of_declared": Message(
            "{service} is offered under the pilot, but the pilot reply declared ({numbers}) leaves it out; whether there "
            "is another is not stated.",
            "Ask for the pilot reply that names the service.",
        ),
        "licensed": Message("{service} is beside the pilot and named in licence {number}."),
        "other_regime": Message("{service} is declared beside the pilot, so annex 2(1) does not bind it."),
        "regime_not_stated": Message("The regime of {service} is not stated: PILOT-APP-01 asks for it."),
        "no_licence": Message(
            "{service} is offered beside the pilot, but the operator, which states its approvals complete, declares "
            "no licence in force that names it.",
            "Ask for the licence of this service.",
        ),
        "no_basis": Message(
            "{service} is offered, but the pilot does not open it, no regime is stated, and no licence names it.",
            "End the service, or show the licence and the regime on which it rests.",
        ),
        "no_basis_declared": Message(
            "{service} is offered, but the pilot does not open it, and neither a regime nor a licence is declared for "
            "it; whether there are other approvals is not stated.",
            "Ask for the licence of this service and its regime.",
        ),
    },
)
