"""`auditor convert`: what it prints, what it refuses, and what it fetches."""

from __future__ import annotations

import json
import tomllib

import pytest
from click.testing import CliRunner

import auditor
from auditor.cli import cli
from auditor.errors import DeclarationError, UsageError
from auditor.readers import all_readers, read_declaration
from auditor.writers import writers
from tests.servers.netbox import NetBox, path_of
from tests.servers.rdap import Sent

HEAD = 'schema = "auditor.declaration/1"\n[operator]\nname = "Example"\n'
TOKEN = "0123456789abcdef"  # noqa: S105
RECORDS = [
    {"model": "dcim.site", "pk": 1, "fields": {"name": "上海", "slug": "sh", "status": "active"}},
    {"model": "dcim.device", "pk": 1, "fields": {"name": "a", "site": 1, "status": "active"}},
]


def run(*arguments, **options):
    return CliRunner().invoke(cli, ["convert", *map(str, arguments)], **options)


def test_forms_are_listed():
    lines = run("--forms").stdout.splitlines()
    assert [line.split()[0] for line in lines] == [reader.name for reader in all_readers()]
    written = {line.split()[0] for line in lines if "written" in line}
    assert written == {writer.name for writer in writers()}


def test_what_was_read_and_lost_is_said(tmp_path):
    done = run(auditor.sample("shanghai_disagreements"), "-o", tmp_path / "out.graphml")
    assert done.exit_code == 0
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[-1].endswith("out.graphml: 9 nodes, 8 links; lost in writing: 1")
    assert (
        "Lost: documents: lease-jinqiao.txt is attached to the input only; copy it beside the output" in lines
    )
    quiet = run(
        auditor.sample("shanghai_disagreements"), "-o", tmp_path / "out.graphml", "-q", "--lang", "zh"
    )
    assert [line.partition("：")[0] for line in quiet.stderr.splitlines()] == ["未能转换"]


def test_a_network_of_nobody(tmp_path):
    (tmp_path / "n.csv").write_text("节点编号,类型\na,数据中心\n", "utf-8")
    done = run(tmp_path / "n.csv", "-o", tmp_path / "net")
    assert "Nobody says whose network this is" in done.stderr
    text = (tmp_path / "net" / "declaration.toml").read_text("utf-8")
    assert tomllib.loads(text)["operator"] == {"name": ""}
    (tmp_path / "net" / "declaration.toml").write_text(text.replace('name = ""', 'name = "Example"'), "utf-8")
    assert read_declaration(tmp_path / "net").nodes.column("kind").to_pylist() == ["data_centre"]


def test_a_mapping_is_printed_and_nothing_written(tmp_path):
    (tmp_path / "n.csv").write_text("uid,Latitude\na,31\n", "utf-8")
    done = run(tmp_path / "n.csv", "--suggest")
    assert tomllib.loads(done.stdout)["fields"] == {"uid": "id", "Latitude": "lat"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["n.csv"]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["{thin}"], UsageError, "say what to write"),
        (["{thin}", "-o", "{tmp}/x.docx"], UsageError, "write a folder"),
        (["{tmp}/lost.gml", "-o", "{tmp}/x.json"], DeclarationError, "there is no such file"),
        (["https://netbox.invalid", "-o", "{tmp}/x.json"], UsageError, "only with --online"),
        (
            ["https://netbox.invalid", "-o", "{tmp}/x.json", "--online"],
            UsageError,
            "AUDITOR_NETBOX_TOKEN is not set",
        ),
    ],
)
def test_what_is_refused(arguments, error, message, tmp_path, monkeypatch):
    monkeypatch.delenv("AUDITOR_NETBOX_TOKEN", raising=False)
    given = [a.format(thin=auditor.sample("thin"), tmp=tmp_path) for a in arguments]
    done = CliRunner().invoke(cli, ["convert", *given], standalone_mode=False)
    assert isinstance(done.exception, error)
    assert message in str(done.exception)
    assert list(tmp_path.iterdir()) == []


def test_a_netbox_is_fetched_kept_and_converted(tmp_path, monkeypatch):
    monkeypatch.setenv("AUDITOR_NETBOX_TOKEN", TOKEN)
    with NetBox(RECORDS) as server:
        (tmp_path / "auditor.toml").write_text(
            f'[network]\nca_file = "{server.ca_file}"\nper_second = 1000\n', "utf-8"
        )
        (tmp_path / "declaration.toml").write_text(HEAD, "utf-8")
        shared = [
            "--online",
            "--config",
            tmp_path / "auditor.toml",
            "--operator",
            tmp_path / "declaration.toml",
        ]
        done = run(server.url(), "-o", tmp_path / "net", *shared)
        assert done.exit_code == 0, done.stderr
        kept = tmp_path / "net.netbox.json"
        assert TOKEN not in kept.read_text("utf-8")
        assert {record["model"] for record in json.loads(kept.read_bytes())} >= {"dcim.site", "dcim.device"}
        assert read_declaration(tmp_path / "net").nodes.column("id").to_pylist() == ["site:sh", "a"]
        server.routes.held[path_of("dcim.cable")] = Sent(403, b"{}")
        again = run(server.url(), "-o", tmp_path / "less", *shared)
        assert again.exit_code == 0, again.stderr
        assert "cables" in again.stderr
    (tmp_path / "declaration.toml").write_text(HEAD + "[network]\ncomplete = true\n", "utf-8")
    with pytest.raises(DeclarationError, match="stated complete, but some of the file was not read"):
        read_declaration(tmp_path / "less.netbox.json", operator=tmp_path)
