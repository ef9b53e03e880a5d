"""What ISP-02 and ISP-06 must say, by enumeration, on networks of a few nodes.

Written from DESIGN 6 without any search: all simple paths are listed one by one, every doubt is settled both
ways, and each completion is judged on its own. Shares no code with the package.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

DOUBTFUL, SURE = 1, 2


@dataclass(frozen=True)
class Link:
    """One link; `head` is None where the far end is not declared."""

    tail: int
    head: int | None
    both: bool = True
    over: tuple[int, ...] = ()
    over_blank: bool = False  # a tunnel of which nobody says what it crosses
    outward: bool = False  # transit, peering, cross_border


@dataclass(frozen=True)
class Net:
    """Nodes by row; those from `declared` on are named by links only."""

    declared: int
    n: int
    links: tuple[Link, ...] = ()
    gate: dict[int, int] = field(default_factory=dict)
    root: dict[int, int] = field(default_factory=dict)
    ends: frozenset[int] = frozenset()
    subjects: frozenset[int] = frozenset()
    own_servers: frozenset[int] = frozenset()
    complete: bool = True
    outside: frozenset[int] = frozenset()
    unplaced: frozenset[int] = frozenset()
    carrier: frozenset[int] = frozenset()

    @cached_property
    def nodes_behind(self) -> dict[int, str]:
        """Names of the nodes behind blank far ends, by link."""
        return {i: f"far{i}" for i, link in enumerate(self.links) if link.head is None}

    @cached_property
    def unsure_links(self) -> set[int]:
        """Tunnels that cross nobody knows what."""
        return {
            i
            for i, link in enumerate(self.links)
            if link.over_blank or any(not 0 <= v < self.declared for v in link.over)
        }

    def over_any(self, gates: set[int] | frozenset[int]) -> set[int]:
        """Tunnels that cross one of these gates."""
        return {i for i, link in enumerate(self.links) if gates & set(link.over)}

    @property
    def doubts(self) -> int:
        """Number of doubts to settle."""
        far_ends = sum(not self.links[i].outward for i in self.nodes_behind)
        surety = [*self.gate.values(), *self.root.values()]
        return far_ends + surety.count(DOUBTFUL) + len(self.unsure_links)

    @cached_property
    def listed(self) -> dict[tuple[int, bool], list[Path]]:
        """Simple paths listed so far, by start and direction: every completion asks for the same ones."""
        return {}


Node = int | str
Step = tuple[int | None, Node]  # the link taken (None at the start), and the node it leads to
Path = tuple[Step, ...]


def hops(net: Net, *, upstream: bool) -> dict[Node, list[tuple[int, Node]]]:
    """From each node on towards the root, against traffic if it runs down."""
    found: dict[Node, list[tuple[int, Node]]] = {}
    for i, link in enumerate(net.links):
        head = net.nodes_behind.get(i, link.head)
        if upstream or link.both:
            found.setdefault(link.tail, []).append((i, head))
        if not upstream or link.both:
            found.setdefault(head, []).append((i, link.tail))
    return found


def simple_paths(net: Net, start: int, *, upstream: bool) -> list[Path]:
    """All simple paths from `start`, each also as the beginning of longer ones."""
    known = net.listed.get((start, upstream))
    if known is not None:
        return known
    onward = hops(net, upstream=upstream)

    def walk(path: Path) -> Iterator[Path]:
        yield path
        here = path[-1][1]
        if len(path) > 1 and here in net.ends:
            return
        for i, there in onward.get(here, ()):
            if all(there != node for _, node in path):
                yield from walk((*path, (i, there)))

    net.listed[start, upstream] = found = list(walk(((None, start),)))
    return found


@dataclass(frozen=True)
class Completion:
    """Every doubt settled."""

    gates: frozenset[int]
    roots: frozenset[Node]
    over_gate: frozenset[int]  # links


def completions(net: Net) -> list[Completion]:
    """All of them, with all doubts against the operator first and all for it last."""
    roots = {v: how for v, how in net.root.items() if how}
    roots |= {name: SURE if net.links[i].outward else DOUBTFUL for i, name in net.nodes_behind.items()}
    maybe_roots = [v for v, how in roots.items() if how == DOUBTFUL]
    maybe_gates = [v for v, how in net.gate.items() if how == DOUBTFUL]
    unsure = sorted(net.unsure_links)
    found = []
    for bits in product((False, True), repeat=len(maybe_roots) + len(maybe_gates) + len(unsure)):
        settled = iter(bits)
        is_root = {v for v, how in roots.items() if how == SURE} | {
            v for v in maybe_roots if not next(settled)
        }
        gates = {v for v, how in net.gate.items() if how == SURE} | {v for v in maybe_gates if next(settled)}
        over = {i for i in unsure if next(settled)} | net.over_any(gates)
        found.append(Completion(frozenset(gates), frozenset(is_root), frozenset(over)))
    return found


def bypasses(net: Net, subject: int, done: Completion, *, upstream: bool) -> list[Path]:
    """Simple paths to a root that pass no gate."""
    return [
        path
        for path in simple_paths(net, subject, upstream=upstream)
        if path[-1][1] in done.roots
        and not any(node in done.gates or i in done.over_gate for i, node in path)
    ]


def serving(net: Net, subject: int, done: Completion, *, upstream: bool) -> list[Path]:
    """Simple paths that come to a gate, be it by setting out on a tunnel over one."""
    onward = hops(net, upstream=upstream)
    found = []
    for path in simple_paths(net, subject, upstream=upstream):
        here = path[-1][1]
        carries = len(path) == 1 or here not in net.ends
        tunnel = carries and any(i in done.over_gate for i, _ in onward.get(here, ()))
        if here in done.gates or tunnel:
            found.append(path)
    return found


def judge(net: Net, subject: int, done: Completion, *, upstream: bool, own_server: str) -> str:
    """Answer in one completion and one direction of traffic."""
    if bypasses(net, subject, done, upstream=upstream):
        return "BYPASS"
    served = serving(net, subject, done, upstream=upstream)
    if not served:
        return "NO_PATH"
    if own_server != "pass" and all(any(node in net.own_servers for _, node in path) for path in served):
        return "OWN_SERVER_IN_FRONT"
    return "THROUGH_GATE" if net.complete else "NOT_COMPLETE"


WORST_FIRST = ["BYPASS", "NO_PATH", "OWN_SERVER_IN_FRONT", "NOT_COMPLETE", "THROUGH_GATE"]


def directions(net: Net) -> list[bool]:
    """Upstream only, or both where any link is one-way."""
    return [True] if all(link.both for link in net.links) else [True, False]


def answers(net: Net, subject: int, own_server: str = "inconclusive") -> set[str]:
    """The answer of each completion; of two directions the worse."""
    ways = directions(net)
    return {
        min(
            (judge(net, subject, done, upstream=way, own_server=own_server) for way in ways),
            key=WORST_FIRST.index,
        )
        for done in completions(net)
    }


def access(net: Net, subject: int, own_server: str = "inconclusive") -> str:
    """Reason that all completions together give: what they agree on, else the worst that some fear."""
    found = answers(net, subject, own_server)
    if found == {"BYPASS"}:
        return "BYPASS"
    if "BYPASS" in found:
        return "BYPASS_IF_DOUBTFUL"
    return min(found, key=WORST_FIRST.index)


def verdict(reasons: set[str]) -> str:
    """Fail or pass only if all completions say so."""
    if reasons == {"BYPASS"}:
        return "fail"
    return "pass" if reasons == {"THROUGH_GATE"} else "inconclusive"


def paths_to(
    net: Net, subject: int, goals: frozenset[int], taken_out: frozenset[int], *, upstream: bool
) -> Iterator[Path]:
    """Simple paths to some nodes, others taken out; a tunnel also leads to the gates that it crosses."""
    onward = hops(net, upstream=upstream)
    gates = frozenset(v for v, how in net.gate.items() if how)
    crossing = net.over_any(taken_out & gates)
    for path in simple_paths(net, subject, upstream=upstream):
        *before, (_, here) = path
        if any(node in taken_out for _, node in before) or any(i in crossing for i, _ in path):
            continue
        if here in goals:
            yield path
        if here not in taken_out and (len(path) == 1 or here not in net.ends):
            for i, _ in onward.get(here, ()):
                yield from ((*path, (i, gate)) for gate in goals & gates & set(net.links[i].over))


def approaches(net: Net, subject: int, *, upstream: bool) -> dict[str, list[Path]]:
    """Stretches of one direction by reason under ISP-06, from each piece of equipment on its own."""
    gates = frozenset(v for v, how in net.gate.items() if how)
    others = net.carrier - gates - frozenset(net.root) - net.ends - frozenset(range(net.declared, net.n))
    taken_out = gates | {v for v, how in net.root.items() if how == SURE}
    found: dict[str, list[Path]] = {"OUTSIDE": [], "OUTSIDE_IF_DOUBTFUL": [], "UNPLACED": []}
    for goal in gates | others:
        goals = frozenset({goal})
        everything = paths_to(net, subject, goals, taken_out - goals, upstream=upstream)
        for path in everything:
            surely_over = net.over_any(goals & gates)  # whatever else these tunnels cross
            sure = not any(
                i in net.unsure_links and (there != goal or i not in surely_over) for i, there in path[1:]
            )
            if goal in net.outside:
                theirs = goal in net.carrier or net.gate.get(goal) == SURE
                found["OUTSIDE" if sure and theirs else "OUTSIDE_IF_DOUBTFUL"].append(path)
            elif goal in net.unplaced & gates:
                found["UNPLACED"].append(path)
    return found


def stretch(net: Net, subject: int) -> str:
    """Reason under ISP-06."""
    found = [approaches(net, subject, upstream=way) for way in directions(net)]
    for reason in ("OUTSIDE", "OUTSIDE_IF_DOUBTFUL", "UNPLACED"):
        if any(paths[reason] for paths in found):
            return reason
    linked = any(subject in {link.tail, link.head} and link.tail != link.head for link in net.links)
    return "INSIDE" if linked else "NO_LINK"


KINDS = (
    *("subject", "subject", "home", "own", "own", "plain", "carrier", "cache"),
    *("gate", "gate", "gate", "carriers_maybe_gate", "maybe_gate", "maybe_both", "edge"),
    *("root", "root", "maybe_root"),
)


def random_net(rng: Random) -> Net:
    """A network of up to eight nodes: of no shape, or in the order of `KINDS` from subjects to roots."""
    n = rng.randint(1, 8)
    kinds = ["subject", *rng.choices(KINDS, k=n - 1)]
    ordered = rng.random() < 0.6
    if ordered:
        kinds.sort(key=KINDS.index)
    declared = n - (n > 1 and rng.random() < 0.25)
    kinds[declared:] = ["undeclared"] * (n - declared)

    def of(*names: str) -> frozenset[int]:
        return frozenset(v for v, kind in enumerate(kinds) if kind in names)

    where = rng.choices(("inside", "outside", "nowhere"), (2, 1, 1), k=n)
    gate = dict.fromkeys(of("gate"), SURE)
    gate |= dict.fromkeys(of("carriers_maybe_gate", "maybe_gate", "maybe_both", "edge"), DOUBTFUL)
    root = dict.fromkeys(of("root", "edge"), SURE)
    root |= dict.fromkeys(of("maybe_root", "maybe_both", "undeclared"), DOUBTFUL)
    return Net(
        declared,
        n,
        tuple(random_links(rng, n, ordered=ordered)),
        gate,
        root,
        ends=of("subject", "cache"),
        subjects=of("subject", "home"),
        own_servers=of("own"),
        complete=rng.random() < 0.85,
        outside=frozenset(v for v in range(declared) if where[v] == "outside"),
        unplaced=frozenset(v for v in range(declared) if where[v] == "nowhere"),
        carrier=of("carrier", "cache", "gate", "carriers_maybe_gate", "edge", "root"),
    )


def random_links(rng: Random, n: int, *, ordered: bool) -> Iterator[Link]:
    """Links between random nodes, or mostly upwards by a step or two; with loops, parallels and tunnels."""
    one_way = rng.choice((0, 0, 0, 0.5))
    tunnels = rng.choice((0, 0.1, 0.4))
    for _ in range(rng.randint(n // 2, 2 * n)):
        tail = rng.randrange(n)
        head: int | None = rng.randrange(n)
        if ordered and rng.random() < 0.8:
            head = min(n - 1, tail + rng.randint(1, 2))
        if rng.random() < 0.05:
            head = None
        over: tuple[int, ...] = ()
        tunnel = rng.random() < tunnels
        if tunnel and rng.random() < 0.8:
            over = tuple(rng.randrange(-1 if rng.random() < 0.1 else 0, n) for _ in range(rng.randint(1, 2)))
        yield Link(tail, head, rng.random() >= one_way, over, tunnel and not over, rng.random() < 0.5)
