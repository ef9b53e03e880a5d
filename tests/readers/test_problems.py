"""Everything that may be wrong in a declaration, and exactly what is said of it."""

from __future__ import annotations

import datetime as dt
import io
import os
import tomllib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auditor.errors import AuditorError, DeclarationError, UsageError
from auditor.readers import read_declaration
from auditor.readers._registry import endings

CASES = tomllib.loads((Path(__file__).parent / "problems.toml").read_text("utf-8"))["case"]
PARQUET = '[network]\nnodes = "nodes.parquet"\n'


def problems_of(path, **options):
    with pytest.raises(DeclarationError) as caught:
        read_declaration(path, **options)
    return [str(problem) for problem in caught.value.problems]


def parquet(**columns):
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_every_problem_is_named(case, declare):
    expected = [text.replace("{endings}", ", ".join(endings())) for text in case["problems"]]
    assert problems_of(declare(case["files"])) == expected


def test_the_cases_start_from_something_sound(declare):
    assert read_declaration(declare()).nodes.num_rows == 2


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        (
            "declaration.toml",
            '[operator]\nname = "电信"\n'.encode("gb18030"),
            "declaration.toml, line 2: is not UTF-8; it reads as GB18030: iconv -f GB18030 -t UTF-8",
        ),
        ("nodes.csv", b"id,kind\n\xff,bng\n", "nodes.csv, line 2: is not UTF-8; save it as UTF-8"),
    ],
)
def test_other_encodings_are_named(declare, name, data, expected):
    assert problems_of(declare({name: data})) == [expected]


@pytest.mark.parametrize("data", [parquet(id=["a"], kind=["bng"])[:-9], b"id,kind\na,bng\n"])
def test_a_broken_parquet_file_is_named(declare, data):
    root = declare({"declaration.toml": declare.head + PARQUET, "nodes.parquet": data})
    [problem] = problems_of(root)
    assert problem.startswith(
        "nodes.parquet: cannot be read as Parquet: Parquet magic bytes not found in footer"
    )


def test_parquet_text_must_be_utf8(declare):
    broken = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.array([0, 4], pa.int32()).buffers()[1], pa.py_buffer(b"caf\xe9")]
    )
    data = parquet(id=["a"], kind=["bng"], name=broken)
    [problem] = problems_of(declare({"declaration.toml": declare.head + PARQUET, "nodes.parquet": data}))
    assert "nodes.parquet: cannot be read as Parquet" in problem


def test_parquet_types_that_make_no_sense(declare):
    stamp = pa.array([dt.datetime(2026, 1, 2, 3, 4)], pa.timestamp("us"))  # noqa: DTZ001 -- a naive one is meant
    data = parquet(id=[{"a": 1}], kind=["bng"], lon=[True], lat=["x"], from_on=stamp)
    root = declare({"declaration.toml": declare.head + PARQUET, "nodes.parquet": data})
    assert problems_of(root) == [
        "nodes.parquet, record 1, id: '{'a': 1}' is no text",
        "nodes.parquet, record 1, lon: 'true' is no number",
        "nodes.parquet, record 1, lat: 'x' is no number",
        "nodes.parquet, record 1, from_on: '2026-01-02 03:04:00' has a time of day; give a date alone",
    ]


def test_parquet_not_a_number_is_not_blank(declare):
    data = parquet(id=["a", "b"], kind=["bng", "bng"], lon=[np.nan, 121.0], lat=[31.0, np.inf])
    root = declare({"declaration.toml": declare.head + PARQUET, "nodes.parquet": data})
    hint = "leave blank what is not known"
    assert problems_of(root) == [
        f"nodes.parquet, record 1, lon: 'nan' is no number; {hint}",
        f"nodes.parquet, record 2, lat: 'inf' is no number; {hint}",
    ]


def test_a_long_list_is_cut_but_counted(declare):
    rows = [f"n-{i},{'bng' if i % 10 == 9 else 'bgn'}" for i in range(40)]
    found = problems_of(declare({"nodes.csv": "\n".join(["id,kind", *rows]), "links.csv": "source,target\n"}))
    assert len(found) == 21
    assert found[0] == "nodes.csv, row 2, kind: 'bgn' is not known: did you mean 'bng'?"
    assert found[20] == "nodes.csv, kind: the same in 16 more rows: 24-30, 32-40"


def test_problems_of_all_files_come_together(declare):
    root = declare(
        {
            "declaration.toml": declare.head + "foreign_share = 2.0\n" + declare.network,
            "nodes.csv": "id,kind\nsub-1,x\n",
            "links.csv": "source,target,status\nsub-1,,x\n",
        }
    )
    assert [line.partition(",")[0] for line in problems_of(root)] == [
        "declaration.toml",
        "nodes.csv",
        "links.csv",
    ]


def test_row_numbers_are_those_of_a_spreadsheet(declare):
    text = 'id,kind,name\r\na,bng,"two\r\nlines"\r\n\r\nb,x,\r\n'
    root = declare({"nodes.csv": text, "links.csv": "source,target\n"})
    [problem] = problems_of(root)
    assert problem.startswith("nodes.csv, row 4, kind: 'x' is not known")


def test_a_link_out_of_the_folder_is_refused(declare, tmp_path):
    root = declare()
    (tmp_path / "secret.csv").write_text("id,kind\na,bng\n")
    (root / "nodes.csv").unlink()
    (root / "nodes.csv").symlink_to(tmp_path / "secret.csv")
    assert "is outside the declaration's folder" in problems_of(root)[0]


def test_a_pipe_does_not_hang(declare):
    root = declare()
    (root / "nodes.csv").unlink()
    os.mkfifo(root / "nodes.csv")
    assert problems_of(root)[0] == "declaration.toml, network, nodes: 'nodes.csv' is no file"


def test_a_folder_without_declaration(tmp_path):
    assert problems_of(tmp_path) == [f"{tmp_path.name}: 'declaration.toml' is missing"]


def test_a_path_that_is_not_there(tmp_path):
    assert problems_of(tmp_path / "x") == ["x: there is no such file or folder"]


def test_a_file_of_no_known_form(tmp_path):
    (tmp_path / "x.docx").write_bytes(b"PK")
    with pytest.raises(UsageError, match=r"x\.docx is no declaration; give a folder, or a file ending in"):
        read_declaration(tmp_path / "x.docx")


def test_an_operator_file_besides_a_folder_is_refused(declare):
    root = declare()
    with pytest.raises(UsageError, match="leave out the operator file"):
        read_declaration(root, operator=root / "declaration.toml")


def test_depth_is_no_way_to_break_the_reader(declare):
    root = declare({"declaration.toml": declare.head + "deep = " + "[" * 20_000 + "]" * 20_000 + "\n"})
    [problem] = problems_of(root)
    assert problem.startswith("declaration.toml: no TOML: ")


def test_a_header_without_end(declare):
    [problem] = problems_of(declare({"nodes.csv": '"id,kind\na,bng\n' + "x" * 200_000}))
    assert problem.startswith("nodes.csv, row 1: is no CSV table: field larger than field limit")


def test_a_graph_named_twice(declare):
    graph = '<graphml><graph edgedefault="undirected"><node id="a"/></graph></graphml>'
    root = declare(
        {"declaration.toml": declare.head + '[network]\ngraph = "g.graphml"\n', "g.graphml": graph}
    )
    found = problems_of(root / "g.graphml", operator=root)
    assert found == ["declaration.toml, network, graph: there is a graph already; leave one of them out"]


@pytest.mark.parametrize("suffix", ["json", "toml", "graphml"])
def test_no_bytes_bring_a_traceback(tmp_path, declare, suffix):
    operator = declare()
    for seed in range(60):
        path = tmp_path / f"x.{suffix}"
        path.write_bytes(np.random.default_rng(seed).bytes(64))
        with pytest.raises(AuditorError):
            read_declaration(path, operator=operator if suffix == "graphml" else None)


def test_paths_that_the_system_refuses_are_problems(declare, tmp_path):
    folder = declare(
        {"declaration.toml": declare.head + '[network]\nnodes = "loop.csv"\nlinks = "%s.csv"\n' % ("x" * 300)}
    )
    (folder / "loop.csv").symlink_to("loop.csv")
    told = problems_of(folder)
    assert told[0] == "declaration.toml, network, nodes: 'loop.csv' is no path that can be followed"
    assert len(told) == 2
    assert problems_of(tmp_path / ("x" * 300))[0].endswith("there is no such file or folder")


def test_a_table_may_not_be_endlessly_wide(declare):
    names = ",".join(f"c{at}" for at in range(1001))
    told = problems_of(declare({"nodes.csv": f"id,kind,{names}\n"}))
    assert told[0].startswith("nodes.csv, row 1: more than 1,000 columns")


def test_a_cell_may_not_be_endlessly_long(declare):
    told = problems_of(
        declare({"nodes.csv": f"id,kind,name\nbng-1,bng,{'x' * 100_001}\nsub-1,subscriber,\n"})
    )
    assert told == [
        f"nodes.csv, row 2, name: '{'x' * 59}…' is longer than 100,000 bytes; is a quote or a comma missing?"
    ]


def test_a_name_in_the_input_cannot_command_a_terminal(declare):
    told = problems_of(declare({"nodes.csv": 'id,kin\x1b[31md,"a\nb\u202e"\nbng-1,bng,\n'}))
    hint = "is no name that can be seen; rename the column"
    assert told == [
        "nodes.csv, kind: the column is missing; the columns are id, kin\\x1b[31md, a\\nb\\u202e",
        f"nodes.csv, column 2: 'kin\\x1b[31md' {hint}",
        f"nodes.csv, column 3: 'a\\nb\\u202e' {hint}",
    ]
