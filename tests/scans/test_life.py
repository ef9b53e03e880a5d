"""Lives of findings: simulated weeks against an oracle, what is regressed, what is only out of sight."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.scans import ledger, life
from auditor.scans.canonical import canonical
from auditor.scans.store import open_store
from tests.scans._build import add_operator, add_run

RULE, OTHER = "PILOT-TST-01", "PILOT-TST-02"
OPEN = ("fail", "inconclusive", "error")
MONDAY = dt.date(2026, 11, 2)


def result(verdicts, *, ran=True, zone="a", name="Case", uscc=None):
    """Make a result of subject -> verdict under `RULE`, or one in which it did not run; `OTHER` always passes."""
    counts, settled = {OTHER: {"pass": 1}}, {OTHER: {"pass": ["operator"]}}
    given = {s: v for s, v in verdicts.items() if v} if ran else {}
    findings = []
    for subject, verdict in given.items():
        counts.setdefault(RULE, {}).setdefault(verdict, 0)
        counts[RULE][verdict] += 1
        if verdict in OPEN:
            said = {"message": f"{subject} {verdict}", "message_id": verdict, "args": {}, "details": {}}
            key = {"rule": RULE, "subject": subject, "fingerprint": f"{name}/{subject}"}
            findings.append({**key, "verdict": verdict, "severity": "high", "basis": "circular", **said})
        else:
            settled.setdefault(RULE, {}).setdefault(verdict, []).append(subject)
    if ran and not given:
        counts[RULE] = {"not_applicable": 1}
        settled[RULE] = {"not_applicable": ["operator"]}
    return {
        "schema": "auditor.result/1",
        "tool": {"version": "1"},
        "verdict": "fail" if findings else "pass",
        "as_of": MONDAY.isoformat(),
        "operator": {"name": name, "uscc": uscc, "area": None},
        "policy_sha256": "0" * 64,
        "inputs": [],
        "zones": [{"part": "p", "sha256": zone}],
        "rules": [{"id": rule, "sha256": "0" * 64, "placed": True} for rule in (RULE, OTHER)],
        "counts": counts,
        "settled": settled,
        "findings": findings,
    }


class Weeks:
    """An operator that is judged week by week, as runs do it."""

    def __init__(self, store, key="one"):
        self.store, self.operator, self.before, self.runs = store, add_operator(store, key), None, 0

    def judged(self, verdicts, **more):
        """Judge it, and give the changes by subject."""
        after = result(verdicts, **more)
        with self.store.read() as connection:
            known = life.earlier(connection, self.operator)
        rows = life.changes_of(self.before, after, known)
        given = {"verdict": after["verdict"], "name": "Case", "changes": rows, "evaluations": after["counts"]}
        self._add(given, result=after)
        self.before = after
        return {row["subject"]: row["change"] for row in rows}

    def refused(self):
        """Have it refused for a week."""
        self._add({"state": "refused", "reason": canonical({"en": "unreadable", "zh": "无法读取"})})

    def _add(self, given, **more):
        self.runs += 1
        day = MONDAY + dt.timedelta(weeks=self.runs - 1)
        add_run(self.store, {self.operator: {**given, **more}}, as_of=day)

    def lives(self):
        with self.store.read() as connection:
            assert ledger.verify(connection)[0] == []
            return life.lives(connection)


def by_hand(weeks):
    """Follow each subject through the weeks: state, first, last, times regressed; apart from the code."""
    found = {}
    for subject in {s for week in weeks if week for s in week["verdicts"]}:
        state = first = last = word = None
        regressed = 0
        before, ran_before, zone = None, True, None
        for number, week in enumerate(weeks, 1):
            if week is None:  # refused: nothing is known of this week
                continue
            now = week["verdicts"].get(subject) if week["ran"] else None
            moved = zone is not None and zone != week["zone"]
            if before in OPEN:
                if before == now == "error":
                    pass
                elif now in {None, "error", "not_applicable"}:
                    state = word = "not_evaluated"
                elif now == "pass":
                    state = word = "zone_changed" if moved else "fixed"
                else:
                    state, word = "open", "open"
            elif now in OPEN:
                regressed += word == "fixed" and ran_before and not moved
                state, word, first = "open", "open", first or number
            last = number if state == "open" else last
            before, ran_before, zone = now, week["ran"], week["zone"]
        if first:
            found[subject] = (state, first, last, regressed)
    return found


verdict = st.sampled_from(["pass", "pass", "fail", "fail", "inconclusive", "error", "not_applicable", None])
week = st.none() | st.fixed_dictionaries(
    {
        "verdicts": st.fixed_dictionaries({f"node:{n}": verdict for n in "abcd"}),
        "ran": st.sampled_from([True, True, True, True, False]),
        "zone": st.sampled_from(["a", "a", "a", "b"]),
    }
)


@settings(max_examples=6)
@given(st.lists(week, min_size=2, max_size=10))
def test_simulated_weeks_come_to_what_an_oracle_says(tmp_path_factory, weeks):
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('store') / 'scans.db'}")
    try:
        simulated = Weeks(store)
        for one in weeks:
            if one is None:
                simulated.refused()
            else:
                simulated.judged(one["verdicts"], ran=one["ran"], zone=one["zone"])
        frame = simulated.lives()
    finally:
        store.close()
    columns = ("subject", "state", "first_run", "last_run", "regressed")
    found = {row[0]: row[1:] for row in frame[list(columns)].itertuples(index=False)}
    assert {subject: tuple(values) for subject, values in found.items()} == by_hand(weeks)


def test_a_life_is_told_with_its_dates(store):
    weeks = Weeks(store)
    assert weeks.judged({"node:a": "fail", "node:b": "inconclusive"}) == {"node:a": "new", "node:b": "new"}
    assert weeks.judged({"node:a": "fail", "node:b": "inconclusive"}) == {}
    assert weeks.judged({"node:a": "pass", "node:b": "fail"}) == {"node:a": "fixed", "node:b": "changed"}
    weeks.refused()
    assert weeks.judged({"node:a": "fail", "node:b": "pass"}, zone="b") == {
        "node:a": "zone_changed",  # of results that were only read, whatever the zones may have changed is
        "node:b": "zone_changed",
    }
    assert weeks.judged({"node:a": "pass", "node:c": "fail"}, zone="b") == {
        "node:a": "fixed",
        "node:c": "new",
    }
    assert weeks.judged({"node:a": "fail"}, zone="b") == {"node:a": "regressed", "node:c": life.LOST}
    assert weeks.judged({"node:a": "fail", "node:c": "fail"}, zone="b") == {"node:c": "newly_evaluated"}
    frame = weeks.lives().set_index("subject")
    days = {n: MONDAY + dt.timedelta(weeks=n - 1) for n in range(1, 9)}
    told = frame[["state", "verdict", "first_on", "last_on", "regressed"]].to_dict("index")
    assert list(told["node:a"].values()) == ["open", "fail", days[1], days[8], 1]
    assert list(told["node:b"].values()) == ["zone_changed", "pass", days[1], days[3], 0]
    assert list(told["node:c"].values()) == ["open", "fail", days[6], days[8], 0]


def test_another_enterprise_in_the_same_folder_begins_anew(store):
    weeks = Weeks(store)
    weeks.judged({"node:a": "fail", "node:b": "fail"}, uscc="91310115MADEM00117")
    changed = weeks.judged({"node:a": "fail"}, name="Else", uscc="91310115MADEM00125")
    assert changed == {"node:a": "new", "node:b": life.LOST}
    frame = weeks.lives().set_index("subject")
    assert frame.loc["node:a", "fingerprint"] == "Else/node:a"
    assert "another operator is declared" in frame.loc["node:b", "because"]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_store_without_findings_gives_an_empty_frame(store, lang):
    with store.read() as connection:
        frame = life.lives(connection, lang=lang)
    assert (len(frame), list(frame.columns)) == (0, list(life.LIFE))


def test_a_run_that_ended_after_a_later_one_stands_where_it_was_held_against_another():
    assert life.in_order([(1, None), (2, 4), (3, 2), (4, 1)]) == [1, 4, 2, 3]
