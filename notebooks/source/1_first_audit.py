# %% [markdown]
# # 1 · A first audit in ten lines
#
# Circular 107 lets foreign-invested operators offer some telecom services in four pilot areas, on two conditions that
# can be checked on a network plan: their **facilities stand inside the area**, and their **subscribers reach the
# Internet through a basic carrier's access equipment**. `auditor` reads what an operator declares and says, rule by
# rule, whether that holds, with a witness for each answer.
#
# The operator here is made up. Its addresses, its streets and the carriers' names are real ones, so that everything
# below behaves as it would on your desk.

# %%
import auditor

declaration = auditor.read_declaration(auditor.sample("shanghai_violations"))
declaration

# %% [markdown]
# A declaration is a folder with a `declaration.toml` and two tables (or a workbook, or nearly any graph file). The card
# above says what was read, and, folded, what was *assumed* in reading and what no rule looks at. Read the folds first:
# most arguments about a finding are arguments about its input.
#
# The date matters, because areas, approvals and contracts all have their days. We give one, so that this notebook says
# the same tomorrow.

# %%
result = auditor.check(declaration, as_of="2026-11-22")
result

# %% [markdown]
# Three things to take from this card:
#
# * **The verdict is a suspicion, not a sentence.** In Chinese it reads 疑似不符合（待核查）. Structure is not routing, and a
#   declaration can be wrong in the operator's disfavour, too.
# * **Each line is one cause**, with how many subjects share it and one of them as example.
# * **Some clauses no program can answer.** They are counted, not hidden.
#
# Where is all this? On paper, so:

# %%
ax = result.plot()

# %% [markdown]
# Six nodes fail, one cross is drawn: the others have only a district code, or none, and the note says so. A map never
# shows what was not declared.
#
# Why does the node in Hangzhou fail? Ask for the reasons of that one finding: the clause in its own words, what was
# declared, what was calculated, and what to ask next.

# %%
print(result.explain("PILOT-FAC-01", "node:edge-hz-1"))

# %% [markdown]
# Everything is also a table. Passes are in it, because silence is not a pass:

# %%
findings = result.to_frame()
findings.groupby(["rule", "verdict"]).size().unstack(fill_value=0)

# %%
findings.query("verdict == 'fail'")[["rule", "subject", "grade", "message"]].style.hide(
    axis="index"
).set_properties(**{"text-align": "left"})

# %% [markdown]
# And what were the areas it was held against? They come with their sources, and the parts about which one can argue are
# drawn as such:

# %%
auditor.read_areas("2026-11-22")

# %% [markdown]
# Next: [how sure we are where a thing stands](2_how_sure.ipynb), and [what to do about a bypass](3_bypasses.ipynb).
