"""Read a file of observations back, as `auditor collect` writes it or as a person keeps it in a sheet."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from auditor.archive import DIGEST
from auditor.cells import coordinate_faults, mask
from auditor.columns import Coded, floats
from auditor.errors import DeclarationError, UsageError, fault_of
from auditor.files import read_given
from auditor.language import say
from auditor.observations import ARROW, COLUMNS, Observations, Provenance, read_sources
from auditor.problems import quote
from auditor.readers._tables import read_csv, read_parquet
from auditor.tables import Log, read_columns, require_columns

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from auditor.columns import FloatArray
    from auditor.problems import Problems
    from auditor.tables import Frame

FORMS = {".csv": read_csv, ".parquet": read_parquet}
LARGEST_ASN = 2**32 - 1
SHAPE = ConfigDict(strict=True, extra="ignore")
SUBJECT = r"^(node|prefix|domain):.+"
REQUIRED = [column.name for column in COLUMNS if column.required]


class _Hop(BaseModel):
    model_config = SHAPE

    ttl: int | None = None
    addresses: list[str] | None = None


class _Details(BaseModel):
    """What rules read of `details`, where it stands there."""

    model_config = SHAPE

    chain: list[str] | None = None
    addresses: list[str] | None = None
    hops: list[_Hop] | None = None
    origin: str | None = Field(None, alias="from")
    rtt_ms: float | None = Field(None, allow_inf_nan=False)
    vantage: str | None = None


def read_observations(path: str | PathLike[str]) -> Observations:
    """Read observations.

    Parameters
    ----------
    path
        ``.parquet`` as `auditor collect` writes it, or ``.csv`` with the same columns.

    Raises
    ------
    DeclarationError
        With everything that is wrong in the file.
    UsageError
        A file that is not there, or of another form.
    """
    path = Path(path)
    read = FORMS.get(path.suffix.lower())
    if read is None:
        raise UsageError(
            say(
                "{file}: observations are .csv or .parquet; make them with `auditor collect`",
                file=path.name,
            )
        )
    data = read_given(path)
    log = Log()
    raw = read(data, path.name, log)
    if raw is not None:
        raw = require_columns(raw, REQUIRED, log)
    if raw is None or not raw.whole:
        raise DeclarationError(log.problems.found)
    sources = read_sources(_metadata(data)) if path.suffix.lower() == ".parquet" else None
    frame = read_columns(raw, COLUMNS, log)
    _check(frame, log)
    log.problems.raise_if_any()
    table = frame.table.select(ARROW.names)
    table = table.set_column(*_graded(table)).cast(ARROW).combine_chunks()
    sources = _named(table) if sources is None else sources
    return Observations(table, sources, path.name, hashlib.sha256(data).hexdigest())


def _metadata(data: bytes) -> Any:
    return pyarrow.parquet.read_schema(pa.BufferReader(data)).metadata


def _graded(table: pa.Table) -> tuple[int, str, pa.Array]:
    at = table.column_names.index("grade")
    grade = table.column(at).cast(pa.string())
    return at, "grade", pc.fill_null(grade, "E4").combine_chunks().dictionary_encode()


def _check(frame: Frame, log: Log) -> None:
    """Report what the columns' types do not catch: blanks, subjects, places."""
    table, problems = frame.table, log.problems
    for name in REQUIRED:
        blank = mask(table.column(name).is_null())
        problems.rows(frame.origin, blank, name, lambda _: say("is blank"), say("every observation needs it"))
    subject = frame.strings("subject")
    strange = ~mask(pc.or_kleene(pc.match_substring_regex(subject, SUBJECT), pc.is_null(subject)))
    problems.rows(
        frame.origin,
        strange,
        "subject",
        lambda row: say("{value!r} is no subject", value=subject[row].as_py()),
        say("write node:ID, prefix:CIDR or domain:NAME"),
    )
    lon, lat, radius = (floats(table, name) for name in ("lon", "lat", "radius_m"))

    def misplaced(fault: str) -> Callable[[int], str]:
        return lambda row: say("{fault}: {lon:g}, {lat:g}", fault=fault, lon=lon[row], lat=lat[row])

    for fault, (name, bad) in coordinate_faults(lon, lat).items():
        problems.rows(frame.origin, bad, name, misplaced(fault))
    problems.rows(
        frame.origin, radius < 0, "radius_m", lambda row: say("{value:g} is negative", value=radius[row])
    )
    disc = Coded.of(table.column("extent")).isin({"disc"})
    lacking = disc & np.isnan(lon + lat + radius)
    problems.rows(frame.origin, lacking, "extent", lambda _: say("a disc without lon, lat and radius_m"))
    _check_words(frame, problems, floats(table, "asn"))


def _check_words(frame: Frame, problems: Problems, asn: FloatArray) -> None:
    """Report codes, digests and details that are none."""
    table = frame.table
    problems.rows(
        frame.origin, asn > LARGEST_ASN, "asn", lambda row: say("{asn:.0f} is no AS number", asn=asn[row])
    )
    region = Coded.of(table.column("region"))
    bad = ~region.map(_is_region, blank=True, dtype=np.bool_)
    hint = say("six digits as in GB/T 2260, or two letters of a country")
    problems.rows(
        frame.origin, bad, "region", lambda row: say("{value!r} is no region", value=region.at(row)), hint
    )
    digest = Coded.of(table.column("digest"))
    bad = ~digest.map(lambda text: bool(DIGEST.fullmatch(text)), blank=True, dtype=np.bool_)
    hint = say("SHA-256 in 64 figures 0-9a-f")
    problems.rows(
        frame.origin, bad, "digest", lambda row: say("{value} is none", value=quote(digest.at(row))), hint
    )
    details = Coded.of(table.column("details"))
    faults = [_fault(text) for text in details.values]
    bad = np.array([*map(bool, faults), False])[details.codes]
    problems.rows(frame.origin, bad, "details", lambda row: faults[details.codes[row]])


def _fault(details: str) -> str:
    """What is wrong with the facts of a row; blank if nothing is."""
    try:
        _Details.model_validate(orjson.loads(details))
    except orjson.JSONDecodeError as error:
        return say("{value} is no JSON: {reason}", value=quote(details), reason=error.msg)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where, kind = ".".join(map(str, first["loc"])), first["type"]
        return (
            say("{where}: {what}", where=where, what=fault_of(first))
            if where and kind != "model_type"
            else say("{value} is no JSON object", value=where or quote(details))
        )
    return ""


def _is_region(code: str) -> bool:
    six, two = 6, 2
    return (len(code) == six and code.isdigit()) or (len(code) == two and code.isalpha() and code.isupper())


def _named(table: pa.Table) -> tuple[Provenance, ...]:
    """Sources of a file that another program wrote: what the rows name."""
    pairs = (
        table.group_by(["source", "family"], use_threads=False).aggregate([("vintage_on", "max")]).to_pylist()
    )
    found = [Provenance(p["source"], p["family"], p["source"], p["vintage_on_max"]) for p in pairs]
    return tuple(sorted(found, key=lambda p: (p.source, p.family)))
