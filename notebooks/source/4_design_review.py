# %% [markdown]
# # 4 · A design review
#
# An operator that passes today plans a change. The cheapest moment to find out what the rules say is before anybody digs.
# The plan is a change to a graph, so this is a notebook about networkx with an audit at the end.

# %%
import auditor

DAY = "2026-11-22"
areas = auditor.read_areas(DAY)
declaration = auditor.read_declaration(auditor.sample("shanghai_isp_cdn"))
before = auditor.check(declaration, areas=areas, as_of=DAY)
before

# %% [markdown]
# The design as it lies on the table:
#
# 1. a CDN node in Kunshan, half an hour away, *to be nearer to customers in Suzhou*;
# 2. a second line from the aggregation router in Zhangjiang to China Telecom's core, *for resilience*;
# 3. a new hall in Lingang, with its coordinates from a phone;
# 4. two hundred more homes in Fengxian, on the OLT that is there.

# %%
design = declaration.graph.copy()

# 1
design.add_node(
    "edge-ks-1", kind="cdn_edge", name="昆山边缘节点", owner="operator", holding="own", services="B12",
    region_code="320583", lon=120.981, lat=31.386, datum="WGS84", accuracy_m=30.0,
)  # fmt: skip
design.add_edge("edge-ks-1", "agg-zj-1", kind="fibre")
# 2
core = next(
    n for n, d in design.nodes(data=True) if d["kind"] == "router" and "电信" in (d.get("owner") or "")
)
design.add_edge("agg-zj-1", core, kind="leased_line", owner="中国电信股份有限公司上海分公司")
# 3
design.add_node(
    "room-lg-9", kind="room", name="临港新机房", owner="operator", holding="own", services="B12;B14",
    lon=121.9402, lat=30.8951, datum="GCJ-02", accuracy_m=15.0,
)  # fmt: skip
# 4
design.add_node(
    "sub-fc-new", kind="subscriber", owner="customer", services="B14", region_code="310120", count=200
)
design.add_edge("sub-fc-new", "olt-fc-1", kind="access")

after = auditor.check(auditor.read_graph(design, operator=declaration), areas=areas, as_of=DAY)
after

# %% [markdown]
# Held against each other, rule by rule and subject by subject:

# %%
auditor.diff(before, after)

# %% [markdown]
# Three of the four points have something:
#
# * the CDN node is a plain thing: Kunshan is not Pudong;
# * the homes in Fengxian are *inconclusive*: only a part of that district belongs to the area, so its code does not say
#   enough;
# * the second line is the expensive one. Resilience for a router is a bypass for everybody behind it.
#
# How many is everybody?

# %%
behind = after.to_frame().query("rule == 'PILOT-ISP-02' and verdict == 'fail'")
print(
    int(behind["details"].map(lambda facts: facts["count"]).sum()), "users behind", after.causes[0]["handoff"]
)
ax = after.plot_paths(behind["subject"].iloc[0])

# %%
ax = after.plot()

# %% [markdown]
# ## The design, second edition
#
# The second line ends on the carrier's access equipment instead of its core, the CDN node moves to Waigaoqiao, and the
# homes get the address that they have anyway. Same money, same resilience, another answer:

# %%
second = design.copy()
second.remove_edges_from([(a, b, k) for a, b, k in design.edges(keys=True) if {a, b} == {"agg-zj-1", core}])
gates = [n for n, d in second.nodes(data=True) if d["kind"] == "bng" and "电信" in (d.get("owner") or "")]
spare = next(n for n in gates if not second.has_edge("agg-zj-1", n))
second.add_edge("agg-zj-1", spare, kind="leased_line", owner="中国电信股份有限公司上海分公司")
second.nodes["edge-ks-1"].update(name="外高桥边缘节点", region_code="310115", lon=121.615, lat=31.315)
second.nodes["sub-fc-new"]["address"] = "上海市奉贤区奉城镇示例路3弄"

final = auditor.check(auditor.read_graph(second, operator=declaration), areas=areas, as_of=DAY)
print(spare)
auditor.diff(after, final)

# %%
auditor.diff(before, final)

# %% [markdown]
# Nothing is open in either: the design adds a hall, two hundred homes, a CDN node and a spare line, and no question.
# Here is the first edition once more on the interactive map, for those who want to click on what failed (it works
# offline, from this file):

# %%
after.explore(height=1000)
