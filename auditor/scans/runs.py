"""Runs: begun on copies of what is declared, ended with a signed root over what came of each operator."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from auditor import settings
from auditor.errors import UsageError
from auditor.language import in_all, say
from auditor.scans import intake, ledger, proof, tables
from auditor.scans import terms as terms_
from auditor.scans.canonical import canonical, instant

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from auditor.scans.intake import Copied, Source
    from auditor.scans.store import Change, Store

STATES = ("pending", "done", "refused", "error", "cancelled")


@dataclass(frozen=True)
class Options:
    """What a run is held against, as it is asked for.

    Parameters
    ----------
    as_of
        Date of the audit; today in Asia/Shanghai by the store's clock if it is not given.
    min_grade
        Least grade of evidence.
    config, zones, reviews, observations
        Paths: ``auditor.toml``; zones beside those that ship; ``reviews.csv``; a folder with ``KEY.parquet``
        for operators of which sources said something.
    """

    as_of: dt.date | None = None
    min_grade: str = "E3"
    config: str | None = None
    zones: tuple[str, ...] = ()
    reviews: str | None = None
    observations: str | None = None


# --- beginning ----------------------------------------------------------------------------------------------


def begin(
    store: Store,
    paths: Sequence[str | Path] = (),
    options: Options = Options(),
    *,
    slot: tuple[int, dt.datetime] | None = None,
) -> int:
    """Begin a run: register what is new, copy what is declared, fix the terms.

    Parameters
    ----------
    paths
        Declarations, or folders of them; operators that were registered below such a folder and are gone
        from it are scanned too, and refused. None given: all operators of the store.
    options
        What they are held against.
    slot
        Schedule, and the time at which it was due.

    Returns
    -------
    int
        Its number.

    Raises
    ------
    UsageError
        There is nothing to scan, a run is under way, files cannot be read, or the evidence of the runs before
        is not there.
    """
    _refuse_second(store)
    _refuse_other_folder(store)
    _tell_clock(store)
    if paths:
        intake.register(store, paths)
        for said in intake.passed_over(paths):
            store.tell(said)
    with store.read() as connection:
        sources = [source for source in intake.chosen(connection) if _below(source, paths)]
    if not sources:
        raise UsageError(say("the store has no operators; give PATHs of declarations"))
    chosen = settings.load_settings(options.config)
    day = options.as_of or store.clock().astimezone(settings.SHANGHAI).date()
    digest = terms_.keep_terms(
        store.blobs,
        as_of=day,
        min_grade=options.min_grade,
        policy=chosen.policy,
        zones=(*chosen.zones, *options.zones),
        reviews=options.reviews,
    )
    copies = intake.copied(store.blobs, sources)
    seen = {source.id: _observed(store, source, options.observations) for source in sources}

    def work(change: Change) -> int:
        _refuse_running(change.connection)
        own = {"schedule_id": slot[0] if slot else None, "as_of": day, "terms": digest}
        run = change.insert(tables.run, **own, state="running", started_at=change.at)
        if slot:
            values = {"schedule_id": slot[0], "due_at": slot[1], "state": "run", "run_id": run}
            change.connection.execute(sa.insert(tables.slot), [{**values, "recorded_at": change.at}])
            change.touch("slot", slot[0])
        last = _last_results(change.connection)
        rows = [_item(change, run, *pair, last) for pair in zip(sources, copies, strict=True)]
        change.connection.execute(
            sa.insert(tables.item), [{**row, "observations": seen[row["operator_id"]]} for row in rows]
        )
        change.facts["run"] = run
        return run

    return store.write("run_begun", work, as_of=day.isoformat(), terms=digest)


def _tell_clock(store: Store) -> None:
    """Say where the clock is behind the last entry of the log: the run would be as of an earlier day."""
    now = store.clock()
    last = store.ask(ledger.head)[2]
    if last > instant(now):
        store.tell(
            say(
                "the clock says {now}, but the store was written at {last}: was it set back? Give "
                "--as-of, or set it",
                now=instant(now)[:16] + "Z",
                last=last[:16] + "Z",
            )
        )


def _below(source: Source, paths: Sequence[str | Path]) -> bool:
    """Whether an operator's declaration is one of the paths, or lies below one."""
    own = Path(source.path)
    given = [intake.home_of(Path(path).absolute()) for path in paths]
    return not given or any(own == path or path in own.parents for path in given)


def _item(change: Change, run: int, source: Source, taken: Copied, last: dict[int, int]) -> dict[str, Any]:
    """Give the row of an operator: waiting, or refused where its files could not be taken."""
    refused = taken.reason is not None
    kept = None if refused else intake.keep(change, source.id, taken)
    change.touch("item", run, source.id)
    return {
        "run_id": run,
        "operator_id": source.id,
        "declaration_id": kept,
        "before_id": last.get(source.id),
        "state": "refused" if refused else "pending",
        "attempts": 0,
        "ended_at": change.at if refused else None,
        "reason": None if taken.reason is None else canonical(in_all(taken.reason)),
    }


def _last_results(connection: sa.Connection) -> dict[int, int]:
    """Last run of each operator that has a result."""
    item = tables.item.c
    last = sa.select(item.operator_id, sa.func.max(item.run_id)).where(item.state == "done")
    return {row[0]: row[1] for row in connection.execute(last.group_by(item.operator_id))}


def _observed(store: Store, source: Source, folder: str | None) -> str | None:
    """Copy what sources said of an operator, if there is anything."""
    if folder is None:
        return None
    path = Path(folder, f"{source.key}.parquet")
    return store.blobs.put_file(path)[0] if path.is_file() else None


def _refuse_second(store: Store) -> None:
    with store.read() as connection:
        _refuse_running(connection)


def _refuse_other_folder(store: Store) -> None:
    """Refuse a folder that no run left a file in: evidence would be begun anew there, with a new key."""
    with store.read() as connection:
        wanted = sa.select(tables.run.c.terms).order_by(tables.run.c.id.desc())
        known = list(dict.fromkeys(connection.execute(wanted).scalars()))
    if known and not any(store.blobs.path(terms).is_file() for terms in known):
        raise UsageError(
            say(
                "{folder}: the files of this store's runs are not there; is it mounted, and is --evidence "
                "right?",
                folder=str(store.evidence),
            )
        )


def _refuse_running(connection: sa.Connection) -> None:
    """Refuse a second run beside one that is not ended: each result is held against the one before it."""
    running = under_way(connection)
    if running:
        raise UsageError(
            say(
                "run {run} is not ended: go on with it (`auditor scan resume`), or cancel it (`auditor scan "
                "cancel`)",
                run=running[0],
            )
        )


def under_way(connection: sa.Connection) -> list[int]:
    """Runs that are not ended, oldest first."""
    wanted = sa.select(tables.run.c.id).where(tables.run.c.state == "running").order_by(tables.run.c.id)
    return list(connection.execute(wanted).scalars())


def resumable(store: Store, run: int | None = None) -> int:
    """Give the run that goes on.

    Raises
    ------
    UsageError
        There is none, it is ended, or it was begun under other rules.
    """
    with store.read() as connection:
        waiting = under_way(connection)
        if run is None and not waiting:
            raise UsageError(say("no run waits to go on"))
        number = waiting[0] if run is None else run
        terms = connection.execute(sa.select(tables.run.c.terms).where(tables.run.c.id == number)).scalar()
    if number not in waiting:
        raise UsageError(say("run {run} does not wait to go on", run=number))
    try:
        terms_.refuse_other_rules(terms_.stated(store.blobs, str(terms)))
    except OSError as error:
        raise UsageError(say("evidence: {digest} is missing", digest=str(error.filename))) from None
    return number


# --- ending -------------------------------------------------------------------------------------------------


def counted(connection: sa.Connection, run: int) -> dict[str, int]:
    """Count the items of a run by state."""
    item = tables.item.c
    rows = sa.select(item.state, sa.func.count()).where(item.run_id == run).group_by(item.state)
    found = {row[0]: row[1] for row in connection.execute(rows)}
    return {state: found.get(state, 0) for state in STATES}


def end(store: Store, run: int, key: Path | None = None, *, state: str = "done") -> str | None:
    """End a run whose items are all judged, or cancel it, and sign its root.

    Returns
    -------
    str or None
        The root; None where items still wait.
    """
    signing = proof.signing_key(store.evidence, key)

    def work(change: Change) -> str | None:
        own, item = tables.run, tables.item
        connection = change.connection
        known = sa.select(tables.root.c.sha256).where(tables.root.c.run_id == run)
        held = connection.execute(sa.select(own.c.state).where(own.c.id == run).with_for_update()).scalar()
        if held != "running":
            change.facts.clear()
            return connection.execute(known).scalar()
        if state == "cancelled":
            waiting = (item.c.run_id == run, item.c.state == "pending")
            left = list(connection.execute(sa.select(item.c.operator_id).where(*waiting)).scalars())
            freed = {"leased_by": None, "leased_until": None, "ended_at": change.at}
            connection.execute(sa.update(item).where(*waiting).values(state=state, **freed))
            for operator in left:
                change.touch("item", run, operator)
        elif counted(connection, run)["pending"]:
            change.facts.clear()
            return None
        connection.execute(sa.update(own).where(own.c.id == run).values(state=state, ended_at=change.at))
        change.touch("run", run)
        return _sign(change, run, signing)

    return store.write("run_ended", work, run=run, state=state)


def _sign(change: Change, run: int, key: Any) -> str:
    """Write the root of a run over its items, and sign it."""
    leaves, subjects = leaves_of(change.connection, run)
    sha256 = proof.merkle_root([proof.leaf(value) for value in leaves])
    seq, hashed, _ = ledger.head(change.connection)
    terms = change.connection.execute(sa.select(tables.run.c.terms).where(tables.run.c.id == run)).scalar()
    said = {
        "run": run,
        "root": sha256,
        "items": len(leaves),
        "terms": terms,
        "log": {"seq": seq, "hash": hashed},
    }
    row = {"run_id": run, "sha256": sha256, "items": len(leaves), "log_seq": seq, "log_hash": hashed}
    envelope = proof.sign(key, proof.statement(subjects, said))
    change.connection.execute(sa.insert(tables.root), [{**row, "envelope": envelope}])
    change.touch("root", run)
    change.facts |= {"root": sha256, "key": proof.key_id(key.public_key())}
    return sha256


def leaves_of(connection: sa.Connection, run: int) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Give what a root is over: one leaf an operator, by key; and the results by operator.

    No time and no number of an attempt is in it: the same operators and files on the same terms give the same
    root.
    """
    item, own, said, of = tables.item, tables.operator, tables.declaration, tables.run
    joined = item.join(own, own.c.id == item.c.operator_id).join(of, of.c.id == item.c.run_id)
    joined = joined.join(said, said.c.id == item.c.declaration_id, isouter=True)
    columns = (own.c.key, of.c.terms, said.c.sha256.label("declaration"), item.c.observations, item.c.state)
    wanted = (
        sa.select(*columns, item.c.verdict, item.c.result).select_from(joined).where(item.c.run_id == run)
    )
    leaves = [dict(row) for row in connection.execute(wanted).mappings()]
    leaves = [{str(n): v for n, v in row.items()} for row in sorted(leaves, key=lambda row: str(row["key"]))]
    return leaves, {row["key"]: row["result"] for row in leaves if row["result"]}
