"""From declared columns to the network that the access searches run on, and from paths back to ids."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from auditor import roles
from auditor.access_graph import AccessInput
from auditor.arrow import pa, pc
from auditor.columns import Coded, picked, whole
from auditor.roles import Party, Surety
from auditor.topology import NONE
from auditor.values import Distinct, Lists

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditor.access import Witnesses
    from auditor.columns import BoolArray, IntArray
    from auditor.model import Declaration


def spread(column: Any, size: int, value: Any) -> Any:
    """Lengthen a node column by nodes that links name but nobody declared."""
    return np.concatenate([column, np.full(size, value, column.dtype)]) if size else column


def access_input(
    declaration: Declaration,
    access: roles.AccessRoles,
    *,
    in_service: BoolArray,
    usable: BoolArray,
    carries: BoolArray,
    owner: IntArray,
    subjects: BoolArray,
) -> AccessInput:
    """Build the network of ISP-02 and ISP-06: only what is in service, links with rows of their ends.

    Parameters
    ----------
    declaration
        Whose node and link tables are used.
    access
        Gates, roots and tiers of declared nodes.
    in_service, carries, owner, subjects
        Columns over declared nodes.
    usable
        Links that carry traffic on the date.
    """
    n, lost = declaration.nodes.num_rows, len(declaration.undeclared)
    links = declaration.links
    kept = links_searched(declaration, in_service=in_service, usable=usable)
    tail, head = ends_of(declaration)
    kind, over, direction = (Coded.of(links.column(name)) for name in ("kind", "over", "direction"))
    if kept.size < links.num_rows:
        tail, head = tail[kept], head[kept]
        kind, over, direction = (column.take(kept) for column in (kind, over, direction))
    tunnel = kind.isin({"tunnel"})
    over_link, over_node = _crossed(declaration, over, tunnel)

    def serving(surety: IntArray) -> IntArray:
        return surety * in_service

    return AccessInput(
        declared=n,
        n=n + lost,
        tail=tail,
        head=head,
        both=~direction.isin({"forward"}),
        # What a node that nobody declared does is not known either: it might be a gate.
        link_sure=~(tunnel & over.blank) & (tail < n) & (head < n),
        far_end_sure=kind.isin(roles.OUTWARD_LINKS),
        over_link=over_link,
        over_node=over_node,
        gate=spread(serving(access.gate), lost, Surety.NO),
        root=spread(serving(access.root), lost, Surety.DOUBTFUL),
        ends=spread(~carries, lost, value=False),
        subject=spread(subjects, lost, value=False),
        own_server=spread(access.own_server & in_service, lost, value=False),
        ours=spread((owner == Party.OPERATOR) | (owner == Party.CUSTOMER), lost, value=False),
        complete=declaration.complete,
    )


def links_searched(declaration: Declaration, *, in_service: BoolArray, usable: BoolArray) -> IntArray:
    """Rows of the links that `access_input` takes: usable ones between nodes in service, in order."""
    if in_service.all():
        return np.flatnonzero(usable)
    tail, head = ends_of(declaration)
    # The last is for a blank far end, row -1.
    alive = spread(in_service, len(declaration.undeclared) + 1, value=True)
    return np.flatnonzero(usable & picked(alive, tail) & picked(alive, head))


def ends_of(declaration: Declaration) -> tuple[IntArray, IntArray]:
    """Rows of the ends of links, int32: from the declared ones on the undeclared, -1 for a blank far end."""
    tail, head = (whole(declaration.links.column(name)).to_numpy() for name in ("tail", "head"))
    return tail, head


def _crossed(declaration: Declaration, over: Coded, tunnel: BoolArray) -> tuple[IntArray, IntArray]:
    """Pairs of a tunnel's position and a row that it crosses; -1 for a node that nobody declared."""
    rows = np.flatnonzero(tunnel & ~over.blank)
    if not len(rows):
        return np.empty(0, np.int32), np.empty(0, np.int32)
    named = [[part.strip() for part in text.split(";") if part.strip()] for text in over.values]
    counts = np.array([*map(len, named), 0], np.int64)[over.codes[rows]]
    names = pa.array([name for i in over.codes[rows].tolist() for name in named[i]], pa.string())
    found = pc.index_in(names, declaration.nodes.column("id").combine_chunks())
    return np.repeat(rows, counts).astype(np.int32), np.asarray(found.fill_null(-1).to_numpy(), np.int32)


def ranker(declaration: Declaration) -> Callable[[IntArray], IntArray]:
    """Give a function from rows to their places in the order of ids."""

    def rank(rows: IntArray) -> IntArray:
        ids = pa.array(names_of(declaration, rows), pa.string())
        return np.asarray(pc.rank(ids, tiebreaker="dense").to_numpy(), np.int64)

    return rank


def names_of(declaration: Declaration, rows: IntArray) -> list[str | None]:
    """Ids of nodes by row; nothing for a far end that is blank."""
    names: list[str | None] = ids_of(declaration, rows).to_pylist()
    return names


def ids_of(declaration: Declaration, rows: IntArray) -> pa.Array:
    """Ids of nodes by row, as a column of strings; null for a far end that is blank."""
    n = declaration.nodes.num_rows
    beyond = rows >= n
    ids = declaration.nodes.column("id").take(pa.array(rows, mask=beyond | (rows < 0))).combine_chunks()
    if not beyond.any():
        return ids
    return pc.replace_with_mask(
        ids, pa.array(beyond), declaration.undeclared.take(pa.array(rows[beyond] - n))
    )


def coded_ids_of(declaration: Declaration, rows: IntArray) -> pa.DictionaryArray:
    """Ids of nodes by row where the same few come again and again; null for a far end that is blank."""
    coded = pa.array(rows, mask=rows < 0).dictionary_encode()
    return pa.DictionaryArray.from_arrays(coded.indices, ids_of(declaration, coded.dictionary.to_numpy()))


class Shown:
    """Witness paths as ids, one a subject, read when somebody asks for one.

    Parameters
    ----------
    declaration
        Whose ids.
    witnesses
        The paths.
    """

    def __init__(self, declaration: Declaration, witnesses: Witnesses) -> None:
        self.declaration = declaration
        self.offsets = witnesses.paths.offsets
        self.witnesses = witnesses

    @cached_property
    def names(self) -> list[str | None]:
        """Ids along all paths, one after the other."""
        return names_of(self.declaration, self.witnesses.paths.nodes)

    def path(self, position: int) -> list[str | None]:
        """Ids from the subject on."""
        return self.names[self.offsets[position] : self.offsets[position + 1]]

    def crosses(self, nodes: BoolArray) -> BoolArray:
        """Paths with a node among `nodes` (declared rows)."""
        rows = self.witnesses.paths.nodes
        marked = (rows >= 0) & (rows < len(nodes))
        marked[marked] = nodes[rows[marked]]
        before = np.concatenate([[0], np.cumsum(marked)])[self.offsets]
        crossed: BoolArray = np.diff(before) > 0
        return crossed

    def doubts(self, position: int) -> IntArray:
        """Rows of doubtful nodes on the path; -1 for a far end that is blank."""
        part = slice(self.offsets[position], self.offsets[position + 1])
        rows: IntArray = self.witnesses.paths.nodes[part][self.witnesses.doubtful_node[part]]
        return rows

    def doubtful_links(self, position: int) -> int:
        """How many links on the path are doubtful."""
        part = slice(self.offsets[position], self.offsets[position + 1])
        return int(np.count_nonzero(self.witnesses.doubtful_link[part]))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def ends(self) -> pa.DictionaryArray:
        """Ids of the last nodes of the paths: null where it is a blank far end, or there is no path."""
        ends = np.full(len(self), NONE, np.int32)
        some = np.diff(self.offsets) > 0
        ends[some] = self.witnesses.paths.nodes[self.offsets[1:][some] - 1]
        return coded_ids_of(self.declaration, ends)

    def ways(self) -> Lists:
        """Ids along each path, from the subject on."""
        coded = coded_ids_of(self.declaration, self.witnesses.paths.nodes)
        last = pa.nulls(1, pa.string())  # blank far ends
        codes = coded.indices.fill_null(len(coded.dictionary)).to_numpy()
        return Lists(self.offsets, codes, pa.concat_arrays([coded.dictionary, last]))

    def links_left(self) -> Distinct:
        """Give the first link of each path that leaves the operator's and its customers' own nodes."""
        return self._pairs(self.witnesses.near, self.witnesses.far)

    def last_links(self) -> Distinct:
        """Give the last two nodes of each path."""
        nodes, ends, long = self.witnesses.paths.nodes, self.offsets[1:], np.diff(self.offsets) > 1
        near, far = np.full((2, len(self)), NONE, np.int32)
        near[long], far[long] = nodes[ends[long] - 2], nodes[ends[long] - 1]
        return self._pairs(near, far)

    def _pairs(self, near: IntArray, far: IntArray) -> Distinct:
        """Give links by their ends as lists of two ids, each distinct one once; empty where there is none."""
        wide = np.int64(self.declaration.nodes.num_rows + len(self.declaration.undeclared) + 2)
        key = near.astype(np.int64) * wide + far
        _, first, codes = np.unique(key, return_index=True, return_inverse=True)
        names = zip(*(names_of(self.declaration, rows[first]) for rows in (near, far)), strict=True)
        some = (near[first] >= 0).tolist()
        return Distinct(codes, [list(pair) if there else [] for pair, there in zip(names, some, strict=True)])

    def last(self, *, none: Any, blank: Any) -> Distinct:
        """Id of the last node of each path; `none` where there is no path, `blank` for a blank far end."""
        ends = self.ends()
        values = [*ends.dictionary.to_pylist(), blank, none]
        codes = ends.indices.fill_null(len(values) - 2).to_numpy()
        return Distinct(np.where(np.diff(self.offsets) > 0, codes, len(values) - 1), values)

    def doubt_groups(self) -> tuple[IntArray, IntArray]:
        """Sort the paths by what is doubtful on them: `doubts`, in order, and `doubtful_links`.

        Returns
        -------
        tuple
            One a path, a number that paths with the same doubts share; for each number the first such path.
        """
        witnesses, size = self.witnesses, len(self)
        at = np.flatnonzero(witnesses.doubtful_node)
        start = np.searchsorted(at, self.offsets)  # doubtful nodes before each path
        links = np.concatenate([[0], np.cumsum(witnesses.doubtful_link)])[self.offsets]
        group = _numbered(np.diff(links))
        # Paths with a doubtful node more are told apart by it, until none has one more.
        wide = self.declaration.nodes.num_rows + len(self.declaration.undeclared) + 1
        more, step = np.flatnonzero(np.diff(start) > 0), 0
        told = group[more]
        while more.size:
            row = witnesses.paths.nodes[at[start[more] + step]].astype(np.int64)
            told, step = _numbered(told * wide + row + 1), step + 1
            group[more] = told + size * step
            further = start[more] + step < start[more + 1]
            more, told = more[further], told[further]
        group = _numbered(group)
        first = np.zeros(int(group.max(initial=-1)) + 1, np.int64)
        first[group[::-1]] = np.arange(size)[::-1]
        return group, first


def _numbered(values: IntArray) -> IntArray:
    """Number distinct values in order of first appearance."""
    return np.asarray(pa.array(values).dictionary_encode().indices.to_numpy(), np.int64)
