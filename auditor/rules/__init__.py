"""Rules, one file each, found by scanning this package: ``RULE = Rule(...)``."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditor.rule import Rule


@cache
def all_rules() -> tuple[Rule, ...]:
    """Find the rules: every module here whose name does not start with an underscore.

    Examples
    --------
    >>> "PILOT-ISP-02" in {rule.id for rule in all_rules()}
    True
    """
    names = sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))
    found = [importlib.import_module(f"{__name__}.{name}").RULE for name in names]
    return tuple(sorted(found, key=lambda rule: rule.id))
