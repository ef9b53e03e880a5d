"""The notebooks as they stand: built of their sources, without faults; `make notebooks` runs them."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "notebooks"


@pytest.fixture(scope="module")
def build():
    spec = importlib.util.spec_from_file_location("build_notebooks", FOLDER / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


NAMES = sorted(path.stem for path in (FOLDER / "source").glob("*.py"))


def read(name):
    return nbformat.read(FOLDER / f"{name}.ipynb", 4)


def test_there_are_five_and_the_list_names_them():
    assert len(NAMES) == 5
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == NAMES
    listed = (FOLDER / "README.md").read_text("utf-8")
    assert [name for name in NAMES if f"({name}.ipynb)" not in listed] == []


@pytest.mark.parametrize("name", NAMES)
def test_cells_are_those_of_the_source(build, name):
    source = build.read_source(FOLDER / "source" / f"{name}.py")
    told = [(c["cell_type"], c["id"], c["source"]) for c in read(name)["cells"]]
    assert told == [(c["cell_type"], c["id"], c["source"]) for c in source["cells"]]


@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_there_without_faults(build, name):
    notebook = read(name)
    nbformat.validate(notebook)
    assert build.faults(name, notebook) == []
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert not any(output["output_type"] == "error" for cell in code for output in cell["outputs"])
    assert any("image/png" in output.get("data", {}) for cell in code for output in cell["outputs"])


@pytest.mark.parametrize("name", NAMES)
def test_nothing_in_them_asks_the_network(name):
    text = (FOLDER / f"{name}.ipynb").read_text("utf-8")
    assert not re.search(r"(src|href)=\\?[\"'](https?:)?//", text)


def test_faults_are_found(build):
    path = json.dumps(str(ROOT))[1:-1]
    cell = nbformat.v4.new_code_cell(
        "1", outputs=[nbformat.v4.new_output("stream", name="stderr", text=path)]
    )
    found = build.faults("x", nbformat.v4.new_notebook(cells=[cell]))
    assert any("holds" in line for line in found) and any("warns" in line for line in found)


def test_a_difference_in_text_is_told_and_one_in_pictures_is_not(build):
    def notebook(text, picture, page):
        html = f'<iframe srcdoc="{page}" sandbox="allow-scripts"></iframe>'
        data = {"text/plain": text, "image/png": picture, "text/html": html}
        return nbformat.v4.new_notebook(
            cells=[
                nbformat.v4.new_code_cell("1", id="a", outputs=[nbformat.v4.new_output("display_data", data)])
            ]
        )

    assert build.told(notebook("a", "x", "p")) == build.told(notebook("a", "y", "q"))
    assert build.told(notebook("a", "x", "p")) != build.told(notebook("b", "x", "p"))


def test_tables_are_called_the_same_in_every_run(build):
    outputs = [
        {"output_type": "display_data", "data": {"text/html": f'<table id="T_{n}"><td id="T_{n}_row0">'}}
        for n in ("0a1b2", "fffff")
    ]
    first, second = (build.tidy([output], "cell_3")[0]["data"]["text/html"] for output in outputs)
    assert first == second == '<table id="T_cell_3"><td id="T_cell_3_row0">'
