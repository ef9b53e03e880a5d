"""Records as operators file them with the administration: rooms, gateway links, IP segments, racks, users.

JSON with the tables as keys, in English, in Chinese or as the reporting itself spells them (``houseInfo``);
links, segments and racks may stand inside their room. What the names and codes are, and how well that is
known, stands in ``data/filings.toml``.

* A room is a node of kind ``room``, placed by the lowest of its codes and by its address: no coordinates
  are filed. It is the operator's, unless its nature says that it is leased: then its owner is not filed.
* A rack is a node of kind ``rack`` in its room. Whether code 2 of its use means rented or let is not
  settled among the sources: it is kept as it is and says nothing of who owns it.
* A gateway link leads from its room to a far end that is not declared: the record names the unit behind it
  (the supplier), not the equipment, and so nobody passes or fails by it. Its gateway address is of one end
  or of the other, which is not filed either: it is kept with the link.
* An IP segment becomes the address blocks that cover it, used by its room.
* A user is a node only where its record names its room: a subscriber on an access link for business ISP,
  else something of a customer in the room, of a kind that is not said. The others are counted.
* A record whose change flag says delete is retired. Nothing that is said of people is kept.

The operator's record gives its name and, with a number, its licence; nothing else is known of either.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from auditor.language import say
from auditor.problems import quote
from auditor.readers._entries import Tally, name_of
from auditor.readers._filings import entries_of, holding_of, read_filing, root_of, table_of
from auditor.readers._registry import Export, Reader
from auditor.readers._tables import read_rows
from auditor.records import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.readers._entries import Row
    from auditor.readers._filings import Filing
    from auditor.tables import Log

MOST_BLOCKS = 64  # of one segment: any range of IPv4 has fewer
INSIDE = {"link", "segment", "rack"}
IN_A_RECORD = say("records inside a record of this kind are not read")
STATED = {
    "id",
    "kind",
    "site",
    "owner",
    "operated_by",
    "holding",
    "region_code",
    "source",
    "target",
    "supplier",
}
STATED |= {"prefix", "node", "segment", "user_unit", "status", "ips", "business"}
"""Columns that are made of the fields of a record; another value of such a name is kept apart."""
DEEPEST = 6


@dataclass
class _Rows:
    nodes: list[Row] = field(default_factory=list)
    links: list[Row] = field(default_factory=list)
    prefixes: list[Row] = field(default_factory=list)
    holders: dict[str, Row] = field(default_factory=dict)  # what is said of the holder of each room


def claims(tree: Any) -> bool:
    """Whether a tree has a table of rooms, and another one beside or inside it."""
    root, _ = root_of(tree)
    rooms = [(key, value) for key, value in root.items() if table_of(key) == "room"]
    beside = {table_of(key) for key in root}
    inside = {
        table_of(key)
        for name, value in rooms
        for room in entries_of(name, value)
        if isinstance(room, dict)
        for key in room
    }
    return bool(rooms) and not INSIDE.isdisjoint(beside | inside)


def read_tree(tree: Any, file: str, log: Log) -> Export | None:
    """Give rooms, racks and users as nodes, gateway links as links, IP segments as address blocks."""
    tally, before, log.filed = Tally(file, log), len(log.problems.found), True
    root, passed = root_of(tree)
    for key in passed:
        tally.drop(key, say("beside the records"))
    rows = _Rows()
    operators: list[Filing] = []
    for filing, room in _filings(root, tally):
        if filing.table == "operator":
            operators.append(filing)
        else:
            MAKERS[filing.table](rows, filing, room, tally)
    for row in rows.nodes:
        if row["kind"] == "rack":
            row.update(rows.holders.get(str(row["site"]), {"owner": "operator"}))
    records = _records(operators, root, tally)
    tally.close()
    if len(log.problems.found) > before:
        return None
    return Export(
        nodes=read_rows(rows.nodes, "node", file, ("id", "kind")),
        links=read_rows(rows.links, "link", file, ("source", "target")),
        prefixes=read_rows(rows.prefixes, "block", file, ("prefix",)) if rows.prefixes else None,
        records=records,
    )


def _filings(root: Row, tally: Tally) -> Iterator[tuple[Filing, str | None]]:
    """All records with the room that each stands in."""
    for key, value in root.items():
        table = table_of(key)
        if table is None:
            if isinstance(value, dict | list):
                tally.drop(key, say("no table that is known"))
            continue
        for number, record in enumerate(entries_of(key, value), 1):
            filing = read_filing(table, record, f"{key} {number}", tally)
            if filing is None:
                continue
            yield filing, None
            if table == "room":
                yield from _inside(filing, tally)
            elif table != "user":
                for name, _ in filing.inner:
                    tally.drop(f"{table}: {name}", IN_A_RECORD)


def _inside(room: Filing, tally: Tally) -> Iterator[tuple[Filing, str | None]]:
    for key, value in room.inner:
        table = table_of(key)
        if table not in INSIDE:
            tally.drop(say("room: {key}", key=key), IN_A_RECORD)
            continue
        for number, record in enumerate(entries_of(key, value), 1):
            filing = read_filing(str(table), record, f"{room.where}, {key} {number}", tally)
            if filing is not None:
                yield filing, name_of(room.fields.get("id"))


# --- one record -------------------------------------------------------------------------------------------


def _kept(filing: Filing, *names: str) -> Row:
    """Fields by their own names, what has no name of ours, and whether the record is in force."""
    row = {name: filing.fields[name] for name in (*names, "change", "report_state") if name in filing.fields}
    for name, value in filing.others.items():
        row[f"{name} (attribute)" if name in row or name in STATED else name] = value
    return row | ({"status": "retired"} if row.get("change") == "delete" else {})


def _room_of(filing: Filing, room: str | None, tally: Tally) -> str | None:
    """Room that a record names or stands in; a record of neither is a problem."""
    found = name_of(filing.fields.get("room")) or room
    if found is None:
        tally.fault(filing.where, "room", say("names no room"), say("give the id of its room"))
    return found


def _room(rows: _Rows, filing: Filing, _inside: str | None, tally: Tally) -> None:
    name = name_of(filing.fields.get("id"))
    if name is None:
        tally.fault(filing.where, "id", say("is missing or no text"), say("every room needs its id"))
        return
    codes = {level: str(filing.fields.get(level, "")).strip() for level in ("county", "city", "province")}
    found = [code for code in codes.values() if code.isascii() and code.isdigit() and code.strip("0")]
    named = {level: text for level, text in codes.items() if text.strip("0") and text not in found}
    holding = holding_of(filing.fields.get("nature"))
    holder: Row = {"holding": holding} if holding else {}
    holder |= {"operated_by": "operator"} if holding == "lease" else {"owner": "operator"}
    rows.holders[name] = holder
    region: Row = {"region_code": found[0]} if found else {}
    kept = named | _kept(filing, "name", "address", "nature", "zip")
    rows.nodes.append(kept | region | holder | {"id": name, "kind": "room"})


def _rack(rows: _Rows, filing: Filing, inside: str | None, tally: Tally) -> None:
    room = _room_of(filing, inside, tally)
    name = name_of(filing.fields.get("id")) or name_of(filing.fields.get("name"))
    if name is None:
        tally.fault(filing.where, "id", say("is missing, and so is the name"), say("every rack needs its id"))
        return
    kept = _kept(filing, "name", "rack_use", "allocated", "occupied")
    rows.nodes.append(kept | {"id": f"{room}/rack {name}", "kind": "rack", "site": room})


def _link(rows: _Rows, filing: Filing, inside: str | None, tally: Tally) -> None:
    room = _room_of(filing, inside, tally)
    row = _kept(filing, "bandwidth", "link_type", "gateway_ip")
    row |= {"source": room, "target": None, "kind": "leased_line"}
    if "unit" in filing.fields:
        row["supplier"] = filing.fields["unit"]
    name = name_of(filing.fields.get("id"))
    rows.links.append(row | ({"id": f"{room}/link {name}"} if name else {}))


def _segment(rows: _Rows, filing: Filing, inside: str | None, tally: Tally) -> None:
    row = _kept(filing, "use", "source_unit", "allocated_by", "allocated_on")
    if row.get("status") == "retired":
        tally.drop(say("IP segments"), say("the change flag says delete"))
        return
    if "user" in filing.fields:
        if filing.person:
            tally.drop(say("personal data"), say("not kept"))
        else:
            row["user_unit"] = filing.fields["user"]
    if "id" in filing.fields:
        row["segment"] = filing.fields["id"]
    room = _room_of(filing, inside, tally)
    rows.prefixes += [{**row, "prefix": block, "node": room} for block in _blocks(filing, tally)]


def _blocks(filing: Filing, tally: Tally) -> list[str]:
    """Address blocks that cover a range exactly."""
    start = filing.fields.get("start")
    end = filing.fields.get("end", start)
    try:
        if "/" in str(start) and end == start:
            return [str(ipaddress.ip_network(str(start).strip()))]
        first, last = (ipaddress.ip_address(str(text).strip()) for text in (start, end))
        blocks = [str(block) for block in ipaddress.summarize_address_range(first, last)]
    except (ValueError, TypeError):
        hint = say("give the first address and the last, of one family")
        tally.fault(
            filing.where,
            "start",
            say("{start} to {end} is no range of addresses", start=quote(start), end=quote(end)),
            hint,
        )
        return []
    if len(blocks) > MOST_BLOCKS:
        hint = say("a segment of IPv6 is a block or a few")
        tally.fault(
            filing.where, "start", say("the range is more than {most} blocks", most=MOST_BLOCKS), hint
        )
        return []
    return blocks


def _user(rows: _Rows, filing: Filing, _inside: str | None, tally: Tally) -> None:
    """Make a node in each room that the record, or a record inside it, names."""
    name = name_of(filing.fields.get("id")) or name_of(filing.fields.get("name"))
    rooms: dict[str, Row] = {}
    _attached(filing, {}, rooms, tally, 0)
    if not rooms or name is None:
        why = say("the record does not say in which room they are") if name else say("without an id")
        tally.drop(say("users"), why, missed=True)
        return
    kept = _kept(filing, "nature", "hosting", *(() if filing.person else ("name",)))
    for room, said in rooms.items():
        row: Row = {**kept, **said, "id": f"user {name} in {room}", "owner": "customer"}
        if said.get("business") == "ISP":
            rows.nodes.append(row | {"kind": "subscriber"})
            status = {"status": row["status"]} if "status" in row else {}
            rows.links.append({"source": row["id"], "target": room, "kind": "access", **status})
        else:
            rows.nodes.append(row | {"kind": None, "site": room})


def _attached(filing: Filing, above: Row, rooms: dict[str, Row], tally: Tally, depth: int) -> None:
    """Collect what a record and those inside it say of each room: its addresses and the business."""
    said = above | {key: filing.fields[key] for key in ("ips", "business") if key in filing.fields}
    room = name_of(filing.fields.get("room"))
    if room is not None:
        rooms[room] = rooms.get(room, {}) | said
    for key, value in filing.inner:
        if depth == DEEPEST:
            tally.drop(say("user: {key}", key=key), say("too deep"))
            continue
        for record in entries_of(key, value):
            inner = read_filing("user", record, filing.where, tally) if isinstance(record, dict) else None
            if inner is not None:
                _attached(inner, said, rooms, tally, depth + 1)


MAKERS = {"room": _room, "rack": _rack, "link": _link, "segment": _segment, "user": _user}


def _records(operators: list[Filing], root: Row, tally: Tally) -> Row | None:
    """Records of a declaration from the operator's own, which may stand beside the tables."""
    plain = {key: value for key, value in root.items() if table_of(key) is None}
    plain = {key: value for key, value in plain.items() if not isinstance(value, dict | list)}
    own = read_filing("operator", plain, "operator", tally)
    if own is not None and "licence" in own.fields:
        operators = [*operators, own]
    else:
        for key in plain:
            tally.drop(key, say("beside the records"))
    if len(operators) > 1:
        tally.fault(
            operators[1].where, "", say("is a second operator"), say("give the records of one operator")
        )
    fields = {key: value for filing in reversed(operators) for key, value in filing.fields.items()}
    for key in (
        *(key for filing in operators for key in filing.others),
        *sorted(fields.keys() - {"name", "licence"}),
    ):
        tally.drop(say("operator: {key}", key=key), say("no rule reads it"))
    name, licence = name_of(fields.get("name")), name_of(fields.get("licence"))
    if name is None:
        return None
    records: Row = {"schema": SCHEMA, "operator": {"name": name}}
    if licence is not None:
        records["approvals"] = [{"kind": "licence", "number": licence, "holder": name}]
    return records


READER = Reader("filings", claims=claims, tree=read_tree)
