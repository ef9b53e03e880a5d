"""Both languages: complete, filled alike, and nothing of one left over in the other."""

from __future__ import annotations

import ast
import importlib.util
import pickle
import re
from pathlib import Path

import pydantic
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import auditor
from auditor import cli, engine, findings, language, manual, registers, tables
from auditor.errors import DeclarationError, Problem, UsageError, fault_of
from auditor.explaining import FACTS, FACTS_OF, explained
from auditor.language import Said, Text, both, joined, recalled, render, say
from auditor.messages import KINDS, kind_name
from auditor.registers import labels
from auditor.reports import text as text_report

ROOT = Path(auditor.__file__).parents[1]
HAN = re.compile("[\u4e00-\u9fff]")
WORDS = re.compile(r"(?:\b[a-z]{2,}\b[,.;:]? +){3}")  # three English words in a row
# Chinese in the code, where it is data and no text for people, or where both languages stand side by side.
CHINESE_IN_CODE = {
    "comparison/judges.py": "carriers as types of links in filings name them",
    "comparison/texts.py": "numerals and units of Chinese addresses",
    "duties.py": "periods as people write them: 2026年第一季度",
    "rules/gov_09_licence_linkage.py": "wordings of a scope of business",
    "cells.py": "是 and 否 are read as yes and no",
    "claims.py": "endings of names of regions, in Chinese addresses",
    "cli/init.py": "the template is written in both languages at once",
    "datum.py": "names of datums that are read",
    "readers/_filings.py": "keys of filings that hold data on persons",
    "readers/xlsx.py": "names of sheets, which are both",
    "registers/asns.py": "words of carriers in Chinese names of networks",
    "registers/carriers.py": "forms of companies in Chinese names",
    "registers/names.py": "forms of branches in Chinese names",
    "registers/regions.py": "names of four countries, with their English",
    "registers/services.py": "ending of a service's Chinese name",
    "rules/_helpers.py": "words for everywhere that are read",
    "rules/fac_04_inventory_agrees.py": "forms of companies in Chinese names",
    "rules/isp_01_scope_in_area.py": "words for everywhere that are read",
    "rules/isp_04_no_cross_border.py": "names of regions in Chinese addresses",
    "scans/approvers.py": "forms of companies in Chinese names",
    "sheets.py": "words of a workbook that are read",
    "sources/_csv_ranges.py": "headers of foreign files",
    "sources/_records.py": "headers of foreign files",
    "sources/_xdb.py": "headers of foreign files",
    "standing.py": "ending of names of cities",
    "writers/xlsx.py": "the workbook is written in both languages at once",
    "workbook.py": "the same",
    "reports/_document.py": "number of the circular",
}
# Texts whose Chinese has no Chinese character, though their English has words.
PUNCTUATION_ALONE = {
    " on {subject}",
    "--datum: {what}",
    "NetBox: {reason}",
    "AS{asn} ({owner})",
    "{fault}: lon {lon:g}, lat {lat:g}",
    "{what}: lon {lon:g}, lat {lat:g}",
}


def load_tool():
    spec = importlib.util.spec_from_file_location("tools_messages", ROOT / "tools" / "messages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tool():
    return load_tool()


@pytest.fixture(scope="module")
def known(tool):
    return tool.translations(tool.read_catalogues())


@pytest.fixture(scope="module")
def areas():
    return auditor.read_areas("2026-11-22")


@pytest.fixture(scope="module")
def result(areas):
    declaration = auditor.read_declaration(auditor.sample("shanghai_violations"))
    return auditor.check(declaration, areas=areas, as_of="2026-11-22", lang="zh")


# --- the catalogue -----------------------------------------------------------------------------------------


def test_no_text_lacks_its_chinese_and_all_is_compiled(tool):
    assert tool.faults() == []


def test_chinese_is_chinese(known):
    plain = {text: re.sub(r"\{[^}]*\}", "", text) for text in known}
    strange = {
        text for text, zh in known.items() if not HAN.search(zh) and re.search("[A-Za-z]{2}", plain[text])
    }
    assert strange <= PUNCTUATION_ALONE


def test_no_chinese_text_holds_english_prose(known):
    """Names of files, keys, products and units stay; a sentence does not."""
    told = {text: re.sub(r"`[^`]*`|\{[^}]*\}", "", zh) for text, zh in known.items()}
    assert [text for text, zh in told.items() if WORDS.search(zh)] == []


def test_half_width_marks_do_not_stand_between_chinese_characters(known):
    marks = re.compile("[\u4e00-\u9fff][,;:?!][\u4e00-\u9fff ]")
    assert [zh for zh in known.values() if marks.search(re.sub(r"\[[^]]*\]", "", zh))] == []


def test_tool_finds_what_is_wrong(tool):
    source = 'A = "one {x}"\nboth("two")\nsay(A, x=1)\nMessage("three", "four")\nother("five")\nboth(name)\n'
    assert {text for text, _ in tool.texts_of(source)} == {"two", "one {x}", "three", "four"}
    assert tool.gaps("{n:,} of {name!r}") == {("n", ",", ""), ("name", "", "r")}
    assert tool.gaps("{n:,}") != tool.gaps("{n}")
    assert tool.gaps("prose with a { alone") == set()


def test_no_chinese_in_code_but_where_it_is_data():
    found = set()
    for path in sorted((ROOT / "auditor").rglob("*.py")):
        source = path.read_text("utf-8")
        if not HAN.search(source):
            continue
        tree = ast.parse(source)
        holders = (ast.Module, ast.FunctionDef, ast.ClassDef)
        docstrings = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, holders) and node.body and isinstance(node.body[0], ast.Expr)
        }
        texts = (n for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str))
        if any(HAN.search(text.value) for text in texts if id(text) not in docstrings):
            found.add(str(path.relative_to(ROOT / "auditor")))
    assert found - CHINESE_IN_CODE.keys() == set()


# --- texts -------------------------------------------------------------------------------------------------


def test_texts_are_filled_in_both_languages():
    filled = both("as of {day}", day=Text("today", "今日"))
    assert filled == Text("as of today", "截至 今日")
    said = say("as of {day}", day=Text("today", "今日"))
    assert (said, said.in_("en"), said.in_("zh")) == ("as of today", "as of today", "截至 今日")
    assert joined([filled, Text("b", "乙")], "; ", "；") == Text("as of today; b", "截至 今日；乙")
    assert joined([], "; ", "；") == Text("", "")


def test_lists_are_joined_as_the_language_does():
    args = {"day": ["a", Text("b", "乙"), 3]}
    assert render("{day}", args, "en") == "a, b, 3"
    assert render("{day}", args, "zh") == "a、乙、3"


@given(st.text())
def test_what_fills_a_gap_is_never_read_as_a_template(hostile):
    assert both("as of {day}", day=hostile).en == f"as of {hostile}"
    assert say("as of {day}", day=hostile + "{day}").in_("zh") == f"截至 {hostile}{{day}}"


def test_what_is_not_in_the_catalogue_stays_english():
    assert both("a text of nobody") == Text("a text of nobody", "a text of nobody")
    assert say("{n:,} texts of nobody", n=1000).in_("zh") == "1,000 texts of nobody"


def test_both_languages_survive_errors_and_other_processes():
    said = say("as of {day}", day=Text("today", "今日"))
    error = pickle.loads(pickle.dumps(UsageError(said, "plain")))  # noqa: S301 -- our own bytes
    assert isinstance(error.args[0], Said)
    assert (str(error), error.in_("zh")) == ("as of today\nplain", "截至 今日\nplain")
    problem = Problem("nodes.csv", "", "lat", said)
    assert DeclarationError([problem]).in_("zh") == "nodes.csv，lat：截至 今日"


def test_what_was_kept_in_english_is_read_in_chinese():
    number = say("AS{number} is bound to the region by its registered name", number=4812)
    day = say("data of {day}", day="2026-06-05")
    for said in (number, day):
        assert recalled(str(said)) == Text(str(said), said.in_("zh")) and HAN.search(said.in_("zh"))
    assert recalled(f"{day}; {number}").zh == f"{day.in_('zh')}；{number.in_('zh')}"
    assert recalled("in nobody's words").zh == "in nobody's words"


@given(st.text())
def test_recalling_never_fails_and_never_loses_the_words(hostile):
    assert recalled(hostile).en == hostile
    filled = recalled(f"data of {hostile}").zh
    assert hostile == "" or filled.startswith(("数据日期", "data of"))


def test_kinds_are_named_as_the_workbook_names_them():
    assert set(KINDS) == set(tables.NODE_KINDS)
    words = labels.words("kind")
    assert {kind: name.zh for kind, name in KINDS.items() if words.get(name.zh) != kind} == {}
    assert kind_name(None) == KINDS["other"]


# --- rules and findings ------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", engine.all_rules(), ids=lambda rule: rule.id)
def test_rule_is_whole_in_chinese(rule):
    texts = [rule.title.zh]
    for message in rule.messages.values():
        texts += [message.zh, *([message.ask_zh] if message.ask_en else [])]
    docstring = importlib.import_module(rule.check.__module__).__doc__
    sections = manual.sections(docstring)
    texts += [text.zh for section in sections for text in section.paragraphs]
    assert all(HAN.search(text) for text in texts)
    assert [section.heading.zh for section in sections] == [
        "", "条款", "核查内容", "无法判定的情形", "不适用的情形", "局限", "依据来源"
    ]  # fmt: skip


def test_every_clause_stands_in_both_languages():
    for clause in registers.read_clauses():
        assert HAN.search(clause.zh) and re.search("[a-z]{3}", clause.en), clause.id
        assert bool(clause.note) == bool(clause.note_zh), clause.id
        assert bool(clause.reason_en) == bool(clause.reason_zh), clause.id
        assert HAN.search(clause.place("zh")), clause.id
        assert re.search("[A-Z]", clause.place("en")), clause.id


def test_findings_read_the_same_in_both_languages(result):
    """Numbers and names of a finding are those of the other language's text."""
    number = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
    for finding in result.findings.rows():
        en, zh = (result.message(finding, lang) for lang in ("en", "zh"))
        assert HAN.search(zh) and not WORDS.search(zh), zh
        own = re.sub("107号|Circular 107", "", en), re.sub("107号", "", zh)
        assert sorted(number.findall(own[0])) == sorted(number.findall(own[1])), (en, zh)


def test_facts_have_names_and_no_english_is_left_over(result):
    head = {"as_of": "2026-11-22"}
    seen = set()
    for finding in result.findings.rows():
        record = findings.plain(result.record(finding))
        seen |= {(finding.rule, name) for name in record["details"]}
        for name, text in explained(result.rule(finding.rule), record, head, "zh"):
            assert HAN.search(name), name
            assert not WORDS.search(text), text
    assert seen and {pair for pair in seen if pair not in FACTS_OF and pair[1] not in FACTS} == set()


# --- the command line --------------------------------------------------------------------------------------

PAGES = [
    ["rules"],
    ["areas"],
    *(["areas", "show", area] for area in ("beijing", "shanghai", "hainan", "shenzhen")),
    *(["explain", name] for name in ("isp-02", "fac-05", "app-04", "circular-2", "annex-5-quality")),
    ["locate", "121.9,30.9"],
    ["locate", "58.32.0.1"],
    ["show", str(auditor.sample("suzhou_bng"))],
    ["explain", "annex-2-2-cdn"],
]
# What stays as it is: names of sources with their licences, and what sources noted in the words of their time.
STAYS = re.compile(r"数据：.*|.*[（；]AS\d+ .*|.* 对 .*|.*OpenStreetMap.*|.*Asia/Hong_Kong.*")


@pytest.mark.parametrize("words", PAGES, ids=" ".join)
def test_pages_in_chinese_hold_no_english_prose(words):
    dated = [] if words[0] in {"rules", "explain"} else ["--as-of", "2026-11-22"]
    done = CliRunner().invoke(cli.cli, [*words, "--lang", "zh", *dated])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    left = [line for line in done.output.splitlines() if WORDS.search(line) and not STAYS.fullmatch(line)]
    assert HAN.search(done.output) and left == []


def test_text_report_in_chinese_holds_no_english_prose(result, areas):
    thin = auditor.check(
        auditor.read_declaration(auditor.sample("thin")), areas=areas, as_of="2026-11-22", lang="zh"
    )
    for judged in (result, thin):
        lines = b"".join(text_report.render(judged, True)).decode().splitlines()
        assert [line for line in lines if WORDS.search(line) and not STAYS.fullmatch(line)] == []


@pytest.mark.parametrize("name", sorted(cli.CommandFolder().list_commands(None)))
def test_help_is_in_chinese(name, monkeypatch):
    monkeypatch.setattr("sys.argv", ["auditor", name, "--lang", "zh", "--help"])
    command = cli.cli.get_command(None, name)
    assert HAN.search(command.help) and HAN.search(command.short_help)
    for option in command.params:
        assert getattr(option, "help", None) is None or HAN.search(option.help), option.name
    monkeypatch.setattr("sys.argv", ["auditor", name, "--help"])
    english = cli.cli.get_command(None, name)
    assert not HAN.search(english.help), "the commands themselves stay as they are"


def test_refusals_are_in_the_language_asked_for(monkeypatch, capsys):
    for lang, words in (("en", "no such rule or clause"), ("zh", "没有该规则或条款")):
        monkeypatch.setattr("sys.argv", ["auditor", "explain", "no-such-thing", f"--lang={lang}"])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code == 2
        assert words in capsys.readouterr().err


def test_catalogue_is_read_once():
    assert language._catalogue() is language._catalogue()


def test_a_number_too_long_to_be_read_is_said_in_chinese():
    class Hop(pydantic.BaseModel):
        ttl: int

    with pytest.raises(pydantic.ValidationError) as told:
        Hop.model_validate({"ttl": "9" * 5000})
    assert HAN.search(fault_of(told.value.errors()[0]).in_("zh"))
