"""One small report of each standard format, word for word, so that a change of form is seen.

`AUDITOR_UPDATE_GOLDEN=1` writes the files anew. Digests, UUIDs and versions are numbered, and what every run
repeats (pages of rules, clauses, zones, catalogue of messages) is left out.
"""

import json
import os
import re
from pathlib import Path

import pytest

from auditor import __version__
from auditor.reports import all_reports

GOLDEN = Path(__file__).parents[1] / "golden" / "reports"
LEFT_OUT = {
    "taxonomies", "translations", "help", "fullDescription", "messageStrings", "zones", "control-selections",
    "control-objective-selections",
}  # fmt: skip


def pruned(value):
    if isinstance(value, dict):
        return {k: "…" if k in LEFT_OUT else pruned(v) for k, v in value.items()}
    if isinstance(value, list):
        few = [v for v in value if not is_repeated(v)]
        return [pruned(v) for v in few]
    return value


def is_repeated(value):
    """Whether something is said of every run: clauses for a person, zones."""
    if not isinstance(value, dict):
        return False
    props = {one["name"]: one["value"] for one in value.get("props", ()) if isinstance(one, dict)}
    return (
        value.get("ruleId") == "CLAUSE-MANUAL"
        or props.get("verdict") == "manual"
        or props.get("kind") == "zone"
    )


def frozen(data, name):
    text = data.decode("utf-8")
    if name != "junit":
        text = json.dumps(pruned(json.loads(text)), ensure_ascii=False, indent=1)
    else:
        text = re.sub(r"(?s)<testsuite name=\"Clauses that.*?</testsuite>\n", "", text)
    text = text.replace(f'"{__version__}"', '"VERSION"')
    seen = {}
    pattern = r"\b[0-9a-f]{64}\b|[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{16}(?=:1\")"
    text = re.sub(pattern, lambda found: seen.setdefault(found[0], f"#{len(seen) + 1}"), text)
    return re.sub(r'("description": ").{400,}(")', r"\1…\2", text) + "\n"


@pytest.mark.parametrize("name", ["sarif", "sarif-github", "oscal", "junit"])
def test_golden(name, one_rule):
    made = frozen(b"".join(all_reports()[name].render(one_rule, True)), name)
    golden = GOLDEN / f"suzhou_bng.{name}{'.xml' if name == 'junit' else '.json'}"
    if os.environ.get("AUDITOR_UPDATE_GOLDEN"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(made, "utf-8")
    assert made == golden.read_text("utf-8")
