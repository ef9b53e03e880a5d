"""What the standard formats share: strict JSON, names that never change, files and places of subjects."""

from __future__ import annotations

import hashlib
import json
import re
import sys
import uuid
from contextlib import contextmanager
from itertools import islice
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, unquote

import numpy as np
import orjson

from auditor.errors import UsageError
from auditor.findings import SETTLED, Verdict, plain
from auditor.language import say
from auditor.manual import sections
from auditor.reports._content import SCHEMA, dumps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from auditor.findings import Finding
    from auditor.result import AuditResult
    from auditor.rule import Rule

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:auditor:result:1")
PATHS = ("path", "path_to_gate", "path_observed")
CHUNK = 10_000
TABLES = {"node": "nodes", "link": "links", "prefix": "prefixes"}
# What a terminal would obey: C1 controls and bidirectional marks, in UTF-8. JSON may write them as escapes.
OBEYED = re.compile(rb"\xc2[\x80-\x9f]|\xe2\x80[\x8b-\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]|\xef\xbb\xbf")

OBEYED_MARKS = (b"\xc2", b"\xe2\x80", b"\xe2\x81", b"\xef\xbb\xbf")


class Shown(NamedTuple):
    """One finding that a report lists."""

    finding: Finding
    record: dict[str, Any]
    lon_lat: tuple[float, float] | None


class Tail:
    """What is only known when all findings are written: what went wrong by rule and message."""

    def __init__(self) -> None:
        self.failed: dict[tuple[str, str, str], tuple[str, int]] = {}

    def add(self, finding: Finding, record: Mapping[str, Any]) -> None:
        """Count a finding."""
        if finding.verdict in {Verdict.ERROR, Verdict.NOT_CHECKED}:
            key = (finding.rule, str(finding.verdict), finding.message_id)
            first, number = self.failed.get(key, (record["message"], 0))
            self.failed[key] = (first, number + 1)


def shown(result: AuditResult, all_findings: bool, tail: Tail) -> Iterator[Shown]:  # noqa: FBT001
    """Give the findings that a report lists, in order, with the places of nodes; `tail` counts them."""
    rows = result.findings.rows(set(Verdict) if all_findings else set(Verdict) - SETTLED)
    while chunk := list(islice(rows, CHUNK)):
        for finding, lon_lat in zip(chunk, _places(result, chunk), strict=True):
            record = plain(result.record(finding))
            tail.add(finding, record)
            yield Shown(finding, record, lon_lat)


def _places(result: AuditResult, findings: list[Finding]) -> list[tuple[float, float] | None]:
    """Longitude and latitude (WGS 84, degrees) of the nodes that findings are about."""
    at = [i for i, finding in enumerate(findings) if finding.subject.startswith("node:")]
    found: list[tuple[float, float] | None] = [None] * len(findings)
    if not at:
        return found
    case = result.case
    rows = case.rows_of(findings[i].subject.removeprefix("node:") for i in at)
    lon, lat = np.round(case.place.lon[rows], 6), np.round(case.place.lat[rows], 6)
    known = (rows >= 0) & ~np.isnan(lon) & ~np.isnan(lat)
    for i, x, y, is_known in zip(at, lon.tolist(), lat.tolist(), known.tolist(), strict=True):
        if is_known:
            found[i] = (x, y)
    return found


def file_of(kind: str, paths: list[str]) -> str | None:
    """Name the input that declares subjects of a kind; the first one where no name tells.

    Examples
    --------
    >>> file_of("node", ["declaration.toml", "nodes.csv", "links.csv"])
    'nodes.csv'
    >>> file_of("contract", ["declaration.toml", "nodes.csv"])
    'declaration.toml'
    """
    table = TABLES.get(kind)
    named = (path for path in paths if table and PurePosixPath(path).stem.lower() == table)
    return next(named, paths[0] if paths else None)


def manual_page(rule: Rule, lang: str, mark: str = "") -> list[str]:
    """Give the manual page of a rule as paragraphs; `mark` stands before headings."""
    page = sections(sys.modules[rule.check.__module__].__doc__ or "")
    return [
        words
        for section in page
        for words in (mark + section.heading.in_(lang), *(p.in_(lang) for p in section.paragraphs))
        if words != mark
    ]


# --- names that never change ------------------------------------------------------------------------------


def run_uuid(head: Mapping[str, Any], *more: str) -> uuid.UUID:
    """Name a run after all that it rests on: UUIDv5 over the digest of the result's head."""
    digest = hashlib.sha256(dumps(head)).hexdigest()
    return uuid.uuid5(NAMESPACE, "\x1f".join((digest, *more)))


def named(parent: uuid.UUID, *parts: str) -> str:
    """Name a part of something that has a UUID."""
    return str(uuid.uuid5(parent, "\x1f".join(parts)))


# --- file names as URIs -----------------------------------------------------------------------------------


def uri_of(path: str) -> str:
    """Give a file name as a relative reference that `path_of` turns back, whatever it holds.

    Examples
    --------
    >>> uri_of("数据 1/nodes.csv"), uri_of("javascript:alert(1)"), uri_of("//host/a")
    ('%E6%95%B0%E6%8D%AE%201/nodes.csv', 'javascript%3Aalert%281%29', '%2F/host/a')
    """
    written = quote(path, safe="/")
    return "%2F" + written[1:] if written.startswith("/") else written


def path_of(uri: str) -> str:
    """Give the file name back.

    Examples
    --------
    >>> path_of("%2F/host/a")
    '//host/a'
    """
    return unquote(uri, errors="strict")


# --- JSON -------------------------------------------------------------------------------------------------


def written(value: object) -> bytes:
    r"""Write JSON in which nothing stands that a terminal would obey.

    Examples
    --------
    >>> written({"a": "\u202e\x1b[0m"})
    b'{"a":"\\u202e\\u001b[0m"}'
    """
    data = dumps(value)
    if not any(mark in data for mark in OBEYED_MARKS):  # ten times faster than the search
        return data
    return OBEYED.sub(lambda found: b"\\u%04x" % ord(found[0].decode()), data)


def array(items: Iterable[object]) -> Iterator[bytes]:
    """Write the inside of a JSON array piece by piece."""
    comma = b""
    for item in items:
        yield comma + written(item)
        comma = b","


def strict(data: bytes) -> Any:
    """Read JSON in which no key stands twice: two readers of a report must not see two results.

    Raises
    ------
    UsageError
        What is no JSON, or says one thing twice.
    """
    try:
        values = orjson.loads(data)
        if len(orjson.dumps(values)) != len(data.strip()):  # else it is as we write it, and no key was lost
            json.loads(data, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise UsageError(say("it is no JSON: {reason}", reason=str(error))) from None
    return values


def _once(pairs: list[tuple[str, Any]]) -> None:
    keys = [key for key, _ in pairs]
    if len(set(keys)) < len(keys):
        raise UsageError(say("{key} stands twice", key=repr(max(keys, key=keys.count))))


@contextmanager
def whole() -> Iterator[None]:
    """Turn whatever a report lacks into one error for people."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            say("it is not whole: {reason}", reason=f"{type(error).__name__}: {error}"[:200])
        ) from None


def is_ours(schema: object) -> None:
    """Refuse what another tool, or another version, wrote.

    Raises
    ------
    UsageError
        It does not state the schema of results.
    """
    if schema != SCHEMA:
        raise UsageError(say("its `schema` is not {schema}", schema=SCHEMA))
