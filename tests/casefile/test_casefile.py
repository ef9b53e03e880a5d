"""Case files: complete in both languages, the same bytes again, nothing of a declaration obeyed, all verified."""

from __future__ import annotations

import hashlib
import html
import json
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import replace
from functools import cache
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import auditor
from auditor import __version__, registers
from auditor.casefiles import CaseFile, casefile, manifest
from auditor.casefiles._declared import Declared
from auditor.casefiles._exchange import read_exchange
from auditor.casefiles._shown import MOST_STATIONS, _drawn
from auditor.casefiles._words import EXCHANGE_KINDS, WORDS
from auditor.cli import cli
from auditor.errors import DeclarationError, UsageError
from auditor.language import Text
from auditor.reports import read_result, write_report
from auditor.reviews import reviews_in

ON = "2026-11-22"
SAMPLE = Path(auditor.sample("shanghai_violations"))
SEEN = Path(auditor.sample("shanghai_disagreements"))
GOLDEN = Path(__file__).parents[1] / "golden" / "casefile" / "case.json"
HOMES = "node:sub-lg-homes"
HAN = re.compile("[\u4e00-\u9fff]")
HURT = "=1+1 <script>alert(1)</script> </svg> #panic() $x$ *b* 租约\u202e"


@cache
def judged(name):
    path = Path(auditor.sample(name))
    seen = path / "observations.parquet"
    return auditor.check(
        auditor.read_declaration(path),
        as_of=ON,
        observations=auditor.read_observations(seen) if seen.exists() else None,
    )


@cache
def homes():
    return casefile(judged("shanghai_violations"), HOMES, exchange=SAMPLE / "exchange.csv", folder=SAMPLE)


@cache
def built():
    """Write a case once, for tests that copy it."""
    folder = Path(tempfile.mkdtemp()) / "case"
    return folder, homes().write(folder)


def copied(tmp_path):
    shutil.copytree(built()[0], tmp_path / "case")
    return tmp_path / "case"


def told(found):
    return [str(fault) for fault in found.faults]


def run(*args):
    done = CliRunner().invoke(cli, [str(a) for a in args], standalone_mode=False)
    return done.return_value, done.stdout, done.exception


# --- content ------------------------------------------------------------------------------------------------


def test_golden():
    content = json.loads(homes().evidence["case.json"])
    content["tool"]["version"] = content["provenance"]["result_version"] = "VERSION"
    content["provenance"]["zones"] = [zone["part"] for zone in content["provenance"]["zones"]]
    content["provenance"]["inputs"] = [entry["path"] for entry in content["provenance"]["inputs"]]
    content["declared"]["files"] = [entry["path"] for entry in content["declared"]["files"]]
    content["not_checked"] = content["not_checked"][:-1]  # counts clauses: one more rule is no other case
    del content["provenance"]["policy_sha256"]
    made = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    if os.environ.get("AUDITOR_UPDATE_GOLDEN"):
        GOLDEN.parent.mkdir(parents=True, exist_ok=True)
        GOLDEN.write_text(made, "utf-8")
    assert made == GOLDEN.read_text("utf-8")


def samples():
    root = Path(auditor.sample("thin")).parent
    return sorted(path.name for path in root.iterdir() if (path / "declaration.toml").is_file())


@pytest.mark.parametrize("name", samples())
def test_a_case_by_every_rule_and_message(name):
    """Every rule of the samples, every message: built, both languages there, the clause in the words of the law."""
    result = judged(name)
    known = {clause.id: clause for clause in registers.read_clauses()}
    seen = set()
    for finding in result.findings.rows():
        if (finding.rule, finding.message_id) in seen:
            continue
        seen.add((finding.rule, finding.message_id))
        made = casefile(result, finding.subject, rule=finding.rule)
        [matter] = made.content["matters"]
        assert matter["example"]["message"] == {
            "en": result.message(finding, "en"),
            "zh": result.message(finding, "zh"),
        }
        assert [(c["zh"], c["en"]) for c in matter["clauses"]] == [
            (known[c].zh, known[c].en) for c in finding.clauses
        ]
        assert all(HAN.search(text["zh"]) for text in made.content["not_checked"])
    made = casefile(result, finding.subject, rule=finding.rule)
    page = html.unescape(made.to_html())
    assert "{'en'" not in page and "'zh':" not in page
    for word in ("reply_right", "verify_how", "facts", "not_checked"):
        assert WORDS[word].zh in page and WORDS[word].en in page


def test_a_whole_cause_is_one_case_and_lists_all():
    made = casefile(judged("shanghai_violations"), rule="isp-02")
    listed = [[s["subject"] for s in m["subjects"]] for m in made.content["matters"]]
    assert sorted(chain(*listed)) == [
        f"node:sub-{n}" for n in ("fc-firms", "fc-homes", "lg-firms", "lg-homes")
    ]
    assert len(listed) == 2
    assert all(name in made.to_html() for group in listed for name in group)
    assert (
        casefile(judged("shanghai_violations"), list(chain(*listed)), rule="PILOT-ISP-02").number
        == made.number
    )


def test_no_more_of_the_declaration_than_the_case_needs():
    declared = Declared(judged("shanghai_violations"), homes().content["matters"] and _records(HOMES))
    path = {"sub-lg-homes", "olt-lg-1", "agg-lg-1", "border-lg-1", "ixp-sh-1"}
    sites = set(declared.tables["nodes"].column("id").to_pylist()) - path
    assert all(name.startswith("dc-") for name in sites)
    steps = declared.tables["links"].select(["source", "target"]).to_pylist()
    assert len(steps) == len(path) - 1 and all({s["source"], s["target"]} <= path for s in steps)


def _records(subject):
    result = judged("shanghai_violations")
    return [auditor.findings.plain(result.record(f)) for f in result.unsettled if f.subject == subject]


def test_path_and_hand_off_are_drawn():
    [way] = homes().content["matters"][0]["example"]["ways"]
    assert [s["id"] for s in way["stations"]][way["handoff_after"] :] == ["border-lg-1", "ixp-sh-1"]
    assert way["stations"][-1]["role"] == {"en": "the Internet begins here", "zh": "由此进入互联网"}
    assert homes().drawings and b"<svg" in next(iter(homes().drawings.values()))


@given(st.integers(2, 90), st.data())
def test_a_long_path_shows_both_ends_and_the_hand_off_stays(hops, data):
    after = data.draw(st.one_of(st.none(), st.integers(0, hops - 2)))
    way = {"stations": [{"id": str(i)} for i in range(hops)], "handoff_after": after}
    drawn = _drawn(way)
    ids = [s["id"] for s in drawn["stations"]]
    assert len(ids) <= MOST_STATIONS + 1 and (ids[0], ids[-1]) == ("0", str(hops - 1))
    at = drawn["handoff_after"]
    assert (at is None) == (after is None)
    if at is not None:
        assert ids[at] == str(after) or ids[at].startswith("…") or ids[at + 1].startswith("…")


def test_observations_documents_and_reviews(tmp_path):
    result = judged("shanghai_disagreements")
    reviews = reviews_in(SEEN / "reviews.csv", as_of=result.case.as_of)
    made = casefile(
        result,
        ["edge-contradicted", "srv-documented", "srv-too-near-beijing"],
        rule="FAC-05",
        folder=SEEN,
        raw=SEEN / "observations.raw",
        reviews=reviews,
    )
    states = {seen["raw"]["state"] for seen in made.content["observations"]}
    assert "copied" in states
    for seen in made.content["observations"]:
        assert seen["source"] and seen["seen_at"] and seen["family"]["zh"]
        if seen["raw"]["file"]:
            assert hashlib.sha256(made.evidence[seen["raw"]["file"]]).hexdigest() == seen["digest"]
    [document] = [d for d in made.content["documents"] if d["name"] == "lease-jinqiao.txt"]
    assert document["state"]["code"] == "attached"  # the run did not know of the review
    assert document["reviews"] == [{"by": "示例核查员", "on": "2026-10-20"}]
    assert made.evidence[document["file"]] == (SEEN / "lease-jinqiao.txt").read_bytes()


def test_a_finding_without_reply_leaves_room_for_one():
    bare = casefile(judged("shanghai_violations"), HOMES)
    assert WORDS["reply_none"].zh in bare.to_html() and WORDS["reply_none"].zh not in homes().to_html()
    assert "请求现场核验" in homes().to_html()


# --- choosing -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subjects", "rule", "says"),
    [
        (["node:edge-hz-2"], None, "'node:edge-hz-1'"),
        (["node:olt-lg-1"], None, "name the rule"),
        ([], None, "name a subject or a rule"),
        ([], "ISP-99", "no such rule"),
        ([], "ISP-04", "nothing is open"),
        (["¶¶¶¶¶¶¶¶"], None, "auditor check"),
    ],
)
def test_what_is_not_found_is_told(subjects, rule, says):
    with pytest.raises(UsageError, match=re.escape(says)):
        casefile(judged("shanghai_violations"), subjects, rule=rule)


@pytest.mark.parametrize("ending", ["json", "sarif", "oscal.json"])
def test_a_stored_result_says_what_it_lacks_and_with_its_declaration_is_whole(ending, tmp_path):
    result, path = judged("shanghai_violations"), tmp_path / f"r.{ending}"
    write_report(result, path, format=ending.partition(".")[0])
    stored = read_result(path)
    alone = casefile(stored, HOMES)
    assert alone.content["declared"] is None and not alone.drawings
    assert any("--declaration" in limit["en"] for limit in alone.content["limits"])
    whole = casefile(stored, HOMES, again=result, exchange=SAMPLE / "exchange.csv", folder=SAMPLE)
    assert whole.number == alone.number == homes().number
    for name in ("matters", "declared", "documents"):
        assert whole.content[name] == homes().content[name]
    for made in (alone, whole):
        assert any("attached documents" in limit["en"] for limit in made.content["limits"])


EDITS = {
    "verdict": "unclear",
    "severity": "info",
    "grade": "E1",
    "clause": "TR-01",
    "basis": "invented",
    "subject": "node:olt-lg-1",
    "details": {},
    "observations": [],
}


@pytest.mark.parametrize("field", EDITS)
def test_a_finding_that_was_edited_is_refused(field, tmp_path):
    result = judged("shanghai_disagreements")
    write_report(result, tmp_path / "r.json")
    stored = read_result(tmp_path / "r.json")
    found = next(f for f in stored["findings"] if f["rule"] == "PILOT-FAC-05" and f["observations"])
    assert found[field] != EDITS[field]
    found[field] = EDITS[field]
    with pytest.raises(UsageError, match=rf"\(.*{field}.*\)"):
        casefile(stored, rule="FAC-05", again=result)


def test_a_finding_that_was_left_out_is_named(tmp_path):
    result = judged("shanghai_violations")
    write_report(result, tmp_path / "r.json")
    stored = read_result(tmp_path / "r.json")
    stored["findings"] = [f for f in stored["findings"] if f["subject"] != HOMES]
    with pytest.raises(UsageError, match=f"the result lacks 1 .*{HOMES}"):
        casefile(stored, rule="ISP-02", again=result)


@pytest.mark.parametrize("field", ["name", "uscc", "area"])
def test_another_operator_is_refused(field, tmp_path):
    result = judged("shanghai_violations")
    write_report(result, tmp_path / "r.json")
    stored = read_result(tmp_path / "r.json")
    stored["operator"][field] = "beijing"
    with pytest.raises(UsageError, match=f"'beijing' of the operator's {field}"):
        casefile(stored, HOMES, again=result)


def test_texts_are_those_of_the_declaration_and_not_of_the_result(tmp_path):
    result = judged("shanghai_violations")
    write_report(result, tmp_path / "r.json")
    stored = read_result(tmp_path / "r.json")
    for found in stored["findings"]:
        found["message"] = found["ask"] = "forged"
    stored["manual"], stored["sources"] = [], [{"source": "forged", "title": "forged", "sha256": "0"}]
    stored["confirmed"] = ["0" * 64]
    made = casefile(stored, HOMES, again=result, folder=SAMPLE)
    assert made.content["not_checked"] == homes().content["not_checked"]
    assert "forged" not in made.to_html()


def test_documents_confirmed_by_the_result_alone_are_told():
    declaration = auditor.read_declaration(SEEN)
    sha256 = next(iter(declaration.documents.values()))
    result = auditor.check(declaration, as_of=ON, confirmed=[sha256])
    stored = {**auditor.reports._content.head(result), "findings": list(_plain(result))}
    finding = next(iter(result.findings.rows()))
    made = casefile(stored, finding.subject, rule=finding.rule, again=result)
    assert any("--reviews" in limit["en"] and "1" in limit["en"] for limit in made.content["limits"])


def _plain(result):
    return (auditor.findings.plain(result.record(finding)) for finding in result.findings.rows())


def test_another_declaration_is_refused(tmp_path):
    stored = tmp_path / "r.json"
    write_report(judged("shanghai_violations"), stored)
    with pytest.raises(UsageError, match=r"nodes\.csv is not the file"):
        casefile(read_result(stored), HOMES, again=judged("shanghai_isp_cdn"))
    other = auditor.check(judged("shanghai_violations").case.declaration, as_of=ON, only=["PILOT-FAC-01"])
    with pytest.raises(UsageError, match="not found again"):
        casefile(read_result(stored), HOMES, again=other)


# --- correspondence -----------------------------------------------------------------------------------------


def test_letters_are_in_order_and_their_documents_copied():
    letters = read_exchange(SAMPLE / "exchange.csv").letters
    assert [letter.kind for letter in letters] == ["question", "answer", "objection"]
    assert letters[1].data == (SAMPLE / "reply-lingang.txt").read_bytes()
    assert (SAMPLE / "reply-lingang.txt").read_bytes() in homes().evidence.values()


def test_chinese_heads_and_kinds_are_read(tmp_path):
    heads = ",".join(WORDS[name].zh for name in ("on", "from", "to", "kind", "text", "document"))
    path = tmp_path / "exchange.csv"
    path.write_text(f"{heads}\n2026-01-01,甲,乙,{EXCHANGE_KINDS['statement'].zh},说,\n", "utf-8")
    [letter] = read_exchange(path).letters
    assert (letter.sender, letter.to, letter.kind, letter.text) == ("甲", "乙", "statement", "说")


def test_all_that_is_wrong_with_letters_is_told_at_once(tmp_path):
    path = tmp_path / "exchange.csv"
    path.write_text("on,from,to,kind,text\nsoon,a,b,question,x\n2026-01-01,,b,rumour,\n", "utf-8")
    with pytest.raises(DeclarationError) as caught:
        read_exchange(path)
    assert {(str(p.where), p.field) for p in caught.value.problems} == {
        ("row 2", "on"), ("row 3", "from"), ("row 3", "kind"), ("row 3", "text"),
    }  # fmt: skip
    path.write_text("on,from,kind\n2026-01-01,a,question\n", "utf-8")
    with pytest.raises(DeclarationError, match="column is missing"):
        read_exchange(path)
    with pytest.raises(UsageError):
        read_exchange(tmp_path / "none.csv")


@pytest.mark.parametrize("name", ["../secret.txt", "/etc/passwd", "a\\..\\secret.txt", "link.txt"])
def test_a_document_outside_the_folder_is_refused(name, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "exchange.csv").write_text(f"on,from,to,kind,text,document\n2026-01-01,a,b,answer,x,{name}\n")
    with pytest.raises(DeclarationError, match="leads out of the folder"):
        read_exchange(folder / "exchange.csv")


# --- hostile names ------------------------------------------------------------------------------------------


def test_nothing_of_a_declaration_is_obeyed(tmp_path):
    path = tmp_path / "exchange.csv"
    safe = HURT.replace("\u202e", "")
    path.write_text(f'on,from,to,kind,text\n2026-01-01,"{safe}",b,objection,"{safe}"\n', "utf-8")
    declaration = auditor.read_declaration(SAMPLE)
    names = declaration.nodes.column("name").to_pylist()
    at = declaration.nodes.column_names.index("name")

    nodes = declaration.nodes.set_column(at, "name", pa.array([HURT for _ in names]))
    result = auditor.check(replace(declaration, nodes=nodes), as_of=ON, only=["PILOT-ISP-02"])
    made = casefile(result, HOMES, exchange=path)
    page = made.to_html()
    assert "<script" not in page and "\u202e" not in page and "default-src &#39;none&#39;" in page
    assert not re.search(r"(?:src|href)=", page)
    assert b"'=1+1" in made.evidence["evidence/declared/nodes.csv"]
    assert not any(".." in name for name in made.evidence)
    if shutil.which("pdftotext"):
        (tmp_path / "case.pdf").write_bytes(made.to_pdf())
        done = subprocess.run(
            [shutil.which("pdftotext"), "-raw", tmp_path / "case.pdf", "-"], capture_output=True, check=True
        )
        assert "#panic()" in done.stdout.decode()


# --- files and their manifest -------------------------------------------------------------------------------


def test_same_case_same_bytes(tmp_path):
    again = casefile(judged("shanghai_violations"), HOMES, exchange=SAMPLE / "exchange.csv", folder=SAMPLE)
    assert again.write(tmp_path / "case") == built()[1]
    assert {p.name: p.read_bytes() for p in (tmp_path / "case").rglob("*") if p.is_file()} == {
        p.name: p.read_bytes() for p in built()[0].rglob("*") if p.is_file()
    }


def test_written_whole_or_not_at_all(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").touch()
    for target in (tmp_path / "full", tmp_path / "none" / "case", tmp_path / "none" / "case.pdf"):
        with pytest.raises(UsageError):
            homes().write(target)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a", "full"]
    (tmp_path / "empty").mkdir()
    homes().write(tmp_path / "empty")
    assert not told(manifest.verify(tmp_path / "empty"))


def test_sums_are_those_that_sha256sum_takes():
    lines = (built()[0] / "SHA256SUMS").read_text("utf-8").splitlines()
    assert len(lines) == sum(p.is_file() for p in built()[0].rglob("*")) - 1
    for line in lines:
        digest, _, name = line.partition("  ")
        assert hashlib.sha256((built()[0] / name).read_bytes()).hexdigest() == digest


def test_the_digest_of_the_evidence_is_printed():
    digest = homes().sha256
    assert f'content="{digest}"' in (built()[0] / "case.html").read_text("utf-8")
    assert digest.encode() in (built()[0] / "case.pdf").read_bytes()
    assert not told(manifest.verify(built()[0], digest)) and not told(manifest.verify(built()[0], built()[1]))


@settings(max_examples=18)
@given(st.data())
def test_any_one_flipped_byte_is_found(data):
    folder = built()[0]
    name = data.draw(
        st.sampled_from(sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()))
    )
    path = folder / name
    whole = path.read_bytes()
    at, bit = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 7))
    try:
        path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << bit)]) + whole[at + 1 :])
        assert any(name in fault for fault in told(manifest.verify(folder)))
    finally:
        path.write_bytes(whole)
    assert not told(manifest.verify(folder))


def test_missing_added_and_linked_files_are_named(tmp_path):
    folder = copied(tmp_path)
    (folder / "evidence" / "extra.txt").touch()
    (folder / "hollow").mkdir()
    (folder / "case.html").rename(tmp_path / "case.html")
    (folder / "case.html").symlink_to(tmp_path / "case.html")
    (folder / "case.json").unlink()
    os.mkfifo(folder / "pipe")
    assert sorted(told(manifest.verify(folder))) == [
        "added: 'evidence/extra.txt'",
        "added: 'hollow'",
        "added: 'pipe'",
        "missing: 'case.json'",
        "refused: 'case.html' is a link or no plain file",
    ]
    (folder / "manifest.json").unlink()
    assert told(manifest.verify(folder)) == ["missing: manifest.json"]


@pytest.mark.parametrize(
    "path", ["../x", "/etc/passwd", "a/../x", "a\\x", "c:x", "a//b", "./a", "", "twice", "a\nb"]
)
def test_a_manifest_that_leads_out_is_refused(path, tmp_path):
    (tmp_path / "x").write_bytes(b"")
    folder = tmp_path / "case"
    folder.mkdir()
    entry = {"path": path, "sha256": hashlib.sha256(b"").hexdigest(), "size": 0}
    values = {"schema": manifest.SCHEMA, "form": "pdf", "files": [entry] * (2 if path == "twice" else 1)}
    (folder / "manifest.json").write_bytes(manifest.written(values))
    assert any(fault.startswith("refused") for fault in told(manifest.verify(folder)))


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.text() | st.integers(),
        lambda s: st.lists(s) | st.dictionaries(st.sampled_from(["schema", "files", "digest", "path"]), s),
    ).map(lambda v: json.dumps(v).encode())
)
def test_what_is_no_manifest_is_named_and_never_raises(data):
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "manifest.json").write_bytes(data)
        assert told(manifest.verify(Path(folder)))


def forged(folder, **changes):
    """Write a manifest and sums anew, over what lies in the folder, as a forger would."""
    values = json.loads((folder / "manifest.json").read_bytes())
    files = {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file() and p.name not in {"manifest.json", "SHA256SUMS"}
    }
    values["files"] = manifest.entries(files)
    values |= changes
    made = manifest.written(values)
    listed = [(e["path"], e["sha256"]) for e in values["files"]]
    (folder / "manifest.json").write_bytes(made)
    (folder / "SHA256SUMS").write_bytes(manifest.sums(listed, made))
    return listed


def test_a_manifest_made_anew_shows_in_the_digest_alone(tmp_path):
    folder = copied(tmp_path)
    (folder / "case.json").write_bytes((folder / "case.json").read_bytes() + b" ")
    anew = manifest.evidence_digest(forged(folder))
    assert "digest of the evidence" in told(manifest.verify(folder))[0]
    forged(folder, evidence_sha256=anew)
    assert told(manifest.verify(folder)) == []
    for digest in (built()[1], homes().sha256):
        assert "made anew" in told(manifest.verify(folder, digest))[0]
        assert run("verify", folder, "--digest", digest)[0] == 4


@pytest.mark.parametrize("given", ["evidence", "whole"])
def test_a_case_of_other_form_than_it_says_is_refused(given, tmp_path):
    """An edited case.json without evidence, whose manifest says that it is of a PDF; and nothing at all."""
    digest = {"evidence": homes().sha256, "whole": built()[1]}[given]
    folder = copied(tmp_path)
    (folder / "case.json").write_bytes(b"{}")
    shutil.rmtree(folder / "evidence")
    forged(folder, form="pdf")
    assert run("verify", folder, "--digest", digest)[0] == 4
    forged(folder, files=[])
    for path in (folder, folder / "manifest.json"):
        assert run("verify", path, "--digest", digest)[0] == run("verify", path)[0] == 4
    for path in [p for p in folder.iterdir() if p.name not in {"manifest.json", "SHA256SUMS"}]:
        path.unlink()
    forged(folder, form="pdf", evidence_sha256=homes().sha256)
    assert run("verify", folder, "--digest", digest)[0] == run("verify", folder)[0] == 4


def test_another_pdf_is_not_vouched_for_by_the_digest_of_the_evidence(tmp_path):
    target, beside = tmp_path / "case.pdf", tmp_path / "case.manifest.json"
    whole = homes().write(target)
    assert run("verify", target, "--digest", whole)[0] == 0
    assert run("verify", target, "--digest", homes().sha256)[0] == 4
    values = json.loads(beside.read_bytes())
    target.write_bytes(b"%PDF-1.7 forged")
    entries = manifest.entries({"case.pdf": target.read_bytes()})
    for files in (entries, [], entries * 2, [*entries, *manifest.entries({"other.pdf": b""})]):
        beside.write_bytes(manifest.written({**values, "files": files}))
        for path in (target, beside):
            for digest in (whole, homes().sha256):
                code, out, _ = run("verify", path, "--digest", digest)
                assert (code, "digest" in out) == (4, True)
    beside.write_bytes(manifest.written({**values, "files": entries, "form": "folder"}))
    assert run("verify", target)[0] == 4


def test_a_manifest_beside_a_pdf_is_of_that_one(tmp_path):
    whole = homes().write(tmp_path / "a.pdf")
    (tmp_path / "a.manifest.json").rename(tmp_path / "b.manifest.json")
    (tmp_path / "b.pdf").write_bytes(b"%PDF-1.7 forged")
    assert told(manifest.verify(tmp_path / "b.manifest.json", whole)) == ["changed: 'b.pdf'"]
    (tmp_path / "a.pdf").rename(tmp_path / "b.pdf")
    for name in ("b.pdf", "b.manifest.json"):
        assert not told(manifest.verify(tmp_path / name, whole))


def test_an_edited_page_is_told_by_the_whole_and_never_vouched_for_by_the_evidence(tmp_path):
    folder = copied(tmp_path)
    (folder / "case.html").write_text("forged")
    (folder / "case.pdf").write_bytes(b"%PDF-1.7 forged")
    forged(folder)
    assert run("verify", folder, "--digest", built()[1])[0] == 4
    code, out, _ = run("verify", folder, "--digest", homes().sha256)  # of the pages it knows nothing
    assert code == 0 and "alone is vouched for; these are not: case.html, case.pdf" in out
    (folder / "evidence" / "declared" / "nodes.csv").write_text("forged")
    forged(folder)
    assert run("verify", folder, "--digest", homes().sha256)[0] == 4


def test_the_digest_of_the_evidence_vouches_for_that_alone(tmp_path):
    folder = copied(tmp_path)
    for lang, says in (("en", "the evidence alone is vouched for"), ("zh", "仅证据得到印证")):
        code, out, _ = run("verify", folder, "--digest", homes().sha256.upper(), "--lang", lang)
        assert code == 0 and says in out and "case.html" in out and "case.pdf" in out
        assert says not in run("verify", folder, "--digest", built()[1], "--lang", lang)[1]


def test_pdf_carries_its_evidence_and_is_verified(tmp_path):
    target = tmp_path / "案卷.pdf"
    homes().write(target)
    data = target.read_bytes()
    assert b"EmbeddedFile" in data and sorted(p.name for p in tmp_path.iterdir()) == [
        "案卷.manifest.json",
        "案卷.pdf",
    ]
    assert not told(manifest.verify(target)) and not told(manifest.verify(tmp_path / "案卷.manifest.json"))
    target.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert told(manifest.verify(target)) == ["changed: '案卷.pdf'"]
    (tmp_path / "案卷.manifest.json").unlink()
    assert told(manifest.verify(target)) == ["missing: 案卷.manifest.json"]


# --- command line -------------------------------------------------------------------------------------------


def test_command_writes_and_verifies(tmp_path):
    code, out, error = run(
        "casefile", SAMPLE, "--subject", "sub-lg-homes", "--as-of", ON, "--exchange", SAMPLE / "exchange.csv",
        "-o", tmp_path / "case", "--lang", "zh",
    )  # fmt: skip
    assert (code, error) == (0, None) and homes().number in out and homes().sha256 in out
    assert run("verify", tmp_path / "case", "--digest", built()[1])[0] == 0
    assert run("verify", tmp_path / "case" / "manifest.json")[0] == 0
    (tmp_path / "case" / "case.html").write_text("x")
    code, out, _ = run("verify", tmp_path / "case", "--lang", "zh")
    assert code == 4 and "已改动：'case.html'" in out
    assert isinstance(run("verify", tmp_path / "none.pdf")[2], UsageError)
    assert isinstance(run("verify", SEEN / "observations.parquet", "--digest", "0")[2], UsageError)


def test_command_takes_a_stored_result_with_its_declaration(tmp_path):
    result = tmp_path / "r.json"
    write_report(judged("shanghai_violations"), result)
    given_ = ("casefile", result, "--rule", "FAC-01", "--declaration")
    assert run(*given_, SAMPLE, "-o", tmp_path / "a")[0] == 0
    assert (tmp_path / "a" / "evidence" / "declared" / "nodes.csv").exists()
    assert isinstance(run(*given_, auditor.sample("thin"), "-o", tmp_path / "b")[2], UsageError)
    refused = run("casefile", SAMPLE, "--rule", "FAC-01", "--declaration", SAMPLE, "-o", tmp_path / "c")
    assert isinstance(refused[2], UsageError)


@pytest.mark.parametrize(
    "options", [("--as-of", "2026-01-01"), ("--config", "none.toml", "--zones", "none"), ("--min-grade", "E1"),
                ("--reviews", SEEN / "reviews.csv"), ("--observations", SEEN / "observations.parquet")]
)  # fmt: skip
def test_what_a_stored_result_settles_is_refused(options, tmp_path, monkeypatch):
    result = tmp_path / "r.json"
    write_report(judged("shanghai_violations"), result)
    monkeypatch.setenv("AUDITOR_CONFIG", str(tmp_path / "none.toml"))
    given_ = ("casefile", result, "--rule", "FAC-01", "-o")
    _, _, error = run(*given_, tmp_path / "a", *options)
    assert isinstance(error, UsageError)
    assert all(option in str(error) for option in options[::2])
    assert not (tmp_path / "a").exists()
    assert run(*given_, tmp_path / "a")[0] == 0
    monkeypatch.delenv("AUDITOR_CONFIG")
    error = run(*given_, tmp_path / "b", "--declaration", SAMPLE, "--as-of", ON)[2]
    assert isinstance(error, UsageError) and "--as-of" in str(error)


def test_without_what_makes_pdfs_the_page_alone_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr("auditor.casefiles.has_pdf", lambda: False)
    homes().write(tmp_path / "case")
    assert not (tmp_path / "case" / "case.pdf").exists() and not told(manifest.verify(tmp_path / "case"))


def test_in_a_notebook():
    made = auditor.casefile(judged("shanghai_violations"), HOMES)
    assert isinstance(made, CaseFile) and "iframe" in made._repr_html_()
    assert made.number in repr(made) and __version__ == made.content["tool"]["version"]
    assert all(isinstance(word, Text) and word.zh != word.en for word in WORDS.values())
