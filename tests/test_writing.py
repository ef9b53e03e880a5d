"""Nothing is left half written, and names of files that no terminal could show are names like others."""

import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import auditor
from auditor.errors import UsageError
from auditor.writing import written_whole
from tests.test_collection import declared, rows, run

__all__ = ["declared"]
TRACE = "traceroute to 202.96.209.5 (202.96.209.5), 30 hops max\n 1  202.96.209.5  1.2 ms\n"


def interrupted(target):
    with written_whole(target) as part:
        part.write_text("half")
        raise KeyboardInterrupt


def test_a_file_comes_whole_or_not_at_all(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        interrupted(target)
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"] and target.read_text() == "old"
    with pytest.raises(IsADirectoryError, match=str(tmp_path)), written_whole(tmp_path):
        pass
    with pytest.raises(FileNotFoundError, match=r"none'$"), written_whole(tmp_path / "none" / "a.txt"):
        pass


def test_what_cannot_be_written_is_refused_before_anybody_is_asked(tmp_path, declared):
    (tmp_path / "dir.parquet").mkdir()
    (tmp_path / "raw").write_text("")
    with pytest.raises(UsageError, match=r"dir\.parquet: is a folder; name a file in it"):
        run("collect", declared, "-o", tmp_path / "dir.parquet")
    with pytest.raises(UsageError, match=r"--raw: .*raw: is no folder"):
        run("collect", declared, "-o", tmp_path / "a.parquet", "--raw", tmp_path / "raw")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["declaration.json", "dir.parquet", "raw"]


@pytest.mark.parametrize(
    ("source", "text"), [("traceroute", TRACE), ("geofeed", "202.96.209.0/24,CN,CN-SH,,\n")]
)
def test_names_of_files_may_be_any_bytes(tmp_path, declared, source, text):
    strange = os.fsdecode(os.fsencode(tmp_path) + b"/seen\xff\x1b[31m")
    with open(strange, "w") as file:  # noqa: PTH123 -- any bytes
        file.write(text)
    told = run("collect", declared, "-o", f"{strange}.parquet", "--source", f"{source}={strange}")
    assert r"seen\udcff\x1b[31m.parquet" in told.stdout and "\x1b" not in told.stdout
    assert source in {row["source"] for row in rows(f"{strange}.parquet")}
    assert run("verify", f"{strange}.parquet").return_value == 0
    auditor.check(
        auditor.read_declaration(declared), observations=auditor.read_observations(f"{strange}.parquet")
    )


def located(tmp_path, array, name="out.parquet"):
    pq.write_table(pa.table({"ip": array}), tmp_path / "in.parquet")
    return run("locate", tmp_path / "in.parquet", "-o", tmp_path / name)


@pytest.mark.parametrize("name", ["out.parquet", "out.csv", "out.json"])
@pytest.mark.parametrize(
    ("array", "told"),
    [
        (pa.array([b"\xff", b"1.2.3.4"]), r"record 1, ip: 'b'\xff'' is no text"),
        (pa.array(["1.2.3.4", None]), "record 2, ip: nothing: no address"),
        (pa.array([{"a": 1}]), "record 1, ip: '{'a': 1}' is no text"),
        (pa.array(["1.2.3.4\x1b[31m"]), r"record 1, ip: '1.2.3.4\x1b[31m' holds a character"),
    ],
)
def test_a_column_without_addresses_is_told_and_leaves_nothing(tmp_path, array, told, name):
    with pytest.raises(auditor.errors.DeclarationError) as caught:
        located(tmp_path, array, name)
    assert told in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["in.parquet"]


def test_no_addresses_give_no_answers(tmp_path):
    located(tmp_path, pa.array([], pa.string()))
    assert pq.read_table(tmp_path / "out.parquet").num_rows == 0


def test_a_file_that_breaks_off_in_the_middle_is_told(tmp_path):
    pq.write_table(
        pa.table({"ip": ["1.2.3.4"] * 1000}),
        tmp_path / "in.parquet",
        compression="none",
        use_dictionary=False,
    )
    data = bytearray((tmp_path / "in.parquet").read_bytes())
    data[2000:4000] = b"\xff" * 2000
    (tmp_path / "in.parquet").write_bytes(data)
    with pytest.raises(auditor.errors.DeclarationError, match="cannot be read as Parquet"):
        run("locate", tmp_path / "in.parquet", "-o", tmp_path / "out.parquet")
    assert [p.name for p in tmp_path.iterdir()] == ["in.parquet"]
