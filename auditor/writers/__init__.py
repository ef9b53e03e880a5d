"""Writers of declarations: one module a form, found by scanning this package for ``WRITER``."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from auditor.writers._content import Content, Writer, content_of

__all__ = ["Content", "Writer", "content_of", "writers"]


@cache
def writers() -> tuple[Writer, ...]:
    """All writers, by module name."""
    names = [m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_")]
    return tuple(importlib.import_module(f"{__name__}.{name}").WRITER for name in sorted(names))
