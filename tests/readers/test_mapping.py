"""A foreign schema turned into ours, and the mapping that is proposed for one."""

from __future__ import annotations

import re
import tomllib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.errors import DeclarationError
from auditor.readers import read_declaration
from auditor.suggestion import suggest

NODES = (
    "uid,hostname,type,tenant,Latitude,Longitude,State\n"
    "r1,Core 1,BRAS,China Telecom,31.1,121.6,up\n"
    "r2,Core 2,core,,31.2,121.7,down\n"
    "s1,,Odd,us,,,up\n"
)
LINKS = "src,dst,medium\nr1,r2,fiber\ns1,r1,\n"
NETWORK = '[network]\nnodes = "nodes.csv"\nlinks = "links.csv"\nmapping = "map.toml"\n'
MAP = """
[fields]
uid = "id"
hostname = "name"
type = "kind"
tenant = "owner"
Latitude = "lat"
Longitude = "lon"
State = "status"
src = "source"
dst = "target"
medium = "kind"
[values.kind]
core = "router"
fiber = "fibre"
Odd = "subscriber"
[values.status]
up = "active"
down = "standby"
[[roles]]
where = { tenant = "us" }
set = { owner = "operator", services = "B14" }
[[roles]]
where = { tenant = ["China*", "nobody"], type = "B?AS" }
set = { owner = "中国电信" }
[[roles]]
table = "links"
where = { medium = "" }
set = { kind = "access" }
[[roles]]
where = { tenant = "" }
set = { owner = "客户" }
"""


def column(table, name):
    return table.column(name).to_pylist()


@pytest.fixture
def mapped(declare):
    def read(map_text=MAP, network=NETWORK, nodes=NODES, links=LINKS):
        files = {"declaration.toml": declare.head + network, "nodes.csv": nodes, "links.csv": links}
        return read_declaration(declare(files | {"map.toml": map_text}))

    return read


def test_fields_words_and_roles(mapped):
    read = mapped()
    assert column(read.nodes, "id") == ["r1", "r2", "s1"]
    assert column(read.nodes, "kind") == ["bng", "router", "subscriber"]
    assert column(read.nodes, "owner") == ["中国电信", "customer", "operator"]
    assert column(read.nodes, "services") == [None, None, "B14"]
    assert column(read.nodes, "status") == ["active", "standby", "active"]
    assert column(read.nodes, "lat") == [31.1, 31.2, None]
    assert column(read.links, "kind") == ["fibre", "access"]
    assert [note.what for note in read.notes] == [
        "roles 1: owner = operator, services = B14 in 1 rows",
        "roles 2: owner = 中国电信 in 1 rows",
        "roles 4: owner = 客户 in 1 rows",
        "roles 3: kind = access in 1 rows",
    ]
    assert [entry.path for entry in read.inputs][:2] == ["declaration.toml", "map.toml"]
    assert read.unused == ()


def test_what_stands_in_the_declaration_wins(mapped):
    network = NETWORK + '[network.values.kind]\ncore = "pop"\n'
    assert column(mapped(network=network).nodes, "kind") == ["bng", "pop", "subscriber"]


def test_a_mapping_may_be_given_besides(declare, tmp_path):
    (tmp_path / "given.toml").write_text(
        "[network]"
        + MAP.replace("[fields]", "[network.fields]")
        .replace("[values", "[network.values")
        .replace("[[roles]]", "[[network.roles]]"),
        "utf-8",
    )
    files = {"declaration.toml": declare.head + declare.network, "nodes.csv": NODES, "links.csv": LINKS}
    read = read_declaration(declare(files), mapping=tmp_path / "given.toml")
    assert column(read.nodes, "kind") == ["bng", "router", "subscriber"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[fields]\nuid = "ident"\n', "map.toml, fields, uid: 'ident' is no column"),
        ("fields = 3\n", "map.toml, fields: '3' is no table of names"),
        ("[values]\nkind = 3\n", "map.toml, values: '3' is no table of names"),
        (
            "[[roles]]\nwhere = {}\nset = { kind = 'pop' }\n",
            "map.toml, roles 1, where: '{}' is no table of patterns",
        ),
        ("[[roles]]\nwhere = { a = 'b' }\n", "map.toml, roles 1, set: is missing"),
        ("[[roles]]\nwhere = { a = { b = 1 } }\nset = { kind = 'pop' }\n", "is no pattern"),
        (
            "[[roles]]\nwhere = { a = 'b' }\nset = { kidn = 'pop' }\n",
            "'kidn' is no column of nodes; did you mean 'kind'?",
        ),
        ("[[roles]]\ntable = 'node'\nwhere = { a = 'b' }\nset = { kind = 'pop' }\n", "did you mean 'nodes'?"),
        ("[fields\n", "map.toml, line 1: no TOML"),
        ('[values.knid]\na = "b"\n', "'knid' is no column of nodes or links; did you mean 'kind'?"),
    ],
)
def test_what_is_wrong_in_a_mapping_is_said(mapped, text, problem):
    with pytest.raises(DeclarationError) as caught:
        mapped(text, nodes="id,kind\na,bng\n", links="source,target\n")
    assert problem in str(caught.value)


def test_what_a_mapping_names_in_vain_is_listed(mapped):
    text = "colour = 1\n[fields]\nGone = 'name'\n[[roles]]\nwhere = { kind = 'x*' }\nset = { kind = 'pop' }\n"
    text += "[[roles]]\nwhere = { lost = 'x*' }\nset = { kind = 'pop' }\n"
    read = mapped(text, nodes="id,kind\na,bng\n", links="source,target\n")
    assert {(unused.where, unused.what) for unused in read.unused} == {
        ("map.toml", "colour"),
        ("map.toml", "fields.Gone"),
        ("map.toml", "roles 2, where lost"),
        ("nodes.csv", "roles 1"),
        ("nodes.csv", "roles 2"),
    }
    assert column(read.nodes, "kind") == ["bng"]


def test_a_mapping_outside_the_folder_is_not_read(mapped):
    with pytest.raises(DeclarationError, match="outside the declaration's folder"):
        mapped(network=NETWORK.replace("map.toml", "../map.toml"))


# --- proposals -------------------------------------------------------------------------------------------------


@pytest.fixture
def foreign(declare):
    def make(nodes=NODES, links=LINKS):
        return declare(
            {"declaration.toml": declare.head + declare.network, "nodes.csv": nodes, "links.csv": links}
        )

    return make


def test_a_proposal_is_a_mapping_that_works(foreign, tmp_path):
    text = suggest(foreign())
    tree = tomllib.loads(text)
    assert tree["fields"] == {
        "uid": "id",
        "hostname": "name",
        "type": "kind",
        "tenant": "owner",
        "Latitude": "lat",
        "Longitude": "lon",
        "State": "status",
        "src": "source",
        "dst": "target",
        "medium": "kind",
    }
    assert tree["values"]["kind"] == {"core": "router", "fiber": "fibre"}
    assert tree["values"]["status"] == {"up": "active", "down": "standby"}
    assert '# "Odd" = ""  # 1 rows' in text
    assert "# 2 filled, 2 distinct: 31.1, 31.2" in text
    (tmp_path / "m.toml").write_text(text.replace('# "Odd" = ""', '"Odd" = "subscriber"'), "utf-8")
    read = read_declaration(foreign(), mapping=tmp_path / "m.toml")
    assert column(read.nodes, "kind") == ["bng", "router", "subscriber"]


def test_rules_show_what_they_match(foreign, tmp_path):
    (tmp_path / "m.toml").write_text(MAP, "utf-8")
    text = suggest(foreign(), mapping=tmp_path / "m.toml")
    assert "# rule 1 matches 1 rows: s1" in text
    assert "# rule 3 matches 1 rows: s1" in text
    assert "# rule 4 matches 1 rows: r2" in text
    (tmp_path / "m.toml").write_text('[[roles]]\nwhere = { State = "u*" }\nset = { kind = "pop" }\n', "utf-8")
    text = suggest(foreign(), mapping=tmp_path / "m.toml")
    assert "# rule 1 matches 2 rows: r1, s1" in text
    assert tomllib.loads(text)["roles"] == [
        {"table": "nodes", "where": {"State": ["u*"]}, "set": {"kind": "pop"}}
    ]


@pytest.mark.parametrize(
    ("nodes", "absent"),
    [
        ("id,type\na,Blue\nb,Pink\n", "kind"),  # no word of a kind
        ("name,key\na,0\nb,0\n", "id"),  # not distinct
        ("id,y\na,north\n", "lat"),  # no number
    ],
)
def test_what_does_not_fit_is_not_proposed(foreign, nodes, absent):
    assert absent not in tomllib.loads(suggest(foreign(nodes, "source,target\n")))["fields"].values()


def test_rules_are_offered_by_columns_of_few_values(foreign):
    text = suggest(foreign("id,vendor,model\na,X,1\nb,Y,2\nc,X,3\nd,Y,4\n"))
    assert "# [[roles]]  # matches 2 rows: a, c" in text
    assert '# where = { "vendor" = "X" }' in text
    assert "# by model" not in text  # each row its own
    assert "# kinds: subscriber, bng" in text


NAMES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), min_size=1, max_size=12
)


@settings(max_examples=18, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(NAMES, min_size=1, max_size=5, unique=True), values=st.lists(NAMES, min_size=1, max_size=4)
)
def test_a_proposal_is_toml_whatever_the_names(foreign, names, values):
    def cell(text):
        return '"' + text.replace('"', '""') + '"'

    rows = [",".join(map(cell, names)), *(",".join(cell(value) for _ in names) for value in values)]
    try:
        text = suggest(foreign("\n".join(rows) + "\n"))
    except DeclarationError:
        return
    tree = tomllib.loads(text)
    assert set(tree["fields"]) <= {name.strip() for name in names} | {"src", "dst", "medium"}


def test_names_that_nodes_and_links_share_are_written_once(foreign):
    nodes = "uid,type,state,provider\na,core,up,X\nb,Odd,down,X\n"
    links = "source,target,type,state,provider,uid\na,b,fiber,up,X,1\n"
    text = suggest(foreign(nodes, links))
    tree = tomllib.loads(text)
    assert tree["fields"] == {
        "uid": "id",
        "type": "kind",
        "state": "status",
    }  # uid is taken in nodes, provider is two things
    assert tree["values"]["kind"] == {"core": "router", "fiber": "fibre"}
    assert tree["values"]["status"] == {"up": "active", "down": "standby"}
    assert '# "provider" = ""' in text


def test_two_columns_of_one_name_are_a_problem(mapped):
    text = "[fields]\ntyp = 'kind'\n[values.kind]\nx = 'pop'\n[[roles]]\nwhere = { kind = 'x' }\nset = { kind = 'pop' }\n"
    with pytest.raises(DeclarationError) as caught:
        mapped(text, nodes="id,typ,kind\na,x,x\n", links="source,target\n")
    assert "nodes.csv, kind: the column is there 2 times" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[values.kind]\nx = 'foo'\n", "map.toml, values, kind: 'foo' is not known"),
        (
            "[[roles]]\nwhere = { a = 'b' }\nset = { kind = 'zzz' }\n",
            "map.toml, roles 1, set: 'zzz' is not known",
        ),
        ("[[roles]]\nwhere = { a = 'b' }\nset = { kind = ' ' }\n", "map.toml, roles 1, set: kind is blank"),
    ],
)
def test_words_that_no_list_has_are_told_before_they_are_used(mapped, text, problem):
    with pytest.raises(DeclarationError) as caught:
        mapped(text, nodes="id,kind\na,bng\n", links="source,target\n")
    assert problem in str(caught.value)


def test_a_mapping_is_read_once(declare, tmp_path):
    (tmp_path / "m.toml").write_text("[fields\n", "utf-8")
    (tmp_path / "n.csv").write_text("id,kind\na,bng\n", "utf-8")
    with pytest.raises(DeclarationError) as caught:
        read_declaration(
            tmp_path / "n.csv", operator={"operator": {"name": "x"}}, mapping=tmp_path / "m.toml"
        )
    assert [str(problem).split(";")[0] for problem in caught.value.problems if "m.toml" in str(problem)] == [
        "m.toml, line 1: no TOML: Expected ']' at the end of a table declaration"
    ]


def test_suggestions_are_commented_in_either_language(foreign):
    nodes = "id,vendor,type\na,X,BRAS\nb,Y,core\nc,X,BRAS\nd,Y,core\n"
    said = {lang: suggest(foreign(nodes), lang=lang) for lang in ("en", "zh")}
    comments = {
        lang: [line.partition("#")[2] for line in text.splitlines() if "#" in line]
        for lang, text in said.items()
    }
    assert len(comments["en"]) == len(comments["zh"]) > 3
    assert any(re.search("[\u4e00-\u9fff]", line) for line in comments["zh"])
    assert not any(re.search("[\u4e00-\u9fff]", line) for line in comments["en"])
    assert tomllib.loads(said["en"]) == tomllib.loads(said["zh"])
