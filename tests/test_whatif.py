"""May I? The answer is that of editing the files by hand and checking again."""

import csv
import datetime as dt
import json
import re
import shutil
import tomllib
from pathlib import Path

import pytest
import tomli_w
from click.testing import CliRunner
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

import auditor
from auditor import settings
from auditor.conversion import convert
from auditor.editing import read_edits, read_values
from auditor.edits import PLACE, Edit, edited
from auditor.errors import DeclarationError, UsageError
from auditor.reports._content import to_dict

DAY = dt.date(2026, 11, 22)
SAMPLES = sorted(p.name for p in settings.data_folder("sample_networks").iterdir() if p.is_dir())
KINDS = ["bng", "olt", "router", "cdn_edge", "server", "room", "office", "ixp", "subscriber", "access_switch"]
OWNERS = ["operator", "customer", "中国电信股份有限公司上海分公司", "某某数据有限公司", ""]
PLACES = [
    {"region_code": "310115"},
    {"region_code": "330106"},
    {"lon": "121.9", "lat": "30.9", "datum": "WGS84"},
    {"lon": "116.4", "lat": "39.9"},
    {"address": "浙江省杭州市西湖区文三路1号"},
]


# --- the same edits by hand ---------------------------------------------------------------------------------


class Files:
    """A declaration's folder, edited as a person would: rows of CSV, records of TOML."""

    def __init__(self, folder):
        self.folder = folder
        self.records = tomllib.loads((folder / "declaration.toml").read_text("utf-8"))
        if (folder / "filings").exists():
            self.records["network"]["filings"] = "filings/"
        self.rows = {key: self._read(key) for key in ("nodes", "links", "prefixes")}
        self.named = {key: list(rows[0]) for key, rows in self.rows.items() if rows}

    def _read(self, key):
        path = self.folder / f"{key}.csv"
        if not path.exists():
            return []
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def make(self, edit):
        kind, _, name = edit.subject.partition(":")
        values = {key: str(value) for key, value in edit.values.items()}
        if kind == "operator":
            inner = self.records["operator"]
            for domicile in inner.get("domiciles", []):
                if (domicile.get("from_on") or dt.date.min) < DAY < (domicile.get("to_on") or dt.date.max):
                    domicile["to_on"] = DAY
            kept = [d for d in inner.get("domiciles", []) if (d.get("from_on") or dt.date.min) < DAY]
            place = {k: float(v) if k in {"lon", "lat"} else v for k, v in values.items()}
            inner["domiciles"] = [*kept, {**({"from_on": DAY} if kept else {}), **place}]
        elif kind in {"node", "link"}:
            self._row(edit.action, kind + "s", name, values)
        else:
            self._record(
                edit.action,
                kind + "s",
                {"service": "code", "contract": "id", "approval": "number"}[kind],
                name,
                values,
            )

    def _row(self, action, key, name, values):
        rows = self.rows[key]
        if action == "add":
            rows.append(values)
        elif action == "remove":
            self.rows[key] = [row for row in rows if row.get("id") != name]
            if key == "nodes":
                self.rows["links"] = [r for r in self.rows["links"] if name not in {r["source"], r["target"]}]
        else:
            cleared = dict.fromkeys(PLACE, "") if action == "move" else {}
            for row in rows:
                if row.get("id") == name:
                    row.update(cleared | values)

    def _record(self, action, key, field, name, values):
        records = self.records.setdefault(key, [])
        values = {k: v.split(";") if k in {"services", "scope"} else v for k, v in values.items()}
        if action == "add":
            records.append(values)
        elif action == "remove":
            self.records[key] = [record for record in records if record.get(field) != name]
        else:
            for record in records:
                if record.get(field) == name:
                    record.update(values)

    def write(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        (folder / "declaration.toml").write_text(tomli_w.dumps(self.records), "utf-8")
        for key, rows in self.rows.items():
            names = list(dict.fromkeys(name for row in rows for name in row)) or self.named.get(key)
            if not names:
                continue
            with (folder / f"{key}.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, names)
                writer.writeheader()
                writer.writerows(rows)
        return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Every sample as a folder of tables, whatever form it ships in."""
    home = tmp_path_factory.mktemp("folders")
    for name in SAMPLES:
        convert(auditor.sample(name), home / name)
        if (auditor.sample(name) / "filings").exists():  # `convert` says that it leaves them out
            shutil.copytree(auditor.sample(name) / "filings", home / name / "filings")
    return home


def told(result):
    """Give what is found; rows are numbered anew where one before them was taken out."""
    values = to_dict(result, True)
    kept = {key: values[key] for key in ("verdict", "counts", "findings", "causes", "not_checked")}
    return json.loads(re.sub(r", row \d+", ", row", json.dumps(kept)))


@st.composite
def some_edits(draw):
    """Give a sample and edits of it that name what is there."""
    name = draw(st.sampled_from(SAMPLES))
    declaration = auditor.read_declaration(auditor.sample(name))
    nodes, links = (table.column("id").to_pylist() for table in (declaration.nodes, declaration.links))
    word = st.sampled_from
    node, contracts = word(nodes), [c.id for c in declaration.contracts]
    number = iter(range(99))
    services = [s.code for s in declaration.services]
    approvals = [a.number for a in declaration.approvals if a.number]
    kinds = [
        st.builds(lambda n, v: Edit("move", f"node:{n}", v), node, word(PLACES)),
        st.builds(lambda n, k: Edit("set", f"node:{n}", {"kind": k}), node, word(KINDS)),
        st.builds(lambda n, o: Edit("set", f"node:{n}", {"owner": o}), node, word(OWNERS)),
        st.builds(
            lambda n, s: Edit("set", f"node:{n}", {"status": s}), node, word(["retired", "standby", ""])
        ),
        st.builds(lambda n: Edit("remove", f"node:{n}"), node),
        st.builds(
            lambda k, o, p: Edit("add", "node", {"id": f"new-{next(number)}", "kind": k, "owner": o, **p}),
            *(word(KINDS), word(OWNERS[:-1]), word(PLACES)),
        ),
        st.builds(lambda a, b: Edit("add", "link", {"source": a, "target": b, "kind": "fibre"}), node, node),
        st.builds(lambda v: Edit("move", "operator", v), word(PLACES)),
        st.builds(
            lambda n, k: Edit(
                "add", "contract", {"id": f"c-{next(number)}", "kind": k, "supplier": "某某云", "node_ids": n}
            ),
            *(node, word(["cdn", "cloud", "bandwidth"])),
        ),
        st.just(
            Edit(
                "add", "approval", {"kind": "licence", "number": "B1-1", "services": "B21", "status": "valid"}
            )
        ),
    ]
    if links:
        kinds.append(st.builds(lambda n: Edit("remove", f"link:{n}"), word(links)))
        kinds.append(st.builds(lambda n: Edit("set", f"link:{n}", {"kind": "leased_line"}), word(links)))
    if contracts:
        kinds.append(st.builds(lambda n: Edit("remove", f"contract:{n}"), word(contracts)))
    if services:
        kinds.append(st.builds(lambda n: Edit("remove", f"service:{n}"), word(services)))
        kinds.append(st.builds(lambda n: Edit("set", f"service:{n}", {"scope": "CN"}), word(services)))
    if approvals:
        kinds.append(
            st.builds(lambda n: Edit("set", f"approval:{n}", {"status": "revoked"}), word(approvals))
        )
    chosen = draw(st.lists(st.one_of(kinds), min_size=1, max_size=4))
    return name, [e for i, e in enumerate(chosen) if not _names_what_is_gone(e, chosen[:i])]


def _names_what_is_gone(edit, earlier):
    gone = {e.subject for e in earlier if e.action == "remove"}
    ends = {f"node:{edit.values.get(end)}" for end in ("source", "target")}
    took_links = any(e.action == "remove" and e.kind == "node" for e in earlier) and edit.kind == "link"
    return edit.subject in gone or bool(ends & gone) or (took_links and edit.action != "add")


@examples(max_examples=12, suppress_health_check=list(HealthCheck))
@given(drawn=some_edits())
def test_edits_are_as_if_made_by_hand(folders, tmp_path_factory, drawn):
    areas = auditor.read_areas(DAY)
    name, edits = drawn
    declaration = auditor.read_declaration(auditor.sample(name))
    files = Files(folders / name)
    for edit in edits:
        files.make(edit)
    folder = files.write(tmp_path_factory.mktemp("hand"))
    try:
        by_hand = auditor.check(auditor.read_declaration(folder), areas=areas, as_of=DAY)
    except DeclarationError:
        with pytest.raises(DeclarationError):
            auditor.whatif(declaration, edits, areas=areas, as_of=DAY, root=folder)
        return
    found = auditor.whatif(declaration, edits, areas=areas, as_of=DAY, root=folder)
    assert told(found.after) == told(by_hand)


def test_edited_rows_keep_the_names_of_their_rows(clean):
    after, *_ = edited(clean, [Edit("remove", f"node:{clean.nodes['id'][-1]}")], on=DAY)
    rows = after.nodes.num_rows
    assert [after.origins["nodes"].at(i) for i in range(rows)] == [
        clean.origins["nodes"].at(i) for i in range(rows)
    ]


@pytest.mark.parametrize("name", SAMPLES)
def test_no_edit_changes_nothing(name):
    declaration = auditor.read_declaration(auditor.sample(name))
    again, notes, _ = edited(declaration, [], on=DAY)
    assert not notes
    assert again.nodes.equals(declaration.nodes)
    assert again.links.equals(declaration.links)
    for field in vars(again).keys() - {"nodes", "links", "prefixes", "graph", "origins"}:
        assert getattr(again, field) == getattr(declaration, field), field
    assert declaration.prefixes is None or again.prefixes.equals(declaration.prefixes)


# --- answers ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def clean():
    return auditor.read_declaration(auditor.sample("shanghai_isp_cdn"))


def test_answers(clean, areas):
    def ask(*edits, **then):
        return auditor.whatif(clean, edits, areas=areas, as_of=DAY, then=then)

    inside = {
        "id": "edge-new",
        "kind": "cdn_edge",
        "owner": "operator",
        "services": "B12",
        "region_code": "310115",
    }
    assert ask(Edit("add", "node", inside)).answer == "may"
    far = ask(Edit("add", "node", {**inside, "region_code": "330106"}))
    assert far.answer == "may_not"
    assert {(f.rule, f.subject) for f in far.appears} >= {("PILOT-FAC-01", "node:edge-new")}
    nowhere = ask(Edit("add", "node", {k: v for k, v in inside.items() if k != "region_code"}))
    assert nowhere.answer == "ask_first"
    ended = ask(policy={"area_events": [{"area": "shanghai", "on": "2026-11-01", "kind": "terminate"}]})
    assert ended.answer != "may"
    assert ended.appears


def test_what_is_broken_already_is_not_held_against_the_change(areas):
    declaration = auditor.read_declaration(auditor.sample("shanghai_violations"))
    found = auditor.whatif(declaration, [Edit("set", "operator", {"group": "Other"})], areas=areas, as_of=DAY)
    assert found.answer == "may"
    assert found.before.verdict == found.after.verdict == "fail"
    assert found.stays and not found.appears and not found.vanishes
    frame = found.to_frame()
    assert set(frame["change"]) == {"stays"}


def test_the_date_alone(clean):
    found = auditor.whatif(clean, as_of=DAY, then={"as_of": dt.date(2029, 1, 1)})
    assert found.after.case.as_of == dt.date(2029, 1, 1)
    assert found.answer != "may"


def test_all_that_is_wrong_at_once(clean):
    edits = [
        Edit("remove", "node:nowhere"),
        Edit("set", "node:edge-zj-1", {"colour": "red"}),
        Edit("add", "node", {"id": "edge-zj-1", "kind": "server"}),
        Edit("move", "node:edge-zj-1", {"accuracy_m": 3}),
        Edit("move", "link:x", {"lon": 3}),
        Edit("remove", "contract:9"),
        Edit("set", "shop:9", {"a": 1}),
    ]
    with pytest.raises(DeclarationError) as told_:
        edited(clean, edits, on=DAY)
    assert len(told_.value.problems) == len(edits)
    with pytest.raises(DeclarationError, match="no node"):
        edited(clean, [Edit("remove", "node:dc-zj")], on=DAY)  # other nodes stand in it
    with pytest.raises(UsageError):
        auditor.whatif(clean, then={"weather": 1})


def test_an_earlier_edit_counts_for_a_later_one(clean):
    edits = [
        Edit("add", "node", {"id": "n-1", "kind": "server", "owner": "operator", "region_code": "310115"}),
        Edit("set", "node:n-1", {"region_code": "330106"}),
        Edit("add", "link", {"source": "n-1", "target": "agg-zj-1"}),
        Edit("remove", "node:agg-zj-1"),
    ]
    after, notes, _ = edited(clean, edits, on=DAY)
    row = after.nodes.to_pylist()[-1]
    assert (row["id"], row["region_code"]) == ("n-1", "330106")
    assert not {"n-1>agg-zj-1"} & set(after.links.column("id").to_pylist())
    assert [note.where for note in notes] == ["node:agg-zj-1", "prefixes.csv"]  # a block is left without node


def test_values():
    assert read_values('a=1,"b=2,3"', "x") == {"a": "1", "b": "2,3"}
    for bad in ("a", "a=1,a=2", "=3", "{a = }"):
        with pytest.raises(UsageError):
            read_values(bad, "x")


def test_a_file_of_edits(tmp_path):
    path = tmp_path / "edits.toml"
    path.write_text('[[edits]]\naction = "move"\nsubject = "node:a"\nvalues = { lon = 1.5, lat = 2 }\n')
    assert read_edits(path) == [Edit("move", "node:a", {"lon": 1.5, "lat": 2}, "edits.toml, edits 1")]
    path.write_text('[[edits]]\naction = "burn"\nsubject = 3\nwhy = "x"\n')
    with pytest.raises(UsageError) as told_:
        read_edits(path)
    assert len(told_.value.args) == 3


# --- the command --------------------------------------------------------------------------------------------


def run(*args):
    from auditor.cli import (
        cli,
        main,  # noqa: F401 -- the group is what is run
    )

    return CliRunner().invoke(cli, ["whatif", *map(str, args)], standalone_mode=False)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_command(lang):
    path = auditor.sample("shanghai_isp_cdn")
    done = run(path, "--as-of", "2026-11-22", "--move", "edge-zj-1", "region_code=330106", "--lang", lang)
    assert done.return_value == 1, done.output
    assert ("You may not" if lang == "en" else "不可以") in done.output
    assert "PILOT-FAC-01" in done.output
    done = run(path, "--as-of", "2026-11-22", "--remove", "edge-zj-1", "--format", "json", "--lang", lang)
    values = json.loads(done.output)
    assert (done.return_value, values["answer"], values["schema"]) == (0, "may", "auditor.whatif/1")


def test_command_needs_a_change():
    done = run(auditor.sample("thin"))
    assert isinstance(done.exception, UsageError)
    done = run(auditor.sample("thin"), "--services", "B14")
    assert isinstance(done.exception, UsageError)


def test_area_exit():
    done = run(
        auditor.sample("shanghai_isp_cdn"),
        "--as-of",
        "2026-11-22",
        "--area-exit",
        "shanghai",
        "--services",
        "B14",
    )
    assert done.return_value in {1, 3}, done.output
    assert Path(auditor.sample("shanghai_isp_cdn")).is_dir()


PLANS = {
    "room-in-zhangjiang": ("may", set()),
    "second-carrier": ("may", set()),
    "cdn-from-a-pool": ("ask_first", {"PILOT-CDN-01 contract:cdn-pool"}),
    "cdn-in-hangzhou": ("may_not", {"PILOT-CDN-01 node:edge-hz", "PILOT-FAC-01 node:edge-hz"}),
    "port-at-the-exchange": ("may_not", {"PILOT-ISP-02 node:sub-homes", "PILOT-ISP-02 node:sub-firms"}),
    "office-to-puxi": ("may_not", {"PILOT-REG-01 operator"}),
}
WORDS = {"may": "you may", "ask_first": "ask first", "may_not": "you may not"}


def test_plans_of_the_sample(areas):
    home = auditor.sample("lingang_plans")
    declaration, told_ = auditor.read_declaration(home), (home / "README.md").read_text("utf-8")
    assert {path.stem for path in (home / "plans").iterdir()} == set(PLANS)
    for plan, (answer, appears) in PLANS.items():
        found = auditor.whatif(
            declaration, read_edits(home / "plans" / f"{plan}.toml"), areas=areas, as_of=DAY
        )
        assert (found.answer, {f"{f.rule} {f.subject}" for f in found.appears}) == (answer, appears), plan
        assert f"`{plan}` {WORDS[answer]}" in told_


PORT = {"source": "agg-lg-1", "target": "ixp-sh-1", "kind": "peering", "owner": "operator"}


@pytest.mark.parametrize(
    ("edit", "answer", "on"),
    [
        (Edit("add", "link", {**PORT, "from_on": "2027-01-01"}), "may_not", dt.date(2027, 1, 1)),
        (Edit("add", "link", {**PORT, "status": "planned"}), "may_not", DAY),
        (Edit("add", "link", {**PORT, "status": "规划"}), "may_not", DAY),
        (
            Edit("add", "domicile", {"region_code": "310101", "from_on": "2027-01-01"}),
            "may_not",
            dt.date(2027, 1, 1),
        ),
        (Edit("set", "approval:1", {"expires_on": "2026-12-01"}), "may_not", dt.date(2026, 12, 2)),
        (Edit("add", "link", {**PORT, "status": "retired"}), "may", None),
    ],
)
def test_what_begins_later_or_is_planned_is_judged_too(areas, edit, answer, on):
    declaration = auditor.read_declaration(auditor.sample("lingang_plans"))
    found = auditor.whatif(declaration, [edit], areas=areas, as_of=DAY)
    assert found.answer == answer
    assert not found.appears  # not on the day itself
    assert (on in {one.after.case.as_of for one in found.later}) == (on is not None)


def test_an_exit_that_lies_ahead_and_one_of_no_area(clean, areas):
    event = {"area": "shanghai", "on": "2027-06-01", "kind": "terminate", "transition": "none"}
    found = auditor.whatif(clean, areas=areas, as_of=DAY, then={"policy": {"area_events": [event]}})
    assert (found.answer, found.hits[0].services) == ("may_not", ("B12", "B14"))
    event["area"] = "shangai"
    with pytest.raises(UsageError, match="shanghai"):
        auditor.whatif(clean, areas=areas, as_of=DAY, then={"policy": {"area_events": [event]}})


def test_a_breach_of_another_cause_is_no_may(declared, areas):
    port = Edit(
        "add", "link", {"source": "agg-fc-1", "target": "ixp-sh-1", "kind": "peering", "owner": "operator"}
    )
    found = auditor.whatif(declared, [port], areas=areas, as_of=DAY)
    assert (found.answer, {f.rule for f in found.changed}) == ("ask_first", {"PILOT-ISP-02"})


def test_records_that_get_another_number_are_the_same(areas):
    declaration = auditor.read_declaration(auditor.sample("licence_linkage"))
    licence = {"kind": "licence", "number": "B2-1", "services": "B21", "status": "expired"}
    several, *_ = edited(declaration, [Edit("add", "approval", licence)], on=DAY)
    first, *_ = edited(
        several,
        [
            Edit("remove", "approval:1"),
            Edit("add", "approval", dict(several.approvals[0].model_dump(exclude_unset=True))),
        ],
        on=DAY,
    )
    assert [a.number for a in first.approvals] == ["B2-1", declaration.approvals[0].number]
    found = auditor.whatif(first, [Edit("remove", "approval:B2-1")], areas=areas, as_of=DAY)
    assert "approval:1" in {f.subject for f in found.stays}
    assert not [f for f in found.appears if f.rule == "PILOT-GOV-09"]


@pytest.mark.parametrize("services", ["B99", "数据中心", ",", "B14 B98"])
def test_services_that_are_none_are_refused(services):
    done = run(auditor.sample("lingang_plans"), "--area-exit", "shanghai", "--services", services)
    assert isinstance(done.exception, UsageError)


def test_edits_that_say_nothing_are_refused(clean):
    edits = [
        Edit("add", "node", {}),
        Edit("set", "node:dc-zj", {}),
        Edit("add", "contract:x", {"kind": "cdn"}),
        Edit("set", "network", {"links": ""}),
    ]
    with pytest.raises(DeclarationError) as told_:
        edited(clean, edits, on=DAY)
    assert len(told_.value.problems) == len(edits)
    with pytest.raises(UsageError):
        read_values("id=x\n,kind=router", "x")
