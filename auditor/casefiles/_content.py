"""The content of a case file as plain values: ``case.json``, and all that the page and the PDF show."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from auditor import __version__, engine, registers
from auditor.casefiles._declared import Declared, ways_of
from auditor.casefiles._words import DOCUMENT_STATES, EXCHANGE_KINDS, LIMITS, WAYS, WORDS
from auditor.errors import visible
from auditor.explaining import EXPLAIN_WORDS, explained, says
from auditor.findings import UNDECIDED, Verdict, plain
from auditor.grouping import grouped
from auditor.language import Text, both, told
from auditor.messages import BASES, GRADES, SEVERITIES, VERDICTS, observation_line, weightiest
from auditor.overview import why_nothing
from auditor.page.facts import not_checked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from auditor.casefiles._chosen import Chosen
    from auditor.casefiles._exchange import Exchange
    from auditor.grouping import Group
    from auditor.reviews import Review
    from auditor.rule import Rule

SCHEMA = "auditor.case/1"
DIGITS = 12  # of a case number
TONES = {Verdict.FAIL: "fail", **dict.fromkeys(UNDECIDED, "open"), Verdict.PASS: "pass"}
REPLIES = frozenset({"statement", "objection"})
LANGUAGES = ("en", "zh")


def number_of(fingerprints: Sequence[str]) -> str:
    """Give the number of a case: of one finding the head of its fingerprint, of several that of their digest.

    Examples
    --------
    >>> number_of(["17b7cfa26c9a921e46a2"]), number_of(["b", "a"]) == number_of(["a", "b"])
    ('107-17B7CFA26C9A', True)
    """
    ordered = sorted(set(fingerprints))
    one = ordered[0] if len(ordered) == 1 else hashlib.sha256("\n".join(ordered).encode()).hexdigest()
    return f"107-{one[:DIGITS].upper()}"


class Writer:
    """Writes the content of one case.

    Parameters
    ----------
    chosen
        What the case is about.
    exchange
        What was asked and answered.
    reviews
        Who confirmed which document, by digest.
    """

    def __init__(self, chosen: Chosen, exchange: Exchange, reviews: Mapping[str, Sequence[Review]]) -> None:
        self.chosen, self.exchange, self.reviews = chosen, exchange, reviews
        self.rules: dict[str, Rule] = {rule.id: rule for rule in engine.all_rules()}
        self.declared = None if chosen.result is None else Declared(chosen.result, chosen.records)
        self._records = {(r["rule"], r["subject"]): r for r in chosen.records}
        self._seen: dict[str, dict[str, Any]] = {}
        self._shown: set[str] = set()
        self._steps: set[tuple[str | None, str | None]] = set()

    def content(self) -> dict[str, Any]:
        """Give all of it; texts are `Text`, all else plain."""
        head, records = self.chosen.head, self.chosen.records
        matters = list(self._matters())
        return {
            "schema": SCHEMA,
            "number": number_of([record["fingerprint"] for record in records]),
            "title": WORDS["title"],
            "tool": {"version": __version__},
            "as_of": head["as_of"],
            "operator": self._operator(),
            "count": len(records),
            "matters": matters,
            "declared": self._declared(),
            "documents": list(self._documents()),
            "observations": list(self._seen.values()),
            "exchange": [self._letter(at) for at in range(len(self.exchange.letters))],
            "referrals": self._referrals(),
            "not_checked": self._not_checked(),
            "limits": [Text(*_filled(name, args)) for name, args in self.chosen.limits],
            "provenance": self._provenance(),
        }

    # --- who and what -------------------------------------------------------------------------------------

    def _operator(self) -> dict[str, Any]:
        stated, result = self.chosen.head["operator"], self.chosen.result
        declared_on = None if result is None else result.case.declaration.declared_on
        area = stated.get("area")
        name = Text(area, area) if area else both("no pilot area")
        if result is not None:
            name = result.case.area_name(result.case.area)
        return {"name": stated["name"], "uscc": stated.get("uscc"), "area": name, "declared_on": declared_on}

    def _matters(self) -> Iterator[dict[str, Any]]:
        """Give what was found, one entry a cause: rule, clauses, the example whole, all subjects."""
        by_rule: dict[str, list[Any]] = {}
        for finding in self.chosen.findings():
            by_rule.setdefault(finding.rule, []).append(finding)
        for rule_id, findings in sorted(by_rule.items()):
            for group in grouped(findings):
                yield self._matter(rule_id, group)

    def _matter(self, rule_id: str, group: Group) -> dict[str, Any]:
        records = [self._records[rule_id, finding.subject] for finding in group.findings]
        rule, first = self.rules.get(rule_id), records[0]
        clauses = [name for name in first.get("clause", "").split(", ") if name]
        return {
            "rule": {
                "id": rule_id,
                "title": rule.title if rule is not None else rule_id,
                "basis": BASES.get(first.get("basis", ""), first.get("basis")),
                "severity": SEVERITIES.get(first.get("severity", ""), first.get("severity")),
            },
            "clauses": list(_clauses(clauses)),
            "verdict": {
                "code": str(group.verdict),
                "word": VERDICTS[group.verdict],
                "tone": TONES.get(group.verdict, "none"),
            },
            "handoff": [name or None for name in group.handoff],
            "example": self._example(rule, first),
            "subjects": [
                {
                    "subject": record["subject"],
                    "grade": record.get("grade"),
                    "path": next((way for _, way in ways_of(record)), None),
                    "fingerprint": record["fingerprint"],
                    "observations": self._observed(record),
                }
                for record in records
            ],
        }

    def _example(self, rule: Rule | None, record: Mapping[str, Any]) -> dict[str, Any]:
        """Give one finding whole: message, reasons, paths, grade."""
        self._shown.add(record["subject"])
        for _, way in ways_of(record):
            self._steps |= set(pairwise(way))
        message = ask = Text(record["message"], record["message"])
        facts: list[list[Text]] = []
        if rule is not None:
            texts = [says(rule, record, lang) for lang in LANGUAGES]
            message, ask = (Text(*pair) for pair in zip(*texts, strict=True))
            facts = _reasons(rule, record, self.chosen.head)
        return {
            "subject": record["subject"],
            "fingerprint": record["fingerprint"],
            "message_id": record["message_id"],
            "message": message,
            "ask": ask,
            "grade": GRADES.get(record.get("grade", ""), record.get("grade")),
            "facts": facts,
            "details": record["details"],
            "ways": [self._way(kind, way, record) for kind, way in ways_of(record)],
            "observations": self._observed(record),
        }

    def _way(self, kind: str, way: list[str | None], record: Mapping[str, Any]) -> dict[str, Any]:
        if self.declared is not None:
            stations = self.declared.stations(way)
        else:
            stations = [{"id": name, "declared": None} for name in way]
        pair = list(record["details"].get("handoff") or ()) if kind == "path" else []
        steps = [list(step) for step in pairwise(way)]
        return {
            "kind": kind,
            "name": WAYS[kind],
            "stations": stations,
            "handoff_after": steps.index(pair) if pair in steps else None,
        }

    # --- what it rests on ---------------------------------------------------------------------------------

    def _observed(self, record: Mapping[str, Any]) -> list[int]:
        """Take up the observations of a finding, each once; gives their numbers from 1."""
        numbers = []
        for seen in weightiest(record.get("observations", ())):
            key = repr(sorted(seen.items(), key=lambda item: item[0]))
            entry = self._seen.setdefault(key, {"number": len(self._seen) + 1, **self._observation(seen)})
            numbers.append(entry["number"])
        return numbers

    def _observation(self, seen: Mapping[str, Any]) -> dict[str, Any]:
        family = registers.read_weights().family(seen["family"])
        known = {source["source"]: source for source in self.chosen.head.get("sources", ())}
        source = known.get(seen["source"], {})
        return {
            "line": Text(*(observation_line(seen, lang) for lang in LANGUAGES)),
            "source": seen["source"],
            "title": source.get("title") or seen["source"],
            "family": Text(family.name_en, family.name_zh),
            "seen_at": seen.get("seen_at"),
            "vintage_on": seen.get("vintage_on"),
            "digest": seen.get("digest"),
            "of_data": bool(seen.get("digest")) and seen.get("digest") == source.get("sha256"),
            "record": dict(seen),
        }

    def _declared(self) -> dict[str, Any] | None:
        """Give the rows and records; `shown` are the rows of the examples and their paths."""
        if self.declared is None:
            return None
        tables = {}
        for name, table in self.declared.tables.items():
            rows = plain(table.to_pylist())
            tables[name] = {
                "columns": [
                    {"name": column, "label": _column(name, column)} for column in table.column_names
                ],
                "rows": rows,
                "shown": [at for at, row in enumerate(rows) if self._is_of_examples(row)],
            }
        return {"files": self.declared.files(), "tables": tables, "records": self.declared.records_told}

    def _is_of_examples(self, row: Mapping[str, Any]) -> bool:
        """Whether a row is of an example or its path: a node, both ends of a link, the user of a block."""
        if "target" in row or "source" in row:
            step = (row.get("source"), row.get("target"))
            return f"link:{row.get('id')}" in self._shown or step in self._steps or step[::-1] in self._steps
        if "prefix" in row:
            return f"prefix:{row['prefix']}" in self._shown or f"node:{row.get('node')}" in self._shown
        return f"node:{row['id']}" in self._shown or any(row["id"] in step for step in self._steps)

    def _documents(self) -> Iterator[dict[str, Any]]:
        if self.declared is None:
            return
        confirmed = self.declared.case.confirmed
        for use in self.declared.documents():
            state = (
                "missing" if use.sha256 is None else "confirmed" if use.sha256 in confirmed else "attached"
            )
            yield {
                "name": use.name,
                "sha256": use.sha256,
                "state": {"code": state, "word": DOCUMENT_STATES[state]},
                "reviews": [{"by": r.by, "on": r.on} for r in self.reviews.get(use.sha256 or "", ())],
                "backs": [
                    {"what": what, "claimed": claimed, "counts": None if grade is None else f"E{grade}"}
                    for what, claimed, grade in use.backs
                ],
            }

    def _letter(self, at: int) -> dict[str, Any]:
        letter = self.exchange.letters[at]
        return {
            "on": letter.on,
            "from": letter.sender,
            "to": letter.to,
            "kind": {"code": letter.kind, "word": EXCHANGE_KINDS[letter.kind]},
            "reply": letter.kind in REPLIES,
            "text": letter.text,
            "document": {"name": letter.document, "sha256": letter.sha256} if letter.document else None,
        }

    def _referrals(self) -> list[dict[str, Any]]:
        """Give the referrals that the declaration records of these rules, or of the operator as a whole."""
        if self.declared is None:
            return []
        rules = {record["rule"] for record in self.chosen.records}
        subjects = {record["subject"] for record in self.chosen.records}
        return [
            plain(entry.model_dump(exclude_none=True))
            for entry in self.declared.declaration.referrals
            if (not entry.rule or {entry.rule, f"PILOT-{entry.rule}"} & rules)
            and (not entry.subject or entry.subject in subjects)
        ]

    def _not_checked(self) -> list[Text]:
        """Say what a reader might think was checked and was not."""
        result, head = self.chosen.result, self.chosen.head
        lines = []
        if result is not None:
            told_in = [not_checked(replace(result, lang=lang)) for lang in LANGUAGES]
            lines = [Text(*pair) for pair in zip(*told_in, strict=True)]
            nothing = [why_nothing(replace(result, lang=lang)) for lang in LANGUAGES]
            lines += [Text(*pair) for pair in zip(*nothing, strict=True)]
        elif not head.get("sources"):
            lines = [LIMITS["observed"]]
        count = len(head.get("manual", ()))
        return [*lines, Text(*(WORDS["manual"].in_(lang).format(count=count) for lang in LANGUAGES))]

    def _provenance(self) -> dict[str, Any]:
        head = self.chosen.head
        inputs = [dict(entry) for entry in head["inputs"]]
        if self.exchange.name:
            inputs.append({"path": self.exchange.name, "sha256": self.exchange.sha256})
        sources = {entry["record"]["source"] for entry in self._seen.values()}
        return {
            "inputs": inputs,
            "zones": [dict(zone) for zone in head["zones"]],
            "sources": [dict(source) for source in head.get("sources", ()) if source["source"] in sources],
            "policy_sha256": head["policy_sha256"],
            "min_grade": head.get("min_grade"),
            "result_version": head["tool"].get("version"),
            "unused": [
                Text(*(f"{told(u.where, lang)}: {told(u.what, lang)}" for lang in LANGUAGES))
                for u in self.exchange.unused
            ],
        }


def _filled(name: str, args: Mapping[str, Any]) -> tuple[str, str]:
    filled = both(LIMITS[name].en, **args)
    return filled.en, filled.zh


def _clauses(names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Give clauses in the words of the law; one that is no more keeps its id."""
    known = {clause.id: clause for clause in registers.read_clauses()}
    for name in names:
        clause = known.get(name)
        if clause is None:
            yield {"id": name, "place": name, "zh": "", "en": "", "note": ""}
            continue
        place = Text(*(clause.place(lang) for lang in LANGUAGES))
        yield {
            "id": name,
            "place": place,
            "zh": clause.zh,
            "en": clause.en,
            "note": Text(clause.note, clause.note_zh),
        }


def _reasons(rule: Rule, record: Mapping[str, Any], head: Mapping[str, Any]) -> list[list[Text]]:
    """Give the facts of the witness, in both languages; what stands elsewhere is left out."""
    elsewhere = {text for word in EXPLAIN_WORDS.values() for text in word}
    bare = {**record, "observations": []}
    told_in = [
        [line for line in explained(rule, bare, head, lang) if line[0] not in elsewhere] for lang in LANGUAGES
    ]
    return [
        [Text(en[0], zh[0]), Text(visible(en[1]), visible(zh[1]))] for en, zh in zip(*told_in, strict=True)
    ]


def _column(table: str, name: str) -> Text:
    """Name a column; one of the operator's own keeps its name."""
    label = registers.labels.label(table, name)
    return Text(name.replace("_", " "), label.zh) if label is not None else Text(name, name)
