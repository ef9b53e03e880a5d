"""Business licence and telecom approval agree: holder, code, domicile, scope, status.

Clause
------
Annex 5: 将证照衔接、监管联动、执法协作等机制有效贯通. The business licence (照) and the permit (证) are linked.

Check
-----
The latest record of the operator in `registrations` is held against the declaration (subject `operator`: name,
code, registered place) and against each pilot reply and licence of the operator (subject `approval:N`, in the
order declared: holder, code, scope of business, coverage). Fails where one has ended while the other still
operates: the registration is cancelled, revoked or moved out, and a valid approval serves a service on offer;
or a licence has ended, the enterprise is registered, and a service beside the pilot goes on under it alone.
Names are compared half-width, in simplified characters, without signs; a code that agrees settles who it is.

Inconclusive when
-----------------
No record of the operator itself is among those declared; its status is not stated, suspended, or older than
`max_age_days`; holder, code or registered place differ, or the approval bears a former name or a branch's; the
scope of business leaves a service out or says only that it is telecom; the coverage leaves the area out; it
moved out of one registry and declares a newer place in its area.

Not applicable when
-------------------
No registration is declared: documents that are not there are never a fail, and the clause stays with a person.
The approval has ended, which is APP-03's where it is a pilot reply, and nothing runs under it. Registrations of
branches are not held against the head office.

Limits
------
The basis is the policy of the audit: the clause obliges authorities to link their records, and what they would
see is judged here. The wording of a scope is read for names of services and for 第一类 and 第二类增值电信业务; finer
limits in it are for a person. Whether a record is genuine is not looked up.

Source
------
Card PILOT-GOV-09; decisions 12.7, 12.14.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from typing import TYPE_CHECKING, Any

import numpy as np

from auditor import registers
from auditor.columns import Coded
from auditor.comparison.texts import simplified
from auditor.findings import Batch, Verdict
from auditor.language import Text, both
from auditor.places import Places
from auditor.registers.names import is_branch, normal
from auditor.rule import Message, Rule
from auditor.rules import _approvals
from auditor.rules._helpers import EVERYWHERE
from auditor.standing import OUTSIDE, WITHIN, relation_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.case import Case
    from auditor.model import Approval, Registration
    from auditor.zones import Relation

ENDED = {
    "moved_out": both("moved out"),
    "revoked": both("revoked"),
    "cancelled": both("cancelled"),
}
STATUS = {"active": both("active"), "suspended": both("suspended"), "unknown": both("not stated")}


def asked(case: Case) -> bool:
    """Whether a business-registry record is declared."""
    return bool(case.declaration.registrations)


def scope(case: Case) -> list[tuple[str, list[str]]]:
    """Give the operator, and its approvals."""
    return [("operator", [""]), ("approval", [str(number) for number, _ in _papers(case)])]


def check(case: Case) -> Iterator[Batch]:
    """Hold the record against the declaration, then against each approval."""
    record = _record(case)
    if record is None:
        named = [r.name or r.uscc or "?" for r in case.declaration.registrations]
        yield Batch(Verdict.INCONCLUSIVE, "no_record", args={"named": named}, details={"named": named})
    else:
        yield _batch(case, record, _home(case, record))
    for number, approval in _papers(case):
        if record is None:
            told = {"number": approval.number or "?"}
            yield Batch(Verdict.INCONCLUSIVE, "no_record_for", [str(number)], "approval", told, told)
        else:
            yield _batch(case, record, _link(case, record, approval), (number, approval))


def _batch(
    case: Case,
    record: Registration,
    answer: tuple[Verdict, str, list[Text]],
    paper: tuple[int, Approval] | None = None,
) -> Batch:
    verdict, message, doubts = answer
    told: dict[str, Any] = {
        "registered": record.name or record.uscc or "?",
        "status": ENDED.get(record.status or "", STATUS.get(record.status or "unknown")),
        "since": record.status_from_on or record.retrieved_on or both("no date"),
        "retrieved_on": record.retrieved_on,
        "doubts": doubts,
    }
    grade = case.grade_of("E1", record.document)
    if paper is None:
        return Batch(verdict, message, args=told, details=told, grade=grade)
    number, approval = paper
    told |= {"number": approval.number or "?", "services": _running(case, approval)}
    grade = max(grade, _approvals.grade_of(case, approval))
    return Batch(verdict, message, [str(number)], "approval", told, told, grade)


# --- whose record, and what it says -------------------------------------------------------------------------


def _name(text: str | None) -> str:
    return normal(simplified(text)) if text else ""


def _papers(case: Case) -> list[tuple[int, Approval]]:
    """Approvals that no other enterprise holds for sure, and those of a branch, by place in the order."""
    mine = _name(case.declaration.operator.name)

    def own(approval: Approval) -> bool:
        held = _approvals.held_by_operator(case, approval)
        named = _name(approval.holder) == mine and not approval.uscc
        return (
            held is not False or named or _of_branch(case, approval.holder) or _former(case, approval.holder)
        )

    return [(number, a) for number, a in enumerate(case.declaration.approvals, 1) if own(a)]


def _former(case: Case, name: str | None) -> bool:
    record = _record(case)
    return record is not None and bool(name) and _name(name) in {_name(old) for old in record.former_names}


def _of_branch(case: Case, name: str | None) -> bool:
    head, said = _name(case.declaration.operator.name), _name(name)
    return said != head and said.startswith(head) and is_branch(said.removeprefix(head), frozenset())


def _record(case: Case) -> Registration | None:
    """Record of the operator itself that was read last; one read after the date only where there is no other."""
    operator = case.declaration.operator
    mine = _name(operator.name)

    def own(record: Registration) -> bool:
        if record.uscc and operator.uscc:
            return record.uscc == operator.uscc
        return mine in {_name(record.name), *(_name(old) for old in record.former_names)}

    def order(record: Registration) -> tuple[bool, dt.date]:
        read = record.retrieved_on or case.declaration.declared_on or dt.date.min
        known = read <= case.as_of
        return known, read if known else dt.date.min + (dt.date.max - read)

    return max(filter(own, case.declaration.registrations), key=order, default=None)


def _ended(case: Case, record: Registration) -> bool:
    """Whether the enterprise is no longer registered there on the date."""
    since = record.status_from_on or record.retrieved_on or case.declaration.declared_on
    return record.status in ENDED and (since is None or since <= case.as_of)


def _status_doubts(case: Case, record: Registration) -> list[Text]:
    read = record.retrieved_on or case.declaration.declared_on
    doubts = {
        NO_STATUS: record.status in {None, "unknown"},
        SUSPENDED: record.status == "suspended",
        OLD: read is None or (case.as_of - read).days > case.policy.max_age_days,
    }
    return [doubt for doubt, holds in doubts.items() if holds]


def _place(case: Case, record: Registration) -> Relation:
    return relation_of(case.areas, record, address=simplified(record.address) if record.address else None)


# --- the declaration ----------------------------------------------------------------------------------------


def _home(case: Case, record: Registration) -> tuple[Verdict, str, list[Text]]:
    operator = case.declaration.operator
    if _ended(case, record) and not any(_running(case, a) for _, a in _papers(case)):
        running = bool(case.services)
        return (
            (Verdict.INCONCLUSIVE, "ended_operating", [])
            if running
            else (Verdict.NOT_APPLICABLE, "ended", [])
        )
    if _ended(case, record):
        return Verdict.NOT_APPLICABLE, "ended", []
    doubts = _status_doubts(case, record)
    if record.name and _name(record.name) != _name(operator.name):
        old = _name(operator.name) in {_name(name) for name in record.former_names}
        doubts.append(FORMER_NAME if old else OTHER_NAME)
    if not record.name and not record.uscc:
        doubts.append(NOBODY)
    doubts += _place_doubts(case, record)
    return (Verdict.INCONCLUSIVE, "differs", doubts) if doubts else (Verdict.PASS, "agrees", [])


def _place_doubts(case: Case, record: Registration) -> list[Text]:
    """Doubts on the registered place: it is to be in the area of the declared one, and in its district."""
    there, home = _place(case, record), case.domicile
    relation, declared = int(there.relation[0]), case.domicile_place
    if relation not in {WITHIN, OUTSIDE}:
        return [NO_PLACE]
    if home is None or declared is None:
        return [NO_HOME]
    apart = relation != declared.relation[0] or (relation == WITHIN and there.area[0] != declared.area[0])
    codes = {code for code in (record.region_code, home.region_code) if code}
    if apart or len(codes) > 1:
        return [OTHER_PLACE]
    return []


# --- the approvals ------------------------------------------------------------------------------------------


def _running(case: Case, approval: Approval) -> list[str]:
    """Services on offer that an approval names, if it holds on the date."""
    if _approvals.lapsed(case, approval) is not None:
        return []
    return [c for c in _approvals.codes(case.services) if _approvals.names_service(approval, c)]


def _link(case: Case, record: Registration, approval: Approval) -> tuple[Verdict, str, list[Text]]:
    if _approvals.lapsed(case, approval) is not None:
        return *_lapsed(case, record, approval), []
    if _ended(case, record):
        return *_registration_ended(case, record, approval), []
    doubts = [
        *_status_doubts(case, record),
        *_holder_doubts(case, record, approval),
        *_scope_doubts(case, record, approval),
    ]
    if not _approvals.status_known(case, approval):
        doubts.append(APPROVAL_STATUS)
    if _coverage_leaves_out(case, approval):
        doubts.append(COVERAGE)
    return (Verdict.INCONCLUSIVE, "not_linked", doubts) if doubts else (Verdict.PASS, "linked", [])


def _lapsed(case: Case, record: Registration, approval: Approval) -> tuple[Verdict, str]:
    """Judge an approval that has ended: what runs under a pilot reply is APP-03's, under a licence alone ours."""
    going = [
        code
        for code in _approvals.codes(s for s in case.services if s not in case.pilot_services)
        if _approvals.names_service(approval, code) and _approvals.licence_of(case, code) is None
    ]
    if approval.kind != "licence" or not going or _ended(case, record):
        return Verdict.NOT_APPLICABLE, "approval_ended"
    return Verdict.FAIL, "licence_ended"


def _registration_ended(case: Case, record: Registration, approval: Approval) -> tuple[Verdict, str]:
    if not _running(case, approval):
        return Verdict.INCONCLUSIVE, "ended_idle"
    home, since = case.domicile, record.status_from_on or record.retrieved_on
    declared = case.domicile_place
    moved = home is not None and home.from_on is not None and since is not None and home.from_on >= since
    within = declared is not None and declared.relation[0] == WITHIN
    if record.status == "moved_out" and moved and within:
        return Verdict.INCONCLUSIVE, "moved_within"
    return Verdict.FAIL, "registration_ended"


def _holder_doubts(case: Case, record: Registration, approval: Approval) -> list[Text]:
    holder = _name(approval.holder)
    names = {_name(record.name)} if record.name else {_name(case.declaration.operator.name)}
    doubts = {
        OTHER_CODE: bool(approval.uscc and record.uscc and approval.uscc != record.uscc),
        NO_HOLDER: not holder and not approval.uscc,
        BRANCH: _of_branch(case, approval.holder),
        FORMER_HOLDER: holder in {_name(old) for old in record.former_names},
    }
    found = [doubt for doubt, holds in doubts.items() if holds]
    return found or ([OTHER_HOLDER] if holder and holder not in names else [])


def _scope_doubts(case: Case, record: Registration, approval: Approval) -> list[Text]:
    codes = _running(case, approval) or [registers.service_code(text) or text for text in approval.services]
    if record.scope is None:
        return [NO_SCOPE]
    missing = [code for code in codes if not _in_scope(record.scope, code)]
    if not missing:
        return []
    return [both("the scope of business does not clearly hold {services}", services=missing)]


_EXCEPT = re.compile(
    r"[(（\[][^()（）\[\]]*(?:不含|除外|不包括|以外)[^()（）\[\]]*[)）\]]|(?:不含|不包括|除)[^;；。,，]*"
)
_CATEGORY = {
    "B1": re.compile(r"第一类增值电信业务(?!中的|[(（:：])"),
    "B2": re.compile(r"第二类增值电信业务(?!中的|[(（:：])"),
}


def _in_scope(wording: str, code: str) -> bool:
    """Tell whether the wording of a scope of business holds a service, by its name or its category.

    Examples
    --------
    >>> wording = "第一類增值電信業務中的互聯網數據中心業務（不含互联网资源协作服务）；第二类增值电信业务"
    >>> [_in_scope(wording, code) for code in ("B11", "B11-IRCS", "B14", "B21")]
    [True, False, False, True]
    """
    text = simplified(unicodedata.normalize("NFKC", wording)).casefold()
    whole = "".join(text.split())
    left_out = " ".join(found[0] for found in _EXCEPT.finditer(whole))
    kept = _EXCEPT.sub(" ", whole)
    services = registers.read_services()
    own = services.get(code)
    if own is None or any(word in left_out for word in _words(code)):
        return False
    above = [known for known in registers.lineage(code) if known not in {"B", "B1", "B2"}]
    if any(word in kept for known in above for word in _words(known)):
        return True
    return any(pattern.search(kept) for head, pattern in _CATEGORY.items() if head in registers.lineage(code))


def _words(code: str) -> list[str]:
    """Chinese words for a service, as scopes of business write it."""
    service = registers.read_services().get(code)
    if service is None:
        return []
    names = (service.name_zh, *(alias for alias in service.aliases if not alias.isascii()))
    return [name.removesuffix("业务").casefold() for name in names if len(name) > 2]  # noqa: PLR2004 -- no word


def _coverage_leaves_out(case: Case, approval: Approval) -> bool:
    """Whether an approval says where it holds, and the area of the operator is surely not there."""
    entries = [entry.strip() for entry in approval.coverage]
    if not entries or case.area < 0:
        return False
    if any(entry.casefold() in EVERYWHERE or entry.upper() == "CN" for entry in entries):
        return False
    blank = np.full(len(entries), np.nan)
    codes = Coded.of([entry if entry.isdigit() else None for entry in entries])
    names = Coded.of([None if entry.isdigit() else entry for entry in entries])
    there = case.areas.relate(Places(blank, blank, Coded.of([None] * len(entries)), blank, codes, names))
    elsewhere = (there.relation == OUTSIDE) | ((there.relation == WITHIN) & (there.area != case.area))
    named = np.array([case.area_of(entry) for entry in entries])
    return bool(((elsewhere & (named < 0)) | ((named >= 0) & (named != case.area))).all())


NO_STATUS = both("the status of the registration is not stated")
SUSPENDED = both("the business is suspended")
OLD = both("the record of the registry is too old")
NOBODY = both("the record names nobody")
OTHER_NAME = both("the registered name is another one than the declared")
FORMER_NAME = both("the declared name is a former one")
NO_PLACE = both("where the registered address lies is not clear")
NO_HOME = both("no registered place in force is declared")
OTHER_PLACE = both("the registered address is another one than the declared")
OTHER_CODE = both("the unified social credit codes differ")
NO_HOLDER = both("the approval names no holder")
BRANCH = both("the approval is held by a branch")
FORMER_HOLDER = both("the approval bears a former name")
OTHER_HOLDER = both("the approval bears another name")
NO_SCOPE = both("the scope of business is not stated")
APPROVAL_STATUS = both("the status of the approval on the date is not stated")
COVERAGE = both("the coverage of the approval leaves the area out")

RULE = Rule(
    id="PILOT-GOV-09",
    title=both("Business licence and telecom approvals agree"),
    basis="policy",
    clauses=("policy-gov-09",),
    severity="high",
    scope=scope,
    check=check,
    asked=asked,
    messages={
        "agrees": Message(
            "The registration of {registered} agrees with the declaration: name, place, status {status}."
        ),
        "differs": Message(
            "The registration of {registered} does not settle the declaration: {doubts}.",
            "Ask for the business licence of today, and correct the declaration or the registration.",
        ),
        "no_record": Message(
            "No registration declared is that of the operator itself; they are of {named}.",
            "Ask for the business licence of the operator; state its name and code in `registrations`.",
        ),
        "no_record_for": Message(
            "Approval {number}: there is no registration of the operator to hold it against.",
            "Ask for the business licence of the operator.",
        ),
        "ended": Message(
            "The registration of {registered} has ended ({status}, {since}); its approvals tell what follows."
        ),
        "ended_operating": Message(
            "The registration of {registered} has ended ({status}, {since}), services are on offer, and no approval in "
            "force names them.",
            "Ask who offers the services today, and under which business licence.",
        ),
        "registration_ended": Message(
            "Approval {number} still serves {services}, but the registration of {registered} has ended: {status} "
            "({since}).",
            "End the services or show the new registration; the authority that approved is to be told.",
        ),
        "moved_within": Message(
            "The registration of {registered} has ended ({status}, {since}), and a newer place in the area is declared; "
            "approval {number} serves {services}.",
            "Ask for the record of the new registry.",
        ),
        "ended_idle": Message(
            "The registration of {registered} has ended ({status}, {since}), and approval {number} is still valid, though "
            "nothing declared runs under it.",
            "Ask whether the approval was handed back.",
        ),
        "approval_ended": Message(
            "Approval {number} has ended, and nothing beside the pilot runs under it alone."
        ),
        "licence_ended": Message(
            "Licence {number} has ended, while {registered} is registered and goes on with services that no other "
            "licence names.",
            "End the services or show the renewed licence.",
        ),
        "linked": Message(
            "Approval {number} agrees with the registration of {registered}: holder, scope, status."
        ),
        "not_linked": Message(
            "Approval {number} and the registration of {registered} do not settle each other: {doubts}.",
            "Ask for both papers of today, and have the one corrected that is behind.",
        ),
    },
)
