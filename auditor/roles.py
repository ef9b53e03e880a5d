"""What the law makes of a node: who stands behind it, whether it is a facility, a gate, a root.

Pure functions over columns; the tables are those of DESIGN 4 and 6, which read annex 2(2) of Circular 107.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from auditor import registers
from auditor.columns import paired, picked
from auditor.registers.names import drop_english_places, is_branch, normal, only_legal

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from auditor.columns import BoolArray, Coded, IntArray
    from auditor.model import Operator

TIER_1 = frozenset({"bng", "mse", "access_pe", "mobile_gateway"})
TIER_2 = frozenset({"olt", "dslam", "cmts", "access_switch"})
CORE = frozenset({"router", "pop", "pe"})
EGRESS = frozenset({"egress", "ixp", "gateway"})
CARRYING = TIER_1 | TIER_2 | CORE | EGRESS
HOSTING = frozenset(
    {"data_centre", "room", "rack", "server", "cloud_region", "storage", "backup", "origin", "log_store"}
)
ACCELERATING = frozenset({"cdn_edge", "cdn_scheduler", "load_balancer", "accelerator", "dns"})
FACILITY = HOSTING | ACCELERATING
MAYBE_FACILITY = frozenset({"pcdn", "other"})
CARRYING_LINKS = frozenset(
    {"access", "fibre", "radio", "leased_line", "transit", "peering", "tunnel", "cross_border"}
)
HOLDING_CONTRACTS = frozenset({"cdn", "acceleration", "colocation", "cloud"})
OUTWARD_LINKS = frozenset({"transit", "peering", "cross_border"})


class Party(IntEnum):
    """Who owns or operates a node."""

    UNKNOWN = 0
    OPERATOR = 1
    CUSTOMER = 2
    CARRIER = 3
    THIRD = 4
    NON_BASIC = 5  # by the register no basic telecom carrier


class Surety(IntEnum):
    """How surely a node has a role."""

    NO = 0
    DOUBTFUL = 1
    SURE = 2


def surety_of(sure: BoolArray, doubtful: BoolArray) -> IntArray:
    """Give a column of `Surety` (int8): sure where it is sure, else doubtful where it is that, else no.

    Examples
    --------
    >>> surety_of(np.array([True, False, False]), np.array([True, True, False])).tolist()
    [2, 1, 0]
    """
    return np.where(sure, np.int8(Surety.SURE), doubtful.view(np.int8))


@dataclass(frozen=True)
class Parties:
    """Who stands behind each node.

    Parameters
    ----------
    party
        int8, a `Party` a row.
    carrier
        int16, index into `carriers` where the party is a carrier, else -1.
    carriers
        Ids of the carriers met.
    """

    party: IntArray
    carrier: IntArray
    carriers: tuple[str, ...]


def is_operator(name: str, operator: Operator) -> bool:
    """Tell whether an owner is the operator: by that word, its name, its USCC, or as its branch (分公司).

    Names are compared without regard to case, width and brackets; in law a branch is its company.

    Examples
    --------
    >>> from auditor.model import Operator
    >>> operator = Operator(name="示例数据（上海）有限公司")
    >>> is_operator("示例数据(上海)有限公司北京分公司", operator), is_operator("示例数据有限公司", operator)
    (True, False)
    >>> is_operator("Example Ltd Beijing Branch", Operator(name="Example Ltd"))
    True
    """
    words = {text.casefold() for text in ("operator", operator.name, operator.uscc) if text}
    if name.strip().casefold() in words:
        return True
    text, own = normal(name), normal(operator.name)  # blank where no letter is Latin or Chinese
    return bool(own) and (text == own or (text.startswith(own) and _is_own_branch(text[len(own) :])))


def _is_own_branch(rest: str) -> bool:
    """Tell whether what follows the operator's name makes it a branch: 北京分公司, Beijing Branch."""
    if not rest.startswith(" "):
        return is_branch(rest, frozenset())
    words, _ = drop_english_places(tuple(rest.split()))
    return "branch" in words and only_legal(words, branch=True)


def party_of(name: str, uscc: str, operator: Operator, *, as_of: dt.date) -> tuple[Party, str]:
    """Read one owner: the operator (see `is_operator`), ``customer``, a carrier with its id, or another.

    Carriers are matched against the register on the date, whole names only (card ISP-05).
    """
    if is_operator(name, operator) or (uscc and uscc == operator.uscc):
        return Party.OPERATOR, ""
    if name.strip().casefold() == "customer":
        return Party.CUSTOMER, ""
    if not name and not uscc:
        return Party.UNKNOWN, ""
    match = registers.match_carrier(name, as_of=as_of, uscc=uscc or None)
    if match.standing == "carrier":
        return Party.CARRIER, match.carrier or ""
    if not name:  # a code that nobody knows names nobody
        return Party.UNKNOWN, ""
    return (Party.NON_BASIC if match.standing == "non_basic" else Party.THIRD), ""


def parties(names: Coded, operator: Operator, *, as_of: dt.date, codes: Coded | None = None) -> Parties:
    """Read a column of owners, each distinct pair of name and unified social credit code once.

    Parameters
    ----------
    names
        Column `owner` or `operated_by`.
    operator
        The enterprise audited.
    as_of
        Date on which carriers are looked up.
    codes
        Column `holder_uscc`; a code that the register knows decides over the name.
    """
    named = (*names.values, "")
    listed = (*(codes.values if codes is not None else ()), "")
    which, pairs = paired(names, codes)
    read = [party_of(named[name], listed[code], operator, as_of=as_of) for name, code in pairs]
    known = tuple(sorted({carrier for _, carrier in read} - {""}))
    index = {name: i for i, name in enumerate(known)} | {"": -1}
    return Parties(
        picked(np.array([party for party, _ in read], np.int8), which),
        picked(np.array([index[carrier] for _, carrier in read], np.int16), which),
        known,
    )


def operated_by(owner: Parties, runner: Parties, stated: BoolArray) -> tuple[IntArray, BoolArray]:
    """Tell who operates each node, and whether a carrier's node is run by that same carrier.

    Parameters
    ----------
    owner, runner
        Readings of `owner` and `operated_by`.
    stated
        Rows where `operated_by` is given; elsewhere the owner operates.
    """
    if not stated.any():
        return owner.party, owner.party == Party.CARRIER
    index = {name: i for i, name in enumerate(owner.carriers)}
    among_owners = np.array([*(index.get(name, -2) for name in runner.carriers), -1], np.int16)
    who = np.where(stated, runner.party, owner.party)
    itself = ~stated | ((runner.party == Party.CARRIER) & (among_owners[runner.carrier] == owner.carrier))
    return who, itself & (owner.party == Party.CARRIER)


@dataclass(frozen=True)
class AccessRoles:
    """Parts that nodes play in ISP-02 (DESIGN 6): int8 `Surety` columns and masks, one a node.

    Parameters
    ----------
    gate, root
        `Surety` of being a carrier's access equipment, and of having the Internet behind it.
    tier_1, tier_2
        Session edge, and access network before it.
    own_server
        Tier-1 nodes that the operator owns or operates.
    """

    gate: IntArray
    root: IntArray
    tier_1: BoolArray
    tier_2: BoolArray
    own_server: BoolArray


def access_roles(
    kind: Coded, role: Coded, *, carries: BoolArray, owner: IntArray, runner: IntArray, same: BoolArray
) -> AccessRoles:
    """Read gates and roots off kinds, access roles and parties.

    Parameters
    ----------
    kind, role
        Columns `kind` and `access_role`.
    carries
        Nodes that carry others' traffic.
    owner, runner
        `Party` of owner and operator of each node.
    same
        Carrier's nodes that this carrier runs itself.
    """
    core = kind.isin(CORE)
    serves = core & role.isin({"subscriber_access"})
    tier_1 = kind.isin(TIER_1) | serves
    tier_2 = kind.isin(TIER_2)
    unstated = kind.isin({"pe"}) & role.blank
    tiered = tier_1 | tier_2 | unstated
    own = (owner == Party.OPERATOR) | (runner == Party.OPERATOR)
    carriers = owner == Party.CARRIER
    unmatched = ((owner == Party.UNKNOWN) | (owner == Party.THIRD)) & (tier_1 | tier_2)
    sure_gate = tier_1 & same
    gate = surety_of(sure_gate & ~own, tiered & (carriers | unmatched) & ~own)
    # Of tier 1, or perhaps of it, whoever runs it: then what lies behind it is the root.
    sure_root = kind.isin(EGRESS) | (core & carriers & ~serves & ~unstated)
    strange = (owner == Party.UNKNOWN) | (owner == Party.THIRD) | (owner == Party.NON_BASIC)
    maybe = (carries & strange) | (unstated & carriers)
    return AccessRoles(gate, surety_of(sure_root, maybe), tier_1, tier_2, tier_1 & own)


def facilities(
    kind: Coded, owner: IntArray, runner: IntArray, held: BoolArray, *, exempt: Iterable[str] = ()
) -> IntArray:
    """Tell which nodes are service facilities of the operator (annex 2(2): 服务设施（含租用、购买等设施）).

    Parameters
    ----------
    kind
        Column `kind`.
    owner, runner
        `Party` of the owner and of who operates it.
    held
        Nodes with `holding` set, or named in a contract in force.
    exempt
        Kinds that the policy frees from place rules.

    Returns
    -------
    IntArray
        int8 `Surety`. A customer's own equipment is none. Doubtful are a data centre or CDN node of which
        nobody says whose it is, what the operator runs for others without saying on what ground (free use
        counts: 等), and kinds that may be one.
    """
    free = frozenset(exempt)
    mine = ((owner == Party.OPERATOR) | held) & (owner != Party.CUSTOMER)
    certain = kind.isin((FACILITY | CARRYING) - free)
    maybe = kind.isin(MAYBE_FACILITY - free)
    orphan = kind.isin(FACILITY - free) & (owner == Party.UNKNOWN)
    lent = certain & (runner == Party.OPERATOR) & (owner != Party.CUSTOMER)
    doubtful = (maybe & mine) | orphan | lent
    return surety_of(certain & mine, doubtful)
