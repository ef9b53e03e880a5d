"""The sample whose declared places and addresses disagree in eight ways: collected, checked, explained.

`AUDITOR_UPDATE_GOLDEN=1` writes the golden files of `tests/golden/disagreements` anew; look at the difference
before you commit it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

import auditor
from auditor import __version__
from auditor.cli import cli

ROOT = Path(__file__).parents[1]
SAMPLE = Path("sample_networks/shanghai_disagreements")
GOLDEN = Path(__file__).parent / "golden" / "disagreements"
SEEN = ("--observations", f"{SAMPLE}/observations.parquet", "--reviews", f"{SAMPLE}/reviews.csv")
WAYS = {
    "srv-whole-city": ("pass", "not_decided"),
    "edge-contradicted": ("inconclusive", "contradicted"),
    "edge-one-voice": ("pass", "one_voice"),
    "srv-documented": ("pass", "documented"),
    "srv-too-near-beijing": ("inconclusive", "too_far"),
    "dns-anycast": ("not_applicable", "nothing_seen"),
    "cloud-old-word": ("pass", "not_decided"),
    "edge-default": ("pass", "not_decided"),
    "edge-own-feed": ("inconclusive", "own_feed"),
}


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def run(*args):
    done = CliRunner().invoke(cli, [str(a) for a in args], standalone_mode=False, catch_exceptions=False)
    return done.return_value, done.stdout


def check(*options):
    return run("check", SAMPLE, "--as-of", "2026-11-22", *SEEN, *options)


@pytest.fixture(scope="module")
def result():
    declaration = auditor.read_declaration(ROOT / SAMPLE)
    seen = auditor.read_observations(ROOT / SAMPLE / "observations.parquet")
    confirmed = {
        line.split(",")[0] for line in (ROOT / SAMPLE / "reviews.csv").read_text("utf-8").splitlines()[1:]
    }
    return auditor.check(declaration, as_of="2026-11-22", observations=seen, confirmed=confirmed)


def test_each_way_comes_out_as_told(result):
    found = result.to_frame().query("rule == 'PILOT-FAC-05'").set_index("subject")
    told = {name.removeprefix("node:"): (row.verdict, row.message_id) for name, row in found.iterrows()}
    assert told == WAYS
    assert set(result.to_frame().query("verdict not in ('pass', 'not_applicable')").rule) == {"PILOT-FAC-05"}
    assert result.verdict == "inconclusive"


def test_without_the_review_the_lease_is_a_claim_like_any_other(result):
    seen = result.case.observations
    bare = auditor.check(result.case.declaration, as_of="2026-11-22", observations=seen)
    found = bare.to_frame().query("subject == 'node:srv-documented' and rule == 'PILOT-FAC-05'")
    assert list(found.message_id) == ["contradicted"]


def test_collecting_again_gives_the_same(tmp_path):
    files = (f"traceroute={SAMPLE}/trace-from-beijing.json", f"geofeed={SAMPLE}/geofeed.csv")
    sources = [part for name in ("dbip", "ip2region", "origins", *files) for part in ("--source", name)]
    run("collect", SAMPLE, "--config", f"{SAMPLE}/auditor.toml", *sources, "-o", tmp_path / "seen.parquet")
    again, shipped = (
        auditor.read_observations(path)
        for path in (tmp_path / "seen.parquet", SAMPLE / "observations.parquet")
    )
    assert again.table.drop_columns(["seen_at"]).equals(shipped.table.drop_columns(["seen_at"]))
    assert again.sources == shipped.sources
    assert run("verify", SAMPLE / "observations.parquet")[0] == 0


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_golden(lang, result):
    code, report = check("--lang", lang)
    assert code == 3
    pages = [auditor_explained(result, name, lang) for name in WAYS]
    made = "\n\n".join([report.replace(__version__, "VERSION", 1).rstrip(), *pages]) + "\n"
    golden = GOLDEN / f"{lang}.txt"
    if os.environ.get("AUDITOR_UPDATE_GOLDEN"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(made, "utf-8")
    assert made == golden.read_text("utf-8")


def auditor_explained(result, name, lang):
    from dataclasses import replace

    return replace(result, lang=lang).explain("PILOT-FAC-05", f"node:{name}")


def test_explain_tells_what_to_ask_for_next(result):
    asked = {name: auditor_explained(result, name, "en") for name in WAYS}
    assert "next: Ask for the lease or colocation contract" in asked["edge-contradicted"]
    assert "cross-connect" in asked["srv-too-near-beijing"]
    assert all("\nnext: " in text for text in asked.values())
