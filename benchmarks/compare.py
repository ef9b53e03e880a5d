"""Precision and recall of `auditor compare`, a planted kind of difference at a time, and its time.

    python benchmarks/compare.py [--rows 100000] [--share 0.05] [--seed 1] [--folder DIR]

Writes a declaration of about `--rows` records (rooms with Chinese addresses, racks, links to suppliers,
address blocks) and the same once more, with differences of ten kinds planted in it; compares the two and
prints, a kind, how many were planted, found, and called by their name. A planted record that is called a
match ends the run with exit code 1.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import opencc

import auditor
from auditor.datum import from_wgs84

if TYPE_CHECKING:
    from collections.abc import Callable

Row = dict[str, Any]
AS_OF = "2026-11-22"
ROADS = (
    "世纪",
    "张江",
    "金科",
    "祖冲之",
    "碧波",
    "环湖西二",
    "临港",
    "申港",
    "民生",
    "浦东南",
    "银城中",
    "龙东",
)
CARRIERS = (
    "中国电信股份有限公司上海分公司",
    "中国联合网络通信有限公司上海市分公司",
    "中国移动通信集团上海有限公司",
)
TYPES = ("电信", "联通", "移动")
UNITS = ("示例云计算", "东方数据", "浦江科技", "临港智算", "申城网络")
# By planted kind: the reasons by which the comparison may call it.
NAMED = {
    "moved room": {"moved", "outside_undeclared"},
    "renamed unit": {"renamed"},
    "shifted datum": {"datum_shift"},
    "split prefix": {"split"},
    "traditional characters": {"traditional"},
    "swapped supplier": {"supplier"},
    "duplicate room id": {"duplicate", "surplus"},
    "missing rack": {"missing"},
    "stale IP": {"missing", "addresses", "ended"},
    "wrong link type": {"link_type"},
}


def declared(rows: int, rng: np.random.Generator) -> dict[str, list[Row]]:
    """Make records, of eighteen one room, ten racks, two links and five blocks."""
    n = max(20, rows // 18)
    made: dict[str, list[Row]] = {"room": [], "rack": [], "link": [], "block": []}
    prefix = "".join(rng.choice(list("ABCDEFGHJK"), 3))
    address = int(rng.integers(0x24000000, 0x28000000)) & 0xFFFF0000
    for i in range(n):
        room, road = f"{prefix}{i:06d}", ROADS[int(rng.integers(len(ROADS)))]
        number, house = (int(n) for n in rng.integers(1, (4000, 60)))
        place = f"上海市浦东新区{road}路{number}号{house}幢"
        unit = UNITS[int(rng.integers(len(UNITS)))] + chr(0x4E00 + int(rng.integers(3000))) + "有限公司"
        lon, lat = 121.60 + rng.random() * 0.15, 31.10 + rng.random() * 0.12
        made["room"].append(
            {"id": room, "name": f"{road}{i}号机房", "address": place, "region_code": "310115",
             "owner": unit,
             "lon": round(lon, 6), "lat": round(lat, 6), "datum": "WGS84", "kind": "room"}
        )  # fmt: skip
        made["rack"] += [
            {"id": f"{room}-F{k}", "name": f"F{k}", "site": room, "kind": "rack"} for k in range(10)
        ]
        for k in range(2):
            which = int(rng.integers(3))
            made["link"].append(
                {"id": f"{room}-G{k}", "source": room, "target": "", "kind": "leased_line",
                 "supplier": CARRIERS[which], "link_type": TYPES[which]}
            )  # fmt: skip
        for k in range(5):
            made["block"].append({"prefix": _block(address), "node": room, "source_unit": CARRIERS[k % 3]})
            address += 256
    return made


def _block(address: int, length: int = 24) -> str:
    return f"{'.'.join(str(address >> shift & 255) for shift in (24, 16, 8, 0))}/{length}"


def planted(
    made: dict[str, list[Row]], share: float, rng: np.random.Generator
) -> tuple[dict[str, list[Row]], dict[str, set[str]]]:
    """Copy the records, plant differences in `share` of them, and say in which."""
    filed = {table: [dict(row) for row in rows] for table, rows in made.items()}
    total = sum(map(len, made.values()))
    per_kind = max(2, int(total * share / len(NAMED)))
    traditional = opencc.OpenCC("s2t")
    rooms, links, blocks = filed["room"], filed["link"], filed["block"]
    cut = _chosen(len(rooms), 5, per_kind, rng)
    wrong = _chosen(len(links), 2, per_kind, rng)
    of_blocks = _chosen(len(blocks), 2, per_kind, rng)
    where: dict[str, set[str]] = defaultdict(set)

    def each(
        kind: str, rows: list[Row], at: np.ndarray[Any, Any], change: Callable[[Row], None], key: str
    ) -> None:
        for row in at.tolist():
            where[kind].add(str(rows[row][key]))
            change(rows[row])

    def move(row: Row) -> None:
        row["address"], row["lon"] = f"上海市闵行区都市路{int(rng.integers(1, 5000))}号", row["lon"] - 0.25
        row["region_code"] = "310112"

    def shift(row: Row) -> None:
        datum = ("GCJ-02", "BD-09")[int(rng.integers(2))]
        lon, lat = from_wgs84([row["lon"]], [row["lat"]], datum)
        row["lon"], row["lat"] = round(float(lon[0]), 6), round(float(lat[0]), 6)

    def swap(row: Row) -> None:
        others = [name for name in CARRIERS if name != row["supplier"]]
        row["supplier"] = others[int(rng.integers(2))]

    def mistype(row: Row) -> None:
        row["link_type"] = TYPES[(TYPES.index(row["link_type"]) + 1) % 3]

    each("moved room", rooms, cut[0], move, "id")
    each(
        "renamed unit", rooms, cut[1], lambda r: r.update(owner=r["owner"].replace("有限", "科技有限")), "id"
    )
    each("shifted datum", rooms, cut[2], shift, "id")
    each(
        "traditional characters",
        rooms,
        cut[3],
        lambda r: r.update(address=traditional.convert(r["address"])),
        "id",
    )
    each("swapped supplier", links, wrong[0], swap, "id")
    each("wrong link type", links, wrong[1], mistype, "id")
    doubles = [dict(rooms[row]) for row in cut[4].tolist()]
    where["duplicate room id"] = {row["id"] for row in doubles}
    rooms += doubles
    racks = rng.choice(len(filed["rack"]), per_kind, replace=False)
    where["missing rack"] = {filed["rack"][row]["id"] for row in racks.tolist()}
    filed["rack"] = [row for at, row in enumerate(filed["rack"]) if at not in set(racks.tolist())]
    halves: list[Row] = []
    for row in of_blocks[0].tolist():
        base = blocks[row]["prefix"].removesuffix(".0/24")
        where["split prefix"] |= {blocks[row]["prefix"], f"{base}.0/25", f"{base}.128/25"}
        halves.append({**blocks[row], "prefix": f"{base}.128/25"})
        blocks[row]["prefix"] = f"{base}.0/25"
    for n, row in enumerate(of_blocks[1].tolist()):
        where["stale IP"].add(blocks[row]["prefix"])
        blocks[row]["prefix"] = _block(0x70000000 + 256 * n)
        where["stale IP"].add(blocks[row]["prefix"])
    blocks += halves
    for rows in filed.values():
        rng.shuffle(rows)
    return filed, where


def _chosen(n: int, parts: int, each: int, rng: np.random.Generator) -> list[np.ndarray[Any, Any]]:
    """Choose distinct rows for several kinds."""
    each = min(each, n // parts)
    return np.split(rng.permutation(n)[: parts * each], parts)


def write_declaration(made: dict[str, list[Row]], folder: Path) -> Path:
    """Write records as a declaration."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = {"nodes": made["room"] + made["rack"], "links": made["link"], "prefixes": made["block"]}
    for name, rows in tables.items():
        names = list(dict.fromkeys(key for row in rows for key in row))
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(rows)
    text = 'schema = "auditor.declaration/1"\n[operator]\nname = "示例数据（上海）有限公司"\n[network]\n'
    text += "".join(f'{name} = "{name}.csv"\n' for name in tables)
    (folder / "declaration.toml").write_text(text, encoding="utf-8")
    return folder


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--share", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    rng = np.random.default_rng(asked.seed)
    made = declared(asked.rows, rng)
    filed, where = planted(made, asked.share, rng)
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        one, other = write_declaration(made, folder / "declared"), write_declaration(filed, folder / "filed")
        started, cpu = time.perf_counter(), time.process_time()
        found = auditor.compare(one, other, as_of=AS_OF)
        wall, spent = time.perf_counter() - started, time.process_time() - cpu
    return report(found, where, wall, spent, sum(map(len, made.values())))


def report(found: auditor.Comparison, where: dict[str, set[str]], wall: float, cpu: float, rows: int) -> int:
    """Print figures a kind; give 1 where a planted record is called a match."""
    called: dict[str, set[str]] = defaultdict(set)
    reasons: dict[str, set[str]] = defaultdict(set)
    for row in found.rows:
        for key in {*row.key_a.split(";"), *row.key_b.split(";")} - {""}:
            called[key].add(row.outcome)
            reasons[key] |= {row.reason, *(one.reason for one in row.differences)}
    print(f"{rows:,} records, {sum(map(len, where.values())):,} planted; {wall:.1f} s wall, {cpu:.1f} s CPU")
    print(json.dumps(found.counts))
    bad = 0
    kind_of = {key: kind for kind, keys in where.items() for key in keys}
    named_as: Counter[tuple[str, bool]] = Counter()
    for key, names in reasons.items():
        for kind, own in NAMED.items():
            if names & own and "match" not in called[key] and _may_be(kind, key, kind_of):
                named_as[kind, kind_of.get(key) == kind] += 1
    for kind, keys in where.items():
        hit = [key for key in keys if called[key] and called[key] != {"match"}]
        by_name = [key for key in keys if reasons[key] & NAMED[kind]]
        lost = [key for key in keys if called[key] == {"match"} or not called[key]]
        bad += len(lost)
        wrong = named_as[kind, False]
        precision = len(by_name) / max(1, len(by_name) + wrong)
        recall = len(by_name) / max(1, len(keys))
        figures = (
            f"found {len(hit):5,}  by name {len(by_name):5,}  precision {precision:.4f}  recall {recall:.4f}"
        )
        print(f"{kind:24} planted {len(keys):5,}  {figures}  called a match {len(lost)}")
    strange = [key for key, outcomes in called.items() if outcomes != {"match"} and key not in kind_of]
    print(f"not planted and yet no match: {len(strange):,} {sorted(strange)[:5]}")
    return 1 if bad else 0


def _may_be(kind: str, key: str, kind_of: dict[str, str]) -> bool:
    """Whether a record called by a reason of a kind counts for that kind: two kinds may share a reason."""
    if kind_of.get(key) == kind:
        return True
    planted_as = kind_of.get(key)
    return planted_as is None or not NAMED[planted_as] & NAMED[kind]


if __name__ == "__main__":
    sys.exit(main())
