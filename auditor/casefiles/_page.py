"""The case file as one page: both languages, no script, no other file, under a strict policy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from auditor.casefiles._words import WORDS
from auditor.language import Text
from auditor.page import frame

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path(__file__).parent
MOST_ROWS = 60  # declared rows shown; the evidence has all


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
    return (
        frame.environment(FOLDER)
        .get_template("case.html.j2")
        .render(
            d=shown,
            w={name: {"en": text.en, "zh": text.zh} for name, text in WORDS.items()},
            drawings={name: Markup(svg.decode()) for name, svg in drawings.items()},  # noqa: S704 -- our own drawing
            style=Markup(style),  # noqa: S704 -- a file of the package
            policy=frame.plain_policy(style),
            most=MOST_ROWS,
        )
    )


def filled(name: str, **args: object) -> Text:
    """Give one of the words, its gaps filled."""
    word = WORDS[name]
    return Text(word.en.format(**args), word.zh.format(**args))
