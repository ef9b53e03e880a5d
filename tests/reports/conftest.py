"""Results that the tests of the standard formats share: every sample network, and one that is made to hurt."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import auditor
from auditor.findings import Batch, RuleFindings, Verdict
from auditor.tables import Note, Unused
from auditor.values import Each

ON = "2026-11-22"
# What no reader lets through, and yet a graph made in Python may hold.
UGLY = [
    "",
    " ",
    "a\nb",
    "\x00\x1b[31m\x85\u202e\u2066\u200b\ufeff\u2028",
    "\ufffe\uffff",
    "</script><img src=x onerror=alert(1)>",
    "[click](http://evil.example) {0} {{1}} \\[ \\\\] \\{",
    "json:{}",
    "=cmd|' /C calc'!A0",
    "*_`#&<b>|~",
    "名称　\u3000终",
    "x" * 10_000,
]


@pytest.fixture(scope="session")
def audited():
    """Results of every sample network in English, by name; with its observations where it has any."""
    areas = auditor.read_areas(ON)
    found = {}
    for path in sorted(auditor.sample("thin").parent.iterdir()):
        if not (path / "declaration.toml").is_file():
            continue
        declaration = auditor.read_declaration(path)
        found[path.name] = auditor.check(declaration, areas=areas, as_of=ON)
        seen = path / "observations.parquet"
        if seen.is_file():
            observations = auditor.read_observations(seen)
            found[f"{path.name} observed"] = auditor.check(
                declaration, areas=areas, as_of=ON, observations=observations
            )
    return found


@pytest.fixture(scope="session")
def one_rule():
    """Give a small result with a witness path."""
    declaration = auditor.read_declaration(auditor.sample("suzhou_bng"))
    return auditor.check(declaration, as_of=ON, only=("PILOT-ISP-02",))


def _observation(record, texts):
    return record | {"asked": texts[0], "note": texts[1], "owner": texts[2]}


@pytest.fixture(scope="session")
def twisted(audited):
    """From texts and facts to a result whose every field holds them, and whose every verdict occurs."""
    base = audited["shanghai_disagreements observed"]
    rule = next(rule for rule in base.rules if rule.id == "PILOT-FAC-05")
    record = next(
        r for finding in base.findings.rows() for r in finding.observations if r.get("kind") == "place"
    )
    other = base.rules[0]

    def make(texts, facts=(), lang="en"):
        texts = [*texts, *UGLY[:1]] * 3
        subjects = [f"{i} {text}" for i, text in enumerate(texts)]
        path = [None, *texts]
        details = {"path": path, "handoff": [texts[0], None], "facts": list(facts), texts[0]: texts[1]}
        args = {"kind": texts[0], "place": texts[1], "against": texts[2], "supports": texts[0], "count": 3}
        seen = Each(lambda i: [_observation(record, texts)] if i % 2 else [])

        def batch(verdict, **more):
            values = {"args": args, "details": details, "observations": seen} | more
            message = {Verdict.ERROR: "raised", Verdict.NOT_CHECKED: "skipped"}.get(verdict, "contradicted")
            if verdict == Verdict.ERROR:
                values["args"] = {"error": texts[1]}
            return Batch(verdict, message, [f"{verdict} {s}" for s in subjects], "contract", **values)

        batches = tuple(batch(verdict) for verdict in Verdict)
        bare = Batch(Verdict.FAIL, "skipped", np.arange(2), "node", args={}, details={"handoff": None})
        found = (
            RuleFindings(other.id, other.basis, other.clauses, other.severity, (bare,)),
            RuleFindings(rule.id, rule.basis, rule.clauses, rule.severity, batches),
        )
        declaration = base.case.declaration
        declaration = replace(
            declaration,
            operator=declaration.operator.model_copy(
                update={"name": texts[0] or "?", "uscc": texts[1] or None}
            ),
            notes=(Note(texts[1], texts[0]),),
            unused=(Unused(texts[0], texts[1], texts[2]),),
            inputs=tuple(replace(one, path=f"{i}{texts[i]}") for i, one in enumerate(declaration.inputs)),
        )
        return replace(
            base,
            rules=(other, rule),
            findings=replace(base.findings, rules=found),
            case=replace(base.case, declaration=declaration),
            lang=lang,
        )

    return SimpleNamespace(make=make, ugly=UGLY)
