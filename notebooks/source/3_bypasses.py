# %% [markdown]
# # 3 · Bypasses: find, explain, repair
#
# The hardest clause is short: Internet access must be provided *through the access equipment of basic carriers*. On a
# network plan that is a question about **every** path: take the carriers' access equipment (the gates) out of the graph;
# whoever still reaches the Internet has a bypass.
#
# The network: a small access operator in Zhangjiang, made up, hung on China Telecom's backbone as the Internet Topology
# Zoo draws it (Knight et al., 2011, CC BY 4.0).

# %%
import pandas as pd

import auditor

DAY = "2026-11-22"
areas = auditor.read_areas(DAY)
declaration = auditor.read_declaration(auditor.sample("backbone"))
result = auditor.check(declaration, areas=areas, as_of=DAY)
result.causes

# %% [markdown]
# One cause: traffic leaves at `agg-2`, straight to node `8`. Which way is that, and which way should it be?

# %%
ax = result.plot_paths("node:sub-2")

# %% [markdown]
# The second aggregation router has *two* lines: a lawful one to the carrier's BNG, and a transit line straight to the
# carrier's core in Shanghai. The core is the carrier's, too, yet it is no access equipment: that is the whole finding.
# The hand-off is where a repair has to happen, so the drawing makes it loud.

# %%
print(result.explain("PILOT-ISP-02", "node:sub-2"))

# %% [markdown]
# ## Find the cut
#
# The declaration is a graph; changing it is networkx. Which single link, taken away, heals it without cutting anybody
# off? Try each one of the operator's:

# %%
network = declaration.graph
sites = [node for node, data in network.nodes(data=True) if data.get("owner") in {"operator", "customer"}]
ours = sorted({key for a, b, key in network.edges(keys=True) if a in sites or b in sites})


def without(*links):
    """Judge the network without some links."""
    graph = network.copy()
    graph.remove_edges_from([edge for edge in network.edges(keys=True) if edge[2] in links])
    return auditor.check(auditor.read_graph(graph, operator=declaration), areas=areas, as_of=DAY)


def found(audit):
    """Give the verdicts of ISP-02 by subscriber."""
    frame = audit.to_frame().query("rule == 'PILOT-ISP-02'")
    return dict(zip(frame["subject"].str.removeprefix("node:"), frame["verdict"], strict=True))


pd.DataFrame([{"without": link, **found(without(link))} for link in ours]).style.hide(axis="index")

# %% [markdown]
# Three cuts take `sub-2` off its bypass, but two of them only by taking it off the Internet (*inconclusive*: no path is
# left, so nothing can be said, and certainly not *pass*). `agg-2>8` makes everything pass: the transit line itself. Cut
# it, and look again.

# %%
repaired = without("agg-2>8")
repaired

# %%
ax = repaired.plot_paths("node:sub-2")

# %% [markdown]
# ## A bypass that looks like a gate
#
# The other kind is less obvious. Here two groups of subscribers do pass a carrier's BNG, but the operator runs that BNG
# itself, and equipment that the operator runs is not the carrier's:

# %%
second = auditor.read_declaration(auditor.sample("shanghai_violations"))
before = auditor.check(second, areas=areas, as_of=DAY)
pd.DataFrame(before.causes)

# %%
ax = before.plot_paths("node:sub-fc-homes")

# %% [markdown]
# No link is wrong here. What is wrong is one cell of a table, `operated_by`, and the repair is a contract. The first
# cause is a peering link of the operator's own. Repair both, and hold the results against each other:

# %%
graph = second.graph.copy()
graph.remove_edges_from(
    [e for e in second.graph.edges(keys=True) if {"border-lg-1", "ixp-sh-1"} == set(e[:2])]
)
del graph.nodes["bng-cm-fc-1"]["operated_by"]
after = auditor.check(auditor.read_graph(graph, operator=second), areas=areas, as_of=DAY)
auditor.diff(before, after).to_frame()[["rule", "subject", "change", "before", "after"]].style.hide(
    axis="index"
)

# %% [markdown]
# Four findings are fixed; the rest stands as before, because a node in Hangzhou is not moved by a contract on a BNG. A
# subject that is no longer there would read *no longer evaluated*, never *fixed*: deleting the subscribers is no repair.
