"""Which registry answers for an address: IANA's RDAP bootstrap files (RFC 9224), from disk."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from auditor.errors import DataError
from auditor.files import reason_of
from auditor.language import say
from auditor.registers._files import FOLDER

if TYPE_CHECKING:
    from collections.abc import Mapping

BITS = {4: 32, 6: 128}


@dataclass(frozen=True)
class Bootstrap:
    """Base URLs of RDAP servers by block.

    Parameters
    ----------
    bases
        From version, length of prefix, and first address to the URL; longest prefixes first.
    """

    bases: Mapping[tuple[int, int], Mapping[int, str]]

    def base(self, version: int, address: int) -> str | None:
        """URL of the registry of an address, of the longest block that holds it; none if no block does.

        Examples
        --------
        >>> read_bootstrap(None).base(4, int.from_bytes(bytes([202, 96, 209, 5])))
        'https://rdap.apnic.net/'
        """
        for (of, length), blocks in self.bases.items():
            shift = BITS[of] - length
            found = blocks.get(address >> shift << shift) if of == version else None
            if found:
                return found
        return None


def read_bootstrap(folder: str | None) -> Bootstrap:
    """Read ``ipv4.json`` and ``ipv6.json`` of a folder, or the dated copies that ship.

    Raises
    ------
    DataError
        A file that is missing or not as RFC 9224 has it; all that is wrong at once.
    """
    home = FOLDER / "rdap_bootstrap" if folder is None else Path(folder)
    wrong: list[str] = []
    found: dict[tuple[int, int], dict[int, str]] = {}
    for version in BITS:
        path = home / f"ipv{version}.json"
        for block, url in _services(path, version, wrong):
            found.setdefault((version, block.prefixlen), {})[int(block.network_address)] = url
    if wrong:
        raise DataError(*wrong)
    return Bootstrap(dict(sorted(found.items(), key=lambda item: -item[0][1])))


def _services(path: Path, version: int, wrong: list[str]) -> list[tuple[IPv4Network | IPv6Network, str]]:
    try:
        services = orjson.loads(path.read_bytes())["services"]
        entries = [(str(block), list(urls)) for blocks, urls in services for block in blocks]
    except OSError as error:
        wrong.append(
            say(
                "{path}: cannot be read: {reason}; get it from IANA's RDAP bootstrap registry",
                path=path,
                reason=reason_of(error),
            )
        )
        return []
    except (orjson.JSONDecodeError, TypeError, KeyError, ValueError):
        wrong.append(
            say(
                "{path}: no RDAP bootstrap file (RFC 9224): a list named services of [blocks, URLs]",
                path=path,
            )
        )
        return []
    return [entry for text, urls in entries for entry in _entry(path, version, text, urls, wrong)]


def _entry(path: Path, version: int, text: str, urls: list[Any], wrong: list[str]) -> list[Any]:
    secure = [str(url).rstrip("/") + "/" for url in urls if str(url).startswith("https://")]
    try:
        block = (IPv4Network if version == 4 else IPv6Network)(text)  # noqa: PLR2004 -- IPv4
    except ValueError as error:
        wrong.append(
            say(
                "{path}, services: {reason}; give a block such as 203.0.0.0/8 or 2400::/12",
                path=path,
                reason=str(error),
            )
        )
        return []
    if not secure:
        wrong.append(
            say("{path}, services, {value}: no https URL; nothing else is asked", path=path, value=text)
        )
        return []
    return [(block, secure[0])]
