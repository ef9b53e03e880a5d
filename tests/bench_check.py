"""Hold a result against the answers that a generated network brings, and walk every witness.

python tests/bench_check.py FOLDER RESULT.json

The walk knows nothing of auditor: it reads the folder's tables again.
"""

from __future__ import annotations

import json
import sys
from itertools import pairwise
from pathlib import Path

import pandas as pd

CARRIERS = {"中国电信", "中国联通", "中国移动"}
RULES = ("PILOT-ISP-02", "PILOT-ISP-06", "PILOT-FAC-01")


def table(folder, name):
    parquet = folder / f"{name}.parquet"
    if parquet.exists():
        return pd.read_parquet(parquet)
    return pd.read_csv(folder / f"{name}.csv", keep_default_na=False)


def found(result):
    rows = [(f["rule"], f["subject"], f["verdict"]) for f in result["findings"] if f["rule"] in RULES]
    return {row for row in rows if row[1] != "operator"}


def differences(folder, result):
    """What the result says too much and too little; unlinked subscribers may be undecided under ISP-06."""
    expected = set(pd.read_parquet(folder / "expected.parquet").itertuples(index=False, name=None))
    links = table(folder, "links")
    linked = set(links["source"]) | set(links["target"])
    told = found(result)
    excused = {
        r for r in told - expected if r[0] == "PILOT-ISP-06" and r[1].removeprefix("node:") not in linked
    }
    return sorted(told - expected - excused), sorted(expected - told)


def wrong_witnesses(folder, result):
    """Subjects whose path under ISP-02 is no walk over links from the subject to a root past every gate."""
    nodes, links = table(folder, "nodes").set_index("id"), table(folder, "links")
    pairs = set(zip(links["source"], links["target"], strict=True))
    kind, owner = nodes["kind"].to_dict(), nodes["owner"].to_dict()
    sure = {i for i in kind if kind[i] == "bng" and owner[i] in CARRIERS}
    maybe = {i for i in kind if (kind[i] == "bng" and not owner[i]) or kind[i] == "olt"}
    core = {i for i in kind if kind[i] == "egress" or (kind[i] == "router" and owner[i] in CARRIERS)}
    wrong, walked = [], 0
    for finding in result["findings"]:
        path = finding["details"].get("path")
        if finding["rule"] != "PILOT-ISP-02" or not path:
            continue
        walked += 1
        avoided = sure | maybe if finding["verdict"] == "fail" else sure
        ends = core if finding["verdict"] == "fail" else core | maybe
        steps = pairwise(path)
        good = (
            path[0] == finding["subject"].removeprefix("node:")
            and path[-1] in ends
            and not avoided & set(path)
            and all((a, b) in pairs or (b, a) in pairs for a, b in steps)
            and not {kind[i] for i in path[1:-1]} & {"subscriber", "data_centre"}
            and len(set(path)) == len(path)
        )
        if not good:
            wrong.append(finding["subject"])
    return wrong, walked


def main():
    folder, result = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text("utf-8"))
    more, fewer = differences(folder, result)
    wrong, walked = wrong_witnesses(folder, result)
    sys.stdout.write(f"{folder.name}: {len(found(result))} findings, {len(more)} too many, {len(fewer)} missing, "
          f"{walked} witnesses walked, {len(wrong)} wrong\n")  # fmt: skip
    for row in (*more[:5], *fewer[:5], *wrong[:5]):
        sys.stdout.write(f"   {row}\n")
    return 1 if more or fewer or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
