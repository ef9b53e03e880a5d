"""Spot checks (抽查): what to inspect, and who, drawn so that anybody can draw it again."""

from __future__ import annotations

import datetime as dt
import secrets
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from auditor import __version__, engine, settings
from auditor.case import Case
from auditor.errors import UsageError
from auditor.language import say
from auditor.model import Declaration
from auditor.reports._content import to_dict
from auditor.scans import sampling_store
from auditor.scans.canonical import canonical, sha256
from auditor.scans.sampling_inspectors import Inspector, read_inspectors
from auditor.scans.sampling_record import Draw, Plan, Population, draw_from
from auditor.scans.sampling_selection import Unit
from auditor.scans.sampling_units import KINDS, WEIGHTS, Asset, refuse_unknown, strata_of, units_of
from auditor.settings import Policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from auditor.scans.store import Store
    from auditor.zones import Areas

__all__ = ["Draw", "draw", "draw_store", "planned", "population_again"]


def draw(
    source: pd.DataFrame | Declaration | Iterable[Declaration],
    *,
    kind: str = "facility",
    size: int | None = None,
    per_stratum: int | None = None,
    at_least: int = 0,
    all_of: Iterable[str] = (),
    by: Iterable[str] = (),
    weights: str = "even",
    seed: str | None = None,
    inspectors: str | Path | Sequence[Inspector] = (),
    team: int = 2,
    as_of: dt.date | str | None = None,
    due_on: dt.date | str | None = None,
    areas: Areas | None = None,
    policy: Policy | Mapping[str, Any] | None = None,
) -> Draw:
    """Draw a spot check.

    Parameters
    ----------
    source
        Declarations, or a table with a row a unit: ``operator``, ``subject``, the columns of `by`, and with
        ``weights="given"`` a whole number from 1 up in ``weight``.
    kind
        ``operator``, ``facility``, ``link`` or ``subscriber_area``; of a table, what its rows are.
    size
        Units in all, shared out between strata by their weights; of the policy if not given.
    per_stratum
        Instead: units of every stratum.
    at_least
        Units of every stratum, however small its share.
    all_of
        Strata that are taken whole, beside the size.
    by
        Columns that make strata.
    weights
        ``even``, or ``risk``: then the declarations are checked first.
    seed
        What the draw begins with: the same seed and units, the same draw. A fresh one if not given.
    inspectors
        ``inspectors.csv``, or what `read_inspectors` gave: a team is drawn for every operator.
    team
        Inspectors an operator.
    as_of, due_on
        Day of the draw (today in Asia/Shanghai), and last day for its results (a period of the policy later).
    areas, policy
        As `auditor.check` takes them.

    Raises
    ------
    UsageError
        There is nothing to draw from, names that are none, or too few inspectors.

    Examples
    --------
    >>> import auditor
    >>> declaration = auditor.read_declaration(auditor.sample("shanghai_violations"))
    >>> drawn = auditor.draw(declaration, size=3, by=["kind"], seed="2026-1", as_of="2026-11-22")
    >>> len(drawn.to_frame())
    3
    """
    if not isinstance(policy, Policy):
        policy = settings.read_settings({"policy": dict(policy or {})}, where="policy").policy
    day = engine.day_of(as_of, areas)
    plan = planned(
        policy,
        kind=kind,
        as_of=day,
        due_on=None if due_on is None else engine.day_of(due_on, None),
        size=size,
        per_stratum=per_stratum,
        at_least=at_least,
        all_of=tuple(all_of),
        by=tuple(by),
        weights=weights,
        seed=seed,
        team=team,
    )
    if isinstance(inspectors, str | Path):
        inspectors = read_inspectors(inspectors)
    roster = tuple(sorted(inspectors))
    if hasattr(source, "columns"):
        return draw_from(_of_frame(source, plan), plan, roster)
    listed = [source] if isinstance(source, Declaration) else list(source)
    return draw_from(population_of(listed, plan, areas or engine.areas_on(day), policy), plan, roster)


def planned(
    policy: Policy,
    *,
    kind: str,
    as_of: dt.date,
    due_on: dt.date | None = None,
    seed: str | None = None,
    size: int | None = None,
    per_stratum: int | None = None,
    weights: str = "even",
    **more: Any,
) -> Plan:
    """Make a plan; what is not given comes from the policy, and a seed from the system's random source.

    Raises
    ------
    UsageError
        What cannot be drawn.
    """
    faults: list[object] = []
    if size is not None and per_stratum is not None:
        faults.append(say("give a size in all or one of every stratum, not both"))
    if (size is not None and size < 1) or (per_stratum is not None and per_stratum < 1):
        faults.append(say("a size is a whole number from 1 up"))
    if more.get("at_least", 0) < 0 or more.get("team", 1) < 1:
        faults.append(say("at_least is a whole number from 0 up, team one from 1 up"))
    if due_on is not None and due_on < as_of:
        faults.append(say("results are due on {due}, before the draw, {as_of}", due=due_on, as_of=as_of))
    if seed is not None and not seed.strip():
        faults.append(say("the seed is blank; leave it out for a fresh one"))
    if weights not in {*WEIGHTS, "given"}:
        faults.append(say("weights are even or risk, not {weights!r}", weights=weights))
    if faults:
        raise UsageError(*faults)
    rules = policy.spot_check
    begun = seed or rules.seed
    return Plan(
        kind=kind,
        as_of=as_of.isoformat(),
        due_on=(due_on or as_of + dt.timedelta(days=rules.period)).isoformat(),
        seed=begun or secrets.token_hex(16),
        seed_from="given" if seed else "settings" if begun else "secrets",
        size=None if per_stratum is not None else size or rules.size,
        per_stratum=per_stratum,
        weights=weights,
        **more,
    )


# --- populations ------------------------------------------------------------------------------------------


def population_of(
    declarations: Sequence[Declaration], plan: Plan, areas: Areas, policy: Policy
) -> Population:
    """Give what may be drawn of declarations.

    Raises
    ------
    UsageError
        Unknown kinds or columns, or two declarations of one operator.
    """
    _refuse_kind(plan)
    names = Counter(declaration.operator.name for declaration in declarations)
    twice = sorted(name for name, count in names.items() if count > 1)
    if twice:
        raise UsageError(say("two declarations are of {names}; give one of each operator", names=twice))
    day = dt.date.fromisoformat(plan.as_of)
    judged = plan.weights == "risk" or (plan.kind == "operator" and {"verdict", "state"} & set(plan.by))
    assets = []
    for declaration in declarations:
        found: dict[str, Any] = {}
        if judged:
            result = engine.check(declaration, areas=areas, as_of=day, policy=policy)
            case, found = result.case, to_dict(result)
        else:
            case = Case(declaration, areas, day, policy)
        operator = declaration.operator
        area = areas.ids[case.area] if case.area >= 0 else None
        files = [[i.path, i.sha256] for i in declaration.inputs]
        source = {
            "name": operator.name,
            "uscc": operator.uscc,
            "area": area,
            "declaration": sha256(canonical(files)) if files else None,
        }
        state = "done" if judged else "never"
        assets.append(
            Asset(operator.name, source, case, found.get("findings", ()), state, area, found.get("verdict"))
        )
    return _population(assets, {}, plan, _terms(areas, policy))


def _refuse_kind(plan: Plan) -> None:
    if plan.kind not in KINDS:
        raise UsageError(say("{kind!r} is no kind; kinds are {kinds}", kind=plan.kind, kinds=list(KINDS)))
    if plan.weights not in WEIGHTS:
        raise UsageError(say("weights are given with the rows of a table alone"))


def _terms(areas: Areas, policy: Policy) -> dict[str, Any]:
    return {
        "auditor": __version__,
        "policy": policy.sha256,
        "zones": sha256(orjson.dumps(areas.provenance())),
    }


def _population(
    assets: Iterable[Asset | tuple[str, dict[str, str]]],
    sources: Mapping[str, Mapping[str, Any]],
    plan: Plan,
    terms: Mapping[str, Any],
) -> Population:
    """Put the units of operators together; `sources` names those that give none."""
    day = dt.date.fromisoformat(plan.as_of)
    units: list[Unit] = []
    left_out: dict[str, dict[str, str]] = {}
    lacking: list[set[str]] = []
    own = dict(sources)
    for asset in assets:
        if isinstance(asset, tuple):
            left_out[asset[0]] = asset[1]
            continue
        found, lost = units_of(asset, plan.kind, by=plan.by, weights=plan.weights, as_of=day)
        units += found
        lacking.append(lost)
        own[asset.operator] = asset.source
    refuse_unknown(plan.by, lacking, plan.kind)
    return Population(units, own, left_out, terms)


def population_of_store(
    store: Store, plan: Plan, areas: Areas, policy: Policy, again: Draw | None = None
) -> Population:
    """Give what may be drawn of the operators of a store.

    Parameters
    ----------
    again
        A record: then the population is made of what that names, as it was when it was drawn.
    """
    _refuse_kind(plan)
    if again is None:
        past = sampling_store.history(store)
        recorded = None
    else:
        past = {name: again.record["terms"].get(name) for name in ("at", "last_draw")}
        recorded = again.record["sources"]
    operators = sampling_store.known(store, past["at"], recorded)
    assets = sampling_store.assets(
        store,
        operators,
        past["last_draw"],
        declared=plan.kind != "operator",
        findings=plan.weights == "risk",
        as_of=dt.date.fromisoformat(plan.as_of),
        areas=areas,
        policy=policy,
    )
    sources = {own.key: sampling_store.source_of(own) for own in operators}
    return _population(assets, sources, plan, {**_terms(areas, policy), **past})


def draw_store(
    store: Store, plan: Plan, areas: Areas, policy: Policy, roster: Sequence[Inspector] = ()
) -> tuple[int, Draw]:
    """Draw from the operators of a store, keep the draw there, and give its number.

    Raises
    ------
    UsageError
        As `draw`.
    """
    found = draw_from(population_of_store(store, plan, areas, policy), plan, roster)
    return sampling_store.keep(store, found), found


def population_again(
    record: Draw, source: Store | Sequence[Declaration], policy: Policy, zones: Iterable[str] = ()
) -> Population:
    """Make the population of a record anew.

    Raises
    ------
    UsageError
        The record was not drawn from such a source.
    """
    plan = record.plan
    if record.of_store == isinstance(source, list | tuple):
        raise UsageError(
            say("it was drawn from a store; name that with --store")
            if record.of_store
            else say("it was drawn from declarations; name their paths")
        )
    areas = engine.areas_on(dt.date.fromisoformat(plan.as_of), tuple(zones))
    if isinstance(source, list | tuple):
        return population_of(source, plan, areas, policy)
    return population_of_store(source, plan, areas, policy, again=record)  # type: ignore[arg-type]


def _of_frame(frame: Any, plan: Plan) -> Population:
    """Give the rows of a table as units."""
    needed = ["operator", "subject", *plan.by, *(["weight"] if plan.weights == "given" else [])]
    lost = [name for name in needed if name not in frame.columns]
    if lost:
        raise UsageError(say("the table has no column {lost}; it needs {needed}", lost=lost, needed=needed))
    if plan.weights == "risk":
        raise UsageError(say('a table has no findings to weigh by; say weights="given" and give a weight'))
    weights = frame["weight"].tolist() if plan.weights == "given" else [1] * len(frame)
    bad = [w for w in weights if isinstance(w, bool) or not isinstance(w, int) or w < 1]
    if bad:
        raise UsageError(say("{weight!r} is no weight: give whole numbers from 1 up", weight=bad[0]))
    blank_in = [name for name in needed if frame[name].isna().any()]
    if blank_in:
        raise UsageError(say("the table has blank cells in {names}; fill them in", names=blank_in))
    texts = frame[["operator", "subject", *plan.by]].astype(str)
    labels = [texts[name].tolist() for name in plan.by]
    strata = strata_of(labels, len(frame))
    rows = zip(texts["operator"].tolist(), texts["subject"].tolist(), strata, weights, strict=True)
    units = [Unit(*row) for row in rows]
    blank: dict[str, Any] = dict.fromkeys(("name", "uscc", "area"))
    return Population(units, dict.fromkeys(texts["operator"], blank), {}, {"auditor": __version__})
