# %% [markdown]
# # 2 · How sure are we where it stands?
#
# "Inside the area" sounds like a yes or a no. It is neither: a coordinate has an accuracy, a map has one, too, and
# Chinese coordinates come in three flavours that look alike. This notebook turns each of these knobs on one server by
# the sea and watches the verdict.

# %%
import datetime as dt

import pandas as pd
from pyproj import Geod

import auditor
from auditor.datum import to_wgs84

DAY = "2026-11-22"
areas = auditor.read_areas(DAY)
declaration = auditor.read_declaration(auditor.sample("hainan_gcj02"))
result = auditor.check(declaration, areas=areas, as_of=DAY)
ax = result.plot(view=(110.45, 19.12, 110.80, 19.36))

# %% [markdown]
# The green dot is `srv-coast`, a server on the coast road of Hainan. The hatched strip is water off a coast whose line
# the map does not know better than that: neither pass nor fail.
#
# ## One pair of numbers, three places
#
# The operator wrote 110.621653, 19.238103 and said GCJ-02, the datum of Chinese maps. Read as something else, the same
# numbers are another place:

# %%
DATUMS = ["GCJ-02", "WGS84", "BD-09", "unknown"]


def judged(**stated):
    """Change what is stated of the server, and ask again."""
    graph = declaration.graph.copy()
    graph.nodes["srv-coast"].update(stated)
    changed = auditor.read_graph(graph, operator=declaration)
    frame = auditor.check(changed, areas=areas, as_of=DAY, only=["PILOT-FAC-01"]).to_geoframe()
    found = frame.set_index("subject").loc[["node:srv-coast"]]
    metres, _ = areas.distance_m(found.geometry.x.to_numpy(), found.geometry.y.to_numpy())
    return {**stated, "inside by, m": round(-float(metres[0])), "verdict": found["verdict"].iloc[0]}


pd.DataFrame([judged(datum=datum) for datum in DATUMS]).style.hide(axis="index")

# %% [markdown]
# Undone as GCJ-02, the server is well inside. Taken at face value it slides some 480 m towards the sea, into the doubt
# about the coast. As BD-09 it would be another place again, and with no datum stated the tool must allow for all of
# them: 1,400 m of doubt. Nobody lied in any of these rows. **The word "datum" in the file is worth more than four more decimals.**
#
# How far apart are they?

# %%
lon, lat = 110.621653, 19.238103
read_as = {name: [float(x[0]) for x in to_wgs84([lon], [lat], name)] for name in DATUMS[:3]}
points = pd.DataFrame.from_dict(read_as, orient="index", columns=["lon", "lat"])
points["from the first, m"] = [
    round(Geod(ellps="WGS84").inv(*points.iloc[0, :2], *at)[2]) for at in read_as.values()
]
points.style.format({"lon": "{:.6f}", "lat": "{:.6f}"})

# %% [markdown]
# ## How accurate is accurate enough?
#
# A place is a disc. The answer is sure as long as the disc, widened by what the map itself is unsure of, stays on one
# side of the edge:

# %%
ladder = pd.DataFrame([judged(accuracy_m=float(metres)) for metres in (5, 30, 100, 150, 200, 500, 2000)])
ladder.style.hide(axis="index").format({"accuracy_m": "{:,.0f}"})

# %% [markdown]
# The server lies 665 m inside, and yet 200 m of accuracy is not enough, because the map of this coast is itself not sure
# to some 500 m. That is worth knowing before one orders a survey: here it takes 100 m, not 2 m.
#
# The same on a map, when all that was filed is "somewhere within two kilometres":

# %%
graph = declaration.graph.copy()
graph.nodes["srv-coast"]["accuracy_m"] = 2000.0
vague = auditor.check(auditor.read_graph(graph, operator=declaration), areas=areas, as_of=DAY)
ax = vague.plot(view=(110.45, 19.12, 110.80, 19.36))

# %% [markdown]
# ## What do others say?
#
# An operator declares nine sites in Pudong. Ask the databases that know where addresses are, the registries that know
# whose they are, a geofeed and a traceroute (`auditor collect` did, once; the answers are kept in a file with their
# dates, so that an audit asks nobody). The addresses are real, chosen for what databases say of them; nobody's equipment
# is meant.

# %%
folder = auditor.sample("shanghai_disagreements")
disputed = auditor.read_declaration(folder)
observations = auditor.read_observations(folder / "observations.parquet")
confirmed = auditor.read_reviews(folder / "reviews.csv", as_of=dt.date.fromisoformat(DAY))

alone = auditor.check(disputed, areas=areas, as_of=DAY)
seen = auditor.check(disputed, areas=areas, as_of=DAY, observations=observations, confirmed=confirmed)
print(alone)
print(seen)

# %%
frame = seen.to_frame().query("rule == 'PILOT-FAC-05'")
votes = pd.DataFrame(
    {
        "subject": frame["subject"],
        "verdict": frame["verdict"],
        "for": frame["observations"].map(lambda told: sum(o.get("says") == "support" for o in told)),
        "against": frame["observations"].map(lambda told: sum(o.get("says") == "contradict" for o in told)),
        "why": frame["message"],
    }
)
votes.style.hide(axis="index").set_properties(**{"text-align": "left"})

# %% [markdown]
# Look at the pairs:
#
# * `edge-contradicted` has **three independent families** of sources against it; `edge-one-voice` has one, and one voice
#   is no contradiction. Databases copy one another: ten copies are one voice.
# * `srv-documented` has as many against it, and a lease that a person has confirmed. Paper that somebody checked beats
#   databases that nobody did.
# * `srv-too-near-beijing` answered from 2.2 ms away of a vantage in Beijing; light in glass needs five times that to
#   Shanghai and back. That is physics, and needs no second voice.
# * `srv-whole-city`: everybody says Shanghai. The area is Pudong, and no database can tell Pudong from Puxi.
#
# And observations alone never *fail* anybody: they turn a pass into a question, which reads so:

# %%
print(seen.explain("PILOT-FAC-05", "node:srv-too-near-beijing"))
