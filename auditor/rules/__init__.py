"""Rules, one file each, found by scanning this package: ``RULE = Rule(...)``."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditor.rule import Rule


@cache
def _names() -> tuple[str, ...]:
    """Modules of the rules."""
    return tuple(sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_")))


def _load(name: str) -> Rule:
    """Rule of one module."""
    found: Rule = importlib.import_module(f"{__name__}.{name}").RULE
    return found


def find_rule(name: str) -> Rule | None:
    """Find one rule by its id, with or without ``PILOT-``, importing it alone; nothing if there is none.

    Examples
    --------
    >>> find_rule("isp-02").id, find_rule("circular-1")
    ('PILOT-ISP-02', None)
    """
    short = name.upper().removeprefix("PILOT-")
    likely = (module for module in _names() if module.startswith(f"{short.lower().replace('-', '_')}_"))
    return next((rule for rule in map(_load, likely) if rule.id == f"PILOT-{short}"), None)


@cache
def all_rules() -> tuple[Rule, ...]:
    """Find the rules: every module here whose name does not start with an underscore.

    Examples
    --------
    >>> "PILOT-ISP-02" in {rule.id for rule in all_rules()}
    True
    """
    return tuple(sorted(map(_load, _names()), key=lambda rule: rule.id))
