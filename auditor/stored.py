"""What a result that was written must hold before anything is made of it."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from pydantic import ConfigDict, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from auditor.errors import UsageError
from auditor.findings import Verdict
from auditor.language import say

SHOWN = 5


class Ran(TypedDict):
    """One rule that ran."""

    id: str
    sha256: str
    placed: bool


class Judged(TypedDict):
    """One finding; all else that stands in it is kept."""

    __pydantic_config__ = ConfigDict(extra="allow", strict=True)  # type: ignore[misc]
    rule: str
    subject: str
    verdict: str
    message: str
    message_id: str
    fingerprint: str
    args: dict[str, Any]
    details: dict[str, Any]


class Operator(TypedDict):
    """Whose result it is."""

    name: str
    uscc: str | None
    area: str | None


class Stored(TypedDict):
    """A result as it was written; all else that stands in it is kept."""

    __pydantic_config__ = ConfigDict(extra="allow", strict=True)  # type: ignore[misc]
    schema: Literal["auditor.result/1"]
    tool: dict[str, str]
    verdict: str
    as_of: str
    operator: Operator
    policy_sha256: str
    min_grade: NotRequired[str]
    confirmed: NotRequired[list[str]]
    rules: NotRequired[list[Ran]]
    settled: NotRequired[dict[str, dict[str, list[str]]] | None]
    inputs: list[dict[str, Any]]
    zones: list[dict[str, Any]]
    counts: dict[str, dict[str, int]]
    findings: list[Judged]


READ = TypeAdapter(Stored)
VERDICTS = frozenset(map(str, Verdict))


def checked(values: Any, name: str) -> dict[str, Any]:
    """Give a result that was read, if it is whole.

    Raises
    ------
    UsageError
        What is missing or of another kind, with its place.
    """
    try:
        READ.validate_python(values)
    except ValidationError as error:
        wrong = [
            say("{where}: {what}", where=".".join(map(str, e["loc"])) or "/", what=e["msg"])
            for e in error.errors()[:SHOWN]
        ]
        raise UsageError(
            say("{name} is no whole result of auditor: {wrong}", name=name, wrong=wrong)
        ) from None
    strange = sorted({f["verdict"] for f in values["findings"]} - VERDICTS)
    if strange:
        raise UsageError(
            say("{name}: verdicts that auditor does not give: {strange}", name=name, strange=strange)
        )
    result: dict[str, Any] = values
    return result
