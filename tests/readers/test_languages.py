"""Whatever is said of an input is said in English and Chinese.

Beside what stands here, `tests/conftest.py` holds of every test that what it made `auditor` say has its Chinese.
"""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import orjson
import pytest

import auditor
from auditor.containers import ContainerError, heard, read_boxed, written
from auditor.errors import DataError, DeclarationError, Problem, UsageError, fault_of, said_by
from auditor.files import reason_of
from auditor.language import Said, say
from auditor.problems import clauses, nearest, numbered, quote
from auditor.readers import read_declaration
from auditor.settings import read_settings
from tests.fuzz.targets import HERE, targets
from tests.spoken import lacks, watched
from tests.test_cli import run

HAN = re.compile("[\u4e00-\u9fff]")
ROOT = Path(auditor.__file__).parent
# Calls that say something to people, and which of their arguments do.
SAYS = {
    **dict.fromkeys(("UsageError", "UnnamedError", "DataError", "NetBoxError", "LeftOutError"), (0,)),
    **dict.fromkeys(("UnavailableError", "MalformedError", "RefusedError", "NoRecordError"), (0,)),
    **dict.fromkeys(("ContainerError", "wrong"), (0, 1)),
    "_BrokenError": (0, 2),
    "_refuse": (2, 3),
    "Problem": (1, 3, 4),
    "Note": (0, 1),
    "Unused": (1, 2),
    "add": (1, 3, 4),
    "fault": (0, 2, 3),
    "drop": (0, 1),
    "note": (0,),
    "rows": (3, 4),
}
WORDS = re.compile("[A-Za-z]{2}")
# Said as they stand: names of keys, tables and members, which are the same in both languages, and a command.
NAMES = {
    "network", "contracts {}", "network.filings {}", "{}fields.{}", "geo-location", "bbox", "coordinates", "port",
    "edgedefault {}", "geometry_type_name", "srs_id", "iconv -f {} -t UTF-8",
    "Document", "ExtendedData", "SchemaData", "TimeSpan",
}  # fmt: skip


def plain_texts(source: str):
    """Literals that are said to people as they stand."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        for at in SAYS.get(name, ()):
            told = [node.args[at]] if at < len(node.args) else []
            while told:
                part = told.pop()
                if isinstance(part, ast.Lambda):
                    told.append(part.body)
                elif isinstance(part, ast.IfExp):
                    told += [part.body, part.orelse]
                elif isinstance(part, ast.BinOp):
                    told += [part.left, part.right]
                elif isinstance(part, ast.JoinedStr):
                    yield (
                        "".join(v.value if isinstance(v, ast.Constant) else "{}" for v in part.values),
                        node.lineno,
                    )
                elif isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.value, node.lineno


def test_nothing_is_said_but_as_a_text_of_both_languages():
    found = {
        (str(path.relative_to(ROOT)), text)
        for path in sorted(ROOT.rglob("*.py"))
        for text, _ in plain_texts(path.read_text("utf-8"))
        if WORDS.search(text) and text not in NAMES
    }
    assert found == set()
    assert {text for text, _ in plain_texts('Unused(file, f"x{1}", "said" if a else b.c("no"))')} == {
        "x{}",
        "said",
    }


# --- what hostile and broken inputs make readers say --------------------------------------------------------


@pytest.mark.parametrize("name", sorted(targets()))
def test_what_once_crashed_is_refused_in_both_languages(name):
    target = targets()[name]
    files = [*HERE.glob(f"crashes/{name}/*"), *HERE.glob(f"seeds/{target.seeds}/*")]
    with watched() as lacking:
        for file in files:
            target.run(file.read_bytes())
    assert lacking == []


@pytest.mark.parametrize(
    "suffix", [".json", ".geojson", ".graphml", ".gml", ".kml", ".kmz", ".gpkg", ".xlsx", ".csv", ".parquet"]
)
def test_what_is_no_file_of_its_form_is_refused_in_chinese(tmp_path, suffix):
    for number, data in enumerate(
        (b"", b"{", b"[1]", b"\xff\xfe\0", b"PK\x03\x04", b"\x1f\x8b", b"<a>", "中".encode("gb18030") * 9)
    ):
        path = tmp_path / f"{number}{suffix}"
        path.write_bytes(data)
        with pytest.raises((DeclarationError, UsageError)) as caught:
            read_declaration(path)
        for line in caught.value.in_("zh").split("\n"):
            assert HAN.search(line) and line.startswith(path.name)
        assert str(caught.value) == caught.value.in_("en")
        assert not HAN.search(str(caught.value))


def test_every_part_of_a_problem_is_told_in_chinese():
    problem = Problem(
        "nodes.csv",
        numbered("row", 3),
        "kind",
        say("{value} is not known", value=quote("ruter")),
        nearest("ruter", ["router"]),
    )
    assert str(problem) == "nodes.csv, row 3, kind: 'ruter' is not known; did you mean 'router'?"
    assert problem.in_("zh") == "nodes.csv，第 3 行，kind：无法识别 'ruter'；是否应为 'router'？"
    assert nearest("x", ["both", "forward"]).in_("zh") == "可用的有 both、forward"
    assert quote(None).in_("zh") == "无"
    assert clauses(say("is missing"), say("is blank"), "x").in_("zh") == "缺失；为空；x"


def test_errors_of_several_lines_keep_both_languages():
    with pytest.raises(UsageError) as caught:
        read_settings({"policy": {"max_age_days": -1, "p2p_nodes": "no", "x": 1}, "zones": "a"})
    assert len(str(caught.value).split("\n")) == len(caught.value.args) == 4
    assert all(HAN.search(line) for line in caught.value.in_("zh").split("\n"))
    assert lacks(caught.value.args) == []
    assert said_by(DataError(say("is missing"))).in_("zh") == "缺失"
    assert said_by(ValueError("x")) == "x"
    assert fault_of({"type": "of_tomorrow", "msg": "is odd"}) == "is odd"
    assert reason_of(PermissionError(13, "Permission denied")).in_("zh") == "权限不足"


# --- what a child process says ------------------------------------------------------------------------------


def test_a_child_speaks_both_languages():
    with pytest.raises(ContainerError) as caught:
        read_boxed("xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    assert (caught.value.what, caught.value.hint) == (
        "is an old workbook (.xls) under another name",
        "save it as .xlsx",
    )
    assert (caught.value.what.in_("zh"), caught.value.hint.in_("zh")) == (
        "是改了名的旧版工作簿（.xls）",
        "请另存为 .xlsx",
    )


def test_texts_pass_between_processes_whole():
    inner = say("holds {name!r} twice", name="a")
    text = say("{first}; {rest}", first=inner, rest="plain")
    back = heard(orjson.loads(written([text]))[0])
    assert isinstance(back, Said)
    assert (back, back.in_("zh")) == ("holds 'a' twice; plain", "'a' 重复出现；plain")
    assert heard("plain") == "plain"


@pytest.mark.parametrize("template", ["{x:1000000000}", "{x:>9}", "{x:{y}}"])
def test_a_child_cannot_fill_the_memory_by_a_template(template):
    with pytest.raises(ValueError, match="x"):
        heard({"say": template, "args": {"x": "a", "y": "9"}})


# --- the command line ---------------------------------------------------------------------------------------


def test_problems_are_printed_in_the_language_asked_for(declare):
    bad = declare({"nodes.csv": "id,kind\na,ruter\n"})
    for args, env in ((["--lang", "zh"], {}), ([], {"AUDITOR_LANG": "zh"})):
        told = run("check", bad, *args, **env)
        assert (told.returncode, told.stdout) == (2, "")
        assert "nodes.csv，第 2 行，kind：无法识别 'ruter'：是否应为 'router'？" in told.stderr
    assert "nodes.csv, row 2, kind: 'ruter' is not known: did you mean 'router'?" in run("check", bad).stderr


def test_several_paths_are_refused_in_the_language_asked_for(declare):
    bad = declare({"nodes.csv": "id\na\n"})
    told = run("check", bad, bad.parent / "none", "--lang", "zh")
    assert told.returncode == 2
    assert told.stderr.count("缺少该列") == 1 and told.stderr.count("没有此文件或文件夹") == 1


def test_notes_of_a_result_are_in_its_language(declare):
    root = declare(
        {"nodes.csv": "id,kind,colour\nsub-1,subscriber,red\nbng-1,bng,\n", "links.csv": "source,target\n"}
    )
    told = {}
    for lang in ("en", "zh"):
        head = json.loads(
            run("check", root, "--lang", lang, "--format", "json", "--as-of", "2026-11-22").stdout
        )
        told[lang] = head["unused"], head["notes"]
    assert told["en"][0] == [
        {
            "where": "nodes.csv",
            "what": "column colour",
            "why": "no such column in a declaration; kept, but no rule reads it",
        }
    ]
    assert told["zh"][0] == [
        {"where": "nodes.csv", "what": "列 colour", "why": "申报材料中没有此列；予以保留，但没有规则使用"}
    ]
    assert len(told["en"][1]) == len(told["zh"][1])
