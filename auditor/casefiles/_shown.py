"""The content of a case file as the page and the PDF lay it out; what is long is cut and says by how much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditor.casefiles._page import MOST_ROWS, filled
from auditor.casefiles._words import WORDS
from auditor.findings import plain
from auditor.language import Text
from auditor.registers import labels

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MOST_HOPS = 6  # nodes of a path on a line
MOST_STATIONS = 24  # nodes of a path that is drawn
LONGEST_NAME = 60  # characters of a node's name where its path is drawn
SECONDS = 19  # characters of a time up to its seconds
MOST_CELL = 2_000  # characters
NAMED = {"nodes": "id", "links": "id", "prefixes": "prefix"}
FILES = "evidence/declared/{}"


def shown(content: Mapping[str, Any], evidence: Sequence[Mapping[str, Any]], digest: str) -> dict[str, Any]:
    """Give what is laid out.

    Parameters
    ----------
    content
        As ``case.json`` has it.
    evidence
        Files of evidence with their digests and sizes.
    digest
        That of the evidence.
    """
    values: dict[str, Any] = plain(dict(content))
    for matter in values["matters"]:
        for entry in matter["subjects"]:
            entry["path_text"] = path_text(entry["path"])
        matter["example"]["ways"] = [_drawn(way) for way in matter["example"]["ways"]]
    for seen in values["observations"]:
        seen["seen_at"] = (seen["seen_at"] or "")[:SECONDS].replace("T", " ") or None
    if values["declared"] is not None:
        values["declared"]["blocks"] = plain(list(_blocks(values["declared"])))
    count, causes = f"{values['count']:,}", len(values["matters"])
    return {
        **values,
        "count_text": count if causes == 1 else plain(filled("causes", count=count, causes=causes)),
        "referrals": [
            plain([[_label("referrals", key), _word(key, value)] for key, value in referral.items()])
            for referral in values["referrals"]
        ],
        "replies": [letter for letter in values["exchange"] if letter["reply"]],
        "evidence": list(evidence),
        "evidence_sha256": digest,
    }


def _drawn(way: dict[str, Any]) -> dict[str, Any]:
    """Give a path as it is drawn: names cut, and of a long one both ends; the reasons name all of it."""
    stations = [
        {**station, "name": _cut(station["name"], LONGEST_NAME)} if station.get("name") else station
        for station in way["stations"]
    ]
    hidden = len(stations) - MOST_STATIONS
    if hidden <= 0:
        return {**way, "stations": stations}
    half, after = MOST_STATIONS // 2, way["handoff_after"]
    gap = {"id": f"… (+{hidden:,})", "declared": None}
    if after is not None and after >= half:
        after = after - hidden + 1 if after >= half + hidden else half
    return {**way, "stations": [*stations[:half], gap, *stations[-half:]], "handoff_after": after}


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}… (+{len(text) - most:,})"


def path_text(path: Sequence[str | None] | None) -> str:
    """Write a path on a line; of a long one both ends.

    Examples
    --------
    >>> path_text(["a", None]), path_text(None)
    ('a → ?', '–')
    """
    names = [name or "?" for name in path or ()]
    if len(names) > MOST_HOPS:
        half = MOST_HOPS // 2
        names = [*names[:half], f"… (+{len(names) - 2 * half:,})", *names[-half:]]
    return " → ".join(names) or "–"


def _blocks(declared: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Give tables and records as rows of a name and its cells."""
    for name, table in declared["tables"].items():
        columns = [(c["name"], c["label"]) for c in table["columns"]]
        chosen = [table["rows"][at] for at in table["shown"][:MOST_ROWS]]
        rows = [
            {
                "name": row[NAMED[name]],
                "cells": [
                    [label, _word(key, row[key])]
                    for key, label in columns
                    if row[key] is not None and key != NAMED[name]
                ],
            }
            for row in chosen
        ]
        yield _block(name, rows, len(table["rows"]), FILES.format(f"{name}.csv"))
    for name, records in declared["records"].items():
        rows = [
            {
                "name": next((str(r[k]) for k in ("id", "number", "code", "name") if k in r), str(at)),
                "cells": [[_label(name, key), _word(key, value)] for key, value in r.items()],
            }
            for at, r in enumerate(records, 1)
        ]
        yield _block(name, rows[:MOST_ROWS], len(records), FILES.format("records.json"))


def _block(name: str, rows: list[dict[str, Any]], number: int, file: str) -> dict[str, Any]:
    more = number - len(rows)
    return {
        "title": _title(name),
        "rows": rows,
        "file": file,
        "more": filled("more", count=f"{more:,}") if more else None,
    }


def _title(name: str) -> Text:
    """Name a table or a list of records as the workbook does."""
    sheet = labels.label("sheet", name)
    return Text(name.replace("_", " "), sheet.zh) if sheet is not None else WORDS[name]


def _label(table: str, name: str) -> Text:
    """Name a field; one of the operator's own keeps its name."""
    label = labels.label(table, name)
    return Text(name.replace("_", " "), label.zh) if label is not None else Text(name, name)


def _word(key: str, value: Any) -> Text:
    """Give a cell; words of closed lists in both languages, structures on a line."""
    if isinstance(value, list):
        parts = [_word(key, part) for part in value]
        return Text(", ".join(p.en for p in parts), "、".join(p.zh for p in parts))
    if isinstance(value, dict):
        told = "; ".join(f"{name}: {_word(name, part).en}" for name, part in value.items())
        return Text(told, told)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return Text(*(_cut(told, MOST_CELL) for told in (text, labels.chinese(key, text))))
