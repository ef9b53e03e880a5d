"""Small declarations of many operators, and poisoned ones."""

from pathlib import Path

DECLARED = """schema = "auditor.declaration/1"
declared_on = 2026-10-01
approvals_complete = true
[operator]
name = "{name}"
nature = "foreign_invested"
foreign_share = 1.0
pilot_area = "shanghai"
[[operator.domiciles]]
address = "上海市浦东新区"
region_code = "310115"
[[approvals]]
kind = "pilot_reply"
number = "{name}"
holder = "{name}"
area = "shanghai"
services = ["B12"]
issued_on = 2025-02-26
expires_on = 2030-02-26
status = "valid"
[[services]]
code = "B12"
regime = "pilot107"
scope = ["CN"]
started_on = 2025-04-01
regime_from_on = 2025-04-01
content = []
[network]
nodes = "nodes.csv"
links = "links.csv"
complete = true
"""
HEADER = "id,kind,owner,region_code\n"


def write_operators(folder, number, *, outside=()):
    """Write operators ``op-0``, ``op-1``, …; those named in `outside` have a CDN node outside the area."""
    for i in range(number):
        home = Path(folder) / f"op-{i}"
        home.mkdir(parents=True)
        (home / "declaration.toml").write_text(DECLARED.format(name=f"Operator {i}"), encoding="utf-8")
        rows = [
            f"cdn-1,cdn_edge,operator,{330106 if i in outside else 310115}",
            "dc-1,data_centre,operator,310115",
        ]
        (home / "nodes.csv").write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
        (home / "links.csv").write_text("source,target,kind\ncdn-1,dc-1,fibre\n", encoding="utf-8")
