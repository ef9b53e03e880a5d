"""A notice as people read it: Markdown, Chinese first, then English; names in it are shown, not obeyed."""

from __future__ import annotations

import datetime as dt
from itertools import groupby
from typing import TYPE_CHECKING, Any

from auditor import registers
from auditor.engine import all_rules
from auditor.findings import Verdict
from auditor.language import Text, both, joined, say
from auditor.messages import LABELS, VERDICTS
from auditor.reports.markdown import code, escaped
from auditor.scans.life import CHANGES, LOST
from auditor.scans.notice_content import PASSED_BY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from auditor.rule import Rule

MOST_SHOWN = 100  # findings in each language; the JSON lists more
KINDS: Mapping[str, Text] = {
    **CHANGES,
    "new": both("newly found"),
    "regressed": both("found again after it was fixed"),
    "changed": both("found before, and different now"),
    "rule_changed": both("different because the rule changed, not the network"),
    "zone_changed": both("different because the zones changed, not the network"),
    "policy_changed": both("different because the policy changed, not the network"),
    "no_longer_evaluated": both("no longer evaluated: not the same as fixed"),
    PASSED_BY: both("found and fixed in between"),
}
STATES = {
    "refused": both("the declaration was refused"),
    "error": both("the audit of the declaration broke off"),
    "judged_again": both("the declaration can be judged again"),
}
EVENTS = {"lapsed": both("waiver lapsed"), "revoked": both("waiver revoked")}
WORDS = {
    "title": both("Notice of what changed in the audit"),
    "number": both("Notice"),
    "issuer": both("From"),
    "operator": both("Operator"),
    "uscc": both("Unified social credit code"),
    "runs": both("Runs"),
    "as_of": both("Judged as of"),
    "verdict": both("Verdict"),
    "root": both("Root of the run (Merkle, SHA-256)"),
    "summary": both("Changes"),
    "next": both("next"),
    "problems": both("All that is wrong with it"),
    "unjudged": both("Not judged"),
    "waivers": both("Waivers that ended"),
    "acknowledge": both("How to acknowledge"),
    "because": both("because"),
    "waived": both("waived until"),
    "steps": both("steps"),
    "language": both("English"),
}
NO_VERDICT = both("none")
SUSPECTED = both("suspected breach (to be verified)")


def title(notice: Mapping[str, Any]) -> Text:
    """Give the one line that names a notice."""
    operator = notice["operator"]
    return both(
        "Notice {reference}: audit of {operator}, {count:,} changes",
        reference=notice["reference"],
        operator=operator["name"] or operator["key"],
        count=_number(notice),
    )


def _number(notice: Mapping[str, Any]) -> int:
    changed: int = sum(notice["counts"].values())
    return changed + len(notice["unjudged"]) + len(notice["waivers"])


def text(notice: Mapping[str, Any]) -> str:
    """Write a notice, both languages one after the other."""
    name = WORDS["title"]
    lines = [f"# {name.zh} / {name.en}", ""]
    for lang in ("zh", "en"):
        lines += [f"## {WORDS['language'].in_(lang)}", "", *_told(notice, lang), ""]
    return "\n".join(lines)


def _told(notice: Mapping[str, Any], lang: str) -> Iterator[str]:
    yield from _head(notice, lang)
    yield from _findings(notice, lang)
    yield from _unjudged(notice, lang)
    yield from _waivers(notice, lang)
    yield from _acknowledge(notice, lang)


def _named(name: str, told: object, lang: str) -> str:
    shown = told.in_(lang) if isinstance(told, Text) else str(told)
    return both("- **{name}**: {text}", name=WORDS[name], text=shown).in_(lang)


def _head(notice: Mapping[str, Any], lang: str) -> Iterator[str]:
    operator = notice["operator"]
    yield _named("number", code(notice["reference"]), lang)
    if notice["issuer"]:
        yield _named("issuer", escaped(notice["issuer"]), lang)
    yield _named("operator", escaped(operator["name"] or operator["key"]), lang)
    if operator["uscc"]:
        yield _named("uscc", escaped(operator["uscc"]), lang)
    yield _named("runs", _runs(notice), lang)
    yield _named("as_of", notice["as_of"], lang)
    yield _named("verdict", _step(notice["verdict_before"], notice["verdict"]), lang)
    if notice["root"]:
        yield _named("root", code(notice["root"]["sha256"]), lang)
    counted = [both("{name}: {text}", name=_kind(n), text=f"{c:,}") for n, c in notice["counts"].items()]
    if counted:
        yield _named("summary", joined(counted, "; ", "；"), lang)


def _runs(notice: Mapping[str, Any]) -> Text:
    run, since = notice["run"], notice["since_run"]
    if since is None:
        return both("up to {run}: the first notice to this address", run=run)
    return both("after {since}, up to {run}", since=since, run=run)


def _step(before: str | None, after: str | None) -> Text:
    if before is None or before == after:
        return _verdict(after)
    return both("{before}, then {after}", before=_verdict(before), after=_verdict(after))


def _verdict(verdict: str | None) -> Text:
    if verdict == Verdict.FAIL:
        return SUSPECTED
    return VERDICTS[Verdict(verdict)] if verdict in set(Verdict) else NO_VERDICT


def _kind(name: str) -> Text:
    return KINDS.get(name, Text(name, name))


# --- findings ---------------------------------------------------------------------------------------------


def _findings(notice: Mapping[str, Any], lang: str) -> Iterator[str]:
    rules = {rule.id: rule for rule in all_rules()}
    shown = notice["changes"][:MOST_SHOWN]
    for kind, of_kind in groupby(shown, key=lambda one: one["change"]):
        yield from ("", f"### {_kind(kind).in_(lang)}")
        listed = sorted(of_kind, key=lambda one: one["rule"])
        for rule, group in groupby(listed, key=lambda one: one["rule"]):
            yield from ("", *_rule(rule, rules.get(rule), lang), "")
            for one in group:
                yield from _finding(one, lang)
    rest = sum(notice["counts"].values()) - len(shown)
    if rest:
        told = both(
            "{count:,} more are not shown here; the JSON of this notice counts them by rule.", count=rest
        )
        yield from ("", told.in_(lang))


def _rule(rule_id: str, rule: Rule | None, lang: str) -> Iterator[str]:
    if rule is None:
        yield f"**{escaped(rule_id)}**"
        return
    yield f"**{rule_id} {escaped(rule.title.in_(lang))}**"
    for clause in map(registers.clause, rule.clauses):
        quoted = both("{name}: {text}", name=clause.place(lang), text=clause.zh).in_(lang)
        yield from ("", f"> {escaped(quoted)}")


def _finding(one: Mapping[str, Any], lang: str) -> Iterator[str]:
    message = escaped(one["message"][lang])
    over = one["change"] in {PASSED_BY, "fixed", LOST}  # then nothing says so of it any more
    said = both(
        "- {subject} ({step}): {message}",
        subject=code(one["subject"]),
        step=_step(one["before"], one["after"]),
        message=both("formerly: {message}", message=message) if over else message,
    )
    yield said.in_(lang)
    if one.get("next"):
        yield _more("next", escaped(one["next"][lang]), lang)
    if one["because"]:
        yield _more("because", escaped(_all(one["because"], lang)), lang)
    if "waived_until" in one:
        yield _more("waived", one["waived_until"], lang)
    if "steps" in one:
        steps = [
            both("run {run}: {change}", run=step["run"], change=_kind(step["change"]))
            for step in one["steps"]
        ]
        yield _more("steps", joined(steps, "; ", "；").in_(lang), lang)


def _more(name: str, told: str, lang: str) -> str:
    return "  - " + both("{name}: {text}", name=WORDS[name], text=told).in_(lang)


def _all(texts: list[Mapping[str, str]], lang: str) -> str:
    return ("；" if lang == "zh" else "; ").join(told[lang] for told in texts)


# --- the rest ---------------------------------------------------------------------------------------------


def _unjudged(notice: Mapping[str, Any], lang: str) -> Iterator[str]:
    if notice["unjudged"]:
        yield from ("", f"### {WORDS['unjudged'].in_(lang)}", "")
    for one in notice["unjudged"]:
        yield "- " + both("run {run}: {change}", run=one["run"], change=STATES[one["state"]]).in_(lang)
        if one["problems"]:
            lines = one["problems"][lang].split("\n")
            yield f"  - {WORDS['problems'].in_(lang)}"
            yield from (f"    - {escaped(line)}" for line in lines[:MOST_SHOWN])
            if lines[MOST_SHOWN:]:
                yield "    - " + both("and {count:,} more", count=len(lines[MOST_SHOWN:])).in_(lang)
        elif one["reason"]:
            yield f"  - {escaped(one['reason'][lang])}"


def _waivers(notice: Mapping[str, Any], lang: str) -> Iterator[str]:
    if notice["waivers"]:
        yield from ("", f"### {WORDS['waivers'].in_(lang)}", "")
    for one in notice["waivers"]:
        told = both(
            "- {event}: {rule}, {subject}, at {moment}",
            event=EVENTS[one["event"]],
            rule=code(one["rule"]),
            subject=code(one["subject"]),
            moment=one["ended"],
        )
        yield told.in_(lang)
        yield f"  - {escaped(one['reason'])}"


def _acknowledge(notice: Mapping[str, Any], lang: str) -> Iterator[str]:
    yield from ("", f"### {WORDS['acknowledge'].in_(lang)}", "")
    within = say(
        "Please acknowledge this notice within {days} days of the day on which it was sent: if that is "
        "{sent_on}, by {due_on}.",
        days=notice["acknowledge_within_days"],
        sent_on=notice["drafted_on"],
        due_on=notice["due_on"],
    )
    yield within.in_(lang)
    where = notice["contact"] and code(notice["contact"])
    told = (
        say("Tell {contact} the number of the notice, who acknowledges it, and on which day.", contact=where)
        if where
        else say("Tell whoever sent it the number of the notice, who acknowledges it, and on which day.")
    )
    yield told.in_(lang)
    yield say(
        "It is recorded by `auditor scan acknowledge {reference} --by NAME --on DATE`.",
        reference=notice["reference"],
    ).in_(lang)
    yield LABELS["facts"].in_(lang)


def due(sent_on: dt.date, days: int) -> dt.date:
    """Last day on which a notice of a day is acknowledged in time."""
    return sent_on + dt.timedelta(days)
