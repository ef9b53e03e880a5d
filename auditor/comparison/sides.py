"""Sides of a comparison: what a declaration, a registry, a licence or observations say, kind by kind."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from auditor.columns import Coded, floats
from auditor.registers import in_force
from auditor.roles import is_operator
from auditor.tables import NODES, PREFIXES

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Mapping

    from auditor.columns import BoolArray, FloatArray, IntArray
    from auditor.governance import Registration
    from auditor.model import Approval, Declaration, Operator
    from auditor.observations import Observations

NODE_GROUPS = ("room", "rack", "user", "node")
LINK_GROUPS = ("gateway", "link")
FILED = frozenset({"room", "rack", "gateway", "block"})
"""Groups of which records filed with the administration are taken to be whole."""
ROOMS = frozenset({"room", "data_centre"})
GATEWAYS = frozenset({"leased_line", "transit", "peering", "cross_border"})
NUMBERS = ("lon", "lat", "accuracy_m")
BETWEEN = " – "  # the ends of a link, in one text
FORWARD = " → "  # the same where traffic goes one way
INNER = frozenset(
    {"tail", "head", "change", "report_state", "segment"}
)  # of our making, or of the reporting's
OUT_OF_SERVICE = frozenset({"planned", "retired"})


@dataclass(frozen=True)
class Rows:
    """Records of one kind of one side, as columns.

    Parameters
    ----------
    key
        What names each record in its file; blank where nothing does.
    group
        What each record is, for people: ``room``, ``rack``, ``gateway``, ``block`` …
    columns
        Texts by field, lists joined by ``;``, dates as ISO text.
    numbers
        ``lon``, ``lat``, ``accuracy_m``, NaN where not stated.
    files
        From a row to file and place in it.
    """

    key: Coded
    group: Coded
    columns: Mapping[str, Coded]
    numbers: Mapping[str, FloatArray]
    files: Callable[[int], tuple[str, str]]

    def __len__(self) -> int:
        return len(self.key)

    def text(self, name: str) -> Coded:
        """Give one column, blank throughout where the side has none of that name."""
        return self.columns.get(name) or Coded(np.full(len(self), -1, np.int32), ())

    def states(self, name: str) -> bool:
        """Tell whether any record states a field."""
        return name in self.columns and bool((~self.columns[name].blank).any())

    def record(self, row: int) -> dict[str, Any]:
        """Give what one record states, for people and for its digest."""
        said: dict[str, Any] = {name: column.at(row) for name, column in self.columns.items()}
        said |= {name: float(column[row]) for name, column in self.numbers.items()}
        return {name: value for name, value in said.items() if value is not None and value == value}  # noqa: PLR0124 -- NaN

    def digest(self, row: int) -> str:
        """SHA-256 of what one record states, whatever file and row it stands in."""
        stated = [self.key.at(row), self.group.at(row), self.record(row)]
        return hashlib.sha256(orjson.dumps(stated, option=orjson.OPT_SORT_KEYS)).hexdigest()

    @cached_property
    def content(self) -> IntArray:
        """Rank of each record by what it states: equal for equal content, and blind to the order of rows."""
        columns = [self.key, self.group, *(self.columns[name] for name in sorted(self.columns))]
        texts = [pc.fill_null(column.arrow().cast(pa.string()), "") for column in columns]
        texts += [pa.array(self.numbers[name]).cast(pa.string()) for name in sorted(self.numbers)]
        joined = pc.binary_join_element_wise(*texts, "\x1f")
        return pc.rank(joined, tiebreaker="dense").to_numpy()  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Side:
    """One side of a comparison.

    Parameters
    ----------
    name
        For people: the file, or what it holds.
    rows
        Records by kind: ``node``, ``link``, ``block``, ``enterprise``, ``approval``, ``service``, ``domain``,
        ``contract``.
    filed
        Whether they were filed with the administration, in whose records much of a network has no place.
    covers
        Groups of which the side is taken to hold every record; of the others nothing is missing in it.
    observed
        Whether it is what sources said, which proves nobody wrong: a mismatch is something to review.
    """

    name: str
    rows: Mapping[str, Rows]
    covers: frozenset[str]
    filed: bool = False
    observed: bool = False


def side_of(
    declaration: Declaration, name: str, *, as_of: dt.date, file: str = "", whose: Operator | None = None
) -> Side:
    """Make a side of a declaration, or of filings that were read as one.

    Parameters
    ----------
    declaration
        As read.
    name
        Of the side, for people.
    as_of
        Day on which records are in force or not.
    file
        Where the records are, if the declaration does not say.
    whose
        Operator that filings took over from the declaration they belong to: then they name none themselves.
    """
    filed, file = declaration.filed, file or name
    nodes = _nodes(declaration, as_of, file)
    rows = {"node": nodes, "link": _links(declaration, nodes, as_of, file)}
    if declaration.prefixes is not None:
        rows["block"] = _blocks(declaration, nodes, as_of, file)
    if whose is None or declaration.operator is not whose:
        rows["enterprise"] = of_enterprises([_enterprise(declaration, as_of)], file)
    rows["approval"] = of_approvals(declaration.approvals, file)
    rows["service"] = _of_records("service", declaration.services, "code", file)
    rows["contract"] = _of_records("contract", declaration.contracts, "id", file)
    named = [(domain, service.code) for service in declaration.services for domain in service.domains]
    rows["domain"] = _listed(
        "domain", [{"domain": d.lower(), "service": code} for d, code in named], "domain", file
    )
    every = frozenset(
        {*NODE_GROUPS, *LINK_GROUPS, "block", "enterprise", "approval", "service", "domain", "contract"}
    )
    held = {group for kind in rows.values() if len(kind) for group in kind.group.values}
    covers = FILED | (held & {"user", "enterprise", "approval"}) if filed else every
    return Side(name, {kind: made for kind, made in rows.items() if len(made)}, covers, filed)


def side_of_registrations(records: Iterable[Registration], name: str) -> Side:
    """Make a side of records of the business registry."""
    return Side(
        name, {"enterprise": of_enterprises([_plain(r) for r in records], name)}, frozenset({"enterprise"})
    )


def side_of_approvals(records: Iterable[Approval], name: str) -> Side:
    """Make a side of licences and pilot replies."""
    return Side(name, {"approval": of_approvals(records, name)}, frozenset({"approval"}))


def side_of_observations(seen: Observations, name: str) -> Side:
    """Make a side of what sources answered: holders of blocks, and addresses that names lead to.

    An observation says nothing of what it was not asked: a side of observations is never whole.
    """
    table = seen.table
    kind, answered = Coded.of(table.column("kind")), Coded.of(table.column("outcome")).isin({"answer"})
    subject = Coded.of(table.column("subject"))
    holds = np.flatnonzero(
        kind.isin({"holder"}) & answered & subject.map(_is_block, blank=False, dtype=np.bool_)
    )
    owner = Coded.of(table.column("owner"))
    blocks = {(subject.at(row), owner.at(row)) for row in holds.tolist()}
    rows = [{"prefix": (s or "").partition(":")[2], "allocated_by": o} for s, o in sorted(blocks, key=str)]
    return Side(
        name, {"block": _listed("block", rows, "prefix", name)} if rows else {}, frozenset(), observed=True
    )


def _is_block(subject: str) -> bool:
    return subject.startswith("prefix:")


# --- tables -----------------------------------------------------------------------------------------------


def _nodes(declaration: Declaration, as_of: dt.date, file: str) -> Rows:
    table = declaration.nodes
    kind, owner = Coded.of(table.column("kind")), Coded.of(table.column("owner"))
    customers = kind.isin({"subscriber"}) | owner.isin({"customer"})
    group = np.select([customers, kind.isin(ROOMS), kind.isin({"rack"})], [2, 0, 1], 3)
    columns = _texts(table, {column.name for column in NODES} - {"id", "grade", "document"})
    columns["in_force"] = _in_force(table, as_of)
    columns |= {
        name: _party(columns[name], declaration) for name in ("owner", "operated_by") if name in columns
    }
    if declaration.filed:  # a far end that nobody filed has no kind, nor is who holds racks and users filed
        columns = {
            name: c for name, c in columns.items() if name not in {"kind", "owner", "operated_by", "holding"}
        }
    return Rows(
        Coded.of(table.column("id")),
        Coded(group.astype(np.int32), NODE_GROUPS),
        columns,
        {name: floats(table, name) for name in NUMBERS},
        _places(declaration, "nodes", file),
    )


def _links(declaration: Declaration, nodes: Rows, as_of: dt.date, file: str) -> Rows:
    table = declaration.links
    kind, supplier = Coded.of(table.column("kind")), Coded.of(table.column("supplier"))
    ends = [Coded.of(table.column(name)) for name in ("source", "target")]
    gateway = ends[1].blank | ~supplier.blank | kind.isin(GATEWAYS)
    columns = _texts(table, set(table.column_names) - INNER - {"id", "cost"})
    if "owner" in columns:
        columns["owner"] = _party(columns["owner"], declaration)
    columns["in_force"] = _in_force(table, as_of)
    columns["ends"] = _ends(ends[0], ends[1], Coded.of(table.column("direction")).isin({"forward"}))
    near, far = (_room_of(end, nodes) for end in ends)
    columns["room"] = _either(near, far)
    if declaration.filed:
        columns = {name: column for name, column in columns.items() if name not in {"kind", "ends"}}
    columns = {name: column for name, column in columns.items() if name not in {"source", "target"}}
    group = Coded(np.where(gateway, 0, 1).astype(np.int32), LINK_GROUPS)
    return Rows(_stated_ids(table), group, columns, {}, _places(declaration, "links", file))


def _blocks(declaration: Declaration, nodes: Rows, as_of: dt.date, file: str) -> Rows:
    table = declaration.prefixes
    if table is None:
        raise AssertionError("asked only where blocks are declared")
    columns = _texts(table, set(table.column_names) - INNER)
    columns["in_force"] = _in_force(table, as_of)
    columns["room"] = _room_of(Coded.of(table.column("node")), nodes)
    if declaration.filed:
        columns = {name: column for name, column in columns.items() if name != "node"}
    key = Coded.of(table.column("prefix"))
    group = Coded(np.zeros(table.num_rows, np.int32), ("block",))
    return Rows(key, group, columns, {}, _places(declaration, "prefixes", file))


def _texts(table: pa.Table, names: set[str]) -> dict[str, Coded]:
    """Columns as text, those of numbers too; what is neither known nor of our making is kept as well."""
    known = {column.name for column in (*NODES, *PREFIXES)}
    wanted = [
        n for n in table.column_names if n not in INNER | set(NUMBERS) and (n in names or n not in known)
    ]
    found = {}
    for name in wanted:
        column = table.column(name)
        if column.null_count < len(column):
            is_text = pa.types.is_dictionary(column.type) or pa.types.is_string(column.type)
            found[name] = Coded.of(column if is_text else column.cast(pa.string()))
    return found


def _in_force(table: pa.Table, as_of: dt.date) -> Coded:
    """Whether each row is in service on the day, in a word."""
    day = pa.scalar(as_of)
    since = pc.fill_null(pc.less_equal(table.column("from_on"), day), True)  # noqa: FBT003
    until = pc.fill_null(pc.greater(table.column("to_on"), day), True)  # noqa: FBT003
    dated = pc.and_(since, until).to_numpy(zero_copy_only=False).astype(np.bool_)
    if "status" in table.column_names:
        dated &= ~Coded.of(table.column("status")).isin(OUT_OF_SERVICE)
    return Coded(np.where(dated, 0, 1).astype(np.int32), ("yes", "no"))


def _ends(source: Coded, target: Coded, forward: BoolArray) -> Coded:
    """Both ends of each link in one text, in either order the same unless traffic goes one way."""
    order = np.argsort(np.argsort(np.array([*source.values, ""], dtype=object)))
    swap = ~forward & ~target.blank & (order[source.codes] > order[target.codes])
    first = Coded(np.where(swap, target.codes, source.codes), source.values)
    last = Coded(np.where(swap, source.codes, target.codes), source.values)
    texts = [pc.fill_null(end.arrow().cast(pa.string()), "") for end in (first, last)]
    return Coded.of(pc.binary_join_element_wise(*texts, pa.array(np.where(forward, FORWARD, BETWEEN))))


def _party(column: Coded, declaration: Declaration) -> Coded:
    """Write the operator's own name and code as ``operator``."""
    named = ["operator" if is_operator(value, declaration.operator) else value for value in column.values]
    codes = {value: code for code, value in enumerate(dict.fromkeys(named))}
    new = np.array([*(codes[value] for value in named), -1], np.int32)
    return Coded(new[column.codes], tuple(codes))


def _stated_ids(table: pa.Table) -> Coded:
    """Ids of links that the file states; those that reading made of the ends name nothing."""
    given = table.column("id").cast(pa.string())
    ends = [pc.fill_null(table.column(name).cast(pa.string()), "") for name in ("source", "target")]
    made = pc.equal(
        pc.replace_substring_regex(given, "#[0-9]+$", ""), pc.binary_join_element_wise(*ends, ">")
    )
    return Coded.of(pc.if_else(made, None, given))


def _room_of(column: Coded, nodes: Rows) -> Coded:
    """Room that each named node is or stands in, however deep; blank where there is none."""
    at = {value: row for row, value in enumerate(pa.array(nodes.key.arrow()).to_pylist())}
    site, is_room = nodes.text("site"), nodes.group.isin({"room"})
    above = site.map(lambda value: at.get(value, -1), blank=-1, dtype=np.int64)
    rows = column.map(lambda value: at.get(value, -1), blank=-1, dtype=np.int64)
    for _ in range(_DEEPEST):
        climb = (rows >= 0) & ~is_room[rows]
        if not climb.any():
            break
        rows = np.where(climb, above[rows], rows)
    return nodes.key.take(np.where((rows >= 0) & is_room[rows], rows, -1))


_DEEPEST = 16


def _either(one: Coded, other: Coded) -> Coded:
    """Values of one column, and where it is blank those of another over the same values."""
    return Coded(np.where(one.blank, other.codes, one.codes), one.values)


def _places(declaration: Declaration, table: str, file: str) -> Callable[[int], tuple[str, str]]:
    origin = declaration.origins.get(table)
    if origin is None or len(origin.code) != (getattr(declaration, table).num_rows):
        return lambda row: (file, f"{table} {row + 1}")
    return origin.at


# --- records ----------------------------------------------------------------------------------------------


def _plain(record: Any) -> dict[str, Any]:
    return record.model_dump(mode="json", exclude_none=True)  # type: ignore[no-any-return]


def _enterprise(declaration: Declaration, as_of: dt.date) -> dict[str, Any]:
    """Name, code and domicile in force of the operator."""
    operator = declaration.operator
    said: dict[str, Any] = {"name": operator.name, "uscc": operator.uscc}
    if not declaration.filed:  # whoever declares says that it exists
        said["status"] = "active"
    for domicile in operator.domiciles:
        if in_force(domicile.from_on, domicile.to_on, as_of):
            wanted = {"address", "region_code", "datum", *NUMBERS}
            said |= {name: value for name, value in _plain(domicile).items() if name in wanted}
    return said


def of_enterprises(records: list[dict[str, Any]], file: str) -> Rows:
    """Make rows of enterprises; what names one is its code, else its name."""
    left_out = {"source", "document", "retrieved_on", "grade"}
    kept = [{k: v for k, v in record.items() if k not in left_out} for record in records]
    keyed = [{**record, "id": record.get("uscc") or record.get("name")} for record in kept]
    return _listed("enterprise", keyed, "id", file)


def of_approvals(records: Iterable[Approval], file: str) -> Rows:
    """Make rows of approvals; what names one is its number."""
    return _of_records("approval", records, "number", file)


def _of_records(group: str, records: Iterable[Any], key: str, file: str) -> Rows:
    return _listed(group, [_plain(record) for record in records], key, file)


def _listed(group: str, records: list[dict[str, Any]], key: str, file: str) -> Rows:
    names = list(dict.fromkeys(name for record in records for name in record))
    columns = {
        name: Coded.of([_cell(record.get(name)) for record in records])
        for name in names
        if name not in {*NUMBERS, key, "document"}
    }
    numbers: dict[str, FloatArray] = {
        name: np.array([record.get(name, np.nan) for record in records], float)
        for name in NUMBERS
        if any(name in record for record in records)
    }
    keys = Coded.of([_cell(record.get(key)) for record in records])
    groups = Coded(np.zeros(len(records), np.int32), (group,))
    return Rows(keys, groups, columns, numbers, lambda row: (file, f"{group} {row + 1}"))


def _cell(value: Any) -> str | None:
    if value is None or value == []:
        return None
    return ";".join(sorted(map(str, value))) if isinstance(value, list) else str(value)


def chosen(rows: Rows, mask: BoolArray) -> Rows:
    """Keep some records of a side."""
    at = np.flatnonzero(mask)
    columns = {name: column.take(at) for name, column in rows.columns.items()}
    numbers = {name: column[at] for name, column in rows.numbers.items()}
    return Rows(
        rows.key.take(at), rows.group.take(at), columns, numbers, lambda row: rows.files(int(at[row]))
    )
