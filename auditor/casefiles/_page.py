"""The case file as one page: both languages, no script, no other file, under a strict policy."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from auditor.casefiles._words import WORDS
from auditor.errors import visible
from auditor.language import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path(__file__).parent
MOST_ROWS = 60  # declared rows shown; the evidence has all


@cache
def _environment() -> Environment:
    """Templates whose every expression is escaped, with nothing in it that a reader's eye would obey."""

    def finalize(value: Any) -> Any:
        return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value

    return Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page(shown: Mapping[str, Any], drawings: Mapping[str, bytes]) -> str:
    """Give the page.

    Parameters
    ----------
    shown
        The content, texts as mappings of ``en`` and ``zh``, with ``evidence`` and ``evidence_sha256``.
    drawings
        SVG by file name; no text of a declaration stands in them.
    """
    style = (FOLDER / "case.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        _environment()
        .get_template("case.html.j2")
        .render(
            d=shown,
            w={name: {"en": text.en, "zh": text.zh} for name, text in WORDS.items()},
            drawings={name: Markup(svg.decode()) for name, svg in drawings.items()},  # noqa: S704 -- our own drawing
            style=Markup(style),  # noqa: S704 -- a file of the package
            policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
            most=MOST_ROWS,
        )
    )


def filled(name: str, **args: object) -> Text:
    """Give one of the words, its gaps filled."""
    word = WORDS[name]
    return Text(word.en.format(**args), word.zh.format(**args))
