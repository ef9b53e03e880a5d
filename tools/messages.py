"""Keep the Chinese catalogue: find every text of the code, and compile `auditor/locale/zh/*.po`.

    python tools/messages.py            add new texts to the .po files, drop what no code says, compile zh.mo
    python tools/messages.py --from F   the same, with translations from a JSON object of English to Chinese
    python tools/messages.py --check    only say what lacks its Chinese, is left over, or is not compiled

One .po file a part of the package: rules, readers, reports, cli …, and `core` for single modules; besides,
`manual` holds the manual pages of rules (their docstrings, by paragraph), `help` what `--help` prints, and
`data` what the files on areas and zones say.
"""

from __future__ import annotations

import argparse
import ast
import datetime as dt
import fcntl
import io
import json
import re
import string
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from auditor import manual

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "auditor"
FOLDER = PACKAGE / "locale" / "zh"
COMPILED = PACKAGE / "locale" / "zh.mo"
# Calls whose first argument (of `Message`: whose first two) is a text in English.
CALLS = {"both": 1, "say": 1, "Message": 2}


def texts_of(source: str) -> Iterator[tuple[str, int]]:
    """Find the texts of a module, with their lines; a name may stand for a text of the same module."""
    tree = ast.parse(source)
    named = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Constant)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name) and isinstance(node.value.value, str)
    }
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS):
            continue
        for argument in node.args[: CALLS[node.func.id]]:
            found = named.get(argument.id) if isinstance(argument, ast.Name) else None
            found = argument.value if isinstance(argument, ast.Constant) else found
            if isinstance(found, str) and found:
                yield found, node.lineno


def found_texts() -> dict[str, dict[str, list[tuple[str, int]]]]:
    """Give the texts of the package by catalogue, each with the places where it stands."""
    parts: dict[str, dict[str, list[tuple[str, int]]]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.name == "language.py":
            continue  # its examples
        inside = path.relative_to(PACKAGE)
        part = inside.parts[0] if len(inside.parts) > 1 else "core"
        for text, _ in texts_of(path.read_text("utf-8")):
            _add(parts, part, text, str(inside))
    for part, texts in (("manual", manual_texts()), ("help", help_texts()), ("data", data_texts())):
        for text, place in texts:
            _add(parts, part, text, place)
    return parts


def _add(parts: dict[str, dict[str, list[tuple[str, int]]]], part: str, text: str, place: str) -> None:
    places = parts.setdefault(part, {}).setdefault(text, [])
    if (place, 0) not in places:
        places.append((place, 0))


def manual_texts() -> Iterator[tuple[str, str]]:
    """Give the paragraphs of the rules' docstrings."""
    for path in sorted((PACKAGE / "rules").glob("[!_]*.py")):
        for text in manual.texts(ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""):
            yield text, f"rules/{path.name}"


def help_texts() -> Iterator[tuple[str, str]]:
    """Give what `--help` prints of commands and options."""
    for path in sorted((PACKAGE / "cli").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            texts = []
            if isinstance(node, ast.FunctionDef) and any(map(_makes_command, node.decorator_list)):
                texts = manual.texts(ast.get_docstring(node) or "")
            elif (
                isinstance(node, ast.keyword) and node.arg == "help" and isinstance(node.value, ast.Constant)
            ):
                texts = [node.value.value]
            for text in texts:
                yield text, str(path.relative_to(PACKAGE))


def _makes_command(decorator: ast.expr) -> bool:
    """Whether a decorator is ``click.command()``, ``click.group()`` or that of a group."""
    made = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(made, ast.Attribute) and made.attr in {"command", "group"}


def data_texts() -> Iterator[tuple[str, str]]:
    """Give the English texts of the files on areas and zones; what is Chinese already needs none."""
    areas = tomllib.loads((PACKAGE / "data" / "areas.toml").read_text("utf-8"))["areas"]
    found = [(text, "data/areas.toml") for area in areas for text in area["open_questions"]]
    found += [(area["legal_basis"], "data/areas.toml") for area in areas]
    for path in sorted((ROOT / "zone_boundaries").glob("*.geojson")):
        facts = json.loads(path.read_bytes())["features"][0]["properties"]
        found += [(facts[name], path.name) for name in ("legal_basis", "source", "licence", "notes")]
    yield from ((text, place) for text, place in found if re.search("[a-z] [a-z]", text))


def read_catalogues() -> dict[str, Catalog]:
    """Read the .po files there are."""
    catalogues = {}
    for path in sorted(FOLDER.glob("*.po")):
        with path.open("rb") as file:
            catalogues[path.stem] = read_po(file, locale="zh_CN")
    return catalogues


def translations(catalogues: dict[str, Catalog]) -> dict[str, str]:
    """Give every translation there is, wherever it stands: a text may move from module to module."""
    return {m.id: m.string for c in catalogues.values() for m in c if m.id and m.string}


def written_po(texts: dict[str, list[tuple[str, int]]], known: dict[str, str]) -> bytes:
    """Write a catalogue, in the order of its modules."""
    catalogue = Catalog(
        locale="zh_CN", project="auditor", fuzzy=False, creation_date=_never(), revision_date=_never()
    )
    for text, places in texts.items():
        catalogue.add(text, known.get(text, ""), locations=[(name, None) for name, _ in places])
    out = io.BytesIO()
    write_po(out, catalogue, width=110, omit_header=False)
    return out.getvalue()


def compiled(known: dict[str, str]) -> bytes:
    """Compile all translations; same texts, same bytes."""
    catalogue = Catalog(
        locale="zh_CN", project="auditor", fuzzy=False, creation_date=_never(), revision_date=_never()
    )
    for text in sorted(known):
        catalogue.add(text, known[text])
    out = io.BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def _never() -> dt.datetime:
    """Give a date that never changes: a catalogue changes only with its texts."""
    return dt.datetime(2026, 11, 27, tzinfo=dt.UTC)


def gaps(text: str) -> set[tuple[str, str, str]]:
    """Give a text's gaps, each as it formats; a text of prose has none, whatever braces it holds."""
    try:
        parsed = list(string.Formatter().parse(text))
    except ValueError:
        return set()
    return {(name, spec or "", how or "") for _, name, spec, how in parsed if name}


def faults() -> list[str]:
    """Say what is wrong with the catalogues: texts without Chinese, other gaps, left-overs, not compiled."""
    parts, catalogues = found_texts(), read_catalogues()
    known = translations(catalogues)
    wanted = {text for texts in parts.values() for text in texts}
    told = [
        f"no Chinese: {text!r} ({parts[p][text][0][0]})"
        for p in parts
        for text in parts[p]
        if text not in known
    ]
    told += [
        f"other gaps in Chinese: {text!r}"
        for text in sorted(wanted & known.keys())
        if gaps(text) != gaps(known[text])
    ]
    told += [f"no code says: {text!r}" for text in sorted(known.keys() - wanted)]
    if not told and (not COMPILED.exists() or COMPILED.read_bytes() != compiled(known)):
        told.append(f"{COMPILED.name} is not what the .po files compile to; run python tools/messages.py")
    return told


def update(more: dict[str, str]) -> None:
    """Bring the .po files in line with the code, add `more` translations, and compile them."""
    parts, known = found_texts(), translations(read_catalogues()) | more
    for part, texts in parts.items():
        (FOLDER / f"{part}.po").write_bytes(written_po(texts, known))
    for path in FOLDER.glob("*.po"):
        if path.stem not in parts:
            path.unlink()
    wanted = {text for texts in parts.values() for text in texts}
    COMPILED.write_bytes(compiled({text: zh for text, zh in known.items() if text in wanted}))


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--from", dest="file", metavar="F", type=Path)
    asked = parser.parse_args()
    if not asked.check:
        with (FOLDER / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            update(json.loads(asked.file.read_text("utf-8")) if asked.file else {})
    told = faults()
    for line in told:
        print(line)
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
