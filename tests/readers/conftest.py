"""A small declaration to change and to break."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """schema = "auditor.declaration/1"
[operator]
name = "Example"
"""
NETWORK = """[network]
nodes = "nodes.csv"
links = "links.csv"
"""
STANDARD = {
    "declaration.toml": HEAD + NETWORK,
    "nodes.csv": "id,kind\nsub-1,subscriber\nbng-1,bng\n",
    "links.csv": "source,target\nsub-1,bng-1\n",
}


class Maker:
    """Writes the declaration; a file given replaces one of the standard ones, or comes besides."""

    head = HEAD
    network = NETWORK
    standard = STANDARD

    def __init__(self, root: Path) -> None:
        self.root = root

    def __call__(self, files: dict[str, str | bytes] | None = None) -> Path:
        for name, text in (STANDARD | (files or {})).items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return self.root


@pytest.fixture
def declare(tmp_path: Path) -> Maker:
    return Maker(tmp_path / "declaration")
