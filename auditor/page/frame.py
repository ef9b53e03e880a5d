"""What every page stands in: templates that escape all they are given, and digests that its policy names."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from auditor.errors import visible

if TYPE_CHECKING:
    from pathlib import Path


@cache
def environment(folder: Path) -> Environment:
    """Templates whose every expression is escaped, with nothing in it that a reader's eye would obey."""

    def finalize(value: Any) -> Any:
        return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value

    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def source(text: str) -> str:
    """Give a style or script as a Content-Security-Policy names it: by its digest.

    Examples
    --------
    >>> source("")
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
    """
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def plain_policy(style: str) -> str:
    """Policy of a page without scripts: its own style, and nothing else from anywhere."""
    return f"default-src 'none'; style-src {source(style)}; base-uri 'none'; form-action 'none'"
