"""Build the notebooks from `source/` and run them, each in a fresh kernel.

    python notebooks/build.py           write them with their outputs
    python notebooks/build.py --check   run them in a copy, and say where they differ from what is here

A source is Python with a line `# %%` before each cell, `# %% [markdown]` before text. Compared are the cells
and the texts that they give; pictures, and pages in frames, may differ in their bytes, not in being there.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import shutil
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.font_manager  # noqa: F401 -- writes its cache here, not in five kernels at once
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import v4

HERE = Path(__file__).resolve().parent
SOURCES = sorted((HERE / "source").glob("*.py"))
MARK = "# %%"
ANSI = re.compile(r"\x1b\[[0-9;]*m")
STYLED = re.compile(r"\bT_[0-9a-f]{5}(?=[_\s\"])")
TIMEOUT_S = 120
FRAME = re.compile(r'(?<= srcdoc=")[^"]*')
LARGEST = 1_000_000  # bytes of a notebook
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def read_source(path: Path) -> Any:
    """Make a notebook without outputs of a source."""
    cells: list[Any] = []
    for number, part in enumerate(f"\n{path.read_text('utf-8')}".split(f"\n{MARK}")[1:], 1):
        kind, _, body = part.partition("\n")
        if kind.strip() == "[markdown]":
            lines = [line.removeprefix("#").removeprefix(" ") for line in body.strip("\n").split("\n")]
            cell = v4.new_markdown_cell("\n".join(lines).strip())
        else:
            cell = v4.new_code_cell(body.strip("\n"))
        cell["id"] = f"cell-{number}"
        cells.append(cell)
    return v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL, "language_info": {"name": "python"}})


def run(path: Path, folder: Path) -> tuple[Any, float]:
    """Run a source in a fresh kernel whose working folder is `folder`."""
    notebook = read_source(path)
    began = time.monotonic()
    client = NotebookClient(
        notebook,
        timeout=TIMEOUT_S,
        kernel_name="python3",
        record_timing=False,
        extra_arguments=["--log-level=40"],
        resources={"metadata": {"path": str(folder)}},
    )
    try:
        client.execute()
    except CellExecutionError as error:
        raise SystemExit(f"{path.name}: {ANSI.sub('', str(error))[-3000:]}") from None
    notebook["metadata"] = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    for cell in notebook["cells"]:
        cell["metadata"] = {}
        if cell["cell_type"] == "code":
            cell["outputs"] = tidy(cell["outputs"], cell["id"].replace("-", "_"))
    return notebook, time.monotonic() - began


def tidy(outputs: list[Any], name: str) -> list[Any]:
    """Take out what differs from run to run: in what pieces a stream came, and what pandas calls a table."""
    tidied: list[Any] = []
    for output in outputs:
        output.pop("transient", None)
        data = output.get("data", {})
        if "text/html" in data:
            data["text/html"] = STYLED.sub(f"T_{name}", data["text/html"])
        if any("<pandas.io.formats.style.Styler" in text for text in data.get("text/plain", "").split("\n")):
            data["text/plain"] = "a table"
        last = tidied[-1] if tidied else None
        if output["output_type"] == "stream" and last and last.get("name") == output["name"]:
            last["text"] += output["text"]
        else:
            tidied.append(output)
    return tidied


def told(notebook: Any) -> list[str]:
    """Give all that a notebook says, line by line; of a picture or a page in a frame that it is there."""
    lines: list[str] = []
    for cell in notebook["cells"]:
        lines += [f"--- {cell['cell_type']} {cell['id']}", *cell["source"].split("\n")]
        for output in cell.get("outputs", ()):
            lines.append(f"--- {output['output_type']}")
            lines += output.get("text", "").split("\n")
            for kind, value in sorted(output.get("data", {}).items()):
                lines += (
                    [kind] if kind.startswith("image/") else [kind, *FRAME.sub("", str(value)).split("\n")]
                )
    return lines


def faults(name: str, notebook: Any) -> list[str]:
    """Say what a notebook must not hold: paths of this machine, warnings, too much."""
    text = nbformat.writes(notebook)
    found = [
        f"{name}: holds {what}" for what in (str(HERE.parent), str(Path.home()), sys.prefix) if what in text
    ]
    found += [f"{name}: {len(text):,} bytes are too many"] * (len(text.encode()) > LARGEST)
    errors = [o for c in notebook["cells"] for o in c.get("outputs", ()) if o.get("name") == "stderr"]
    return found + [f"{name}: warns: {output['text'][:300]}" for output in errors]


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    parser.add_argument("only", nargs="*", help="names, or their beginnings")
    asked = parser.parse_args()
    chosen = [s for s in SOURCES if not asked.only or any(s.stem.startswith(name) for name in asked.only)]
    wrong: list[str] = []
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "notebooks"
        shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("*.ipynb", "source"))
        os.environ["IPYTHONDIR"] = os.environ["JUPYTER_RUNTIME_DIR"] = temporary
        with ProcessPoolExecutor(2) as pool:
            made = list(pool.map(partial(run, folder=folder), chosen))
    for source, (notebook, seconds) in zip(chosen, made, strict=True):
        target = HERE / f"{source.stem}.ipynb"
        wrong += faults(target.name, notebook)
        if not asked.check:
            nbformat.write(notebook, target)
        else:
            old = told(nbformat.read(target, 4)) if target.exists() else []
            wrong += difflib.unified_diff(
                old, told(notebook), target.name, f"{target.name} as it runs now", lineterm="", n=1
            )
        print(f"{target.name}: {seconds:.1f} s, {len(nbformat.writes(notebook).encode()):,} bytes")
    print(f"all: {time.monotonic() - began:.1f} s")
    for line in wrong:
        print(line[:500])
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
