"""What is declared is observed, and what is observed is declared: addresses, blocks, names of services.

Clause
------
Auditor's policy that makes the place rules provable; annex 5: 构建双向告知、数据比对机制. The mechanism is a
comparison of records (card GOV-08).

Check
-----
Both ways. Declared against observed: the addresses of facilities and the declared blocks in force are announced
on the Internet, and a registry names nobody else as holder of a block than the operator, one of its carriers or
whom the declaration names. Observed against declared: every address to which a declared domain leads belongs to a
declared node in service or lies in a declared block in force.
Declared against filed: rooms, racks, links to suppliers and address blocks of `network.filings` are held against
the inventory, both ways (`auditor compare` shows every row). It fails where the filings are confirmed by a review
of their files and show a facility in service outside the areas that the inventory lacks.

Inconclusive when
-----------------
All addresses are in special space (private, CGNAT, documentation …), so that nobody can look at them; one is no
address at all; one is not announced; a registry names another enterprise; a domain leads to addresses that the
declaration does not know, or nowhere. Observations alone never fail anybody. A filed record and the inventory
differ in any field, or one of them lacks the record.

Not applicable when
-------------------
A facility declares no address; nobody was asked, or no source answered; and nothing filed is attached.

Limits
------
An announcement says that an address is in use, not by whom: carriers announce their customers' blocks. Names are
held against one another only in one script, and only where they are names of enterprises: CHINANET-SH is the name
of a network. Address translation and blocks that are routed but unused stay unseen. One domain may lead elsewhere
for other askers and at other times. What filings have no place for (servers, lines inside the network) is not
missed in them.

Source
------
Cards PILOT-FAC-04 and PILOT-GOV-08; special space: IANA registries (RFC 6890).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from auditor import registers
from auditor.addresses import Addresses
from auditor.arrow import pa, pc
from auditor.columns import Coded
from auditor.comparison.reasons import KINDS, REASONS
from auditor.findings import Batch, Verdict
from auditor.language import both
from auditor.registers.names import normal
from auditor.roles import Surety, is_operator
from auditor.rule import Message, Rule
from auditor.rules._helpers import kinds
from auditor.rules._observed import declared, resolved
from auditor.values import Each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from auditor.case import Case
    from auditor.columns import BoolArray, IntArray
    from auditor.comparison.table import Row
    from auditor.rules._observed import Resolved

FILED_GROUPS = frozenset({"room", "rack", "node", "gateway", "block"})
FILED_MESSAGES = {
    "filed_differs": Verdict.INCONCLUSIVE,
    "filed_alone": Verdict.INCONCLUSIVE,
    "filed_outside": Verdict.FAIL,
}
OBSERVED = 4  # grade
VERDICTS = {
    "unreadable": Verdict.INCONCLUSIVE,
    "reserved": Verdict.INCONCLUSIVE,
    "unannounced": Verdict.INCONCLUSIVE,
    "other_holder": Verdict.INCONCLUSIVE,
    "announced": Verdict.PASS,
    "not_observed": Verdict.NOT_APPLICABLE,
}
LEGAL = frozenset({"co", "ltd", "corp", "inc", "llc", "plc", "gmbh", "pte", "pty", "bv", "sa", "ag", "kk"})
LEGAL_HAN = ("公司", "集团", "株式会社")


class _Held(NamedTuple):
    """Addresses of facilities that declare some: `rows` of nodes, and of each address its row."""

    rows: IntArray
    row: IntArray
    addresses: Addresses


def _facilities(case: Case) -> _Held:
    row, addresses = case.addresses
    bound = (case.facility > Surety.NO)[row]
    return _Held(np.unique(row[bound]), row[bound], addresses.take(bound))


def _blocks(case: Case) -> list[str]:
    """Declared blocks in force on the date, each once."""
    table = case.declaration.prefixes
    if table is None:
        return []
    in_force = table.filter(pa.array(case.dated(table)))
    return list(dict.fromkeys(in_force.column("prefix").cast(pa.string()).to_pylist()))


def scope(case: Case) -> list[tuple[str, IntArray | list[str]]]:
    """Give facilities with addresses, declared blocks, services with domains, and what was filed."""
    seen: list[tuple[str, IntArray | list[str]]] = []
    if case.observations is not None:
        seen = [
            ("node", _facilities(case).rows),
            ("prefix", _blocks(case)),
            ("service", [service.code for service in resolved(case)]),
        ]
    return [
        *seen,
        ("filing", list(_open(case))),
        ("filings", [case.declaration.filings_file] if case.filed is not None else []),
    ]


def check(case: Case) -> Iterator[Batch]:
    """Judge nodes, then blocks, then services, then what was filed."""
    if case.observations is not None:
        yield from _judge_nodes(case)
        yield from _judge_blocks(case)
        for service in resolved(case):
            yield _judge_service(case, service)
    yield from _judge_filings(case)


# --- filings ----------------------------------------------------------------------------------------------


def _open(case: Case) -> dict[str, Row]:
    """Rows of the comparison that do not agree, by name; the riskiest of one name, since they come so."""
    found: dict[str, Row] = {}
    for row in case.filed.rows if case.filed is not None else ():
        if row.outcome != "match" and row.kind in FILED_GROUPS:
            found.setdefault(row.record, row)
    return found


def _judge_filings(case: Case) -> Iterator[Batch]:
    """Judge each record that does not agree, then the filings as a whole."""
    if case.filed is None:
        return
    told: dict[str, list[tuple[str, Row]]] = {message: [] for message in FILED_MESSAGES}
    for name, row in _open(case).items():
        alone = not (row.key_a and row.key_b)
        outside = row.reason == "outside_undeclared" and not row.key_a and case.filings_confirmed
        told["filed_outside" if outside else "filed_alone" if alone else "filed_differs"].append((name, row))
    grade = 1 if case.filings_confirmed else 3
    for message, rows in told.items():
        if rows:
            yield _filing_batch(message, rows, grade)
    agreed = sum(row.outcome == "match" and row.kind in FILED_GROUPS for row in case.filed.rows)
    counts = {"file": case.declaration.filings_file, "agreed": agreed, "open": len(_open(case))}
    verdict = Verdict.PASS if agreed else Verdict.INCONCLUSIVE
    message = "filed_agrees" if agreed else "filed_nothing"
    yield Batch(verdict, message, [case.declaration.filings_file], "filings", counts, counts, grade)


def _filing_batch(message: str, rows: list[tuple[str, Row]], grade: int) -> Batch:
    """Make one batch of records that do not agree in the same way."""

    def each(give: Callable[[Row], Any]) -> Each:
        return Each(lambda i: give(rows[i][1]))

    details = {
        "declared": each(lambda row: list(map(_shown, row.source_a, row.record_a))),
        "filed": each(lambda row: list(map(_shown, row.source_b, row.record_b))),
        "reason": each(lambda row: REASONS[row.reason].text),
    }
    args = {
        "kind": each(lambda row: KINDS[row.kind]),
        "key": each(lambda row: row.key_a or row.key_b),
        "why": each(lambda row: row.why),
    }
    return Batch(FILED_MESSAGES[message], message, [name for name, _ in rows], "filing", args, details, grade)


def _shown(source: tuple[str, str], record: Mapping[str, Any]) -> str:
    return (
        f"{', '.join(map(str, source))}: {'; '.join(f'{name} = {value}' for name, value in record.items())}"
    )


def _judge_nodes(case: Case) -> Iterator[Batch]:
    held, evidence = _facilities(case), case.evidence
    rows, own = held.rows, evidence.about("node")

    def some(mask: BoolArray) -> BoolArray:
        return np.bincount(held.row[mask], minlength=case.n)[rows] > 0

    unreadable = held.addresses.version == 0
    public = held.addresses.reserved.blank & ~unreadable
    told = _sorted(
        unreadable=some(unreadable),
        reserved=~some(public),
        unannounced=evidence.nodes_with(evidence.silent & own)[rows],
        other_holder=np.zeros(len(rows), np.bool_),
        announced=evidence.nodes_with(evidence.kind.isin({"origin"}) & evidence.answered & own)[rows],
    )
    order = np.argsort(held.row, kind="stable")
    starts = np.searchsorted(held.row[order], rows)
    ends = np.searchsorted(held.row[order], rows, side="right")

    def addresses(position: int, mask: BoolArray) -> list[str]:
        at = order[starts[position] : ends[position]]
        found: list[str] = held.addresses.text.take(pa.array(at[mask[at]])).to_pylist()
        return found

    every = np.ones(len(held.row), np.bool_)
    for code, message in enumerate(VERDICTS):
        at = np.flatnonzero(told == code)
        if len(at):
            shown = unreadable if message == "unreadable" else every

            def listed(i: int, at: IntArray = at, shown: BoolArray = shown) -> list[str]:
                return addresses(int(at[i]), shown)

            def seen(i: int, at: IntArray = at) -> list[int]:
                found = evidence.rows_on(int(rows[at[i]]), "origin")
                return found[own[found]].tolist()  # type: ignore[no-any-return]

            what = kinds(case, rows[at])
            yield _told(case, message, rows[at], what=what, addresses=listed, seen=seen)


def _sorted(**holds: BoolArray) -> IntArray:
    """Position in `VERDICTS` of each subject: the first that holds."""
    return np.select([holds[name] for name in VERDICTS if name in holds], range(len(holds)), len(holds))


def _told(
    case: Case,
    message: str,
    subjects: Any,
    *,
    what: Any,
    addresses: Callable[[int], list[str]],
    seen: Callable[[int], list[int]],
) -> Batch:
    """One batch on nodes or blocks; `addresses` and `seen` give those of a position."""
    evidence = case.evidence

    def silent(position: int) -> list[str]:
        column = evidence.column("asked")
        return sorted({column.at(row) or "" for row in seen(position) if evidence.silent[row]})

    def asn(position: int) -> list[int]:
        found = evidence.observations.records(seen(position))
        return sorted({record["asn"] for record in found if "asn" in record})

    def owners(position: int) -> list[str]:
        found = evidence.observations.records(seen(position))
        return sorted({r["owner"] for r in found if r["kind"] == "holder" and "owner" in r})

    details = {"addresses": Each(addresses), "unannounced": Each(silent), "asn": Each(asn)}
    args: dict[str, Any] = {"what": what, **details}
    if message == "other_holder":
        args["holder"] = details["holder"] = Each(owners)
    grade = OBSERVED if message in {"unannounced", "other_holder"} else 3
    kind = "node" if isinstance(subjects, np.ndarray) else "prefix"
    told = Each(lambda i: evidence.told(seen(i)))
    return Batch(VERDICTS[message], message, subjects, kind, args, details, grade, told)


# --- blocks -----------------------------------------------------------------------------------------------


def _judge_blocks(case: Case) -> Iterator[Batch]:
    names, evidence = _blocks(case), case.evidence
    rows = np.flatnonzero(evidence.about("prefix") & evidence.kind.isin({"origin", "holder"}))
    subject = evidence.column("subject")
    wanted = pa.array([f"prefix:{name}" for name in names], pa.string())
    found = pc.fill_null(pc.index_in(pa.array(subject.values, pa.string()), wanted), -1)
    which = np.append(found.to_numpy(), -1)[subject.codes[rows]]
    rows, which = rows[which >= 0], which[which >= 0]
    order = np.argsort(which, kind="stable")
    ends = np.searchsorted(which[order], np.arange(len(names) + 1))

    def some(mask: BoolArray) -> BoolArray:
        return np.bincount(which[mask[rows]], minlength=len(names)) > 0

    told = _sorted(
        unreadable=np.zeros(len(names), np.bool_),  # the reader refuses them
        reserved=~Addresses.of(pa.array(names, pa.string())).reserved.blank,
        unannounced=some(evidence.silent),
        other_holder=some(_others(case, rows)),
        announced=some(evidence.kind.isin({"origin"}) & evidence.answered),
    )
    what = both("block")
    for code, message in enumerate(VERDICTS):
        chosen = np.flatnonzero(told == code)
        if len(chosen):
            own = [names[i] for i in chosen.tolist()]

            def seen(i: int, chosen: IntArray = chosen) -> list[int]:
                one = int(chosen[i])
                return sorted(rows[order[ends[one] : ends[one + 1]]].tolist())

            def listed(i: int, own: list[str] = own) -> list[str]:
                return [own[i]]

            yield _told(case, message, own, what=what, addresses=listed, seen=seen)


def _others(case: Case, rows: IntArray) -> BoolArray:
    """Rows in which a registry names another enterprise than the declaration, in words that can be compared."""
    evidence, found = case.evidence, np.zeros(len(case.evidence.observations), np.bool_)
    holds = evidence.kind.isin({"holder"}) & evidence.answered & evidence.column("family").isin({"registry"})
    owner, subject = evidence.column("owner"), evidence.column("subject")
    rows = rows[holds[rows] & ~owner.blank[rows]]
    sources = _sources(case)
    carriers = _carriers(case)

    @cache
    def other(name: str, stated: frozenset[str]) -> bool:
        return _is_other(case, name, stated, carriers)

    for row in rows.tolist():
        stated = sources.get((subject.at(row) or "").removeprefix("prefix:"), frozenset())
        found[row] = other(owner.at(row) or "", stated)
    return found


def _sources(case: Case) -> dict[str, frozenset[str]]:
    """Whom the declaration names as source of each block."""
    table: Any = case.declaration.prefixes
    if table is None:
        return {}
    named: dict[str, frozenset[str]] = {}
    cells = [table.column(name).to_pylist() for name in ("prefix", "allocated_by", "source_unit")]
    for prefix, *units in zip(*cells, strict=True):
        named[prefix] = named.get(prefix, frozenset()) | {unit for unit in units if unit}
    return named


def _carriers(case: Case) -> frozenset[str]:
    """Carriers that the operator has to do with: owners of nodes, suppliers of links and contracts, of blocks."""
    links, table = case.declaration.links, case.declaration.prefixes
    named = {*case.node("owner").values, *(c.supplier for c in case.contracts if c.supplier)}
    named |= {name for column in ("owner", "supplier") for name in Coded.of(links.column(column)).values}
    if table is not None:
        units = (Coded.of(table.column(column)).values for column in ("allocated_by", "source_unit"))
        named |= {name for values in units for name in values}
    found = {registers.match_carrier(name, as_of=case.as_of).carrier for name in named}
    return frozenset(carrier for carrier in found if carrier)


def _is_other(case: Case, name: str, stated: frozenset[str], carriers: frozenset[str]) -> bool:
    operator = case.declaration.operator
    if is_operator(name, operator) or normal(name) in {normal(unit) for unit in stated}:
        return False
    match = registers.match_carrier(name, as_of=case.as_of).carrier
    mentioned = {*registers.carrier_of_words(name), *([match] if match else [])}
    if mentioned:
        # A carrier's block in an operator's use is the usual case, unless another source is stated.
        return bool(match and stated) and not mentioned & carriers
    return _is_enterprise(name) and all(
        normal(name).isascii() == normal(known).isascii() for known in (operator.name, *stated)
    )


def _is_enterprise(name: str) -> bool:
    plain = normal(name)
    return bool(LEGAL & set(plain.split())) or any(word in plain for word in LEGAL_HAN)


# --- services ---------------------------------------------------------------------------------------------


def _judge_service(case: Case, service: Resolved) -> Batch:
    found = Addresses.of(pa.array(service.addresses, pa.string()))
    known = declared(case, found, in_force=True).known
    strange = [address for address, is_known in zip(service.addresses, known, strict=True) if not is_known]
    if strange:
        verdict, message = Verdict.INCONCLUSIVE, "undeclared_edges"
    elif service.lost:
        verdict, message = Verdict.INCONCLUSIVE, "unresolved"
    elif service.unheard:
        verdict, message = Verdict.NOT_APPLICABLE, "names_not_observed"
    else:
        verdict, message = Verdict.PASS, "all_declared"
    chains = [" → ".join(chain) for chain in service.chains.values()]
    args = {"code": service.code, "undeclared": strange, "lost": service.lost, "chains": chains}
    args["unheard"] = service.unheard
    details = {
        "chains": [[domain, *(n for n in chain if n != domain)] for domain, chain in service.chains.items()],
        "addresses": service.addresses,
        "undeclared": strange,
        "unresolved": service.lost,
        "unheard": service.unheard,
    }
    grade = OBSERVED if verdict == Verdict.INCONCLUSIVE else 3
    seen = Each(lambda _: case.evidence.told(service.rows))
    return Batch(verdict, message, [service.code], "service", args, details, grade, seen)


RULE = Rule(
    id="PILOT-FAC-04",
    title=both("The inventory agrees with what is observed"),
    basis="policy",
    clauses=("policy-fac-04",),
    severity="medium",
    scope=scope,
    check=check,
    observed=True,
    filed=True,
    messages={
        "filed_differs": Message(
            "The {kind} {key} is not the same in the inventory and as filed: {why}.",
            "Ask which of the two is right, and for the record that corrects the other.",
        ),
        "filed_alone": Message(
            "The {kind} {key} is in one of inventory and filings only: {why}.",
            "Ask whether it exists and serves; then declare it, or file it, or take it out.",
        ),
        "filed_outside": Message(
            "The {kind} {key} was filed, stands outside the areas, and is not in the inventory: {why}.",
            "Declare it, or show the record by which its filing was cancelled.",
        ),
        "filed_agrees": Message("{agreed:,} records of {file} agree with the inventory; {open:,} do not."),
        "filed_nothing": Message(
            "No record of {file} agrees with the inventory; {open:,} do not.",
            "Ask whether these are the filings of this network.",
        ),
        "unreadable": Message(
            "What is declared as address of this {what} is none: {addresses}.",
            "Correct `ips`: addresses and blocks, separated by ;.",
        ),
        "reserved": Message(
            "All addresses declared of this {what} are in special space, where nobody can observe them: {addresses}.",
            "Ask for the public addresses behind which it serves, and for the translation table.",
        ),
        "unannounced": Message(
            "Addresses declared of this {what} are not announced on the Internet: {unannounced}.",
            "Ask whether it serves already, under which address, and for the carrier's letter on the announcement.",
        ),
        "other_holder": Message(
            "The registry names {holder} as holder of this {what}, which is neither the operator nor any supplier that "
            "is declared for it.",
            "State `allocated_by` and `source_unit` of the block, and ask for the contract or the filing of its use.",
        ),
        "announced": Message("Addresses declared of this {what} are announced on the Internet, by AS {asn}."),
        "not_observed": Message("No source answered whether the addresses of this {what} are announced."),
        "undeclared_edges": Message(
            "Domains of {code} lead to addresses that are declared of nothing in service: {undeclared} ({chains}).",
            "Add the nodes behind them to the inventory with their place, or name the contract under which they serve.",
        ),
        "unresolved": Message(
            "No address was found for domains of {code}: {lost}.",
            "Ask whether they serve still, and collect again.",
        ),
        "all_declared": Message("All addresses to which the domains of {code} lead are declared."),
        "names_not_observed": Message(
            "No name server was asked, or answered, about domains of {code}: {unheard}.",
            "Collect again with `--online`.",
        ),
    },
)
