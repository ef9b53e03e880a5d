"""What must not matter to a verdict: order, names of nodes and links, the form of the file."""

from __future__ import annotations

import copy
from functools import cache

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import auditor
from auditor.readers import read_declaration
from auditor.writers import content_of, writers

AS_OF = "2026-11-22"
SAMPLES = (
    "shanghai_violations",
    "shanghai_isp_cdn",
    "carrier_olt_own_bras",
    "saas_nationwide_cdn",
    "backbone",
)
WRITERS = {writer.name: writer for writer in writers()}
FEW = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
KINDS = st.sampled_from(["bng", "olt", "router", "server", "cdn_edge", "subscriber", "egress", "other"])
OWNERS = st.sampled_from([None, "operator", "customer", "中国电信", "中国移动", "Somebody Ltd."])
PLACES = st.sampled_from([None, "310115", "310101", "330100"])
NODE_IDS = ("id", "site", "node")


@cache
def areas():
    return auditor.read_areas(AS_OF)


@cache
def sample(name):
    """A sample as one tree of the JSON form."""
    declaration = read_declaration(auditor.sample(name))
    return orjson.loads(WRITERS["json"].write(content_of(declaration)))


@st.composite
def networks(draw):
    """A sample with some rows taken out and some changed, so that every kind of verdict comes about."""
    tree = copy.deepcopy(sample(draw(st.sampled_from(SAMPLES))))
    network = tree["network"]
    network["complete"] = draw(st.booleans())
    nodes = network["nodes"]
    for at in draw(st.lists(st.integers(0, len(nodes) - 1), max_size=4, unique=True)):
        nodes[at] |= {"kind": draw(KINDS), "owner": draw(OWNERS), "region_code": draw(PLACES)}
    gone = set(draw(st.lists(st.integers(0, len(network["links"]) - 1), max_size=6)))
    network["links"] = [link for at, link in enumerate(network["links"]) if at not in gone]
    if not network["complete"] and len(nodes) > 8:
        lost = nodes[draw(st.integers(0, len(nodes) - 1))]["id"]
        network["nodes"] = [node for node in nodes if node["id"] != lost]
        for node in nodes:
            if node.get("site") == lost:
                del node["site"]
    return tree


def verdicts(declaration, back=None):
    """Verdict of every rule on every subject, by the first names."""
    back = back or {}
    frame = auditor.check(declaration, areas=areas(), as_of=AS_OF).to_frame()
    found = []
    for rule, subject, verdict in frame[["rule", "subject", "verdict"]].to_numpy().tolist():
        kind, _, name = subject.partition(":")
        found.append(
            (rule, f"{kind}:{back.get(name, name)}" if kind in {"node", "link"} else subject, verdict)
        )
    return sorted(found)


def read(tree, folder):
    path = folder / "d.json"
    path.write_bytes(orjson.dumps(tree))
    return read_declaration(path)


@FEW
@given(tree=networks(), random=st.randoms(use_true_random=False))
def test_order_does_not_matter(tree, random, tmp_path):
    expected = verdicts(read(tree, tmp_path))
    for key in ("nodes", "links"):
        rows = [dict(random.sample(sorted(row.items()), len(row))) for row in tree["network"][key]]
        random.shuffle(rows)
        tree["network"][key] = rows
    for key in ("approvals", "services"):
        random.shuffle(tree.get(key, []))
    assert verdicts(read(tree, tmp_path)) == expected


@FEW
@given(tree=networks(), random=st.randoms(use_true_random=False))
def test_names_do_not_matter(tree, random, tmp_path):
    expected = verdicts(read(tree, tmp_path))
    network = tree["network"]
    named = {row["id"] for row in network["nodes"]} | {
        link[end] for link in network["links"] for end in ("source", "target") if end in link
    }
    contracts = [
        node
        for c in tree.get("contracts", [])
        for node in (*c.get("node_ids", ()), *c.get("failover_node_ids", ()))
    ]
    numbers = random.sample(range(10 * len(named) + 50), len(named | set(contracts)))
    new = {
        old: f"节点-{number}=x" for old, number in zip(sorted(named | set(contracts)), numbers, strict=True)
    }
    for key in ("nodes", "prefixes"):
        for row in network.get(key) or []:
            row |= {column: new.get(row[column], row[column]) for column in NODE_IDS if column in row}
    links = {}
    for at, link in enumerate(network["links"]):
        links[link["id"]] = f"l{at}"
        network["links"][at] = (
            link | {"id": f"l{at}"} | {end: new[link[end]] for end in ("source", "target") if end in link}
        )
        if "over" in link:
            network["links"][at]["over"] = ";".join(new.get(node, node) for node in link["over"].split(";"))
    for contract in tree.get("contracts", []):
        for key in ("node_ids", "failover_node_ids"):
            if key in contract:
                contract[key] = [new[node] for node in contract[key]]
    back = {name: old for old, name in (*new.items(), *links.items())}
    assert verdicts(read(tree, tmp_path), back) == expected


@pytest.mark.parametrize("form", sorted(WRITERS))
@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=networks())
def test_the_form_does_not_matter(form, tree, tmp_path):
    declaration = read(tree, tmp_path)
    writer = WRITERS[form]
    written = writer.write(content_of(declaration))
    ending = (writer.suffixes or (".json",))[0]
    out = tmp_path / ("out" if ending == "/" else f"out{ending}")
    if isinstance(written, dict):
        out.mkdir(exist_ok=True)
        for name, data in written.items():
            (out / name).write_bytes(data)
    else:
        out.write_bytes(written)
    assert verdicts(read_declaration(out)) == verdicts(declaration)


def test_verdicts_of_all_kinds_come_about():
    """The networks above would prove little if they all passed."""
    seen = set()

    @settings(max_examples=20, database=None)
    @given(networks())
    def look(tree):
        frame = auditor.check(_as_graph(tree), areas=areas(), as_of=AS_OF).to_frame()
        seen.update(zip(frame["rule"], frame["verdict"], strict=True))

    look()
    for rule in ("PILOT-FAC-01", "PILOT-ISP-02"):
        assert {(rule, "pass"), (rule, "fail"), (rule, "inconclusive")} <= seen
    assert {("PILOT-CDN-01", "pass"), ("PILOT-CDN-01", "fail")} <= seen


def _as_graph(tree):
    from auditor.readers._assemble import assemble
    from auditor.readers._files import Folder
    from auditor.tables import Log

    return assemble(tree, Folder(None, Log(), "d.json"))
