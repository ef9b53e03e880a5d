"""What a rule is; it needs no case, so that rules can be listed and explained without loading what judges."""

from __future__ import annotations

import hashlib
import inspect
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from auditor.language import Text, chinese

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from auditor.case import Case
    from auditor.findings import Batch


@dataclass(frozen=True, slots=True)
class Message:
    """What a finding says, and what to do or ask next; ``{name}`` is an argument."""

    en: str
    ask_en: str = ""

    @property
    def zh(self) -> str:
        """What it says, in Chinese."""
        return chinese(self.en)

    @property
    def ask_zh(self) -> str:
        """What to do or ask next, in Chinese."""
        return chinese(self.ask_en)


@dataclass(frozen=True)
class Rule:
    """One rule; each lives in its own module of `auditor.rules` and is found there.

    Parameters
    ----------
    id
        ``PILOT-FAC-01``; never reused.
    title
        What the rule asks.
    basis
        ``circular``, ``related_law`` or ``policy``.
    clauses
        Ids of the clauses it answers to.
    severity
        ``critical``, ``high``, ``medium``, ``low`` or ``info``, of a fail.
    scope
        From a case to the subjects that it must judge, each exactly once: pairs of kind and rows or names.
    check
        From a case to batches of findings.
    messages
        By message id.
    service
        Code of the service that the rule is about; without it under the pilot the rule does not apply.
    always
        Whether it is asked of operators without any service under the pilot, too.
    observed
        Whether it holds observations against the declaration: without any it has nothing to judge.
    graded
        Whether its passes rest on evidence; those of a rule on what must not be flagged do not.
    placed
        Whether its answers rest on where things stand, so that other zones may change them.
    asked
        Whether a case gives it something to judge: records that nobody has to declare, or a duty that the
        user states. Else it does not apply, and its clauses are left to a person.
    filed
        Of a rule that is `observed`: whether records as filed are worth judging where nobody observed.
    """

    id: str
    title: Text
    basis: str
    clauses: tuple[str, ...]
    severity: str
    scope: Callable[[Case], Iterable[tuple[str, Any]]]
    check: Callable[[Case], Iterable[Batch]]
    messages: Mapping[str, Message]
    service: str | None = None
    always: bool = False
    graded: bool = True
    observed: bool = False
    placed: bool = True
    asked: Callable[[Case], bool] | None = None
    filed: bool = False

    def blind(self, case: Case) -> bool:
        """Whether the rule holds something against the declaration, and there is nothing of the kind."""
        seen = case.observations is not None or (self.filed and case.declaration.filings is not None)
        return self.observed and not seen

    @cached_property
    def sha256(self) -> str:
        """Digest of the rule's own module: another one means that the rule was changed."""
        module = sys.modules[self.check.__module__]
        return hashlib.sha256(inspect.getsource(module).encode()).hexdigest()
