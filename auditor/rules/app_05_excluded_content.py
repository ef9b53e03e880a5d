"""A pilot service of information publishing keeps clear of the four kinds of content that the opening leaves out.

Clause
------
Annex 2(1): 信息服务中信息发布平台和递送服务（互联网新闻信息、网络出版、网络视听、互联网文化经营除外）. Information publishing platforms and
delivery services, excluding Internet news information, online publishing, online audiovisuals and Internet cultural
operations.

Check
-----
Each B25-1 service under the pilot (and B25 where the declaration goes no further) by the content that it declares
to provide. One of the four fails; stated none (`content = []`) and content of other kinds pass.

Inconclusive when
-----------------
The content is not declared; a kind of content is declared that is not known here (users' videos, games, live
streams, e-books); an approval of the operator holds a pre-approval item (新闻 出版 视听节目 文化) for one of the four.

Not applicable when
-------------------
The operator offers no B25-1 under the pilot.

Limits
------
The exclusion is of B25-1 alone: customers' news or videos on the operator's data centre or CDN, B25-5 and B21 are
not concerned. 药品和医疗器械 is a pre-approval item but no exclusion. What the domains really show is not looked at.

Source
------
Card PILOT-APP-05; decision 12.6; NEG-11.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor import registers
from auditor.findings import Verdict
from auditor.language import Text, both
from auditor.rule import Message, Rule
from auditor.rules import _approvals
from auditor.rules._approvals import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.case import Case
    from auditor.findings import Batch
    from auditor.model import Service

PUBLISHING = frozenset({"B25-1", "B25"})


def scope(case: Case) -> list[tuple[str, list[str]]]:
    """Give the publishing services under the pilot."""
    return [("service", _approvals.codes(_publishing(case)))]


def check(case: Case) -> Iterator[Batch]:
    """Judge each publishing service by its declared content."""
    yield from _approvals.judge_each(_publishing(case), lambda service, code: _judge(case, service, code))


def _publishing(case: Case) -> list[Service]:
    return [service for service in case.pilot_services if _approvals.code_of(service) in PUBLISHING]


def _judge(case: Case, service: Service, code: str) -> Answer:
    content = service.content
    excluded = [key for key in map(registers.excluded_content, content or ()) if key]
    if excluded:
        return Answer(Verdict.FAIL, "excluded", {"content": _names(excluded)})
    held = _items_held(case, code)
    if held:
        return Answer(Verdict.INCONCLUSIVE, "item_held", {"content": _names(held)})
    if content is None:
        return Answer(Verdict.INCONCLUSIVE, "content_unknown")
    strange = [text for text in content if registers.content_key(text) is None]
    if strange:
        return Answer(Verdict.INCONCLUSIVE, "content_not_known", {"content": strange})
    return Answer(Verdict.PASS, "none_excluded")


def _items_held(case: Case, code: str) -> list[str]:
    """Excluded kinds of content for which an approval of the operator holds a pre-approval item."""
    items = [
        item
        for approval in case.declaration.approvals
        if _approvals.held_by_operator(case, approval) is not False
        and _approvals.names_service(approval, code) is not False
        and _approvals.lapsed(case, approval) is None
        for item in approval.preapproval_items
    ]
    return [key for key in map(registers.excluded_content, items) if key]


def _names(keys: list[str]) -> list[Text]:
    kinds = {kind.key: Text(kind.name_en, kind.name_zh) for kind in registers.read_content()}
    return [kinds[key] for key in dict.fromkeys(keys)]


RULE = Rule(
    id="PILOT-APP-05",
    title=both("No excluded content in a publishing service under the pilot"),
    basis="circular",
    clauses=("circular-2", "annex-2-1"),
    severity="high",
    scope=scope,
    check=check,
    placed=False,
    messages={
        "none_excluded": Message("{service}: none of the four excluded kinds of content is declared."),
        "excluded": Message(
            "{service} under the pilot itself provides content that the opening leaves out: {content}.",
            "End this content, or move it to an enterprise that may provide it.",
        ),
        "item_held": Message(
            "{service}: an approval of the operator holds a pre-approval item for content that the pilot leaves out "
            "({content}); whether the pilot service provides it is not clear.",
            "Ask for which service the item was granted and what the pilot service publishes.",
        ),
        "content_unknown": Message(
            "{service}: it is not declared what content it provides.",
            "State `content`; `content = []` says that there is none of the four excluded kinds.",
        ),
        "content_not_known": Message(
            "{service}: whether {content} belongs to the four excluded kinds of content is not clear.",
            "Ask whether it is Internet news, online publishing, audiovisuals or cultural operations, and by whom it "
            "is provided.",
        ),
    },
)
