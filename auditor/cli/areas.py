"""`auditor areas`: the pilot areas in force, their parts, and where the lines on the map come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from auditor.cli import _options
from auditor.errors import UsageError

if TYPE_CHECKING:
    import datetime as dt

    from auditor.zones import Area, Areas, Part

STATUS = {"in": ("in", "属于"), "undecided": ("undecided", "未定"), "out": ("cut out", "除外")}
SHOW = 2  # words of `show AREA`
WORDS = {
    "none": ("No pilot area is in force on {day}.", "{day} 尚无试点区域生效。"),
    "since": ("in force since", "生效日期"),
    "basis": ("legal basis", "法律依据"),
    "administration": ("administration", "通信管理局"),
    "services": ("services opened", "开放业务"),
    "parts": ("parts", "组成"),
    "open": ("open questions", "未决问题"),
    "band": ("accuracy of edges", "边界精度"),
    "version": ("version", "版本"),
    "source": ("source", "来源"),
    "licence": ("licence", "许可"),
    "notes": ("notes", "说明"),
}


def _word(key: str, lang: str) -> str:
    return WORDS[key][lang == "zh"]


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
        raise UsageError("write `auditor areas` or `auditor areas show AREA`")
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
        click.echo(_word("none", lang).format(day=areas.as_of))
    for area in areas.areas:
        click.echo(f"{area.id}: {_name(area, lang)}")
        for part in area.parts:
            click.echo(f"    {part.id:<18} {STATUS[part.status][lang == 'zh']:<10} {_name(part, lang)}")


def _describe(area: Area, lang: str) -> None:
    administration = area.administration_zh if lang == "zh" else area.administration_en
    lines = {
        "since": str(area.reply_on or ""),
        "basis": area.legal_basis,
        "administration": administration,
        "services": ", ".join(area.services_opened),
    }
    click.echo(f"{area.id}: {_name(area, lang)}")
    _wrapped(area.title_zh if lang == "zh" else area.title_en, "  ", "  ")
    _entries(lines, lang, indent="  ")
    click.echo(f"  {_word('parts', lang)}:")
    for part in area.parts:
        size = part.properties.get("area_km2")
        extent = f", {size:,.1f} km²" if size else ""
        click.echo(f"    {part.id} ({STATUS[part.status][lang == 'zh']}{extent}): {_name(part, lang)}")
        bands = sorted({f"{band:,.0f} m" for band in part.bands_m}, key=lambda text: (len(text), text))
        details = {"basis": part["legal_basis"], "band": ", ".join(bands), "version": part["version"]}
        details |= {"source": " · ".join(filter(None, (part["source"], part["attribution"])))}
        _entries(details | {"licence": part["licence"], "notes": part["notes"]}, lang, indent="      ")
    if area.open_questions:
        click.echo(f"  {_word('open', lang)}:")
        for question in area.open_questions:
            _wrapped(question, "    - ", "      ")


def _entries(lines: dict[str, str], lang: str, *, indent: str) -> None:
    for key, text in lines.items():
        if text:
            _wrapped(f"{_word(key, lang)}: {text}", indent, indent + "  ")


def _wrapped(text: str, first: str, rest: str) -> None:
    import textwrap

    click.echo(textwrap.fill(text, 80, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False))
