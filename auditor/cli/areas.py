"""`auditor areas`: the pilot areas in force, their parts, and where the lines on the map come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from auditor.cli import _options
from auditor.errors import UsageError, visible
from auditor.language import Text, both, chinese, say

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from auditor.zones import Area, Areas, Part

STATUS = {"in": both("in"), "undecided": both("undecided"), "out": both("cut out")}
WIDTH = 80
SHOW = 2  # words of `show AREA`
WORDS = {
    "since": both("in force since"),
    "basis": both("legal basis"),
    "administration": both("communications administration"),
    "services": both("services opened"),
    "parts": both("parts"),
    "open": both("open questions"),
    "band": both("accuracy of edges"),
    "version": both("version"),
    "source": both("source"),
    "licence": both("terms of use"),
    "notes": both("notes"),
}


@click.command()
@click.argument("what", nargs=-1, metavar="[show AREA]")
@_options.as_of
@_options.lang
@_options.config
@_options.zones
@_options.output_format("text", "json")
def command(
    what: tuple[str, ...],
    as_of: dt.date | None,
    lang: str,
    config: str | None,
    zones: tuple[str, ...],
    format_: str,
) -> None:
    """List the pilot areas in force; `show AREA` tells all of one: parts, sources, what is open."""
    if what and (len(what) != SHOW or what[0] != "show"):
        raise UsageError(say("write `auditor areas` or `auditor areas show AREA`"))
    from auditor.settings import load_settings
    from auditor.zones import read_areas

    areas = read_areas(as_of or _options.today(), paths=(*load_settings(config).zones, *zones))
    if what:
        area = areas.area(what[1])
        _json(_facts(area)) if format_ == "json" else _describe(area, lang)
    elif format_ == "json":
        _json([_facts(area) for area in areas.areas])
    else:
        _list(areas, lang)


def _json(value: Any) -> None:
    import orjson

    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def _facts(area: Area) -> dict[str, Any]:
    names = (
        "id",
        "name_zh",
        "name_en",
        "legal_basis",
        "administration_zh",
        "administration_en",
        "circular_on",
    )
    more = ("reply_on", "to_on", "services_opened", "status", "open_questions")
    return {
        **{name: getattr(area, name) for name in (*names, *more)},
        "parts": [_part(part) for part in area.parts],
    }


def _part(part: Part) -> dict[str, Any]:
    texts = ("name_zh", "name_en", "version", "legal_basis", "source", "attribution", "licence", "map_number")
    return {
        "part": part.id,
        "status": part.status,
        **{name: part[name] for name in (*texts, "vintage", "notes")},
        "area_km2": part.properties.get("area_km2"),
        "bands_m": sorted(set(part.bands_m.tolist())),
        "from_on": part.from_on,
        "to_on": part.to_on,
        "file": part.file,
        "sha256": part.sha256,
    }


def _name(thing: Area | Part, lang: str) -> str:
    key = f"name_{lang}"
    return str(getattr(thing, key, "")) if hasattr(thing, key) else str(thing[key] or thing.id)  # type: ignore[index]


def _list(areas: Areas, lang: str) -> None:
    if not areas.areas:
        click.echo(both("No pilot area is in force on {day}.", day=areas.as_of).in_(lang))
    for area in areas.areas:
        click.echo(_line("", area.id, _name(area, lang), lang))
        for part in area.parts:
            status = STATUS[part.status].in_(lang)
            click.echo(f"    {visible(part.id):<18} {status:<10} {visible(_name(part, lang))}")


def _describe(area: Area, lang: str) -> None:
    administration = area.administration_zh if lang == "zh" else area.administration_en
    click.echo(_line("", area.id, _name(area, lang), lang))
    _wrapped(area.title_zh if lang == "zh" else area.title_en, "  ", "  ")
    lines = {
        "since": str(area.reply_on or ""),
        "basis": area.legal_basis,
        "administration": administration,
        "services": _listed(area.services_opened, lang),
    }
    _entries(lines, lang, indent="  ")
    click.echo(_line("  ", WORDS["parts"].in_(lang), "", lang).rstrip())
    for part in area.parts:
        _describe_part(part, lang)
    if area.open_questions:
        click.echo(_line("  ", WORDS["open"].in_(lang), "", lang).rstrip())
        for question in area.open_questions:
            _wrapped(Text(question, chinese(question)).in_(lang), "    - ", "      ")


def _describe_part(part: Part, lang: str) -> None:
    size = part.properties.get("area_km2")
    facts = {"part": part.id, "status": STATUS[part.status], "name": _name(part, lang), "size": size}
    told = both("{part} ({status}, {size:,.1f} km²): {name}", **facts) if size else None
    told = told or both("{part} ({status}): {name}", **facts)
    click.echo("    " + visible(told.in_(lang)))
    bands = sorted({f"{band:,.0f} m" for band in part.bands_m}, key=lambda text: (len(text), text))
    source = Text(part["source"], chinese(part["source"])).in_(lang)
    details = {
        "basis": part["legal_basis"],
        "band": _listed(bands, lang),
        "version": part["version"],
        "source": " · ".join(filter(None, (source, part["attribution"]))),
        "licence": part["licence"],
        "notes": part["notes"],
    }
    _entries(details, lang, indent="      ")


def _listed(words: Iterable[str], lang: str) -> str:
    return ("、" if lang == "zh" else ", ").join(words)


def _line(indent: str, name: str, text: str, lang: str) -> str:
    return indent + visible(both("{name}: {text}", name=name, text=text).in_(lang))


def _entries(lines: dict[str, str], lang: str, *, indent: str) -> None:
    """Print what is not blank, each after its name; texts of the files that ship have their Chinese."""
    for key, text in lines.items():
        if text:
            told = Text(text, chinese(text)).in_(lang)
            _wrapped(_line("", WORDS[key].in_(lang), told, lang), indent, indent + "  ")


def _wrapped(text: str, first: str, rest: str) -> None:
    from auditor.wrapping import wrapped

    lines = wrapped(visible(text), WIDTH - len(rest))
    click.echo("\n".join([first + lines[0], *(rest + line for line in lines[1:])]))
