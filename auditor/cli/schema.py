"""`auditor schema`: what a declaration and a result look like, as JSON Schema."""

from __future__ import annotations

import json

import click


@click.command()
@click.argument("what", type=click.Choice(["declaration", "result"]))
def command(what: str) -> None:
    """Print the JSON Schema of a declaration or of a result."""
    from auditor import schemas

    schema = schemas.declaration_schema() if what == "declaration" else schemas.result_schema()
    click.echo(json.dumps(schema, ensure_ascii=False, indent=1))
