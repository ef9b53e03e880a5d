"""Routes that ship with the package: who announces which addresses, and where regional carriers are.

Data: RIPE RIS as `whereip-network` 0.1.0 gives it; `auditor/data/ip/NOTICE-origins.md` has terms and limits.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv6Address
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from auditor.addresses import dotted
from auditor.observations import Provenance
from auditor.registers import carriers_of
from auditor.registers._files import FOLDER

if TYPE_CHECKING:
    from auditor.columns import Coded, IntArray

Uint64Array: TypeAlias = np.ndarray[Any, np.dtype[np.uint64]]

NAME, FAMILY = "origins", "registry"
WIDTH = {4: 32, 6: 64}  # bits of a start; of IPv6 the first 64, since no longer prefix is announced


@dataclass(frozen=True)
class Routes:
    """Ranges of one version, sorted: each goes up to the next one's start; system 0 is no announcement."""

    version: int
    start: Uint64Array
    asn: IntArray
    length: IntArray

    def prefixes(self, at: IntArray) -> pa.Array:
        """Write the announced prefixes of some ranges."""
        bits = WIDTH[self.version]
        host = (np.uint64(bits) - self.length[at].astype(np.uint64)) % np.uint64(bits)
        base = (self.start[at] >> host) << host
        if self.version == 4:  # noqa: PLR2004 -- IPv4
            base_text = dotted(base.astype(np.uint32))
        else:
            base_text = pa.array([str(IPv6Address(int(value) << 64)) for value in base], pa.string())
        return pc.binary_join_element_wise(base_text, pa.array(self.length[at]).cast(pa.string()), "/")


@dataclass(frozen=True)
class Data:
    """The table, and the names of the systems in it."""

    routes: dict[int, Routes]
    asns: IntArray
    names: pa.Array
    vintage_on: dt.date
    sha256: str

    def owners(self, asn: IntArray) -> pa.Array:
        """Names of systems; the number where the table has no name."""
        at = np.minimum(np.searchsorted(self.asns, asn), len(self.asns) - 1)
        known = self.asns[at] == asn
        named = self.names.take(pa.array(np.where(known, at, 0)))
        return pc.if_else(pa.array(known), named, pa.array([f"AS{number}" for number in asn], pa.string()))


@cache
def data() -> Data:
    """Load the table, once."""
    raw = (FOLDER / "ip" / "origins.parquet").read_bytes()
    table = pyarrow.parquet.read_table(io.BytesIO(raw))
    version = table.column("version").to_numpy()
    cut = int(np.searchsorted(version, 6))
    names = pyarrow.parquet.read_table(FOLDER / "ip" / "origins_names.parquet")
    columns = [table.column(name).to_numpy() for name in ("start", "asn", "length")]
    return Data(
        routes={
            4: Routes(4, *(column[:cut] for column in columns)),
            6: Routes(6, *(column[cut:] for column in columns)),
        },
        asns=names.column("asn").to_numpy().astype(np.int64),
        names=names.column("name").combine_chunks(),
        vintage_on=dt.date.fromisoformat(table.schema.metadata[b"published_on"].decode()),
        sha256=hashlib.sha256(raw).hexdigest(),
    )


def bound(asn: IntArray) -> Coded:
    """Region that a system is bound to by its registered name; blank for all that may be anywhere.

    Overseas arms are left out: an address of theirs may be used anywhere.
    """
    known = carriers_of(asn)
    fit = known.standing.isin({"carrier", "affiliate"}) & ~known.region.blank
    return known.region.take(np.where(fit, np.arange(len(asn)), -1))


def provenance() -> Provenance:
    """Where the table comes from."""
    return Provenance(
        NAME,
        FAMILY,
        "Routes of RIPE RIS, by whereip-network 0.1.0",
        data().vintage_on,
        "MIT",
        "whereip-network by tn3w; RIPE NCC RIS, NRO, CAIDA, PeeringDB",
        data().sha256,
    )
