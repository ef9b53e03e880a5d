"""Edits as people write them: on a command line, or in a file of ``[[edits]]``."""

from __future__ import annotations

import csv
import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from auditor.edits import Action, Edit
from auditor.errors import UsageError, fault_of
from auditor.language import say
from auditor.problems import quote
from auditor.settings import load_toml


def read_values(text: str, where: str) -> dict[str, Any]:
    """Read the values of an edit: ``field=value,field=value``, or a TOML table in braces.

    Values that hold a comma stand in double quotes with their field, as cells of CSV do.

    Raises
    ------
    UsageError
        What is neither.

    Examples
    --------
    >>> read_values('id=cdn-9,"address=上海市,浦东新区",services=B12;B14', "--add-node 1")
    {'id': 'cdn-9', 'address': '上海市,浦东新区', 'services': 'B12;B14'}
    >>> read_values('{lon = 121.9, lat = 30.9}', "--move 1")
    {'lon': 121.9, 'lat': 30.9}
    """
    if text.lstrip().startswith("{"):
        try:
            table: dict[str, Any] = tomllib.loads(f"values = {text}")["values"]
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise UsageError(say("{where}: no TOML: {reason}", where=where, reason=str(error))) from None
        return table
    values: dict[str, Any] = {}
    try:
        parts = next(csv.reader([text], skipinitialspace=True), [])
    except csv.Error:
        raise UsageError(say("{where}: {part} is no single line", where=where, part=quote(text))) from None
    for part in parts:
        name, given, value = part.partition("=")
        if not given or not name.strip() or name.strip() in values:
            raise UsageError(
                say("{where}: {part} is not FIELD=VALUE, each field once", where=where, part=quote(part))
            )
        values[name.strip()] = value.strip()
    return values


class _Listed(BaseModel):
    """An entry of ``[[edits]]``."""

    model_config = ConfigDict(extra="forbid")

    action: Action
    subject: str
    values: dict[str, Any] = {}


class _Edits(BaseModel):
    model_config = ConfigDict(extra="forbid")

    edits: list[_Listed]


def read_edits(path: str | Path) -> list[Edit]:
    """Read a TOML file of ``[[edits]]``: ``action``, ``subject``, ``values``.

    Raises
    ------
    UsageError
        A file that cannot be read or says something else; everything wrong at once.
    """
    values = load_toml(path)
    try:
        read = _Edits.model_validate(values)
    except ValidationError as error:
        wrong = [
            say("{file}, {key}: {what}", file=path, key=".".join(map(str, e["loc"])), what=fault_of(e))
            for e in error.errors()
        ]
        raise UsageError(*wrong) from None
    name = Path(path).name
    return [Edit(e.action, e.subject, e.values, f"{name}, edits {n}") for n, e in enumerate(read.edits, 1)]
