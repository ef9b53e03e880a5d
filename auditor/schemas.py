"""JSON Schemas that the package publishes: of a declaration, from the models; of a result, from its file."""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, Any

from auditor import tables
from auditor.governance import LISTS
from auditor.model import Document
from auditor.registers import labels

if TYPE_CHECKING:
    from collections.abc import Sequence

DRAFT = "https://json-schema.org/draft/2020-12/schema"
RECORDS = ("Operator", "Domicile", *(kind.__name__ for kind in LISTS.values()))
TYPES: dict[str, Any] = {
    "text": {"type": ["string", "integer", "null"]},
    "coded": {"type": ["string", "integer", "null"]},
    "uscc": {"type": ["string", "null"]},
    "number": {"type": ["number", "null"]},
    "whole": {"type": ["integer", "null"], "minimum": 0},
    "date": {"type": ["string", "null"], "format": "date"},
    "flag": {"type": ["boolean", "null"]},
}


def declaration_schema() -> dict[str, Any]:
    """JSON Schema of a declaration as one JSON file; a folder has the same structure.

    Examples
    --------
    >>> schema = declaration_schema()
    >>> schema["required"], schema["$defs"]["Node"]["required"]
    (['schema', 'operator'], ['id', 'kind'])
    """
    schema = Document.model_json_schema(by_alias=True)
    places = {"nodes": ("Node", tables.NODES), "links": ("Link", tables.LINKS)}
    places["prefixes"] = ("Prefix", tables.PREFIXES)
    network = schema["$defs"]["Network"]["properties"]
    for key, (name, columns) in places.items():
        schema["$defs"][name] = _row(columns)
        rows = {"type": "array", "items": {"$ref": f"#/$defs/{name}"}}
        network[key] = {"anyOf": [{"type": "string"}, rows, {"type": "null"}], "default": None}
    for record in RECORDS:
        for key, cell in schema["$defs"][record]["properties"].items():
            for kind in cell.get("anyOf", [cell]):
                if "enum" in kind:
                    kind["enum"] += _chinese(key, kind["enum"])
    return {"$schema": DRAFT, **schema, "title": "auditor.declaration/1"}


def _chinese(column: str, words: Sequence[str]) -> list[str]:
    """Chinese for the words of a closed list."""
    return [zh for zh, word in labels.words(column).items() if word in words]


def _row(columns: tuple[tables.Column, ...]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": [column.name for column in columns if column.required],
        "properties": {column.name: _cell(column) for column in columns},
    }


def _cell(column: tables.Column) -> dict[str, Any]:
    if column.type == "choice":
        words = [*column.choices, *column.aliases, *_chinese(column.name, column.choices)]
        kind: dict[str, Any] = {"enum": words if column.required else [*words, None]}
    elif column.name in tables.LISTED:
        kind = {"anyOf": [{"type": ["string", "null"]}, {"type": "array", "items": {"type": "string"}}]}
    else:
        kind = TYPES[column.type]
        if column.required:
            kind = {"type": ["string", "integer"]}
    return {"description": column.about, **kind}


def result_schema() -> dict[str, Any]:
    """JSON Schema of a result."""
    text = resources.files("auditor").joinpath("data/result.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema
