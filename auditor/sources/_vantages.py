"""Places from which round trips were measured, as a CSV of the user's says."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.errors import Problem, UsageError, said_by
from auditor.files import reason_of
from auditor.language import say
from auditor.problems import nearest, quote
from auditor.sources._hops import normal_address, raise_problems

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

REQUIRED = ("name", "lon", "lat", "accuracy_m")
COLUMNS = (*REQUIRED, "address", "probe")
LIMITS = {"lon": (-180.0, 180.0), "lat": (-90.0, 90.0), "accuracy_m": (0.0, 1e6)}


@dataclass(frozen=True, slots=True)
class Vantage:
    """A place from which round trips were measured.

    Parameters
    ----------
    name
        Unique.
    lon, lat
        WGS84, degrees.
    accuracy_m
        How far it may really stand from there.
    address
        Its address, as others see it; blank if not said.
    probe
        Its number at RIPE Atlas; blank if it is no probe.
    """

    name: str
    lon: float
    lat: float
    accuracy_m: float
    address: str = ""
    probe: str = ""


@dataclass(frozen=True)
class Vantages:
    """All of them, found by what a trace tells of its prober."""

    by_probe: dict[str, Vantage]
    by_address: dict[str, Vantage]
    by_name: dict[str, Vantage]

    @classmethod
    def of(cls, vantages: Iterable[Vantage] = ()) -> Vantages:
        """Index some."""
        listed = tuple(vantages)
        return cls(
            {vantage.probe: vantage for vantage in listed if vantage.probe},
            {vantage.address: vantage for vantage in listed if vantage.address},
            {vantage.name: vantage for vantage in listed},
        )

    def find(self, *, probe: str, addresses: Iterable[str], names: Iterable[str]) -> Vantage | None:
        """Find by number of the probe, else by address, else by name; none if the prober is not among them.

        Examples
        --------
        >>> beijing = Vantage("bj-1", 116.4, 39.9, 50.0, probe="6042")
        >>> Vantages.of([beijing]).find(probe="6042", addresses=(), names=()).name
        'bj-1'
        """
        found: list[Vantage | None] = [self.by_probe.get(probe)] if probe else []
        found += [self.by_address.get(address) for address in addresses]
        found += [self.by_name.get(name) for name in names]
        return next(filter(None, found), None)


def read_vantages(path: str | None) -> Vantages:
    """Read the CSV of the settings; no path gives none.

    Raises
    ------
    UsageError
        A file that cannot be read.
    DataError
        Columns, rows and fields that are wrong, all of them.
    """
    if path is None:
        return Vantages.of()
    file = Path(path).name
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(
            say("{path}: cannot be read: {reason}", path=path, reason=reason_of(error))
        ) from None
    except UnicodeDecodeError:
        raise UsageError(say("{path}: is not UTF-8; save it as such", path=path)) from None
    problems: list[Problem] = []
    vantages = list(_rows(text, file, problems))
    for field in ("name", "address", "probe"):
        problems += _twins(vantages, field, file)
    raise_problems(problems)
    return Vantages.of(vantage for _, vantage in vantages)


def _rows(text: str, file: str, problems: list[Problem]) -> Iterator[tuple[int, Vantage]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        header = reader.fieldnames or ()
        problems += [
            Problem(
                file, say("row {number}", number=1), name, say("no such column"), nearest(str(name), COLUMNS)
            )
            for name in header
            if name not in COLUMNS
        ]
        problems += [
            Problem(file, say("row {number}", number=1), name, say("column is missing"))
            for name in REQUIRED
            if name not in header
        ]
        if problems:
            return
        for row in reader:
            vantage = _vantage(row, file, reader.line_num, problems)
            if vantage:
                yield reader.line_num, vantage
    except csv.Error as error:
        problems.append(
            Problem(
                file,
                say("row {number}", number=reader.line_num),
                "",
                say("no CSV: {reason}", reason=str(error)),
            )
        )


def _vantage(row: dict[str, str | None], file: str, number: int, problems: list[Problem]) -> Vantage | None:
    before = len(problems)
    where = say("row {number}", number=number)
    cells = {name: (row.get(name) or "").strip() for name in COLUMNS}
    if None in row:
        problems.append(Problem(file, where, "", say("has more cells than there are columns")))
    numbers = {name: _number(cells[name], *LIMITS[name]) for name in LIMITS}
    for name, value in numbers.items():
        if value is None:
            low, high = LIMITS[name]
            hint = say("give a number from {low:g} to {high:g}", low=low, high=high)
            problems.append(
                Problem(file, where, name, say("{value} is none", value=quote(cells[name])), hint)
            )
    if not cells["name"]:
        problems.append(Problem(file, where, "name", say("is blank")))
    if cells["address"]:
        try:
            cells["address"] = normal_address(cells["address"])
        except ValueError as error:
            problems.append(Problem(file, where, "address", said_by(error)))
    if cells["probe"] and not (cells["probe"].isascii() and cells["probe"].isdigit()):
        problems.append(
            Problem(file, where, "probe", say("{value} is no number of a probe", value=quote(cells["probe"])))
        )
    if len(problems) > before:
        return None
    lon, lat, accuracy_m = (value or 0.0 for value in numbers.values())
    return Vantage(cells["name"], lon, lat, accuracy_m, cells["address"], cells["probe"].lstrip("0"))


def _number(text: str, low: float, high: float) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and low <= value <= high else None


def _twins(vantages: list[tuple[int, Vantage]], field: str, file: str) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for row, vantage in vantages:
        value = getattr(vantage, field)
        if value and seen.setdefault(value, row) != row:
            yield Problem(
                file,
                say("row {number}", number=row),
                field,
                say("{value} stands in row {number} already", value=quote(value), number=seen[value]),
            )
