"""Who operates a content delivery network, told by the names that its customers' CNAME records point to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from auditor.registers._files import day, read_rows

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

ANY = "*"


@dataclass(frozen=True, slots=True)
class Cdn:
    """One suffix of names and the network behind it.

    Parameters
    ----------
    suffix
        Labels that such names end in; ``*`` at the end of the first one stands for one letter or more
        (``cdnhwc*.com``).
    name_en, name_zh
        Who operates it.
    carrier
        Key of the basic carrier it belongs to (`read_carriers`); blank if to none.
    certainty
        ``HIGH`` (its operator's own manual, or two lists made apart), ``MEDIUM`` (one list) or ``recall``.
    source, checked_on
        Where it was read, and when.
    """

    suffix: str
    name_en: str
    name_zh: str
    carrier: str
    certainty: str
    source: str
    checked_on: dt.date | None


@cache
def read_cdns() -> tuple[Cdn, ...]:
    """Read the suffixes, in the order of the file.

    Examples
    --------
    >>> {cdn.name_zh for cdn in read_cdns() if cdn.carrier == "mobile"}
    {'中国移动 CDN'}
    """
    return tuple(
        Cdn(
            suffix=row["suffix"],
            name_en=row["name_en"],
            name_zh=row["name_zh"],
            carrier=row["carrier"],
            certainty=row["certainty"],
            source=row["source"],
            checked_on=day(row["checked_on"]),
        )
        for row in read_rows("cdn_names.csv")
    )


@cache
def _suffixes() -> tuple[Mapping[str, Cdn], Mapping[str, tuple[Cdn, ...]]]:
    """Suffixes without a star; those with one, by the labels after the first."""
    plain, starred = {}, dict[str, tuple[Cdn, ...]]()
    for cdn in read_cdns():
        first, _, rest = cdn.suffix.partition(".")
        if first.endswith(ANY):
            starred[rest] = (*starred.get(rest, ()), cdn)
        else:
            plain[cdn.suffix] = cdn
    return MappingProxyType(plain), MappingProxyType(starred)


def match_cdn(name: str) -> Cdn | None:
    """Find the network that a name belongs to, by whole labels from the right; the longest suffix counts.

    Case and a dot at the end do not matter.

    Examples
    --------
    >>> match_cdn("www.example.cn.w.kunlunaq.com.").name_en
    'Alibaba Cloud'
    >>> match_cdn("www.example.cn.cdnhwcxyz.com").suffix
    'cdnhwc*.com'
    >>> match_cdn("notlxdns.com"), match_cdn("lxdns.com.example.cn")
    (None, None)
    """
    plain, starred = _suffixes()
    rest = name.lower().removesuffix(".")
    while rest:
        first, _, after = rest.partition(".")
        if rest in plain:
            return plain[rest]
        for cdn in starred.get(after, ()):
            start = cdn.suffix.partition(ANY)[0]
            if first.startswith(start) and first != start:
                return cdn
        rest = after
    return None
