"""Columns of the declared tables: names, types, permitted values, and what must hold between them.

All rows at once: a fault is a mask over rows, a message is made only for the rows that are shown.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditor import cells
from auditor.columns import whole as in_one_piece
from auditor.datum import DATUMS
from auditor.language import say
from auditor.problems import Origin, Problems, quote, spans
from auditor.registers import labels

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from auditor.columns import BoolArray

NODE_KINDS = (
    *("subscriber", "bng", "mse", "access_pe", "mobile_gateway", "olt", "dslam", "cmts", "access_switch"),
    *("router", "pop", "pe", "egress", "ixp", "gateway"),
    *("data_centre", "room", "rack", "server", "cloud_region", "storage", "backup", "origin", "log_store"),
    *("cdn_edge", "cdn_scheduler", "load_balancer", "accelerator", "dns", "pcdn"),
    *("office", "management", "cpe", "other"),
)
KIND_ALIASES = {"bras": "bng", "vbras": "bng"}
LINK_KINDS = (
    *("access", "fibre", "radio", "leased_line", "transit", "peering", "tunnel", "cross_border"),
    *("logical", "power"),
)
GRADES = ("E1", "E2", "E3", "E4")
STATUSES = ("active", "standby", "planned", "retired")
HOLDINGS = ("own", "lease", "purchase", "hosting", "cloud", "shared")
ACCESS_ROLES = ("subscriber_access", "upstream")
DIRECTIONS = ("both", "forward")
LISTED = frozenset({"services", "ips", "over"})  # cells that hold several texts
MOST_COLUMNS = 1000
UNKNOWN_COLUMN = say("no such column in a declaration; kept, but no rule reads it")


@dataclass(frozen=True)
class Column:
    """One column of a declared table.

    Parameters
    ----------
    name
        Its name.
    type
        ``text`` (mostly distinct), ``coded`` (few distinct), ``uscc``, ``choice``, ``number``, ``whole``,
        ``date``, ``time``, ``flag`` or ``json``.
    about
        What it says, for the published schema.
    choices
        Words permitted.
    aliases
        Other words for them.
    required
        Whether every row needs it.
    """

    name: str
    type: str
    about: str = ""
    choices: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    required: bool = False

    def read(self, array: Any, report: cells.Report) -> Any:
        """Convert the cells."""
        kept = self.type in CODED and cells.is_coded(array.type)
        array = in_one_piece(array) if kept else cells.flat(array)
        if self.name in LISTED:
            array = cells.with_semicolons(array)
        chinese = labels.words(self.name)
        if self.type == "choice":
            chinese = {word: ours for word, ours in chinese.items() if ours in self.choices}
            return cells.choice(array, report, self.choices, self.aliases, chinese)
        read = READ[self.type](array, report)
        if self.type == "coded" and chinese:
            values = [chinese.get(value, value) for value in read.dictionary.to_pylist()]
            return cells.recode(read, pa.array(values, pa.string()))
        return read


CODED = frozenset({"coded", "uscc", "choice", "date", "time", "flag"})  # few distinct values
KINDS = {
    "text": pa.string(),
    "number": pa.float64(),
    "whole": pa.int64(),
    "date": pa.date32(),
    "time": cells.TIME,
    "flag": pa.bool_(),
    "json": pa.string(),
}
READ: dict[str, Callable[[Any, cells.Report], Any]] = {
    "text": cells.text,
    "coded": cells.coded,
    "uscc": cells.uscc,
    "number": cells.number,
    "whole": cells.whole,
    "date": cells.date,
    "time": cells.time,
    "flag": cells.flag,
    "json": cells.json,
}

PERIOD = (
    Column("from_on", "date", "first day in force (inclusive)"),
    Column("to_on", "date", "first day no longer in force (exclusive)"),
)
NODES = (
    Column("id", "text", "unique name of the node", required=True),
    Column("kind", "choice", "what it is", NODE_KINDS, KIND_ALIASES, required=True),
    Column("name", "text", "name for people"),
    Column("owner", "coded", "operator, customer, or the name of the owner"),
    Column("holder_uscc", "uscc", "unified social credit code of the owner"),
    Column("operated_by", "coded", "who runs it; blank: the owner"),
    Column("holding", "choice", "on what ground the operator holds it", HOLDINGS),
    Column("services", "coded", "codes of the services it serves, separated by ;"),
    Column("site", "coded", "id of the node it stands in; its place is inherited"),
    Column("lon", "number", "longitude in degrees"),
    Column("lat", "number", "latitude in degrees"),
    Column("datum", "choice", "datum of lon and lat; blank: unknown", DATUMS),
    Column("accuracy_m", "number", "accuracy of lon and lat in metres"),
    Column("address", "text", "postal address"),
    Column("region_code", "coded", "administrative division code (GB/T 2260)"),
    Column("grade", "choice", "grade of the evidence for the place", GRADES),
    Column("document", "coded", "file that proves the place, inside the declaration's folder"),
    Column("ips", "text", "addresses and prefixes, separated by ;"),
    Column("asn", "whole", "autonomous system number"),
    Column("status", "choice", "blank: active", STATUSES),
    *PERIOD,
    Column("count", "whole", "subscribers in a group; blank: one"),
    Column("transit", "flag", "true: carries others' traffic although its kind ends paths"),
    Column("access_role", "choice", "part of a carrier's router, pop or pe", ACCESS_ROLES),
)
LINKS = (
    Column("source", "text", "id of the near node", required=True),
    Column("target", "text", "id of the far node; blank: far end not declared"),
    Column("id", "text", "unique name of the link; blank: made of its ends"),
    Column("kind", "choice", "what it is; blank: carries traffic", LINK_KINDS),
    Column("owner", "coded", "who owns it"),
    Column("supplier", "coded", "who supplies it"),
    Column("direction", "choice", "blank: both", DIRECTIONS),
    Column("layer", "coded", "layer it belongs to"),
    Column("over", "coded", "ids of the nodes that a tunnel crosses, separated by ;"),
    Column("status", "choice", "blank: active", STATUSES),
    *PERIOD,
    Column("cost", "number", "cost"),
)
PREFIXES = (
    Column("prefix", "text", "address block in CIDR form", required=True),
    Column("node", "coded", "id of the node that uses it"),
    Column("use", "coded", "what it is used for"),
    Column("source_unit", "coded", "who provides it"),
    Column("allocated_by", "coded", "who allocated it"),
    Column("anycast", "flag", "announced from several places"),
    *PERIOD,
)


@dataclass(frozen=True)
class Unused:
    """Something of the input that no rule reads.

    Parameters
    ----------
    where
        File or table.
    what
        Column, key or file.
    why
        Why it is not used.
    """

    where: str
    what: str
    why: str


@dataclass(frozen=True)
class Note:
    """Something that was read in one of several possible ways, or left unknown.

    Parameters
    ----------
    where
        File or table.
    what
        What was assumed.
    """

    where: str
    what: str


@dataclass
class Log:
    """What reading brings to light: problems, unused parts, notes.

    Parameters
    ----------
    problems, unused, notes
        They grow as the input is read.
    layer
        Layer of a file of several that is to be read; None leaves the choice to the reader.
    fields, renamed
        Their names and ours, for readers that must know what a column means before there are tables; and
        the names that such a reader has replaced.
    partial
        Whether something that may be a node or a link was not read: then nobody may state the network
        complete.
    repeats
        Whether an id that is there twice is a note and no problem: comparing records wants to see it.
    filed
        Whether what was read are records as filed with the administration.
    inner
        Whether the input belongs to a declaration that is read: its own filings are not asked for.
    """

    problems: Problems = field(default_factory=Problems)
    unused: list[Unused] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    layer: str | None = None
    fields: dict[str, str] = field(default_factory=dict)
    renamed: set[str] = field(default_factory=set)
    partial: bool = False
    repeats: bool = False
    filed: bool = False
    inner: bool = False


@dataclass(frozen=True)
class Frame:
    """An Arrow table that knows where its rows came from.

    Parameters
    ----------
    table
        The columns.
    origin
        Names the rows.
    whole
        Whether it has all columns it needs; else checks between cells would only repeat what is missing.
    """

    table: pa.Table
    origin: Origin
    whole: bool = True

    def strings(self, name: str) -> Any:
        """One string column as a plain Arrow array."""
        return cells.flat(self.table.column(name))

    def keep(self, rows: BoolArray) -> Frame:
        """Keep some rows."""
        return (
            self
            if rows.all()
            else replace(self, table=self.table.filter(pa.array(rows)), origin=self.origin.take(rows))
        )


def read_columns(raw: Frame, columns: Sequence[Column], log: Log) -> Frame:
    """Bring a raw table to the columns of a declaration; unknown columns stay at the end, as strings.

    Parameters
    ----------
    raw
        The table as its file gives it, with text or typed columns.
    columns
        What the table may have. Every one of them is in the answer, blank where the input lacks it.
    log
        Gets the problems and the unknown columns.

    Returns
    -------
    Frame
        Rows that are blank throughout are left out.
    """
    file, given = raw.origin.files[0], raw.table.column_names

    def report(name: str) -> cells.Report:
        return lambda bad, what, hint: log.problems.rows(raw.origin, bad, name, what, hint)

    _check_names(given, file, log)
    given = given[:MOST_COLUMNS]
    arrays: dict[str, Any] = {}
    for column in columns:
        if column.name in given:
            array = raw.table.column(given.index(column.name))
            arrays[column.name] = column.read(array, report(column.name))
        else:
            arrays[column.name] = cells.blank(KINDS.get(column.type, cells.CODES), raw.table.num_rows)
    for at, name in enumerate(given):
        if name not in arrays:
            arrays[name] = cells.text(_spelt(cells.flat(raw.table.column(at))), report(name))
            log.unused.append(Unused(file, say("column {name}", name=name), UNKNOWN_COLUMN))
    return _without_blank_rows(replace(raw, table=pa.table(arrays)), log)


def _check_names(given: list[str], file: str, log: Log) -> None:
    """Report columns that are too many, without a name that can be seen, or there more than once."""
    if len(given) > MOST_COLUMNS:
        what = say("{count:,} columns, more than {most:,}", count=len(given), most=MOST_COLUMNS)
        log.problems.add(file, "", "", what, say("leave out what no rule reads"))
        given = given[:MOST_COLUMNS]
    hidden = pc.match_substring_regex(pa.array(given, pa.string()), cells.HIDDEN).to_pylist()
    for at, name in enumerate(given):
        if hidden[at] or not name.strip():
            what = (
                say("{name} is no name that can be seen", name=quote(name))
                if name.strip()
                else say("has no name")
            )
            log.problems.add(file, "", say("column {number}", number=at + 1), what, say("rename the column"))
    for name, times in Counter(given).items():
        if times > 1:
            log.problems.add(
                file,
                "",
                name,
                say("the column is there {times} times", times=times),
                say("rename or remove one"),
            )


def _spelt(array: Any) -> Any:
    """Write structures and lists as Python shows them: an unknown column is kept, whatever it holds."""
    if not pa.types.is_nested(array.type):
        return array
    return pa.array([None if value is None else str(value) for value in array.to_pylist()], pa.string())


def _without_blank_rows(frame: Frame, log: Log) -> Frame:
    first = frame.table.column(0)
    if not first.null_count:
        return frame
    blank = np.ones(frame.table.num_rows, np.bool_)
    for column in frame.table.columns:
        blank &= cells.mask(column.is_null())
    if blank.any():
        rows = spans(frame.origin.number[blank])
        log.notes.append(
            Note(
                frame.origin.files[0],
                say("{count:,} blank rows passed over: {rows}", count=int(blank.sum()), rows=rows),
            )
        )
    return frame.keep(~blank)


def require_columns(raw: Frame, names: Sequence[str], log: Log) -> Frame:
    """Report required columns that the input lacks."""
    given = raw.table.column_names
    lacking = [name for name in names if name not in given]
    for name in lacking:
        others = [other for other in given if other.casefold().replace(" ", "_") == name]
        hint = (
            say("rename {name}", name=quote(others[0]))
            if others
            else say("the columns are {columns}", columns=given or say("none"))
        )
        log.problems.add(raw.origin.files[0], "", name, say("the column is missing"), hint)
    return replace(raw, whole=not lacking)


def overlay(base: Frame, above: Frame) -> Frame:
    """Lay a table over another by ``id``: cells that are not blank win, rows with a new or no id are added.

    Both have the columns of `read_columns`; where `above` has an id twice, the first row is laid over.
    """
    ids, over_ids = base.strings("id"), above.strings("id")
    at = pc.index_in(ids, over_ids, skip_nulls=True)
    new = pa.array(~cells.mask(pc.is_in(over_ids, ids, skip_nulls=True)))
    arrays = {}
    for name in dict.fromkeys((*base.table.column_names, *above.table.column_names)):
        shown = (base if name in base.table.column_names else above).table.column(name).type
        under, over = (
            cells.flat(table.column(name) if name in table.column_names else pa.nulls(table.num_rows, shown))
            for table in (base.table, above.table)
        )
        column = pa.concat_arrays([pc.coalesce(over.take(at), under), over.filter(new)])
        arrays[name] = column.dictionary_encode() if pa.types.is_dictionary(shown) else column
    origin = base.origin.append(above.origin.take(cells.mask(new)))
    return Frame(pa.table(arrays), origin, whole=base.whole and above.whole)
