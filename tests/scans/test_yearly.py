"""Figures of a year: counted once more one by one over a simulated life of a store, and written in four forms."""

import datetime as dt
import io
import json
import random
import re
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from auditor import cli, engine, registers
from auditor.errors import UsageError
from auditor.scans import ledger, tables, yearly_findings
from auditor.scans.store import open_store
from auditor.scans.yearly import summary
from auditor.scans.yearly_reports import FORMATS
from tests.scans._build import add_operator, add_run, changed
from tests.scans.conftest import FakeClock

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = dt.timedelta(days=1)
BEGAN = dt.datetime(2025, 10, 1, tzinfo=dt.UTC)
SEVERITY = {
    "PILOT-FAC-01": "high",
    "PILOT-ISP-02": "critical",
    "PILOT-GOV-15": "low",
    "PILOT-OLD-01": "medium",
}
CLAUSES = {rule.id: rule.clauses for rule in engine.all_rules()} | {"PILOT-OLD-01": ("-",)}
AREAS = ("shanghai", "hainan", None)
WORDS = {  # from what a finding is to what it becomes: the words that a run may use, and the verdict after
    ("absent", "open"): ["new", "newly_evaluated"],
    ("fixed", "open"): ["regressed"],
    ("closed", "open"): ["rule_changed", "zone_changed"],
    ("unseen", "open"): ["newly_evaluated"],
    ("open", "open"): ["changed"],
    ("open", "fixed"): ["fixed"],
    ("open", "closed"): ["policy_changed", "rule_changed"],
    ("open", "unseen"): ["no_longer_evaluated"],
}


class Life:
    """A store that lives, and every event of it as it happened."""

    def __init__(self, store, clock, seed):
        self.store, self.clock, self.rng = store, clock, random.Random(seed)  # noqa: S311 -- no secret
        self.operators = {}  # id -> [key, added, removed]
        self.state = defaultdict(lambda: "absent")
        self.verdict = {}
        self.moves, self.items, self.waivers, self.drawn, self.notices, self.runs = [], [], [], [], [], []

    def live(self, steps):
        self.add()
        for _ in range(steps):
            self.clock.ahead(hours=self.rng.randrange(1, 40 * 24))
            chances = (
                [self.run] * 6
                + [self.waive] * 2
                + [self.revoke, self.draw, self.notify, self.add, self.remove]
            )
            self.rng.choice(chances)()

    def here(self):
        return [number for number, (_, _, removed) in self.operators.items() if removed is None]

    def add(self):
        key = f"op-{len(self.operators)}"
        number = add_operator(self.store, key)
        self.operators[number] = [key, self.clock.at, None]

    def remove(self):
        if len(self.here()) < 2:
            return
        number = self.rng.choice(self.here())
        own = tables.operator

        def work(change):
            change.connection.execute(sa.update(own).where(own.c.id == number).values(removed_at=change.at))
            change.touch("operator", number)

        self.store.write("removed", work)
        self.operators[number][2] = self.clock.at

    def moved(self, operator):
        """Let some findings of an operator change, each at most once."""
        rows = []
        for rule, subject in self.rng.sample([(r, s) for r in SEVERITY for s in ("node:a", "node:b")], 4):
            now = self.state[operator, rule, subject]
            to = self.rng.choice([after for before, after in WORDS if before == now])
            word = self.rng.choice(WORDS[now, to])
            verdict = {"open": self.rng.choice(["fail", "inconclusive"]), "unseen": None}.get(to, "pass")
            rows.append(
                changed(
                    rule,
                    subject,
                    word,
                    self.verdict.get((operator, rule, subject)),
                    verdict,
                    severity=SEVERITY[rule],
                )
            )
            self.verdict[operator, rule, subject] = verdict
            self.state[operator, rule, subject] = to
            rows[-1]["_"] = (now, to)
        return rows

    def run(self):
        items, moved = {}, {}
        for operator in self.here():
            state = self.rng.choice(["done", "done", "done", "refused", "error"])
            items[operator] = {"state": state}
            if state != "done":
                items[operator]["reason"] = '{"en":"broken","zh":"已损坏"}'
                continue
            moved[operator] = self.moved(operator)
            items[operator] |= {
                "verdict": self.rng.choice(["pass", "fail", "inconclusive", "not_applicable"]),
                "area": AREAS[(operator + self.rng.randrange(2)) % 3]
                if self.rng.random() < 0.2
                else AREAS[operator % 3],
                "changes": [{k: v for k, v in row.items() if k != "_"} for row in moved[operator]],
                "evaluations": {
                    r: {"inconclusive": self.rng.randrange(3), "error": 1} for r in list(SEVERITY)[:2]
                },
                "facilities": {k: (self.rng.randrange(5), self.rng.randrange(3)) for k in ("server", "dns")},
            }
        if not items:
            return
        given = {operator: dict(item) for operator, item in items.items()}
        number = add_run(self.store, given, state="done")
        at = self.clock.at
        self.runs.append((number, at))
        self.items += [(at, number, operator, item) for operator, item in items.items()]
        for operator, rows in moved.items():
            self.moves += [
                (at, operator, row["rule"], row["subject"], row["change"], row["_"], row["after"])
                for row in rows
            ]

    def waive(self):
        operator, rule = self.rng.choice(self.here()), self.rng.choice(list(SEVERITY))
        kind = self.rng.choice(["waiver", "waiver", "verdict"])
        row = {
            "kind": kind,
            "operator_id": operator,
            "rule": rule,
            "subject": self.rng.choice(("node:a", "node:b")),
            "verdict": "pass" if kind == "verdict" else None,
            "reason": "r",
            "approver": "Li Na",
            "zone": "UTC",
        }

        def work(change):
            row.update(
                granted_at=change.at, from_at=change.at, until_at=change.at + self.rng.randrange(1, 300) * DAY
            )
            return change.insert(tables.decision, **row)

        number = self.store.write("recorded", work)
        self.waivers.append([number, row, None])

    def revoke(self):
        left = [w for w in self.waivers if w[2] is None and w[1]["until_at"] > self.clock.at + DAY]
        if not left:
            return
        one = self.rng.choice(left)

        def work(change):
            change.connection.execute(
                sa.insert(tables.revocation),
                [{"decision_id": one[0], "at": change.at, "by": "x", "reason": "y"}],
            )
            change.touch("revocation", one[0])

        self.store.write("revoked", work)
        one[2] = self.clock.at

    def draw(self):
        kind = self.rng.choice(["operator", "facility"])
        operators = self.rng.sample(self.here(), min(2, len(self.here())))
        rows = []

        def work(change):
            day = change.at.astimezone(SHANGHAI).date()
            due = day + self.rng.randrange(60) * DAY
            head = {
                "kind": kind,
                "seed": "s",
                "record": "0" * 64,
                "as_of": day,
                "due_on": due,
                "drawn_at": change.at,
            }
            number = change.insert(tables.draw, **head)
            for at, operator in enumerate(operators):
                closed = day + self.rng.randrange(90) * DAY if self.rng.random() < 0.7 else None
                outcome = self.rng.choice(["pass", "fail", "inconclusive", "refused"]) if closed else None
                row = {
                    "draw_id": number,
                    "number": at,
                    "operator": self.operators[operator][0],
                    "subject": "operator",
                    "stratum": "all",
                    "inspectors": "[]",
                    "outcome": outcome,
                    "closed_on": closed,
                }
                change.connection.execute(sa.insert(tables.drawn), [row])
                rows.append((change.at, number, kind, operator, due, closed, outcome))
            change.touch("drawn", number)

        self.store.write("drawn", work)
        self.drawn += rows

    def notify(self):
        if not self.runs:
            return
        operator, run = self.rng.choice(self.here()), self.runs[-1][0]
        row = {
            "operator_id": operator,
            "run_id": run,
            "runs": f"[{run}]",
            "channel": "file",
            "address": "out",
            "key": f"k{len(self.notices)}",
            "content": "0" * 64,
            "attempts": 1,
        }

        def work(change):
            day = change.at.astimezone(SHANGHAI).date()
            sent = self.rng.random() < 0.8
            acknowledged = day + self.rng.randrange(50) * DAY if sent and self.rng.random() < 0.6 else None
            row.update(
                state="sent" if sent else "drafted",
                drafted_at=change.at,
                sent_at=change.at + self.rng.randrange(3) * DAY if sent else None,
                due_on=day + 20 * DAY,
                acknowledged_on=acknowledged,
            )
            change.insert(tables.notice, **row)

        self.store.write("notified", work)
        self.notices.append(row)


class Counted:
    """The figures once more, one by one, from what happened."""

    def __init__(self, life, year, area):
        now = life.clock.at + dt.timedelta(seconds=1)
        self.start = dt.datetime(year, 1, 1, tzinfo=SHANGHAI).astimezone(dt.UTC)
        self.end = min(dt.datetime(year + 1, 1, 1, tzinfo=SHANGHAI).astimezone(dt.UTC), now)
        self.first = dt.date(year, 1, 1)
        self.last = (self.end - dt.timedelta(microseconds=1)).astimezone(SHANGHAI).date()
        self.life = life
        done = [i for i in life.items if i[3]["state"] == "done" and i[0] < self.end]
        self.area = {operator: item["area"] for _, _, operator, item in done}
        self.own = {
            n
            for n, (_, added, removed) in life.operators.items()
            if added < self.end
            and not (removed and removed < self.start)
            and area in {"all", self.area.get(n)}
        }
        self.stay = {n for n in self.own if not ((left := life.operators[n][2]) and left < self.end)}
        self.done = [i for i in done if i[2] in self.own]
        self.final = {i[2]: i for i in self.done if i[0] >= self.start and i[2] in self.stay}

    def inside(self, at):
        return at is not None and self.start <= at < self.end

    def findings(self):
        """Count by replaying all moves, one after the other."""
        by_rule = defaultdict(Counter)
        opened, at_start, seen, after = set(), set(), set(), {}
        for at, operator, rule, subject, word, (before, to), verdict in self.life.moves:
            if operator not in self.own or at >= self.end:
                continue
            key = (operator, rule, subject)
            if at >= self.start and before != "open" and to == "open":
                again = "regressed" if word == "regressed" else "reopened"
                by_rule[rule][again if key in seen else "first_seen"] += 1
            if at >= self.start and before == "open" and to != "open":
                by_rule[rule]["fixed" if word == "fixed" else "otherwise_closed"] += 1
            seen.add(key)
            (opened.add if to == "open" else opened.discard)(key)
            after[key] = verdict
            at_start = set(opened) if at < self.start else at_start
        for _, rule, _ in at_start:
            by_rule[rule]["open_at_start"] += 1
        for key in opened:
            self.at_end(by_rule[key[1]], key, after[key])
        return sum(by_rule.values(), Counter()), by_rule

    def at_end(self, counts, key, verdict):
        if key[0] not in self.stay:
            counts["operator_left"] += 1
            return
        just = self.end - dt.timedelta(microseconds=1)
        counts["open_at_end"] += 1
        counts["failing_at_end" if verdict == "fail" else "undecided_at_end"] += 1
        counts["not_judged_again"] += key[0] not in self.final
        counts["waived_at_end"] += any(self.holds(w, just) and self.of(w) == key for w in self.waived())

    def waived(self):
        return [w for w in self.life.waivers if w[1]["kind"] == "waiver"]

    @staticmethod
    def of(waiver):
        return tuple(waiver[1][name] for name in ("operator_id", "rule", "subject"))

    @staticmethod
    def holds(waiver, at):
        _, row, revoked = waiver
        return row["granted_at"] <= at < min(row["until_at"], revoked or row["until_at"])

    def waivers(self):
        mine = [w for w in self.waived() if w[1]["operator_id"] in self.own and w[1]["granted_at"] < self.end]
        ends = [(w, w[2] or w[1]["until_at"]) for w in mine]
        return {
            "at_start": sum(w[1]["granted_at"] < self.start <= end for w, end in ends),
            "granted": sum(self.inside(w[1]["granted_at"]) for w in mine),
            "lapsed": sum(self.inside(end) and w[2] is None for w, end in ends),
            "revoked": sum(self.inside(w[2]) for w in mine),
            "at_end": sum(end >= self.end for _, end in ends),
            "lapsed_and_open": self.bare(),
        }

    def bare(self):
        """Count findings that are open at the end, whose waiver has lapsed and has no other after it."""
        now = {
            (operator, rule, subject): to
            for at, operator, rule, subject, _, (_, to), _ in self.life.moves
            if operator in self.own and at < self.end
        }
        lapsed = {self.of(w) for w in self.waived() if self.inside(w[1]["until_at"]) and w[2] is None}
        just = self.end - dt.timedelta(microseconds=1)
        held = {self.of(w) for w in self.waived() if self.holds(w, just)}
        return sum(now.get(key) == "open" for key in lapsed - held)

    def person_verdicts(self):
        mine = [w for w in self.life.waivers if w[1]["kind"] == "verdict" and w[1]["operator_id"] in self.own]
        just = self.end - dt.timedelta(microseconds=1)
        given = sum(self.inside(w[1]["granted_at"]) for w in mine)
        return given, Counter(w[1]["rule"] for w in mine if self.holds(w, just))

    def spot_checks(self):
        total = Counter()
        for at, _, _, operator, due, closed, outcome in self.life.drawn:
            if operator not in self.own or at >= self.end:
                continue
            total["drawn"] += self.inside(at)
            total["open_at_start"] += at < self.start and not (closed and closed < self.first)
            if closed and self.first <= closed <= self.last:
                total["closed"] += 1
                total[outcome] += 1
            is_open = not (closed and closed <= self.last)
            total["open_at_end"] += is_open
            total["overdue_at_end"] += is_open and due < self.last
        return total

    def notices(self):
        total = Counter()
        for row in self.life.notices:
            if row["operator_id"] not in self.own or row["drafted_at"] >= self.end:
                continue
            sent = row["sent_at"] is not None and row["sent_at"] < self.end
            told = row["acknowledged_on"]
            total["drafted"] += self.inside(row["drafted_at"])
            total["sent"] += self.inside(row["sent_at"])
            if told and self.first <= told <= self.last:
                total["acknowledged"] += 1
                total["acknowledged_late"] += told > row["due_on"]
            total["unsent_at_end"] += not sent
            unanswered = sent and not (told and told <= self.last)
            total["open_at_end"] += unanswered
            total["overdue_at_end"] += unanswered and row["due_on"] < self.last
        return total


def nonzero(counts):
    return {name: number for name, number in counts.items() if number}


def hold_people_against(life, mine, figures):
    """Hold what people did in a year against the count of what happened."""
    waivers = figures["waivers"]
    assert waivers == mine.waivers()
    assert (
        waivers["at_start"] + waivers["granted"] - waivers["lapsed"] - waivers["revoked"] == waivers["at_end"]
    )
    checks = figures["spot_checks"]["total"]
    assert nonzero(checks) == nonzero(mine.spot_checks())
    assert checks["open_at_start"] + checks["drawn"] - checks["closed"] == checks["open_at_end"]
    drawn = {row[1] for row in life.drawn if row[3] in mine.own and mine.inside(row[0])}
    assert figures["spot_checks"]["draws"] == len(drawn)
    said, held = mine.person_verdicts()
    assert nonzero(figures["person_verdicts"]["given"]) == nonzero({"pass": said})
    assert {row["rule"]: row["pass"] for row in figures["person_verdicts"]["at_end"]} == held
    assert nonzero(figures["notices"]) == nonzero(mine.notices())


def hold_against(life, year, area):
    """Hold every figure of a year against the count of what happened."""
    at = life.clock.at
    figures = summary(life.store, year, area)
    life.clock.at = at
    mine = Counted(life, year, area)
    total, by_rule = mine.findings()
    found = figures["findings"]
    assert nonzero(found["total"]) == nonzero(total)
    shown = {row["rule"]: nonzero({c: row[c] for c in yearly_findings.COLUMNS}) for row in found["by_rule"]}
    assert nonzero(shown) == {rule: nonzero(counts) for rule, counts in by_rule.items()}
    for rows in (found["by_severity"], found["by_rule"], found["by_clause"], [found["total"]]):
        for row in rows:
            came, went = (
                sum(row[c] for c in names) for names in (yearly_findings.CAME, yearly_findings.WENT)
            )
            assert row["open_at_start"] + came - went == row["open_at_end"]
            assert row["failing_at_end"] + row["undecided_at_end"] == row["open_at_end"]
    for row in found["by_severity"]:
        assert row["open_at_end"] == sum(
            c["open_at_end"] for r, c in by_rule.items() if SEVERITY[r] == row["severity"]
        )
    for row in found["by_clause"]:
        assert row["first_seen"] == sum(
            c["first_seen"] for r, c in by_rule.items() if row["clause"] in CLAUSES[r]
        )
    counts = figures["operators"]
    items = [i for i in life.items if i[2] in mine.own and mine.inside(i[0])]
    assert counts["in_year"] == len(mine.own) == counts["at_start"] + counts["added"]
    assert counts["at_end"] == len(mine.stay) == counts["in_year"] - counts["left"]
    assert counts["added"] == sum(mine.inside(life.operators[n][1]) for n in mine.own)
    assert counts["scanned"] == len({i[2] for i in items})
    for state in ("done", "refused", "error"):
        assert counts[state] == len({i[2] for i in items if i[3]["state"] == state})
    assert counts["judged_at_end"] == len(mine.final)
    before = {i[2]: i[3]["verdict"] for i in mine.done if i[0] < mine.start}
    then = [n for n in mine.own if life.operators[n][1] < mine.start]
    assert nonzero(figures["verdicts"]["start"]) == nonzero(
        Counter(before.get(n, "not_judged") for n in then)
    )
    ended = {n: i[3]["verdict"] for n, i in mine.final.items()}
    assert nonzero(figures["verdicts"]["end"]) == nonzero(
        Counter(ended.get(n, "not_judged") for n in mine.stay)
    )
    for row in figures["facilities"]:
        pairs = [i[3]["facilities"][row["kind"]] for i in mine.final.values()]
        assert (row["sure"], row["doubtful"]) == tuple(map(sum, zip(*pairs, strict=True)))
        assert row["operators"] == len(pairs)
    assert len(figures["facilities"]) == (2 if mine.final else 0)
    assert len(figures["unjudged"]["rules"]) == (2 if mine.final else 0)
    for row in figures["unjudged"]["rules"]:
        given = [i[3]["evaluations"][row["rule"]] for i in mine.final.values()]
        assert row["inconclusive"] == sum(g["inconclusive"] for g in given)
        assert row["error"] == sum(g["error"] for g in given)
    lost = {life.operators[n][0] for n in mine.stay - mine.final.keys()}
    assert {row["operator"] for row in figures["unjudged"]["operators"]} == lost
    hold_people_against(life, mine, figures)
    numbers = sorted({i[1] for i in items})
    assert [row["run"] for row in figures["runs"]["listed"]] == numbers
    assert nonzero(figures["runs"]["items"]) == Counter(i[3]["state"] for i in items)
    return figures


@settings(max_examples=4, phases=[Phase.explicit, Phase.generate])  # a smaller seed is no smaller life
@given(st.integers(0, 2**32))
def test_every_figure_is_what_one_by_one_counts(seed):
    with tempfile.TemporaryDirectory() as folder:
        clock = FakeClock(BEGAN)
        store = open_store(f"sqlite:///{folder}/scans.db", clock=clock)
        life = Life(store, clock, seed)
        life.live(34)
        years = range(2025, life.clock.at.astimezone(SHANGHAI).year + 1)
        for year in life.rng.sample(years, 2):
            hold_against(life, year, life.rng.choice(["shanghai", "hainan"]))
            figures = hold_against(life, year, "all")
        assert all(write(figures, "en") for write in FORMATS.values())
        with store.read() as connection:
            assert ledger.verify(connection)[0] == []
        store.close()


def test_years_follow_one_another(store, clock):
    """What is open at the end of a year is open at the start of the next, on both databases."""
    clock.at = BEGAN
    life = Life(store, clock, 7)
    life.live(45)
    last = clock.at.astimezone(SHANGHAI).year
    assert last >= 2027
    figures = {year: hold_against(life, year, "all") for year in range(2025, last + 1)}
    for year in range(2025, last):
        ended, begun = figures[year], figures[year + 1]
        assert (
            ended["complete"]
            and ended["findings"]["total"]["open_at_end"] == begun["findings"]["total"]["open_at_start"]
        )
        assert ended["waivers"]["at_end"] >= begun["waivers"]["at_start"]  # of operators that had left
    assert not figures[last]["complete"]


def test_a_year_that_is_over_does_not_change_any_more(store, clock):
    clock.at = BEGAN
    life = Life(store, clock, 3)
    life.live(20)
    clock.at = dt.datetime(2027, 6, 1, tzinfo=dt.UTC)
    once = summary(store, 2026, "all")
    for _ in range(4):
        life.run()
        life.waive()
        clock.ahead(days=2)
    assert FORMATS["json"](summary(store, 2026, "all"), "en") == FORMATS["json"](once, "en")


# --- edges --------------------------------------------------------------------------------------------------


def judged(store, operator, changes=(), **item):
    return add_run(
        store, {operator: {"verdict": "fail", "area": "shanghai", "changes": list(changes), **item}}
    )


FAIL = changed("PILOT-FAC-01", "node:a", "new", None, "fail")


@pytest.mark.parametrize(
    ("at", "year"),
    [
        (dt.datetime(2026, 1, 1, 0, 0, 10, tzinfo=SHANGHAI), 2026),
        (dt.datetime(2025, 12, 31, 23, 59, 50, tzinfo=SHANGHAI), 2025),
        (dt.datetime(2025, 12, 31, 20, 0, tzinfo=dt.UTC), 2026),  # is the next year in Shanghai
    ],
)
def test_the_year_is_that_of_shanghai(store, clock, at, year):
    clock.at = BEGAN
    one = add_operator(store, "one")
    clock.at = at.astimezone(dt.UTC)
    judged(store, one, [FAIL])
    clock.at = dt.datetime(2027, 2, 1, tzinfo=dt.UTC)
    first_seen = {y: summary(store, y, "shanghai")["findings"]["total"]["first_seen"] for y in (2025, 2026)}
    assert first_seen == {2025: int(year == 2025), 2026: int(year == 2026)}


def test_an_item_counts_in_the_year_in_which_it_ended(store, clock):
    clock.at = BEGAN
    one, two = add_operator(store, "one"), add_operator(store, "two")
    clock.at = dt.datetime(2025, 12, 31, 15, 0, tzinfo=dt.UTC)
    late = dt.datetime(2025, 12, 31, 17, 0, tzinfo=dt.UTC)
    number = add_run(
        store,
        {
            one: {"verdict": "pass", "area": "shanghai"},
            two: {"verdict": "fail", "area": "shanghai", "ended_at": late, "changes": [FAIL]},
        },
    )
    clock.at = dt.datetime(2027, 2, 1, tzinfo=dt.UTC)
    old, new = summary(store, 2025, "all"), summary(store, 2026, "all")
    assert [(r["run"], r["done"], r["pending"]) for r in old["runs"]["listed"]] == [(number, 1, 1)]
    assert [(r["run"], r["done"], r["pending"]) for r in new["runs"]["listed"]] == [(number, 1, 0)]
    assert old["verdicts"]["end"]["not_judged"] == 1 and new["findings"]["total"]["first_seen"] == 1


def test_the_last_result_is_the_one_that_nothing_follows(store, clock):
    """Run 2 was interrupted and ended after run 3."""
    clock.at = BEGAN
    one = add_operator(store, "one")
    judged(store, one, [FAIL])
    again = changed("PILOT-FAC-01", "node:a", "regressed", "pass", "fail")
    later = clock.at + 3 * DAY
    judged(store, one, [again], before_id=3, ended_at=later)
    judged(
        store, one, [changed("PILOT-FAC-01", "node:a", "fixed", "fail", "pass")], before_id=1, verdict="pass"
    )
    clock.at = later + DAY
    figures = summary(store, 2025, "all")
    assert figures["verdicts"]["end"]["fail"] == 1
    assert (
        figures["findings"]["total"] | {"open_at_end": 1, "regressed": 1, "fixed": 1}
        == figures["findings"]["total"]
    )


def test_a_clock_set_back_loses_nothing(store, clock):
    clock.at = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    one = add_operator(store, "one")
    judged(store, one, [FAIL])
    clock.at = dt.datetime(2026, 2, 1, tzinfo=dt.UTC)
    judged(store, one, [changed("PILOT-FAC-01", "node:a", "fixed", "fail", "pass")], verdict="pass")
    clock.at = dt.datetime(2026, 4, 1, tzinfo=dt.UTC)
    total = summary(store, 2026, "shanghai")["findings"]["total"]
    assert (total["first_seen"], total["fixed"], total["open_at_end"]) == (1, 1, 0)


def test_a_waiver_that_was_granted_anew_has_not_lapsed_over_an_open_finding(store, clock):
    clock.at = BEGAN
    one = add_operator(store, "one")
    judged(store, one, [FAIL])
    row = {"kind": "waiver", "operator_id": one, "rule": "PILOT-FAC-01", "subject": "node:a"}
    row |= {"reason": "r", "approver": "Li Na", "zone": "UTC"}
    bare = []
    for days in (10, 300):
        at = clock.at
        times = {"granted_at": at, "from_at": at, "until_at": at + days * DAY}
        store.write("recorded", lambda c, times=times: c.insert(tables.decision, **row, **times))
        clock.ahead(days=20)
        waivers = summary(store, 2025, "all")["waivers"]
        bare.append((waivers["lapsed"], waivers["lapsed_and_open"]))
    assert bare == [(1, 1), (1, 0)]


def test_operators_of_no_known_area_are_told_and_not_lost(store, clock):
    clock.at = BEGAN
    one = add_operator(store, "one")
    add_run(store, {one: {"state": "refused", "reason": '{"en":"no TOML","zh":"不是 TOML"}'}})
    shanghai, every = summary(store, 2025, "shanghai"), summary(store, 2025, "all")
    assert shanghai["operators"]["in_year"] == 0 and shanghai["operators"]["area_unknown"] == 1
    assert every["operators"]["refused"] == 1
    told = {"operator": "one", "state": "refused", "reason": {"en": "no TOML", "zh": "不是 TOML"}}
    assert every["unjudged"]["operators"] == [told]


@pytest.mark.parametrize("year", [2026, 0, -1, 99999])
def test_years_that_are_refused(store, clock, year):
    clock.at = BEGAN
    with pytest.raises(UsageError, match="has not begun"):
        summary(store, year, "all")


def test_areas_are_those_of_the_circular_and_of_the_store(store, clock):
    clock.at = BEGAN
    with pytest.raises(UsageError, match="there are beijing, shanghai"):
        summary(store, 2025, "atlantis")
    one = add_operator(store, "one")
    judged(store, one, area="atlantis")
    assert summary(store, 2025, "atlantis")["operators"]["in_year"] == 1


def test_an_empty_store_counts_nothing(store, clock):
    clock.at = BEGAN
    figures = summary(store, 2025, "beijing")
    assert set(figures["findings"]["total"].values()) == set(figures["operators"].values()) == {0}
    assert b"<table" in FORMATS["html"](figures, "zh")


# --- what is written ----------------------------------------------------------------------------------------

HOSTILE = '=HYPERLINK("http://x")</script><img src=x onerror=alert(1)>\x1b[2J\u202e'


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Give figures in which every free text is hostile."""
    clock = FakeClock(BEGAN)
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('hostile') / 'scans.db'}", clock=clock)
    one, two = add_operator(store, HOSTILE), add_operator(store, "+1+1")
    judged(store, one, [FAIL], area=HOSTILE, facilities={HOSTILE: (1, 0)})
    reason = json.dumps({"en": HOSTILE, "zh": HOSTILE})
    run = add_run(
        store,
        {
            one: {"area": HOSTILE, "verdict": "fail", "facilities": {HOSTILE: (1, 0)}},
            two: {"state": "refused", "reason": reason},
        },
    )

    def sign(change):
        row = {
            "run_id": run,
            "sha256": "ab" * 32,
            "items": 2,
            "log_seq": 1,
            "log_hash": "0" * 64,
            "envelope": "{}",
        }
        change.connection.execute(sa.insert(tables.root), [row])
        change.touch("root", run)

    store.write("signed", sign)
    yield summary(store, 2025, "all")
    store.close()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_page_obeys_nothing_and_asks_nothing(hostile, lang):
    page = FORMATS["html"](hostile, lang).decode()
    assert "<img" not in page and "<script" not in page and "\x1b" not in page and "\u202e" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    assert not re.search(r"(?:src|href)=[\"']?http|url\(|@import", page.replace("src=x", ""))
    assert "ab" * 32 in page


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_workbook_has_no_formula_and_the_same_numbers(hostile, lang):
    data = FORMATS["xlsx"](hostile, lang)
    assert data == FORMATS["xlsx"](hostile, lang)
    book = openpyxl.load_workbook(io.BytesIO(data))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s", "n"}
    assert any(str(cell.value).startswith("=HYPERLINK") for cell in cells)
    assert any(cell.value == "ab" * 32 for cell in cells)
    assert len(book.sheetnames) == len(set(book.sheetnames)) == 6


def test_text_shows_controls_and_roots(hostile):
    text = FORMATS["text"](hostile, "en").decode()
    assert "\x1b" not in text and "\u202e" not in text
    assert "ab" * 32 in text.replace("\n", "")


@pytest.mark.parametrize("form", ["text", "html"])
def test_an_area_of_any_name_is_shown_not_obeyed(store, clock, form):
    clock.at = BEGAN
    judged(store, add_operator(store, "one"), area=HOSTILE)
    told = FORMATS[form](summary(store, 2025, HOSTILE), "en").decode()
    assert "HYPERLINK" in told and "\x1b" not in told and "\u202e" not in told


def test_json_says_how_everything_is_counted(hostile):
    values = json.loads(FORMATS["json"](hostile, "en"))
    assert values["schema"] == "auditor.summary/1"
    tables_ = {"operators", "verdicts", "findings", "facilities", "unjudged", "waivers", "person_verdicts"}
    assert values["counted"].keys() >= tables_ | {"spot_checks", "notices", "runs"}
    manual = [clause.id for clause in registers.read_clauses() if clause.assessment == "manual"]
    assert values["unjudged"]["clauses"] == manual


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """Give figures of a year in a life."""
    clock = FakeClock(BEGAN)
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('lived') / 'scans.db'}", clock=clock)
    Life(store, clock, 11).live(25)
    clock.at = dt.datetime(2027, 2, 1, tzinfo=dt.UTC)
    yield summary(store, 2026, "all")
    store.close()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_page_has_nothing_of_the_other_language(lived, lang):
    page = FORMATS["html"](lived, lang).decode()
    text = re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)
    if lang == "zh":
        assert not re.search(r"(?:\b[a-z]{2,}\b[,.;:]? +){3}", text)
    else:
        han = re.sub(r"工信部通信函〔2024〕107号|printed 二\([一二]\)", "", text)
        assert not re.search(r"[\u4e00-\u9fff]{3}", han)


def test_command(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'scans.db'}")
    one = add_operator(store, "one")
    judged(store, one, [FAIL])
    store.close()
    this = dt.datetime.now(SHANGHAI).year
    words = ["summary", "--year", str(this), "--area", "shanghai", "--store", store.url]
    outputs = [part for name in FORMATS for part in ("-o", f"{name}={tmp_path / name}")]
    done = CliRunner().invoke(cli.cli, [*words, "--format", "json", *outputs], standalone_mode=False)
    assert done.return_value == 0, done.exception
    assert json.loads(done.stdout)["findings"]["total"]["first_seen"] == 1
    assert all(Path(tmp_path / name).stat().st_size for name in FORMATS)
    lost = CliRunner().invoke(cli.cli, [*words, "-o", "pdf=x"], standalone_mode=False)
    assert "no format is called pdf" in str(lost.exception)
    nowhere = [*words[:-1], f"sqlite:///{tmp_path / 'none.db'}"]
    assert "there is no store" in str(CliRunner().invoke(cli.cli, nowhere, standalone_mode=False).exception)
