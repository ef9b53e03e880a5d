"""JSON: our own structure, or any other form of JSON that a reader of this package knows by its shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditor.language import say
from auditor.readers._files import read_json
from auditor.readers._registry import OURS, Export, Reader, readers

if TYPE_CHECKING:
    from auditor.tables import Log

NAME = "json"


def is_ours(tree: Any) -> bool:
    """Whether a tree has the structure of ``declaration.toml``."""
    return isinstance(tree, dict) and not OURS.isdisjoint(tree)


def parse(data: bytes, file: str, log: Log) -> Export | None:
    """Read the file strictly, then as the form that its outermost keys show."""
    tree = read_json(data, file, log)
    if tree is None:
        if not log.problems.found:
            log.problems.add(file, "", "", say("holds null and nothing else"))
        return None
    for reader in sorted(readers(), key=lambda reader: reader.name == NAME):  # what is ours shows least
        if reader.claims is not None and reader.tree is not None and reader.claims(tree):
            return reader.tree(tree, file, log)
    known = [reader.name for reader in readers() if reader.tree is not None]
    log.problems.add(
        file,
        "",
        "",
        say("is JSON, but of no form that is known"),
        say("forms of JSON are {forms}", forms=known),
    )
    return None


def read_tree(tree: Any, _file: str, _log: Log) -> Export | None:
    """Take our own structure as it is; it is checked when it is assembled."""
    return Export(records=tree)


READER = Reader(NAME, (".json",), parse, claims=is_ours, tree=read_tree)
