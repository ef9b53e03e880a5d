"""Services of the telecom catalogue, and which of them the pilot opens to foreign capital."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from auditor.registers._files import day, folded, parts, read_rows

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

_OPENED = {"yes": True, "no": False, "partial": None}


@dataclass(frozen=True, slots=True)
class Service:
    """One line of the catalogue.

    Parameters
    ----------
    code
        As printed (``B14``); where the catalogue prints no number, a key of ours (``B25-1``, ``B11-IRCS``).
    name_zh, name_en
        Names; the Chinese one is the catalogue's.
    parent
        Code of the line above; blank at the top.
    opened_by_pilot
        ``yes``, ``no``, or ``partial`` for a heading of which only some items are opened.
    exclusions
        Keys of the content that the opening leaves out (see `excluded_content`).
    aliases
        What people write instead of the code.
    from_on, to_on
        When the line is in the catalogue.
    certainty, source
        How well it is known, and whence.
    """

    code: str
    name_zh: str
    name_en: str
    parent: str
    opened_by_pilot: str
    exclusions: tuple[str, ...]
    aliases: tuple[str, ...]
    from_on: dt.date | None
    to_on: dt.date | None
    certainty: str
    source: str


@cache
def read_services() -> Mapping[str, Service]:
    """Read the catalogue: services by code, in its order.

    Source: 电信业务分类目录（2015年版） as revised on 2019-06-06.

    Examples
    --------
    >>> read_services()["B14"].name_zh
    '互联网接入服务业务'
    """
    services = {
        row["code"]: Service(
            code=row["code"],
            name_zh=row["name_zh"],
            name_en=row["name_en"],
            parent=row["parent"],
            opened_by_pilot=row["opened_by_pilot"],
            exclusions=parts(row["exclusions"]),
            aliases=parts(row["aliases"]),
            from_on=day(row["from_on"]),
            to_on=day(row["to_on"]),
            certainty=row["certainty"],
            source=row["source"],
        )
        for row in read_rows("services.csv")
    }
    return MappingProxyType(services)


@cache
def _words() -> Mapping[str, str]:
    words: dict[str, str] = {}
    for service in read_services().values():
        names = (service.code, service.name_zh, service.name_zh.removesuffix("业务"), *service.aliases)
        for name in names:
            words.setdefault(folded(name), service.code)
    return MappingProxyType(words)


def service_code(text: str) -> str | None:
    """Find the code of a service by code, name or a usual abbreviation; none if it is not known.

    Case, width, spaces and hyphens do not matter.

    Examples
    --------
    >>> service_code("cdn"), service_code("b25-1"), service_code("互联网接入服务"), service_code("B99")
    ('B12', 'B25-1', 'B14', None)
    """
    return _words().get(folded(text))


def lineage(code: str) -> tuple[str, ...]:
    """Give a service and the headings above it, nearest first; nothing for an unknown service.

    Examples
    --------
    >>> lineage("B11-IRCS")
    ('B11-IRCS', 'B11', 'B1', 'B')
    """
    services, line = read_services(), []
    current = service_code(code)
    while current:
        line.append(current)
        current = services[current].parent
    return tuple(line)


def opened(code: str) -> bool | None:
    """Tell whether the pilot opens a service to foreign capital beyond other caps.

    Parameters
    ----------
    code
        Code or alias.

    Returns
    -------
    bool or None
        None for a heading that is opened in part (``B25`` alone) and for what the catalogue does not know.
        ``B25-1`` is opened, less the content in `Service.exclusions`.

    Notes
    -----
    Source: 工信部通信函〔2024〕107号, point 2 and annex 2(1).

    Examples
    --------
    >>> opened("B11-IRCS"), opened("B25-1"), opened("B13"), opened("B25"), opened("B99")
    (True, True, False, None, None)
    """
    found = service_code(code)
    return None if found is None else _OPENED[read_services()[found].opened_by_pilot]
