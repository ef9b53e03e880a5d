"""What people did in a year: waivers, verdicts of their own, spot checks, notices."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pandas as pd
import sqlalchemy as sa

from auditor.scans import histories, tables
from auditor.scans.decisions import VERDICT, VERDICTS, WAIVER, Decision, decisions

if TYPE_CHECKING:
    from auditor.scans.yearly import Year

OUTCOMES = ("pass", "fail", "inconclusive", "refused")
NAMES = [*(field.name for field in dataclasses.fields(Decision)), "ends_at"]
INSTANTS = ("granted_at", "from_at", "until_at", "revoked_at", "ends_at")


def _decisions(year: Year, kind: str) -> pd.DataFrame:
    """Give decisions on these operators that were made before the end, with when each ends or was ended."""
    rows = [(*dataclasses.astuple(d), d.ends_at) for d in decisions(year.connection) if d.kind == kind]
    frame = pd.DataFrame(rows, columns=NAMES).astype(dict.fromkeys(INSTANTS, "datetime64[ns, UTC]"))
    frame = frame[frame["operator_id"].isin(year.operators["id"]) & (frame["granted_at"] < year.end)]
    return frame.assign(revoked=frame["ends_at"] < frame["until_at"])


def waivers(year: Year) -> dict[str, int]:
    """Count waivers: at the start, granted, lapsed, revoked, at the end.

    Those at the start, and granted, less lapsed and revoked, are those at the end; one that has yet to begin
    counts as well.
    """
    frame = _decisions(year, WAIVER)
    ended = year.within(frame["ends_at"])
    lapsed = frame[ended & ~frame["revoked"]]
    living = frame[frame["ends_at"] >= year.end]
    last = histories.latest(year.changes)
    still = last[last["state"] == histories.OPEN][histories.FINDING]
    held = living[living["from_at"] < year.end][histories.FINDING]
    bare = lapsed[histories.FINDING].drop_duplicates().merge(still).merge(held, how="left", indicator=True)
    return {
        "at_start": int(((frame["granted_at"] < year.start) & (frame["ends_at"] >= year.start)).sum()),
        "granted": int(year.within(frame["granted_at"]).sum()),
        "lapsed": len(lapsed),
        "revoked": int((ended & frame["revoked"]).sum()),
        "at_end": len(living),
        "lapsed_and_open": int((bare["_merge"] == "left_only").sum()),
    }


def verdicts(year: Year) -> dict[str, Any]:
    """Count verdicts that people gave in the year; list those in force at its end by clause or rule."""
    frame = _decisions(year, VERDICT)
    given = frame[year.within(frame["granted_at"])]["verdict"].value_counts()
    held = frame[(frame["from_at"] < year.end) & (frame["ends_at"] >= year.end)]
    sizes = held.groupby(["rule", "verdict"]).size()
    return {
        "given": {verdict: int(given.get(verdict, 0)) for verdict in VERDICTS},
        "at_end": [
            {"rule": rule, **{verdict: int(sizes.get((rule, verdict), 0)) for verdict in VERDICTS}}
            for rule in sorted(set(held["rule"]))
        ],
    }


def spot_checks(year: Year) -> dict[str, Any]:
    """Count what was drawn and what came of it, by kind.

    Open at the start, and drawn, less closed, is open at the end.
    """
    draw, drawn = tables.draw.c, tables.drawn.c
    wanted = sa.select(
        draw.id, draw.kind, draw.drawn_at, draw.due_on, drawn.operator, drawn.outcome, drawn.closed_on
    )
    frame = year.read(wanted.join_from(tables.drawn, tables.draw), ("closed_on", "due_on"))
    frame = frame[frame["operator"].isin(year.operators["key"]) & (frame["drawn_at"] < year.end)]
    first, last = year.days
    open_then = ~(frame["closed_on"] < first)
    open_now = ~(frame["closed_on"] <= last)
    closed = open_then & ~open_now
    fresh = year.within(frame["drawn_at"])
    counted = frame[["kind"]].assign(
        open_at_start=~fresh & open_then,
        drawn=fresh,
        closed=closed,
        **{name: closed & (frame["outcome"] == name) for name in OUTCOMES},
        open_at_end=open_now,
        overdue_at_end=open_now & (frame["due_on"] < last),
    )
    names = [str(name) for name in counted if name != "kind"]
    found = histories.sums(counted, "kind", names)
    return {
        "draws": frame[fresh]["id"].nunique(),
        "total": {name: sum(own[name] for own in found.values()) for name in names},
        "by_kind": [{"kind": kind, **own} for kind, own in found.items()],
    }


def notices(year: Year) -> dict[str, int]:
    """Count notices, one a recipient: sent in the year, acknowledged in it, and overdue at its end."""
    own = tables.notice.c
    wanted = sa.select(
        own.operator_id, own.state, own.drafted_at, own.sent_at, own.due_on, own.acknowledged_on
    )
    frame = year.read(wanted, ("due_on", "acknowledged_on"))
    frame = frame[frame["operator_id"].isin(year.operators["id"]) & (frame["drafted_at"] < year.end)]
    first, last = year.days
    sent = frame["sent_at"] < year.end
    told = frame["acknowledged_on"] <= last
    late = frame["acknowledged_on"] > frame["due_on"]
    return {
        "drafted": int(year.within(frame["drafted_at"]).sum()),
        "sent": int(year.within(frame["sent_at"]).sum()),
        "acknowledged": int((told & (frame["acknowledged_on"] >= first)).sum()),
        "acknowledged_late": int((told & (frame["acknowledged_on"] >= first) & late).sum()),
        "unsent_at_end": int((~sent & (frame["state"] != "withdrawn")).sum()),
        "open_at_end": int((sent & ~told).sum()),
        "overdue_at_end": int((sent & ~told & (frame["due_on"] < last)).sum()),
    }
