"""GML, Himsolt's Graph Modelling Language, as the Internet Topology Zoo, networkx and Cytoscape write it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from html.entities import name2codepoint
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from auditor.columns import CARRIED
from auditor.language import say
from auditor.problems import Origin, quote
from auditor.readers._files import BOM, OTHER_BOMS, read_carried, report_encoding
from auditor.readers._registry import Export, Reader
from auditor.readers._tables import read_rows
from auditor.tables import Note, Unused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.tables import Log

    Token: TypeAlias = tuple[str, str, int]  # what it is, its text, where it starts
    Pair: TypeAlias = tuple[str, "str | list[Pair]", int]

# What a possessive ``++`` has matched is never given back: no input makes it slow.
TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n\f\v]++|\#[^\n]*+)
    |(?P<number>[+-]?(?>(?>\d++(?:\.\d*+)?|\.\d++)(?:[eE][+-]?\d++)?|INF|NAN)(?![\w.]))
    |(?P<word>[A-Za-z_]\w*+)
    |"(?P<text>[^"]*+)"
    |(?P<open>\[)
    |(?P<close>\])""",
    re.VERBOSE | re.ASCII,
)
ENTITY = re.compile(
    r"&(?:#(?P<decimal>\d{1,7})|#[xX](?P<hex>[0-9A-Fa-f]{1,6})|(?P<name>[A-Za-z]{2,6}));", re.ASCII
)
ENTITIES = {name: chr(code) for name, code in name2codepoint.items() if code < 256} | {"apos": "'"}  # noqa: PLR2004 -- latin-1
LAST = 0x10FFFF
SURROGATES = range(0xD800, 0xE000)
HIGH = re.compile(rb"[\x80-\xff]")
CONTROLS = re.compile(rb"[\x80-\x9f]")  # of ISO-8859-1
CHINESE = re.compile(rb"[\xb0-\xf7][\xa1-\xfe]")  # characters of GB 2312, which GBK and GB 18030 contain
COLUMNS = "auditor_columns"  # names of columns that are no keys of GML, as our writer gives them
LIST_START = "_networkx_list_start"  # networkx marks a list of one value so
OWN = {"node": ("id", "label"), "edge": ("id", "source", "target")}
NEEDED = {"node": ("id",), "edge": ("source", "target")}
BARE = frozenset({"id", "label", "source", "target"})  # some programs leave out the quotes here
MOST_DEPTH = 50
LONGEST = 1 << 20


class _BrokenError(Exception):
    """No GML from here on."""

    def __init__(self, what: str, at: int, hint: str = "") -> None:
        self.what, self.at, self.hint = what, at, hint
        super().__init__(what)


@dataclass
class _Parts:
    """What the file has brought so far."""

    rows: dict[str, list[dict[str, str]]] = field(default_factory=lambda: {"node": [], "edge": []})
    starts: dict[str, list[int]] = field(default_factory=lambda: {"node": [], "edge": []})
    names: dict[str, str] = field(default_factory=dict)
    dropped: Counter[str] = field(default_factory=Counter)
    joined: Counter[str] = field(default_factory=Counter)
    carried: str | None = None
    directed: bool = False
    graphs: int = 0


def parse(data: bytes, file: str, log: Log) -> Export | None:
    """Give nodes and links of a GML file; every value is text, spelt as in the file.

    A node's ``label`` is its name: the ``id`` alone tells nodes apart. All other keys become columns by their
    own names; a key that a node has several times is a list. Parallel edges stay. What is nested in a node or
    edge (drawings, mostly) and what is said of the graph as a whole is listed as unused; a nested or a second
    graph is a problem.
    """
    text = _decoded(data, file, log)
    if text is None:
        return None
    parts = _Parts()
    try:
        _file(_tokens(text), parts)
    except _BrokenError as broken:
        line = text.count("\n", 0, broken.at) + 1
        log.problems.add(
            file, say("line {number}", number=line), "", say("no GML: {what}", what=broken.what), broken.hint
        )
        return None
    if not parts.graphs:
        log.problems.add(file, "", "", say("holds no graph"), say("GML is graph [ node [ … ] edge [ … ] ]"))
        return None
    if _report_lacking(parts, text, file, log):
        return None
    for what, times in parts.dropped.items():
        log.unused.append(Unused(file, what, say("not read ({count:,} of them)", count=times)))
    for what, times in parts.joined.items():
        log.notes.append(
            Note(file, say("{name}: several values joined by ; in {count:,} rows", name=what, count=times))
        )
    nodes = read_rows(parts.rows["node"], "node", file, ("id",))
    links = read_rows(parts.rows["edge"], "edge", file, ("source", "target"))
    return Export(nodes, links, records=read_carried(parts.carried, file, log), directed=parts.directed)


def _decoded(data: bytes, file: str, log: Log) -> str | None:
    """Decode UTF-8, else ISO-8859-1 as the standard has it, unless the bytes look like Chinese."""
    try:
        return data.removeprefix(BOM).decode("utf-8")
    except UnicodeDecodeError:
        pass
    if data[:2] in OTHER_BOMS or CONTROLS.search(data) or _is_chinese(data):
        report_encoding(data, file, log)
        return None
    log.notes.append(Note(file, say("is not UTF-8; read as ISO-8859-1, the encoding that GML names")))
    return data.decode("iso-8859-1")


def _is_chinese(data: bytes) -> bool:
    """Tell whether what is not ASCII mostly comes in the pairs of Chinese encodings; Western text has few."""
    return 4 * len(CHINESE.findall(data)) > len(HIGH.findall(data))


def _tokens(text: str) -> Iterator[Token]:
    at = 0
    while at < len(text):
        found = TOKEN.match(text, at)  # a search would try a broken token anew from each of its characters
        if found is None:
            if text[at] == '"':
                raise _BrokenError(say("a quote is opened and never closed"), at)
            raise _BrokenError(
                say("{value} is not expected", value=quote(text[at : at + 20])),
                at,
                say("text needs quotes round it"),
            )
        kind = found.lastgroup or ""
        if kind != "space":
            yield kind, found[kind], at
        at = found.end()
    yield "end", "", at


def _file(tokens: Iterator[Token], parts: _Parts) -> None:
    for kind, key, at in tokens:
        if kind == "end":
            return
        if kind != "word":
            raise _BrokenError(say("{value} stands where a key should", value=quote(key or kind)), at)
        value = next(tokens)
        if key != "graph" or value[0] != "open":
            _value(tokens, key, value, depth=1)
            parts.dropped[say("keys beside the graph")] += 1
            continue
        parts.graphs += 1
        if parts.graphs > 1:
            raise _BrokenError(say("a second graph cannot be read"), at, say("give one graph a file"))
        _graph(tokens, parts, at)


def _graph(tokens: Iterator[Token], parts: _Parts, start: int) -> None:
    for key, value, at in _pairs(tokens, start, depth=1):
        if key in OWN:
            if isinstance(value, str):
                raise _BrokenError(
                    say("{key} {value} is no list", key=key, value=quote(value)),
                    at,
                    say("write {key} [ … ]", key=key),
                )
            parts.rows[key].append(_row(parts, key, value))
            parts.starts[key].append(at)
        elif key == "graph":
            raise _BrokenError(say("a nested graph cannot be read"), at, say("give one flat graph"))
        else:
            _about_graph(parts, key, value, at)


def _about_graph(parts: _Parts, key: str, value: str | list[Pair], at: int) -> None:
    if key == CARRIED and isinstance(value, str):
        parts.carried = value
    elif key == COLUMNS and not isinstance(value, str):
        parts.names = {inner: name for inner, name, _ in value if isinstance(name, str)}
    elif key == "directed":
        if not isinstance(value, str) or value not in {"0", "1"}:
            raise _BrokenError(say("directed is neither 0 nor 1"), at)
        parts.directed = value == "1"
    elif key != "multigraph":
        parts.dropped[say("attributes of graph")] += 1


def _pairs(tokens: Iterator[Token], start: int, depth: int) -> Iterator[Pair]:
    """Give keys and values up to the bracket that closes the list."""
    if depth > MOST_DEPTH:
        raise _BrokenError(say("is nested deeper than {most} lists", most=MOST_DEPTH), start)
    for kind, key, at in tokens:
        if kind == "close":
            return
        if kind == "end":
            break
        if kind != "word":
            raise _BrokenError(say("{value} stands where a key should", value=quote(key or kind)), at)
        yield key, _value(tokens, key, next(tokens), depth), at
    raise _BrokenError(say("a [ is never closed"), start, say("is the file complete?"))


def _value(tokens: Iterator[Token], key: str, value: Token, depth: int) -> str | list[Pair]:
    kind, text, at = value
    if kind == "open":
        return list(_pairs(tokens, at, depth + 1))
    if kind in {"close", "end"} or (kind == "word" and key not in BARE):
        hint = say("text needs quotes round it") if kind == "word" else ""
        raise _BrokenError(say("{key} has no value", key=quote(key)), at, hint)
    if len(text) > LONGEST and key != CARRIED:
        raise _BrokenError(
            say("the value of {key} is longer than {longest:,} characters", key=quote(key), longest=LONGEST),
            at,
        )
    return ENTITY.sub(_character, text) if kind == "text" and "&" in text else text


def _character(entity: re.Match[str]) -> str:
    """Give the character that an entity stands for; one that stands for none is text as it is."""
    if entity["name"]:
        return ENTITIES.get(entity["name"], entity[0])
    code = int(entity["decimal"]) if entity["decimal"] else int(entity["hex"], 16)
    return chr(code) if 0 < code <= LAST and code not in SURROGATES else entity[0]


def _row(parts: _Parts, kind: str, pairs: list[Pair]) -> dict[str, str]:
    """Make a row of a node or edge."""
    values: dict[str, list[str]] = {}
    for key, value, at in pairs:
        if isinstance(value, str):
            values.setdefault(key, []).append(value)
            if len(values[key]) > 1 and key in OWN[kind]:
                raise _BrokenError(
                    say("a second {key} of one {kind}", key=key, kind=kind), at, say("remove one")
                )
        elif key == "graph":
            raise _BrokenError(say("a nested graph cannot be read"), at, say("give one flat graph"))
        else:
            parts.dropped[f"{kind} {key} [ … ]"] += 1
    row = {}
    for key, given in values.items():
        name = parts.names.get(key) or _name(key, kind, values)
        if name in row:
            raise _BrokenError(
                say("two values of {name} in one {kind}", name=quote(name), kind=kind), pairs[0][2]
            )
        listed = given[1:] if len(given) > 1 and given[0] == LIST_START else given
        if len(listed) > 1:
            parts.joined[name] += 1
        row[name] = ";".join(listed)
    return row


def _name(key: str, kind: str, values: dict[str, list[str]]) -> str:
    if kind == "edge" or key not in {"label", "name"}:
        return key
    return "name (attribute)" if key == "name" and "label" in values else "name"


def _report_lacking(parts: _Parts, text: str, file: str, log: Log) -> bool:
    """Report nodes without id and edges without both ends."""
    before = len(log.problems.found)
    for kind, names in NEEDED.items():
        numbers = np.arange(1, len(parts.rows[kind]) + 1)
        for name in names:
            lacking = np.array([not row.get(name, "").strip() for row in parts.rows[kind]], np.bool_)
            starts = parts.starts[kind]
            log.problems.rows(
                Origin.of(file, numbers, kind),
                lacking,
                name,
                lambda row, starts=starts: say(
                    "is missing (line {number})", number=text.count(chr(10), 0, starts[row]) + 1
                ),  # type: ignore[misc]
            )
    return len(log.problems.found) > before


READER = Reader("gml", (".gml",), parse)
