"""What a source of evidence is, what it is asked, and what it may use; one file each in `auditor.sources`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from auditor import observations

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from auditor.addresses import Addresses
    from auditor.archive import Archive
    from auditor.columns import IntArray
    from auditor.language import Text
    from auditor.observations import Provenance
    from auditor.settings import Settings


@dataclass(frozen=True)
class Asked:
    """What sources are asked about.

    Parameters
    ----------
    subject
        One a row of `addresses`: ``node:ID``, ``prefix:CIDR`` or ``domain:NAME``.
    addresses
        Addresses and prefixes, declared or found.
    domains
        Names of services to be resolved.
    """

    subject: pa.Array
    addresses: Addresses
    domains: tuple[str, ...] = ()

    def table(self, rows: IntArray, **columns: Any) -> pa.Table:
        """Make observations of some rows; the other columns as `auditor.observations.table` takes them."""
        at = pa.array(rows)
        subject, text = self.subject.take(at), self.addresses.text.take(at)
        return observations.table(len(rows), subject=subject, asked=text, **columns)


@dataclass(frozen=True)
class Tools:
    """What a source may use; clock, network and disk come in here and nowhere else.

    Parameters
    ----------
    settings
        Of the run: databases, network, vantages.
    archive
        Keeps raw answers and remembers what was asked.
    now
        Aware UTC time.
    sleep
        Waits for a number of seconds; tests give their own.
    online
        Whether the network may be asked.
    files
        Files given for this source (``--source geofeed=feed.csv``), in order.
    tick
        Called with the number of questions answered since the last call, for progress.
    """

    settings: Settings
    archive: Archive
    now: Callable[[], dt.datetime]
    sleep: Callable[[float], None]
    online: bool = False
    files: tuple[Path, ...] = ()
    tick: Callable[[int], None] = lambda _: None


@dataclass(frozen=True)
class Source:
    """One source of evidence; each lives in its own module of `auditor.sources` and is found there.

    Parameters
    ----------
    name
        As in ``--source NAME``.
    title
        What it is, for people.
    online
        Whether it asks the network; such a source is asked only with ``--online``.
    ask
        From what is asked, and tools, to tables of observations (`auditor.observations.table`), as they come.
        Nothing is lost: whatever it is asked and cannot answer gives a row that says why.
    provenance
        From settings to where the answers come from, one entry a data set; not given for a source that has
        no data of its own.
    takes_files
        Whether it reads files that the user names; it is then asked only if there are some.
    finds_addresses
        Whether its answers hold addresses (``details.addresses`` of a name, ``details.hops`` of a path) that
        other sources are asked about after it.
    last
        Whether it reads what other sources left in the archive, and so comes after them.
    """

    name: str
    title: Text
    online: bool
    ask: Callable[[Asked, Tools], Iterator[pa.Table]]
    provenance: Callable[[Settings], tuple[Provenance, ...]] | None = None
    takes_files: bool = False
    finds_addresses: bool = False
    last: bool = False
