"""What holds of every report: its name, the same bytes again, and texts that nobody obeys."""

import json
import re
from pathlib import Path

import pytest

import auditor
from auditor.reports import all_reports, report_names

ON = "2026-11-22"
README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
DATA = {
    "json",
    "sarif",
    "sarif-github",
    "oscal",
    "geojson",
}  # a string of theirs is what was declared, escaped or not
# Control and bidirectional characters are refused by the readers; all else a field may hold.
HURT = "=cmd|' /C calc'!A0 </script><img src=x onerror=alert(1)> `${1}` {{7*7}} #eval(1) *x* @all"


@pytest.fixture(scope="module")
def hostile(areas):
    """A network whose every text is made to hurt, and which fails."""
    node = {"name": HURT, "address": HURT, "site": ""}
    return {
        "schema": "auditor.declaration/1",
        "operator": {
            "name": f"Case {HURT}",
            "nature": "foreign_invested",
            "domiciles": [{"address": HURT, "region_code": "310115"}],
        },
        "services": [{"code": "B14", "regime": "pilot107", "scope": [HURT], "domains": [HURT]}],
        "contracts": [
            {
                "kind": "cdn",
                "supplier": HURT,
                "purpose": "pilot_service",
                "form": "facility",
                "node_ids": [f"dc {HURT}"],
            }
        ],
        "network": {
            "nodes": [
                {
                    "id": f"dc {HURT}",
                    "kind": "cdn_edge",
                    "owner": HURT,
                    "holding": "lease",
                    "region_code": "330108",
                }
                | node,
                {"id": f"sub {HURT}", "kind": "subscriber", "owner": "customer", "region_code": "310115"}
                | node,
                {"id": f"ixp {HURT}", "kind": "ixp", "owner": HURT, "region_code": "310115"} | node,
            ],
            "links": [
                {
                    "source": f"sub {HURT}",
                    "target": f"ixp {HURT}",
                    "kind": "fibre",
                    "owner": HURT,
                    "supplier": HURT,
                }
            ],
        },
    }


@pytest.fixture(scope="module")
def hurt(hostile, areas, tmp_path_factory):
    path = tmp_path_factory.mktemp("hostile") / "declaration.json"
    path.write_text(json.dumps(hostile), "utf-8")
    return {
        lang: auditor.check(auditor.read_declaration(path), areas=areas, as_of=ON, lang=lang)
        for lang in ("en", "zh")
    }


def test_names_are_those_of_the_modules_and_of_the_readme():
    assert list(report_names()) == list(all_reports())
    table = README.split("<!-- reports -->")[1].split("<!-- /reports -->")[0]
    named = {
        name for line in table.splitlines()[2:] for name in re.findall(r"`([a-z-]+)`", line.split("|")[1])
    }
    assert named == set(all_reports())


def test_no_two_formats_mean_the_same_ending():
    suffixes = [suffix for report in all_reports().values() for suffix in report.suffixes]
    assert len(set(suffixes)) == len(suffixes)


@pytest.mark.parametrize("name", report_names())
def test_same_result_same_bytes(name, result):
    report = all_reports()[name]
    first = b"".join(report.render(result, False))
    assert first == b"".join(report.render(result, False))
    assert (first == b"".join(report.render(result, True))) == (
        name == "sarif-github"
    )  # else passes are added


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", report_names())
def test_hostile_texts_are_shown_and_not_obeyed(name, lang, hurt):
    result = hurt[lang]
    assert str(result.verdict) == "fail"
    report = all_reports()[name]
    data = b"".join(report.render(result, True))
    assert data
    if report.binary or name in DATA:
        return  # what opens them is asked in their own tests
    text = data.decode("utf-8")
    assert not re.findall("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text)
    if name in {"html", "junit", "markdown"}:
        bare = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", text)  # nothing in a code span is markup
        assert "<img src=x" not in bare
