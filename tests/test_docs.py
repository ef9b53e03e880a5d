"""What the README shows is what the program prints."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from click.testing import CliRunner

import auditor
from auditor import cli
from auditor.collection import all_sources
from auditor.model import Mapping, read_record
from auditor.readers import all_readers
from auditor.settings import Network, read_settings
from auditor.tables import Log
from auditor.writers import writers

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def printed(*args):
    return CliRunner().invoke(cli.cli, [*map(str, args)], standalone_mode=False).stdout


def test_the_capture_is_real():
    shown = README.split("--as-of 2026-11-22\n", 1)[1].split("```", 1)[0]
    lines = [line for line in shown.splitlines() if line != "…"]
    assert len(lines) > 8
    assert "\n".join(lines) in printed(
        "check", auditor.sample("shanghai_violations"), "--as-of", "2026-11-22"
    )


def test_the_rules_table_is_fresh():
    shown = re.search("<!-- rules -->\n(.*)<!-- /rules -->", README, re.DOTALL)[1]
    told = printed("rules", "--format", "markdown").splitlines()
    # A rule of one new file need not be in the table yet; what is there is what the program says.
    assert not [line for line in shown.splitlines() if line not in told]


def test_every_sample_is_named_and_nothing_else():
    samples = {p.name for p in (ROOT / "sample_networks").iterdir() if p.is_dir()}
    for name in re.findall(
        r"`([a-z0-9_]+)`", README.split("## Sample networks", 1)[1].split("## More", 1)[0]
    ):
        assert name in samples


def test_python_of_the_readme_runs():
    code = README.split("```python\n", 1)[1].split("```", 1)[0]
    assert "auditor.check" in code
    exec(compile(code, "README.md", "exec"), {})  # noqa: S102 -- our own README


def test_no_registry_host_or_path_of_a_machine():
    hosts = re.compile(r"https?://(pypi|files\.pythonhosted|registry\.npmjs)|/work/|/root/")
    for path in [
        *ROOT.glob("*.lock"),
        *ROOT.glob("*.toml"),
        *ROOT.glob("*.md"),
        ROOT / "Makefile",
        ROOT / ".ci/run",
    ]:
        assert not hosts.search(path.read_text("utf-8")), path


def test_every_source_is_in_the_table_of_the_readme():
    text = README.split("<!-- sources -->")[1].split("<!-- /sources -->")[0]
    assert set(re.findall(r"`([a-z0-9]+)`", text.replace("`--online`", ""))) >= {
        s.name for s in all_sources()
    }


def test_settings_of_the_readme_are_read():
    values = next(block for block in toml_blocks() if "databases" in block)
    given = read_settings(values)
    told = set(values["network"])
    assert given.databases["geolite"].path == "GeoLite2-City.mmdb"
    assert told == set(Network.model_fields) - {"asn6_zone"}  # every setting is shown but its twin


def toml_blocks():
    return [tomllib.loads(part.split("```", 1)[0]) for part in README.split("```toml\n")[1:]]


def test_the_mapping_of_the_readme_is_one():
    [mapping] = [block for block in toml_blocks() if "roles" in block]
    assert set(mapping) == {"fields", "values", "roles"}
    log = Log()
    assert read_record(Mapping, mapping, "README.md", log) is not None
    assert (log.problems.found, log.unused) == ([], [])


def test_every_form_is_in_the_table_of_the_readme():
    text = README.split("<!-- forms -->")[1].split("<!-- /forms -->")[0]
    named = {
        name
        for line in text.splitlines()
        for name in re.findall(r"`([a-z0-9-]+)`", line.split("|")[1] if "|" in line else "")
    }
    assert named == {reader.name for reader in all_readers()}
    endings = {ending for reader in all_readers() for ending in reader.suffixes} - {"/", ".toml"}
    assert endings <= set(re.findall(r"`(\.[a-z]+)`", text))
    read_only = README.split("all but ")[1].split(".")[0]
    written = {writer.name for writer in writers()}
    assert set(re.findall(r"`([a-z0-9-]+)`", read_only)) == named - written
