"""`auditor locate` for addresses: what each source says, and the vote."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from auditor.cli import _options
from auditor.errors import visible
from auditor.language import Said, Text, both, chinese, say

if TYPE_CHECKING:
    from auditor.addresses import Addresses
    from auditor.lookup import Found
    from auditor.settings import Settings
    from auditor.tables import Frame, Log
    from auditor.zones import Areas


def command(
    frame: Frame,
    log: Log,
    config: str | None,
    zones: tuple[str, ...],
    as_of: dt.date,
    lang: str,
    format_: str,
    output: str | None,
) -> None:
    """Answer for one address or a column of them; all cells that are none are reported."""
    from auditor import cells
    from auditor.addresses import Addresses
    from auditor.problems import quote
    from auditor.settings import load_settings
    from auditor.zones import read_areas

    settings = load_settings(config)
    areas = read_areas(as_of, paths=(*settings.zones, *zones))
    column = cells.text(
        cells.flat(frame.table.column("ip")),
        lambda rows, what, hint: log.problems.rows(frame.origin, rows, "ip", what, hint),
    )
    log.problems.raise_if_any()
    addresses = Addresses.of(column)
    faults = addresses.fault
    texts = addresses.text.to_pylist() if not faults.blank.all() else []

    def what(row: int) -> Said:
        return say("{value}: {fault}", value=quote(texts[row]), fault=faults.at(row))

    log.problems.rows(frame.origin, ~faults.blank, "ip", what)
    log.problems.raise_if_any()
    found = locate(addresses, areas, as_of, settings)
    if output:
        _options.write_table(found.table(), output)
    elif format_ == "json":
        import orjson

        click.echo(orjson.dumps(records(found), option=orjson.OPT_INDENT_2).decode())
    elif len(found.addresses) == 1:
        print_one(found, lang)
    else:
        print_table(found, lang)


def convert(place: str, config: str | None, zones: tuple[str, ...], as_of: dt.date, output: str) -> bool:
    """Locate a Parquet file of single IPv4 addresses into another one, if that is what is asked."""
    if not place.lower().endswith(".parquet") or not output.lower().endswith(".parquet"):
        return False
    import pyarrow as pa
    import pyarrow.parquet

    try:
        names = pyarrow.parquet.read_schema(place).names
    except (OSError, pa.ArrowException):
        return False  # told by the reader of tables
    if "ip" not in names or "lon" in names:
        return False
    from auditor import lookup
    from auditor.settings import load_settings
    from auditor.zones import read_areas

    settings = load_settings(config)
    areas = read_areas(as_of, paths=(*settings.zones, *zones))
    try:
        done = lookup.convert(Path(place), Path(output), areas=areas, as_of=as_of, settings=settings)
    except pa.ArrowException:
        return False  # same
    return done is not None


def locate(addresses: Addresses, areas: Areas, as_of: dt.date, settings: Settings) -> Found:
    """Look addresses up in the sources on this machine."""
    from auditor import lookup

    return lookup.look_up(
        addresses,
        areas=areas,
        as_of=as_of,
        now=lambda: dt.datetime.now(dt.UTC),
        archive=Path("auditor.raw"),
        settings=settings,
    )


def records(found: Found) -> list[dict[str, Any]]:
    """One record an address, in the order of the input; the keys of places come first."""
    from auditor.zones import RELATIONS

    spot, ids = found.located, found.areas.ids
    several = len(found.addresses) > 1
    told = []
    for row, text in enumerate(found.addresses.text.to_pylist()):
        area = int(spot.area[row])
        record: dict[str, Any] = {
            "input": {"ip": text},
            "relation": RELATIONS[spot.relation[row]],
            "area": ids[area] if area >= 0 else None,
            "part": None,
            "basis": "votes",
            "conflict": bool(spot.conflict[row]),
            "distance_m": None,
            "regions": {a.source.source: a.region.at(row) for a in found.answers},
        }
        if not several:
            record |= {"answers": found.words(row), "votes": found.ballot(row)}
        told.append(record)
    return told


def print_one(found: Found, lang: str) -> None:
    """Print what is known of one address."""
    from auditor import registers
    from auditor.messages import RELATIONS, observation_line

    record = records(found)[0]
    relation, area = RELATIONS[record["relation"]], record["area"]
    named = both("{name}: {text}", name=relation, text=_area(found, area)) if area else relation
    click.echo(named.in_(lang))
    if record["conflict"]:
        click.echo("  " + both("the sources contradict one another").in_(lang))
    for answer in record["answers"]:
        if "region" in answer:
            answer["name"] = dict(zip(("en", "zh"), registers.region_name(answer["region"]), strict=True))
        click.echo(visible("  " + observation_line(answer, lang)))
    for place, sides in record["votes"].items():
        click.echo("  " + _vote(_area(found, place), sides).in_(lang))
    for source in found.observations.sources:
        about = (source.title, str(source.vintage_on or ""), source.attribution, source.licence)
        data = [Text(text, chinese(text)) for text in about if text]
        click.echo(visible(both("Data: {data}", data=data).in_(lang)))
    click.echo(
        both("An address locates a service address, not equipment; nothing here is finer than a city.").in_(
            lang
        )
    )


def _area(found: Found, area: str) -> Text:
    named = found.areas.area(area)
    return Text(named.name_en, named.name_zh)


def _vote(area: Text, sides: dict[str, Any]) -> Text:
    """Say which families speak for an area and against it, and what they weigh together."""
    told = {
        side: list(dict.fromkeys(families)) or both("nobody")
        for side, families in sides.items()
        if side != "ratio"
    }
    ratio = sides["ratio"]
    together = both("") if ratio is None else both("; together {ratio:g}:1", ratio=ratio)
    return both(
        "{area}: for {support}; against {contradict}; void {void}; undecided {nothing}{together}",
        area=area,
        together=together,
        **told,
    )


def print_table(found: Found, lang: str) -> None:
    """Print one line an address: the vote, then the region by each source."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text as Cell

    from auditor import registers
    from auditor.messages import RELATIONS

    heads = ("IP", both("relation").in_(lang), both("area").in_(lang))
    names = [a.source.source for a in found.answers]
    table = Table(*heads, *names, box=None, pad_edge=False, show_edge=False)
    at = 1 if lang == "zh" else 0
    for record in records(found):
        relation = RELATIONS[record["relation"]].in_(lang)
        regions = [
            registers.region_name(code)[at] if (code := record["regions"][name]) else "" for name in names
        ]
        cells = (record["input"]["ip"], relation, record["area"] or "", *regions)
        table.add_row(*(Cell(visible(cell)) for cell in cells))
    Console(width=100, highlight=False, soft_wrap=False).print(table)
