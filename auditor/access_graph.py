"""The network that access paths run through: blank far ends and tunnels made nodes and links of one graph."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from auditor import topology
from auditor.columns import BLOCK
from auditor.topology import NONE, Arcs, Csr
from auditor.trunk import Trunk, trunk_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from auditor.columns import BoolArray, IntArray

Scalar = TypeVar("Scalar", bound=np.generic)

NO, DOUBTFUL, SURE = 0, 1, 2


@dataclass(frozen=True)
class AccessInput:
    """The network as ISP-02 and ISP-06 see it; links out of service, or at nodes out of service, left out.

    Parameters
    ----------
    declared
        Number of declared nodes, rows ``0..declared - 1``.
    n
        Number of nodes; the rows from `declared` on are named by links but not declared.
    tail, head
        int32, one row a link; `head` is -1 where the far end is blank.
    both
        One a link: traffic runs both ways, else from `tail` to `head`.
    link_sure
        One a link; false for a tunnel with blank `over`.
    far_end_sure
        One a link: what stands behind its blank far end is surely a root (transit, peering, cross_border);
        else it is doubtful.
    over_link, over_node
        int32 pairs: a tunnel and a node it crosses. A node that is not declared (-1, or from `declared` on)
        makes the tunnel doubtful.
    gate, root
        int8, one a node: 0 no, 1 doubtful, 2 sure. All columns over nodes may stop after the declared ones:
        the others are 0 or false, and doubtful roots.
    ends
        One a node: ends paths.
    subject
        One a node: is judged.
    own_server
        One a node: tier 1, owned or operated by the operator.
    ours
        One a node: the operator's or a customer's.
    complete
        The network is stated complete.
    """

    declared: int
    n: int
    tail: IntArray
    head: IntArray
    both: BoolArray
    link_sure: BoolArray
    far_end_sure: BoolArray
    over_link: IntArray
    over_node: IntArray
    gate: IntArray
    root: IntArray
    ends: BoolArray
    subject: BoolArray
    own_server: BoolArray
    ours: BoolArray
    complete: bool


@dataclass(frozen=True)
class AccessGraph:
    """The input with one node for each blank far end, and two more links for each tunnel over a gate.

    The two lead to the gate and on from it. They stand for "served by that gate", so that they are used only
    where that gate is taken out or the source of a search: through a gate that is neither they would lead to
    neighbours that the tunnel does not have.

    Parameters
    ----------
    given
        The network as declared.
    """

    given: AccessInput

    @cached_property
    def far_ends(self) -> IntArray:
        """Links whose far end is blank; the far end of the i-th is row ``given.n + i``."""
        return np.flatnonzero(self.given.head < 0)

    @property
    def n(self) -> int:
        """Nodes, far ends included."""
        return self.given.n + self.far_ends.size

    @property
    def links(self) -> int:
        """Links, those added for tunnels included."""
        return self.given.tail.size + 2 * self.over.size

    def spread(self, column: NDArray[Scalar]) -> NDArray[Scalar]:
        """A node column as given, 0 or false for further nodes."""
        more = self.n - column.size
        return np.concatenate([column, np.zeros(more, column.dtype)]) if more else column

    def blank(self, rows: IntArray) -> IntArray:
        """Rows of nodes with -1 for the far ends."""
        return np.where(rows < self.given.n, rows, NONE).astype(np.int32)

    @cached_property
    def gate(self) -> IntArray:
        """As given."""
        return self.spread(self.given.gate)

    @cached_property
    def root(self) -> IntArray:
        """As given; nodes that nobody declared are doubtful; far ends go by their link."""
        root = self.spread(self.given.root).copy()
        root[self.given.declared :] = np.maximum(root[self.given.declared :], DOUBTFUL)
        root[self.given.n :][self.given.far_end_sure[self.far_ends]] = SURE
        return root

    @cached_property
    def ends(self) -> BoolArray:
        """As given."""
        return self.spread(self.given.ends)

    @cached_property
    def ours(self) -> BoolArray:
        """As given: nobody knows whose a far end is."""
        return self.spread(self.given.ours)

    @cached_property
    def own_server(self) -> BoolArray:
        """As given."""
        return self.spread(self.given.own_server)

    @cached_property
    def linked(self) -> BoolArray:
        """Nodes with a link to another."""
        mask = np.zeros(self.n, np.bool_)
        for start in range(0, self.given.tail.size, BLOCK):  # see `columns.picked`
            tail, head = (ends[start : start + BLOCK] for ends in (self.given.tail, self.given.head))
            joins = tail != head
            mask[tail[joins]] = True
            mask[head[joins & (head >= 0)]] = True
        mask[self.given.n :] = True
        return mask

    @cached_property
    def over(self) -> IntArray:
        """Pairs of a tunnel and a gate it crosses: positions in ``over_link``."""
        node = self.given.over_node
        return np.flatnonzero((node >= 0) & (self.gate[np.maximum(node, 0)] > NO))

    @property
    def origin(self) -> IntArray:
        """Row of the declared link behind each link here."""
        crossing = self.given.over_link[self.over]
        return np.concatenate([np.arange(self.given.tail.size), crossing, crossing]).astype(np.int32)

    def declared(self, links: IntArray) -> IntArray:
        """Rows of the declared links behind links here; -1 for none stays."""
        crossing, added = self.given.over_link[self.over], links >= self.given.tail.size
        rows = links.copy()
        rows[added] = np.concatenate([crossing, crossing])[links[added] - self.given.tail.size]
        return rows

    @property
    def arcs(self) -> Arcs:
        """Links with far ends, then the links to and from the gates that tunnels cross."""
        tail, head = self.given.tail, self.given.head
        if self.far_ends.size:
            head = head.copy()
            head[self.far_ends] = np.arange(self.given.n, self.n)
        if not self.over.size:
            return Arcs(self.n, tail, head, self.given.both, np.arange(tail.size, dtype=np.int32))
        link, gate = self.given.over_link[self.over], self.given.over_node[self.over]
        return Arcs(
            self.n,
            np.concatenate([self.given.tail, self.given.tail[link], gate]).astype(np.int32),
            np.concatenate([head, gate, head[link]]).astype(np.int32),
            self.given.both[self.origin],
            np.arange(self.origin.size, dtype=np.int32),
        )

    @cached_property
    def trunk(self) -> Trunk:
        """What the searches for subjects run on: subscribers end paths and are leaves."""
        inner = ~self.ends | (self.gate > NO) | (self.root > NO) | self.own_server
        return trunk_of(self.arcs, inner, np.flatnonzero(self.given.subject).astype(np.int32))

    @cached_property
    def ways(self) -> tuple[tuple[Csr, Csr], ...]:
        """Neighbours against and along traffic: to the root, and from it if that differs."""
        along = topology.csr(self.arcs)
        if self.given.both.all():
            return ((along, along),)
        against = topology.csr(self.arcs, reverse=True)
        return ((against, along), (along, against))

    def crossing(self, surety: int) -> BoolArray:
        """Links: tunnels that cross a gate of this surety."""
        mask = np.zeros(self.links, np.bool_)
        pairs = self.over[self.gate[self.given.over_node[self.over]] == surety]
        mask[self.given.over_link[pairs]] = True
        return mask

    def to_gate(self, *sureties: int) -> BoolArray:
        """Links: those added for tunnels over gates of these sureties."""
        wanted = np.isin(self.gate[self.given.over_node[self.over]], sureties)
        return np.concatenate([np.zeros(self.given.tail.size, np.bool_), wanted, wanted])

    @cached_property
    def unsure(self) -> BoolArray:
        """Links: nobody says, or nobody knows, what the tunnel crosses."""
        node = self.given.over_node
        stray = self.given.over_link[(node < 0) | (node >= self.given.declared)]
        mask = ~self.given.link_sure
        mask[stray] = True
        return np.concatenate([mask, np.zeros(self.links - mask.size, np.bool_)])

    @cached_property
    def doubtful(self) -> BoolArray:
        """Links that one reading uses and the other does not."""
        return self.unsure | self.crossing(DOUBTFUL)
