# %% [markdown]
# # 5 · A real backbone against the four areas
#
# How does the tool take a network that nobody drew for it? The Internet Topology Zoo (S. Knight, H. X. Nguyen, N. Falkner,
# R. Bowden, M. Roughan, "The Internet Topology Zoo", IEEE JSAC 29(9), 2011, CC BY 4.0) holds some 270 of them, traced from
# public maps. `data/Cernet.graphml` is one, unchanged: CERNET in 2006.
#
# **This is an exercise.** CERNET is no pilot operator, and nothing here is a finding about it or about those who run it.
# The question is: *what would the rules say if a pilot operator filed such a design as its own?* That operator,
# 示例学网（北京）有限公司, does not exist.

# %%
from pathlib import Path

from pyproj import Geod

import auditor

DAY = "2026-11-22"
print(Path("data/cernet.toml").read_text())

# %% [markdown]
# A mapping of a few lines says what the drawing's attributes mean. Two lines in it are opinions, and they are the whole
# art: what is drawn as internal counts as the operator's point of presence, and **the coordinates are those of cities**,
# good to 25 km or so. Leave that line out and the tool takes a dot in the middle of Shanghai for an equipment room.

# %%
operator = {
    "schema": "auditor.declaration/1",
    "declared_on": "2026-10-01",
    "operator": {
        "name": "示例学网（北京）有限公司",
        "nature": "foreign_invested",
        "domiciles": [{"region_code": "110108", "address": "北京市海淀区示例路1号"}],
    },
    "services": [{"code": "B14", "regime": "pilot107", "scope": ["beijing"], "regime_from_on": "2025-04-01"}],
    "network": {"complete": True},
}
declaration = auditor.read_declaration("data/Cernet.graphml", operator=operator, mapping="data/cernet.toml")
declaration

# %%
result = auditor.check(declaration, as_of=DAY)
ax = result.plot(labels=30)

# %% [markdown]
# A nationwide backbone and a pilot for one city: that cannot end well. In figures:

# %%
frame = result.to_frame().query("rule in ('PILOT-FAC-01', 'PILOT-FAC-02')")
names = dict(zip(*(declaration.nodes.column(c).to_pylist() for c in ("id", "name")), strict=True))
frame = frame.assign(city=frame["subject"].str.removeprefix("node:").map(names))
cities = (
    frame.dropna(subset="city").pivot(index="subject", columns="rule", values="verdict").fillna("not asked")
)
cities.value_counts().rename("points of presence").to_frame()

# %%
unsure = frame.query("verdict == 'inconclusive'").drop_duplicates("subject")
unsure[["city", "rule", "message"]].style.hide(axis="index").set_properties(**{"text-align": "left"})

# %% [markdown]
# One passes: Beijing is so large that 25 km around its centre are all Beijing. The cities of the other three areas come
# out *inconclusive*, because a dot does not say where in the city, and then the message names what to ask for. With the
# district of the equipment room in Haikou it settles, one rule each way: it stands in *a* pilot area, but not in *this*
# operator's.

# %%
graph = declaration.graph.copy()
at = {data.get("name"): node for node, data in graph.nodes(data=True)}
graph.nodes[at["Haikou"]]["region_code"] = "460106"
placed = auditor.check(auditor.read_graph(graph, operator=declaration), as_of=DAY)
haikou = placed.to_frame().query(f"subject == 'node:{at['Haikou']}'")
haikou[["rule", "verdict", "message"]].style.hide(axis="index").set_properties(**{"text-align": "left"})

# %% [markdown]
# ## Real data is odd
#
# Old drawings carry old mistakes, and a map finds them faster than a rule. Look for cities that are not where they
# should be:

# %%
known = {"Chengdou": (104.07, 30.67), "Xianggang": (114.17, 22.30), "Shanghai": (121.47, 31.23)}
for name, (lon, lat) in known.items():
    drawn = graph.nodes[at[name]]
    off = Geod(ellps="WGS84").inv(lon, lat, drawn["lon"], drawn["lat"])[2] / 1000
    print(
        f"{name:10} drawn at {drawn['lon']:.2f}, {drawn['lat']:.2f}: {off:5,.0f} km from the city of that name"
    )

# %% [markdown]
# Chengdu, written Chengdou, came to stand in Fujian, as it seems because some place there is called so; Xianggang, Hong
# Kong in pinyin, landed west of Guangzhou. No rule can know, and both stand outside every area either way. But had a name
# landed *inside* one, the answer would be wrong and look right. Plot before you believe.
#
# ## Who reaches the Internet, and how
#
# The drawing has no subscribers. Give the exercise one group of homes in Beijing, on the backbone's own router, as a
# design might:

# %%
graph.add_node("homes", kind="subscriber", owner="customer", services="B14", region_code="110108", count=1000)
graph.add_edge("homes", at["Beijing"], kind="access")
served = auditor.check(auditor.read_graph(graph, operator=declaration), as_of=DAY)
ax = served.plot_paths("node:homes")

# %% [markdown]
# Straight to the gateway: an international line of the operator's own, and no carrier's access equipment on the way, nor
# anywhere in the network. For a research network that is its very purpose; for a pilot operator it would be the end of
# the conversation.

# %%
served
