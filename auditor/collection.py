"""Gather observations: ask every source about what a declaration names, and lose nothing."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from auditor import blocks, observations, sources
from auditor.addresses import Addresses
from auditor.archive import Archive
from auditor.asking import Asked, Source, Tools
from auditor.columns import Coded
from auditor.errors import UsageError
from auditor.language import say
from auditor.observations import Observations, Provenance
from auditor.problems import nearest
from auditor.settings import Settings

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from auditor.columns import BoolArray
    from auditor.model import Declaration

PRIVATE_KINDS = frozenset({"subscriber"})
FOUND = (("name", "domain:"), ("path", "prefix:"))


@cache
def all_sources() -> tuple[Source, ...]:
    """Find the sources: every module of `auditor.sources` whose name does not start with an underscore.

    Examples
    --------
    >>> "rdap" in {source.name for source in all_sources()}
    True
    """
    names = sorted(m.name for m in pkgutil.iter_modules(sources.__path__) if not m.name.startswith("_"))
    return tuple(importlib.import_module(f"{sources.__name__}.{name}").SOURCE for name in names)


def choose_sources(
    names: Iterable[str], files: Mapping[str, Iterable[Path]], *, online: bool
) -> tuple[Source, ...]:
    """Choose sources: those named, or all that may be asked; those that read files if there are some.

    Raises
    ------
    UsageError
        A source that does not exist, that needs a file or the network, or that reads none.
    """
    names = list(names)
    known = {source.name: source for source in all_sources()}
    wrong = [
        say("no source is called {name}; {nearest}", name=n, nearest=nearest(n, known))
        for n in (*names, *files)
        if n not in known
    ]
    for name in (n for n in names if n in known):
        if known[name].online and not online and not (known[name].takes_files and name in files):
            wrong.append(say("{name} asks the network; allow it with --online", name=name))
        elif known[name].takes_files and not known[name].online and name not in files:
            wrong.append(say("{name} reads files; write {name}=FILE", name=name))
    wrong += [say("{name} reads no files", name=n) for n in files if n in known and not known[n].takes_files]
    if wrong:
        raise UsageError(*wrong)

    def wanted(source: Source) -> bool:
        if source.name in files:
            return True
        if names:
            return source.name in names
        return online if source.online else not source.takes_files

    return tuple(source for source in all_sources() if wanted(source))


@dataclass(frozen=True)
class Question:
    """What is asked, and which of it may leave the house.

    Parameters
    ----------
    asked
        Addresses and names.
    public
        Rows that sources on the network may be asked about: not the addresses of single subscribers.
    """

    asked: Asked
    public: BoolArray

    def for_(self, source: Source) -> Asked:
        """What one source is asked."""
        if not source.online or self.public.all():
            return self.asked
        rows = np.flatnonzero(self.public)
        subject = self.asked.subject.take(pa.array(rows))
        return replace(self.asked, subject=subject, addresses=self.asked.addresses.take(rows))


def question(declaration: Declaration) -> Question:
    """Gather the addresses of nodes, the declared blocks, and the names of services.

    Returns
    -------
    Question
        One row a node and address, then one a block; cells that are no address come along and are answered
        as such.
    """
    nodes, prefixes = declaration.nodes, declaration.prefixes
    owner, text = blocks.split(nodes.column("ips"))
    ids = nodes.column("id").combine_chunks().take(pa.array(owner))
    subject = pc.binary_join_element_wise("node:", ids, "")
    private = Coded.of(nodes.column("kind")).isin(PRIVATE_KINDS)[owner]
    if prefixes is not None and prefixes.num_rows:
        declared = prefixes.column("prefix").combine_chunks().cast(pa.string())
        subject = pa.concat_arrays([subject, pc.binary_join_element_wise("prefix:", declared, "")])
        text = pa.concat_arrays([text, declared])
        private = np.append(private, np.zeros(len(declared), np.bool_))
    domains = dict.fromkeys(name for service in declaration.services for name in service.domains)
    return Question(Asked(subject, Addresses.of(text), tuple(domains)), ~private)


def found_addresses(table: pa.Table) -> tuple[list[str], list[str]]:
    """Addresses in the answers of names and paths, with the subjects that they are asked under, each once."""
    pairs: dict[tuple[str, str], None] = {}
    kinds = Coded.of(table.column("kind"))
    for kind, mark in FOUND:
        rows = table.filter(pa.array(kinds.isin({kind}))).select(["subject", "details"])
        for row in rows.to_pylist():
            details = orjson.loads(row["details"] or b"{}")
            for address in _addresses(details):
                whole = f"prefix:{address}/{128 if ':' in address else 32}"
                pairs[row["subject"] if mark == "domain:" else whole, address] = None
    return [subject for subject, _ in pairs], [address for _, address in pairs]


def _addresses(details: Mapping[str, Any]) -> Iterator[str]:
    yield from details.get("addresses", ())
    for hop in details.get("hops", ()):
        yield from hop.get("addresses", ())


@dataclass
class Collector:
    """Asks sources one after the other, and keeps what they say.

    Parameters
    ----------
    settings, archive, now, sleep, online
        As `Tools` has them.
    files
        Files by source.
    tick
        Called with source and the number of answers, for progress.
    """

    settings: Settings
    archive: Archive
    now: Callable[[], dt.datetime]
    sleep: Callable[[float], None]
    online: bool = False
    files: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    tick: Callable[[str, int], None] = lambda _name, _number: None

    def ask(self, asked: Question, chosen: Iterable[Source]) -> Observations:
        """Ask sources: first those that find addresses, then the others about these, too."""
        tables: list[pa.Table] = []
        ordered = sorted(chosen, key=lambda s: (not s.finds_addresses, s.last, s.name))
        finders = [source for source in ordered if source.finds_addresses]
        for source in finders:
            tables += self._ask_one(source, asked)
        if finders:
            asked = _with_found(asked, *found_addresses(observations.join(tables)))
        for source in ordered[len(finders) :]:
            tables += self._ask_one(source, asked)
        named = [entry for source in ordered for entry in self._provenance(source)]
        return Observations(observations.join(tables), tuple(named))

    def _ask_one(self, source: Source, asked: Question) -> list[pa.Table]:
        tools = Tools(
            settings=self.settings,
            archive=self.archive,
            now=self.now,
            sleep=self.sleep,
            online=self.online,
            files=tuple(self.files.get(source.name, ())),
            tick=lambda number: self.tick(source.name, number),
        )
        return list(source.ask(asked.for_(source) if self.online else asked.asked, tools))

    def _provenance(self, source: Source) -> tuple[Provenance, ...]:
        if source.provenance is None:
            return (Provenance(source.name, "", source.title.en),)
        return source.provenance(self.settings)


def _with_found(asked: Question, subjects: list[str], addresses: list[str]) -> Question:
    if not addresses:
        return asked
    old = asked.asked
    subject = pa.concat_arrays([old.subject.cast(pa.string()), pa.array(subjects, pa.string())])
    text = pa.concat_arrays([old.addresses.text.cast(pa.string()), pa.array(addresses, pa.string())])
    public = np.append(asked.public, np.ones(len(addresses), np.bool_))
    return Question(replace(old, subject=subject, addresses=Addresses.of(text)), public)


def collect(
    declaration: Declaration,
    *,
    archive: str | Path,
    now: Callable[[], dt.datetime],
    sleep: Callable[[float], None],
    names: Iterable[str] = (),
    files: Mapping[str, Iterable[str | Path]] | None = None,
    settings: Settings | None = None,
    online: bool = False,
    tick: Callable[[str, int], None] = lambda _name, _number: None,
) -> Observations:
    """Ask sources about all that a declaration names.

    Parameters
    ----------
    declaration
        What `read_declaration` gave.
    archive
        Folder for raw answers; a run that was killed goes on from what lies there.
    now, sleep
        Clock (aware UTC) and pause.
    names
        Sources to ask; all that may be asked if none is named.
    files
        Files by source (``{"traceroute": ["mtr.json"]}``); these sources are asked in any case.
    settings
        Databases, network, vantages.
    online
        Whether the network may be asked.
    tick
        Called with the name of a source and a number of answers, for progress.

    Raises
    ------
    UsageError
        A source that cannot be asked so.
    DataError
        A database or a file that cannot be read.
    """
    given = {name: tuple(map(Path, paths)) for name, paths in (files or {}).items()}
    chosen = choose_sources(names, given, online=online)
    collector = Collector(
        settings or Settings(), Archive(Path(archive)), now, sleep, online=online, files=given, tick=tick
    )
    return collector.ask(question(declaration), chosen)
