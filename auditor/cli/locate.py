"""`auditor locate`: where a point, or every row of a file, lies to the pilot areas."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from auditor.cli import _ips, _options
from auditor.errors import DeclarationError, UsageError
from auditor.language import Text, both, say

if TYPE_CHECKING:
    import datetime as dt

    from auditor.language import Said
    from auditor.tables import Frame, Log
    from auditor.zones import Areas, Places, Relation

WIDTH = 80
BASES = {
    "none": both("none"),
    "region_code": both("region code"),
    "coordinates": both("coordinates"),
    "address": both("address"),
}


@click.command(context_settings={"ignore_unknown_options": True})  # longitudes may be negative
@click.argument("place", metavar="LON,LAT|IP|FILE")
@click.option("--datum", help="Datum of the coordinates where a row does not say (default: unknown).")
@click.option("--accuracy", type=click.FloatRange(min=0), help="Accuracy in metres where a row does not say.")
@_options.config
@_options.zones
@_options.as_of
@_options.lang
@_options.output_format("text", "json")
@click.option(
    "-o",
    "--output",
    type=click.Path(),
    help="Write the answers to this .parquet, .csv or .json file instead.",
)
def command(
    place: str,
    datum: str | None,
    accuracy: float | None,
    config: str | None,
    zones: tuple[str, ...],
    as_of: dt.date | None,
    lang: str,
    format_: str,
    output: str | None,
) -> None:
    """Say where a point, an IP address, or each row of a CSV or Parquet file lies to the pilot areas.

    Columns of a file: lon, lat; optional datum, accuracy_m, region_code, address, name; or ip. A single point
    without --datum is taken as of unknown datum, which adds 1,400 m of doubt. An address or block is looked
    up in the databases that ship and in those of --config, and their votes are counted.
    """
    day = as_of or _options.today()
    if _is_ip(place):
        from auditor.readers._tables import read_rows
        from auditor.tables import Log

        one = read_rows([{"ip": place}], "address", place)
        _ips.command(one, Log(), config, zones, day, lang, format_, output)
        return
    if output and _ips.convert(place, config, zones, day, output):
        return
    raw, log = _read(place)
    _options.tell_notes(log.notes, lang)
    names = raw.table.column_names
    if "ip" in names and "lon" not in names:
        log.problems.raise_if_any()
        _ips.command(raw, log, config, zones, day, lang, format_, output)
        return
    _need_place(raw, log)
    read, places = _places(raw, log, datum, accuracy)
    if log.problems.found:
        raise DeclarationError(log.problems.found)
    from auditor.settings import load_settings
    from auditor.zones import read_areas

    areas = read_areas(day, paths=(*load_settings(config).zones, *zones))
    given = [name for name in raw.table.column_names if name in read.table.column_names]
    rows = _answers(areas, areas.relate(places), read.table.select(given).to_pylist())
    if output:
        import pyarrow as pa

        _options.write_table(pa.Table.from_pylist(rows), output)
    elif format_ == "json":
        import orjson

        click.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
    elif len(rows) == 1:
        _one(rows[0], areas, lang)
    else:
        _table(rows, lang)


def _read(place: str) -> tuple[Frame, Log]:
    from auditor.readers._tables import read_rows
    from auditor.tables import Log

    log = Log()
    point = _point(place)
    if point is not None:
        return read_rows([{"lon": point[0], "lat": point[1]}], "point", place), log
    path = Path(place)
    if not path.exists():
        raise UsageError(say("{place!r} is neither LON,LAT, nor an IP address, nor a file", place=place))
    return _read_file(path, log), log


def _point(place: str) -> tuple[float, float] | None:
    lon, _, lat = place.replace("，", ",").partition(",")
    try:
        return float(lon), float(lat)
    except ValueError:
        return None


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _read_file(path: Path, log: Log) -> Frame:
    from auditor.files import read_plain, reason_of
    from auditor.readers._tables import read_csv, read_parquet

    forms = {".csv": read_csv, ".parquet": read_parquet}
    if path.suffix.lower() not in forms:
        raise UsageError(say("{file}: files of places are {forms}", file=path.name, forms=list(forms)))
    try:
        data = read_plain(path)
    except OSError as error:
        raise UsageError(say("{file}: cannot be read: {why}", file=path.name, why=reason_of(error))) from None
    if not data.strip():
        raise UsageError(say("{file}: the file is empty", file=path.name))
    frame = forms[path.suffix.lower()](data, path.name, log)
    if frame is None:
        raise DeclarationError(log.problems.found)
    return frame


def _need_place(frame: Frame, log: Log) -> None:
    names = frame.table.column_names
    if not {"lon", "lat"} <= set(names) and not {"region_code", "address"} & set(names):
        file, hint = frame.origin.files[0], say("the columns are {names}", names=list(names))
        log.problems.add(file, "", "lon, lat", say("the columns are missing"), hint)


def _places(raw: Frame, log: Log, datum: str | None, accuracy: float | None) -> tuple[Frame, Places]:
    """Columns of the file, typed, and as places; all bad cells are reported."""
    import numpy as np

    from auditor.columns import Coded, floats
    from auditor.datum import datum_code
    from auditor.tables import Column, read_columns
    from auditor.zones import Places

    if datum is not None and datum_code(datum) is None:
        raise UsageError(say("--datum: {what}", what=_no_datum(datum)))
    words = ("datum", "region_code", "address")
    numbers = [Column(name, "number") for name in ("lon", "lat", "accuracy_m")]
    read = read_columns(raw, [*numbers, *(Column(name, "coded") for name in words)], log)
    columns = {name: Coded.of(read.table.column(name)) for name in words}
    strange = columns["datum"].map(lambda name: datum_code(name) is None, blank=False, dtype=np.bool_)
    log.problems.rows(read.origin, strange, "datum", lambda row: _no_datum(columns["datum"].at(row)))
    lon, lat, radius = (floats(read.table, name) for name in ("lon", "lat", "accuracy_m"))
    _check(read, log, lon, lat, radius)
    names = [None if bad else columns["datum"].at(row) or datum for row, bad in enumerate(strange)]
    radius = np.where(np.isnan(radius), np.nan if accuracy is None else accuracy, radius)
    return read, Places(lon, lat, Coded.of(names), radius, columns["region_code"], columns["address"])


def _no_datum(name: object) -> Said:
    from auditor.datum import DATUMS

    return say("{name!r} is no datum; one of {datums}", name=name, datums=list(DATUMS))


def _check(read: Frame, log: Log, lon: Any, lat: Any, radius: Any) -> None:
    from auditor.cells import coordinate_faults

    def at(fault: str, row: int) -> Said:
        return say("{fault}: {lon:g}, {lat:g}", fault=fault, lon=lon[row], lat=lat[row])

    for fault, (column, bad) in coordinate_faults(lon, lat).items():
        log.problems.rows(read.origin, bad, column, lambda row, f=fault: at(f, row))  # type: ignore[misc]
    log.problems.rows(
        read.origin, radius < 0, "accuracy_m", lambda row: say("{length:g} is negative", length=radius[row])
    )


def _answers(areas: Areas, found: Relation, given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One record a row, in the order of the input."""
    from auditor.zones import BASES, RELATIONS

    distance, near, band = areas.edge(found.lon, found.lat)
    return [
        {
            "input": given[row],
            "relation": RELATIONS[found.relation[row]],
            "area": _at(areas.ids, found.area[row]),
            "part": _at(areas.part_ids, found.part[row]),
            "basis": BASES[found.basis[row]],
            "conflict": bool(found.conflict[row]),
            "distance_m": round(float(distance[row]), 2),
            "nearest_area": _at(areas.ids, near[row]),
            "band_m": float(band[row]),
            "radius_m": float(found.radius_m[row]),
            "lon": round(float(found.lon[row]), 7),
            "lat": round(float(found.lat[row]), 7),
        }
        for row in range(len(given))
    ]


def _at(names: tuple[str, ...], index: int) -> str | None:
    return names[index] if index >= 0 else None


def _name(areas: Areas, area: str) -> Text:
    named = areas.area(area)
    return Text(named.name_en, named.name_zh)


def _relation(row: dict[str, Any]) -> Text:
    from auditor.messages import RELATIONS

    return RELATIONS[row["relation"]]


def _one(row: dict[str, Any], areas: Areas, lang: str) -> None:
    """One answer, line by line."""
    area, near, relation = row["area"], row["nearest_area"], _relation(row)
    click.echo(
        (both("{name}: {text}", name=relation, text=_name(areas, area)) if area else relation).in_(lang)
    )
    told = [both("part: {part}", part=row["part"])] if row["part"] else []
    told.append(both("by: {basis}", basis=BASES[row["basis"]]))
    if row["conflict"]:
        told.append(both("code, coordinates and address contradict one another"))
    if near:
        edge = {"area": _name(areas, near), "metres": abs(row["distance_m"])}
        inside = row["distance_m"] < 0
        told += [
            both("{metres:,.0f} m inside the edge of {area}", **edge)
            if inside
            else both("{metres:,.0f} m outside the edge of {area}", **edge),
            both(
                "accuracy: point {point:,.0f} m, edge {edge:,.0f} m",
                point=row["radius_m"],
                edge=row["band_m"],
            ),
            both("WGS84: {lon}, {lat}", lon=row["lon"], lat=row["lat"]),
        ]
    for text in told:
        click.echo("  " + text.in_(lang))


def _table(rows: list[dict[str, Any]], lang: str) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text as Cell

    from auditor.reports.text import visible

    heads = [text.in_(lang) for text in (both("relation"), both("area"), both("to edge"), both("by"))]
    table = Table("", *heads, box=None, pad_edge=False, show_edge=False)
    for column, width in zip(table.columns, (26, 13, 10, 13, 12), strict=True):
        column.no_wrap, column.overflow, column.max_width = True, "ellipsis", width
    table.columns[3].justify = "right"
    for number, row in enumerate(rows, start=1):
        given = row["input"]
        what = given.get("name") or given.get("id") or given.get("address") or number
        relation = (both("contradiction") if row["conflict"] else _relation(row)).in_(lang)
        near = row["nearest_area"] and row["area"] in {None, row["nearest_area"]}
        far = f"{row['distance_m']:,.0f} m" if near else ""
        cells = (what, relation, row["area"] or "", far, BASES[row["basis"]].in_(lang))
        table.add_row(*(Cell(visible(cell)) for cell in cells))
    Console(width=WIDTH, highlight=False, soft_wrap=False).print(table)
