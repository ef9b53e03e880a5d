"""Put the page together: data, markup, styles and scripts in one file under a strict policy."""

from __future__ import annotations

import base64
import re
import zlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from markupsafe import Markup

from auditor.datum import UNKNOWN_DATUM_M
from auditor.findings import WORST_FIRST
from auditor.messages import RELATIONS
from auditor.page import facts, frame
from auditor.page.entries import Entries, verdict_words
from auditor.page.network import Carried, judged
from auditor.page.words import words

if TYPE_CHECKING:
    from auditor.columns import IntArray
    from auditor.result import AuditResult

FOLDER = Path(__file__).parent
STYLES = ("leaflet/leaflet.css", "parts/page.css")
# The colours of the dark page stand once in the style: for who chose it, and for whose system did.
DARK = re.compile(r':root\[data-theme="dark"\] (\{[^}]*\})')
ALSO_DARK = '@media (prefers-color-scheme: dark) { :root:not([data-theme="light"]) \\1 }\n\\g<0>'
SCRIPTS = ("core", "list", "network_layer", "map", "topology", "details", "main")
PACKED_FROM = 300_000  # bytes of data from which they are deflated
LEVEL = 6  # of deflating: 9 takes four times as long for a twentieth less
ROWS = 12  # findings of a group in the markup; the rest is listed on demand
GROUPS = 25  # groups of a rule in the markup
ESCAPES = {b"<": b"\\u003c", b">": b"\\u003e", b"&": b"\\u0026"}
SEPARATORS = {"\u2028".encode(): b"\\u2028", "\u2029".encode(): b"\\u2029"}


def page_html(result: AuditResult, *, all_findings: bool = False) -> str:
    """Give the report as one HTML page.

    Parameters
    ----------
    result
        What `check` gave; its ``lang`` is that of the page. Clauses stand in both languages.
    all_findings
        Whether passes, and what does not apply, are listed however many they are.

    Returns
    -------
    str
        A document that needs no other file. The same for the same result.
    """
    return _page(result, all_findings=all_findings, compact=False)


def map_html(result: AuditResult) -> str:
    """Give the map and the list of findings alone, for a frame in a notebook (``sandbox=allow-scripts``)."""
    return _page(result, all_findings=False, compact=True)


def _page(result: AuditResult, *, all_findings: bool, compact: bool) -> str:
    entries = Entries(result, all_findings=all_findings)
    columns = entries.columns()
    path_rows = _rows(result, entries.ends.names)
    carried = Carried(result, judged(result), path_rows[path_rows >= 0])
    subject, others = entries.subjects(carried)
    nodes, told, zones = carried.nodes(), facts.rules(result), facts.zones(result)
    payload = {
        "lang": result.lang,
        "rules": [{k: rule[k] for k in ("id", "title", "service", "advisory")} for rule in told.values()],
        "codes": [str(v) for v in WORST_FIRST],
        "verdicts": verdict_words(result.lang),
        "relations": [text.in_(result.lang) for text in RELATIONS.values()],
        "words": words(result.lang),
        "nodes": nodes,
        "links": carried.links(),
        "unknown_datum_m": UNKNOWN_DATUM_M,
        "cells": carried.cells() if len(carried.declared) < result.case.n else [],
        "zones": zones,
        "texts": entries.texts.all,
        "groups": entries.groups,
        "findings": {**columns, "subject": subject, "others": others, "nodes": entries.nodes(carried)},
        "paths": {"node": carried.index[path_rows], "after": entries.ends.after.tolist()},
        "compact": compact,
        "everything": all_findings,
    }
    style, script = _inlined()
    template = frame.environment(FOLDER / "parts").get_template("page.html.j2")
    data, packed = _data(payload)
    return template.render(
        lang="zh-CN" if result.lang == "zh" else "en",
        w=words(result.lang),
        head=facts.head(result),
        rules=told,
        sections=_sections(entries, told),
        listing=_Listing(entries, payload),
        manual=[facts.clause_text(clause, result.lang) for clause in result.manual],
        not_checked=facts.not_checked(result),
        provenance=facts.provenance(result),
        step_m=zones["step_m"],
        aggregated=result.case.n - len(carried.declared),
        left_out=entries.left_out,
        compact=compact,
        everything=all_findings,
        policy=_policy(style, script),
        style=Markup(style),  # noqa: S704 -- files of the package
        script=Markup(script),  # noqa: S704 -- same
        data=Markup(data),  # noqa: S704 -- what markup is made of is escaped in `_data`
        packed=packed,
    )


def _rows(result: AuditResult, names: list[str]) -> IntArray:
    """Rows of the nodes that paths name: declared, then undeclared; -1 for a far end that is blank."""
    case = result.case
    rows = np.array(case.rows_of(names), np.int64)
    lost = case.declaration.undeclared
    lost = lost.combine_chunks() if isinstance(lost, pa.ChunkedArray) else lost
    others = np.asarray(pc.index_in(pa.array(names, pa.string()), lost.cast(pa.string())).fill_null(-1))
    return np.where((rows < 0) & (others >= 0), others + case.n, rows)


def _sections(entries: Entries, told: dict[str, Any]) -> dict[str, list[tuple[Any, list[int]]]]:
    """Sort groups of findings: by rule, what is open apart from what is settled."""
    sections: dict[str, dict[str, list[int]]] = {"open": {}, "settled": {}}
    for at, group in enumerate(entries.groups):
        sections["settled" if group["settled"] else "open"].setdefault(group["rule"], []).append(at)
    return {name: [(told[rule], at) for rule, at in own.items()] for name, own in sections.items()}


class _Listing:
    """What the markup shows of findings: the first of each group, in the words that scripts use, too."""

    groups_shown = GROUPS

    def __init__(self, entries: Entries, payload: dict[str, Any]) -> None:
        self._entries, self._data = entries, payload

    def group(self, at: int) -> dict[str, Any]:
        """One group, its texts filled in."""
        group, texts = self._entries.groups[at], self._entries.texts.all
        filled = {k: texts[group[k]] if group[k] >= 0 else "" for k in ("title", "message", "ask")}
        code = group["verdict"]
        return {**group, **filled, "code": self._data["codes"][code], "verdict": self._data["verdicts"][code]}

    def rows(self, at: int) -> list[dict[str, Any]]:
        """Give the first findings of a group."""
        group = self._entries.groups[at]
        last = min(group["end"], group["start"] + ROWS)
        return [self._row(i, first=i == group["start"]) for i in range(group["start"], last)]

    def _row(self, at: int, *, first: bool) -> dict[str, Any]:
        findings, nodes, texts = self._data["findings"], self._data["nodes"], self._entries.texts.all
        subject = int(findings["subject"][at])
        told = {
            k: texts[findings[k][at]] if findings[k][at] >= 0 else "" for k in ("message", "ask", "facts")
        }
        if subject >= 0:
            codes = (nodes["kind"][subject], nodes["owner"][subject])
            named = [nodes[k][c] if c >= 0 else "" for k, c in zip(("kinds", "owners"), codes, strict=True)]
            about = [nodes["name"].get(subject, ""), *named]
        path = self._entries.names(at) if first else []
        return {
            **told,
            "index": at,
            "anchor": findings["anchor"][at * 12 : at * 12 + 12],
            "subject": nodes["id"][subject] if subject >= 0 else findings["others"][-1 - subject],
            "about": [text for text in about if text] if subject >= 0 else [],
            "path": path,
            "seen": [texts[i] for i in findings["seen"].get(at, ())],
        }


# --- assembly ---------------------------------------------------------------------------------------------


@cache
def _inlined() -> tuple[str, str]:
    """Style and script of the page; what would fetch something (images, source maps) is taken out."""
    style = "\n".join((FOLDER / name).read_text("utf-8") for name in STYLES)
    style = re.sub(r"url\([^)]*\)", "none", style)
    style = DARK.sub(ALSO_DARK, style)
    library = (FOLDER / "leaflet/leaflet.js").read_text("utf-8")
    library = re.sub(r"//# sourceMappingURL=.*", "", library)
    own = "\n".join((FOLDER / f"parts/{name}.js").read_text("utf-8") for name in SCRIPTS)
    return f"\n{style}\n", f"\n{library}\n(() => {{\n'use strict';\n{own}\n}})();\n"


def _policy(style: str, script: str) -> str:
    """Content-Security-Policy: our own style and script by digest, and nothing else from anywhere."""
    return (
        f"default-src 'none'; script-src {frame.source(script)}; style-src {frame.source(style)}; "
        "img-src data:; base-uri 'none'; form-action 'none'; connect-src 'none'"
    )


def _column(values: Any) -> Any:
    """Give a column as its one value where all are the same."""
    if isinstance(values, np.ndarray):
        return int(values[0]) if len(values) and (values == values[0]).all() else values
    same = isinstance(values, list) and len(values) > 1 and values.count(values[0]) == len(values)
    return values[0] if same and not isinstance(values[0], list | str) else values


def _data(payload: dict[str, Any]) -> tuple[str, bool]:
    """Write the data so that no browser takes any of it for markup; deflated where they are many."""
    tables = {name: {k: _column(v) for k, v in payload[name].items()} for name in ("nodes", "findings")}
    payload = {**payload, **tables}
    options = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
    text = orjson.dumps(payload, option=options)
    if len(text) > PACKED_FROM:
        return base64.b64encode(zlib.compress(text, LEVEL)).decode(), True
    for char, escape in {**ESCAPES, **SEPARATORS}.items():
        text = text.replace(char, escape)
    return text.decode(), False
