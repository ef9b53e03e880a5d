"""GML in the dialect of the Internet Topology Zoo; the records of the declaration go with the graph.

Not every node has a label: networkx reads such a file by ``read_gml(path, label="id")``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from auditor.columns import CARRIED
from auditor.writers._content import Writer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.writers._content import Content

KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
WHOLE = re.compile(r"0|-?[1-9][0-9]{0,8}")  # GML holds 32 bits
IDS = frozenset({"id", "source", "target"})
TAKEN = frozenset({"label", "graph"})  # what GML or its readers understand in their own way
ESCAPED = re.compile(r'[^ -~]|[&"]')
COLUMNS = "auditor_columns"  # names of columns that are no keys of GML
MOST_BITS = 31


def write(content: Content) -> bytes:
    """Write nodes, links and, as attributes of the graph, the records and the odd names of columns."""
    nodes, links = content.graph
    names = dict.fromkeys(name for rows in (nodes, links) for row in rows for name in row)
    odd = _odd(list(names))
    lines = ["graph ["]
    if len({frozenset((link["source"], link["target"])) for link in links}) < len(links):
        lines.append("  multigraph 1")  # networkx refuses parallel edges else
    if content.carried_text:
        lines.append(f"  {CARRIED} {_quoted(content.carried_text)}")
    if odd:
        lines += [f"  {COLUMNS} [", *(f"    {key} {_quoted(name)}" for name, key in odd.items()), "  ]"]
    for node in nodes:
        lines += _item("node", node, odd | {"name": "label"})
    for link in links:
        lines += _item("edge", link, odd)
    return "\n".join([*lines, "]", ""]).encode("ascii")


def _odd(names: list[str]) -> dict[str, str]:
    """Give keys to the columns whose names are none, or mean something else in GML."""
    keys = (f"column{number}" for number in range(2 * len(names)))
    free = (key for key in keys if key not in names)
    return {name: next(free) for name in names if not KEY.fullmatch(name) or name in TAKEN}


def _item(kind: str, row: dict[str, Any], keys: dict[str, str]) -> Iterator[str]:
    yield f"  {kind} ["
    for name, value in row.items():
        yield f"    {keys.get(name, name)} {_value(name, value)}"
    yield "  ]"


def _value(name: str, value: Any) -> str:
    """Write numbers and ids that are whole numbers bare, all else in quotes."""
    if isinstance(value, float):
        mantissa, exponent, power = repr(value).partition("e")
        return f"{mantissa if '.' in mantissa else mantissa + '.0'}{exponent}{power}"
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() <= MOST_BITS:
        return str(value)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if name in IDS and WHOLE.fullmatch(text) else _quoted(text)


def _quoted(text: str) -> str:
    return '"' + ESCAPED.sub(lambda found: f"&#{ord(found[0])};", text) + '"'


WRITER = Writer("gml", (".gml",), write)
