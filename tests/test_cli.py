"""The command line as a user types it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from unittest import mock

import pytest

import auditor
from auditor import cli, engine, reports

DAY = ["--as-of", "2026-11-22"]


def run(*args, **env):
    """What `auditor ARGS` answers, asked in this process: a new one spends most of a second on imports."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="") for _ in range(2))
    command = ["auditor", *map(str, args)]
    with (
        mock.patch.dict(os.environ, env),
        mock.patch.object(sys, "argv", command),
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as caught,
    ):
        cli.main()
    told = []
    for stream in (out, err):
        stream.flush()
        told.append(stream.buffer.getvalue().decode("utf-8"))
    return subprocess.CompletedProcess(command, caught.value.code, *told)


def run_process(*args, **env):
    """The same from a process of its own: once a command, lest it live on what other tests imported."""
    return subprocess.run(
        [sys.executable, "-m", "auditor", *map(str, args)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONIOENCODING": "utf-8", "PYTHONWARNINGS": "error"} | env,
        check=False,
    )


SHANGHAI = auditor.sample("shanghai_violations")


def test_help_lists_every_command_and_loads_nothing_heavy():
    told = run_process("--help")
    assert told.returncode == 0
    for name in ("areas", "check", "explain", "init", "locate", "rules", "schema", "show"):
        assert f"  {name} " in told.stdout
    code = (
        "import sys\nfrom auditor.cli import cli\n"
        "try: cli.main(['--help'])\nexcept SystemExit: pass\n"
        "print([m for m in ('numpy', 'pandas', 'shapely', 'pyarrow', 'networkx', 'rich', 'pydantic') if m in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.endswith("[]\n")


def test_check_loads_neither_networkx_nor_geopandas():
    code = (
        "import sys\nfrom auditor.cli import cli\n"
        f"cli.main(['check', {str(SHANGHAI)!r}, '--quiet'], standalone_mode=False)\n"
        "print([m for m in ('geopandas', 'networkx') if m in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout == "[]\n"


def test_check_json_follows_its_schema():
    jsonschema = pytest.importorskip("jsonschema")
    told = run_process("check", SHANGHAI, *DAY, "--format", "json", "--all")
    assert told.returncode == 1, told.stderr
    schema = json.loads(run("schema", "result").stdout)
    jsonschema.validate(json.loads(told.stdout), schema)
    assert told.stdout.count("\n") == 1


def test_several_paths_give_json_lines_and_the_worst_code(tmp_path):
    ok, bad = auditor.sample("shanghai_isp_cdn"), tmp_path / "nothing"
    told = run("check", ok, SHANGHAI, *DAY, "--format", "json")
    assert told.returncode == 1
    assert [json.loads(line)["verdict"] for line in told.stdout.splitlines()] == ["pass", "fail"]
    told = run("check", ok, bad, SHANGHAI, *DAY, "--format", "json")
    assert told.returncode == 2
    assert len(told.stdout.splitlines()) == 2
    assert "nothing" in told.stderr
    assert "Traceback" not in told.stderr


def test_outputs_beside_stdout(tmp_path):
    target = tmp_path / "result.json"
    told = run("check", SHANGHAI, *DAY, "-o", f"json={target}", "-o", f"text={tmp_path / 'r.txt'}", "--quiet")
    assert (told.returncode, told.stdout) == (1, "")
    assert json.loads(target.read_text("utf-8"))["verdict"] == "fail"
    assert "FAIL" in (tmp_path / "r.txt").read_text("utf-8")


@pytest.mark.parametrize(
    "args",
    [
        ["check"],
        ["check", "no/such/folder"],
        ["check", SHANGHAI, "--only", "PILOT-NONE-01"],
        ["check", SHANGHAI, "--as-of", "soon"],
        ["check", SHANGHAI, "-o", "json"],
        ["check", SHANGHAI, "-o", "docx=x.docx"],
        ["check", SHANGHAI, "-o", "json=/no/such/folder/x.json"],
        ["check", SHANGHAI, SHANGHAI, "-o", "json=x.json"],
        ["check", SHANGHAI, "--config", "missing.toml"],
        ["check", SHANGHAI, "--reviews", "missing.csv"],
        ["check", SHANGHAI, "--min-grade", "E7"],
        ["explain", "PILOT-NONE-01"],
        ["explain", "PILOT-FAC-01", "--result", "missing.json"],
        ["show", "no/such/folder"],
        ["frobnicate"],
    ],
    ids=lambda args: " ".join(map(str, args))[-60:],
)
def test_what_could_not_run_is_exit_code_2_without_traceback(args):
    told = run(*args)
    assert told.returncode == 2
    assert told.stderr.strip()
    assert "Traceback" not in told.stderr
    assert told.stdout == ""


def test_policy_from_a_config_file(tmp_path):
    config = tmp_path / "auditor.toml"
    config.write_text('[policy]\naccess_equipment_in_area = "required"\n', "utf-8")
    sample = auditor.sample("suzhou_bng")
    assert run("check", sample, *DAY, "--quiet").returncode == 3
    assert run("check", sample, *DAY, "--quiet", "--config", config).returncode == 1
    config.write_text("[policy]\nwishes = 3\nmax_age_days = -1\n", "utf-8")
    told = run("check", sample, *DAY, "--config", config)
    assert told.returncode == 2
    assert "wishes" in told.stderr and "max_age_days" in told.stderr


def test_inspector_profile_does_not_pass_on_declarations():
    assert (
        run("check", auditor.sample("shanghai_isp_cdn"), *DAY, "--quiet", "--profile", "inspector").returncode
        == 3
    )


def test_rules_lists_each_rule_in_both_languages():
    for lang in ("en", "zh"):
        rows = json.loads(run("rules", "--format", "json", "--lang", lang).stdout)
        assert [row["rule"] for row in rows] == [rule.id for rule in engine.all_rules()]
    assert "PILOT-ISP-02" in run("rules").stdout
    assert run_process("rules", "--format", "markdown").stdout.startswith("| rule |")


def test_explain_a_rule_a_clause_and_a_finding(tmp_path):
    page = run_process("explain", "isp-02").stdout
    assert "PILOT-ISP-02" in page and "Inconclusive when" in page and "基础电信企业" in page
    assert "全国" in run("explain", "annex-2-2-nationwide").stdout
    target = tmp_path / "result.json"
    run("check", SHANGHAI, *DAY, "-o", f"json={target}", "--quiet")
    record = next(f for f in json.loads(target.read_text("utf-8"))["findings"] if f["rule"] == "PILOT-ISP-02")
    told = run("explain", "PILOT-ISP-02", "--result", target, "--subject", record["subject"])
    assert told.returncode == 0
    assert " → ".join(record["details"]["path"]) in told.stdout
    zh = run("explain", "PILOT-ISP-02", "--result", target, "--subject", record["subject"], "--lang", "zh")
    assert "疑似不符合" in zh.stdout
    assert run("explain", "PILOT-ISP-02", "--result", target, "--subject", "node:nobody").returncode == 2


def test_show_counts_and_reasons():
    told = json.loads(run("show", SHANGHAI, *DAY, "--format", "json").stdout)
    counts = {(c["role"], c["surety"]): c["nodes"] for c in told["counts"]}
    assert counts["gate", "sure"] > 0 and counts["root", "sure"] > 0 and counts["facility", "sure"] > 0
    assert {n["role"] for n in told["nodes"]} == {"facility", "subscriber", "gate", "root"}
    text = run_process("show", SHANGHAI, *DAY, "--lang", "zh").stdout
    assert "服务设施" in text and "接入设备" in text


def test_reports_are_found():
    assert {"json", "text"} <= reports.all_reports().keys()


def test_language_from_the_environment():
    assert "疑似不符合" in run("check", SHANGHAI, *DAY, AUDITOR_LANG="zh").stdout


def test_text_fits_80_columns():
    import unicodedata

    for lang in ("en", "zh"):
        for line in run("check", SHANGHAI, *DAY, "--lang", lang).stdout.splitlines():
            width = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)
            assert width <= 80, line


def test_a_defect_is_exit_code_2_lest_it_read_as_a_fail(monkeypatch, capsys):
    def broken(**_options):
        raise ZeroDivisionError("\x1b[31mred")

    monkeypatch.setattr(cli.cli, "main", broken)
    with pytest.raises(SystemExit) as caught:
        cli.main()
    told = capsys.readouterr()
    assert caught.value.code == 2
    assert told.out == ""
    assert "ZeroDivisionError, a defect of auditor" in told.err
    assert "\x1b" not in told.err


def test_words_on_the_command_line_cannot_command_a_terminal():
    for args in (
        ["check", "a\x1b[31mb"],
        ["\x1b[31m"],
        ["explain", "\x1b[31m"],
        ["check", "--as-of", "\x1b[31m", "x"],
    ):
        told = run(*args)
        assert told.returncode == 2
        assert "\\x1b[31m" in told.stderr


def test_a_full_disk_and_closed_streams_are_no_defects(tmp_path):
    closed = [sys.executable, "-m", "auditor", "check", str(SHANGHAI), *DAY, "--only", "PILOT-FAC-01"]
    told = subprocess.run(["/bin/sh", "-c", '"$@" >&-', "sh", *closed], capture_output=True, check=False)
    assert (told.returncode, told.stderr) == (1, b"")
    mute = ["collect", str(SHANGHAI), "-o", str(tmp_path / "seen.parquet")]
    none = ["/bin/sh", "-c", '"$@" >&- 2>&-', "sh", sys.executable, "-m", "auditor", *mute]
    assert subprocess.run(none, check=False).returncode == 0
    full = subprocess.run(
        ["/bin/sh", "-c", '"$@" >/dev/full', "sh", *closed], capture_output=True, text=True, check=False
    )
    assert full.returncode == 2
    assert full.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{}",
        "[" * 100_000,
        '{"findings": [{"rule": "PILOT-FAC-01"}]}',
        '{"findings": [{"rule": "PILOT-FAC-01", "subject": "node:a"}]}',
        '{"as_of": "", "findings": [{"rule": "PILOT-FAC-01", "subject": "a", "details": {}, "args": {}}]}',
    ],
    ids=range(6),
)
def test_explain_refuses_what_is_no_result(tmp_path, text):
    path = tmp_path / "result.json"
    path.write_text(text)
    told = run("explain", "FAC-01", "--result", path)
    assert told.returncode == 2
    assert told.stdout == ""
    assert told.stderr.endswith("no result of `auditor check --format json` by this version\n")


def test_show_tells_what_was_assumed_in_reading():
    assert (
        "Note: declaration.toml: document 'reply.pdf' is named but not attached"
        in run("show", SHANGHAI).stdout
    )
    assert {"where", "what"} == json.loads(run("show", SHANGHAI, "--format", "json").stdout)["notes"][
        0
    ].keys()


def test_no_rule_at_all_is_no_verdict():
    told = run("check", SHANGHAI, "--only", "PILOT-FAC-*", "--skip", "PILOT-FAC-*")
    assert (told.returncode, told.stdout) == (2, "")
    assert "leave no rule to run" in told.stderr


def test_several_paths_cannot_command_a_terminal():
    told = run("check", "a\x1b[31m", "b", "--quiet")
    assert told.returncode == 2
    assert "auditor: a\\x1b[31m:\n" in told.stderr


NEVER_ENDING = """
import sys
from auditor import cli
for option, subject, pipe in zip(*[iter(sys.argv[1:])] * 3):
    sys.argv = ["auditor", "check", subject, option, pipe]
    try:
        cli.main()
    except SystemExit as stopped:
        print(option, stopped.code, flush=True, file=sys.stderr)
"""


def test_files_that_never_end_are_not_opened(tmp_path):
    """A pipe without a writer would hang the run, a device would fill the memory."""
    (tmp_path / "n.csv").write_text("id,kind\na,bng\n", "utf-8")
    options = ["--config", "--zones", "--reviews", "--observations", "--operator"]
    given = []
    for option in options:
        ending = {"--zones": ".geojson", "--observations": ".parquet"}.get(option, ".toml")
        pipe = tmp_path / f"pipe{option}{ending}"
        os.mkfifo(pipe)
        given += [option, tmp_path / "n.csv" if option == "--operator" else auditor.sample("thin"), pipe]
    command = [sys.executable, "-c", NEVER_ENDING, *given]  # one process for all: most of its time is imports
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "Traceback" not in done.stderr
    left = done.stderr
    for option in options:
        told, end, left = left.partition(f"{option} 2\n")
        assert end
        assert "plain file" in told or "is no file" in told
    assert left == ""
