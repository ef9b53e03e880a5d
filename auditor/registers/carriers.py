"""Basic telecom carriers (基础电信企业), and whether a name is one of theirs.

Rule card ISP-05: exact names, aliases, branches and provincial companies of the register, whole names only,
valid on the date. What the register does not know is no match, never a guess.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from auditor.registers import names
from auditor.registers._files import in_force, read_toml
from auditor.uscc import uscc_normalised

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

Relation = Literal["self", "branch", "provincial_subsidiary", "affiliate", "none"]
Standing = Literal["carrier", "undecided", "affiliate", "non_basic", "none"]
QUALIFYING = frozenset({"self", "branch", "provincial_subsidiary"})


@dataclass(frozen=True, slots=True)
class Former:
    """An earlier name of a legal person, and the day of the change."""

    name: str
    to_on: dt.date


@dataclass(frozen=True, slots=True)
class Entity:
    """A legal person of the register.

    Parameters
    ----------
    carrier
        Id of the carrier it belongs to; blank for several or none.
    name
        Registered name.
    aliases
        Short and foreign names.
    former
        Earlier names; the person is the same, so they match as long as the entity is in force.
    uscc
        Unified social credit code; blank where not sure.
    relation
        What it is to the carrier; ``none`` for holders of value-added licences only.
    undecided
        Whether the sources leave open if it is a basic carrier.
    licences
        Catalogue codes of its basic licences.
    from_on, to_on
        Period in which it is what the register says.
    certainty, source
        How well it is known, and whence.
    """

    carrier: str
    name: str
    aliases: tuple[str, ...]
    former: tuple[Former, ...]
    uscc: str
    relation: Relation
    undecided: bool
    licences: tuple[str, ...]
    from_on: dt.date | None
    to_on: dt.date | None
    certainty: str
    source: str

    @property
    def names(self) -> Iterator[str]:
        """Every name it goes by."""
        yield self.name
        yield from self.aliases
        yield from (former.name for former in self.former)


@dataclass(frozen=True, slots=True)
class Carrier:
    """A carrier with its legal persons.

    Parameters
    ----------
    id, name_en, name_zh
        Key and usual names.
    qualifies
        ``yes``, or ``undecided`` where the circular's words may or may not mean it.
    licences
        Catalogue codes of its basic licences; A14-2 and A14-3 are those of Internet access.
    provincial
        What it has in the provinces: ``branch`` or ``provincial_subsidiary``.
    short, short_en
        Words that mean it after a place: 上海电信, Shanghai Telecom.
    provincial_names, provincial_from_on
        Registered names of its provincial companies, ``{place}`` for the place, and since when.
    entities
        Its legal persons and affiliates.
    certainty, source
        How well it is known, and whence.
    """

    id: str
    name_en: str
    name_zh: str
    qualifies: Literal["yes", "undecided"]
    licences: tuple[str, ...]
    provincial: Relation
    short: tuple[str, ...]
    short_en: tuple[str, ...]
    provincial_names: tuple[str, ...]
    provincial_from_on: dt.date | None
    entities: tuple[Entity, ...]
    certainty: str
    source: str


@dataclass(frozen=True, slots=True)
class CarrierMatch:
    """What the register says of a name.

    Parameters
    ----------
    carrier
        Id of the carrier; None where there is none or several.
    relation
        What the named enterprise is to it.
    standing
        ``carrier``: a basic carrier, its branch or provincial company. ``undecided``: the sources leave open
        whether it is one. ``affiliate``: of a carrier, but no basic carrier itself. ``non_basic``: known to
        hold value-added licences only. ``none``: not in the register, or not on the date.
    name
        Registered name that was met; what it says of a name not in force is kept as well.
    by
        ``uscc``, ``name`` or ``rule`` (branch and provincial company).
    """

    carrier: str | None = None
    relation: Relation | None = None
    standing: Standing = "none"
    name: str | None = None
    by: Literal["uscc", "name", "rule"] | None = None


NO_MATCH = CarrierMatch()


def _entity(raw: dict[str, Any], carrier: dict[str, Any]) -> Entity:
    return Entity(
        carrier=carrier.get("id", ""),
        name=raw["name"],
        aliases=tuple(raw.get("aliases", ())),
        former=tuple(Former(**former) for former in raw.get("former", ())),
        uscc=raw.get("uscc", ""),
        relation=raw["relation"],
        undecided=raw.get("undecided", carrier.get("qualifies") == "undecided"),
        licences=tuple(raw.get("licences", carrier.get("licences", ()))),
        from_on=raw.get("from_on"),
        to_on=raw.get("to_on"),
        certainty=raw.get("certainty", carrier.get("certainty", "")),
        source=raw.get("source", carrier.get("source", "")),
    )


@cache
def read_carriers() -> tuple[Carrier, ...]:
    """Read the carriers.

    Examples
    --------
    >>> [carrier.id for carrier in read_carriers() if carrier.qualifies == "yes"]
    ['telecom', 'unicom', 'mobile', 'broadnet']
    """
    return tuple(
        Carrier(
            **{
                **raw,
                **{key: tuple(raw[key]) for key in ("licences", "short", "short_en", "provincial_names")},
                "provincial_from_on": raw.get("provincial_from_on"),
                "entities": tuple(_entity(entity, raw) for entity in raw["entities"]),
            }
        )
        for raw in read_toml("carriers.toml")["carriers"]
    )


@cache
def read_other_enterprises() -> tuple[Entity, ...]:
    """Read the enterprises that are taken for carriers and belong to none."""
    return tuple(_entity(raw, {}) for raw in read_toml("carriers.toml")["others"])


@dataclass(frozen=True)
class _Index:
    """The register as the matcher reads it."""

    by_name: dict[str, Entity]
    by_uscc: dict[str, Entity]
    carriers: dict[str, Carrier]
    stems: tuple[tuple[str, Entity], ...]
    english: tuple[tuple[tuple[str, ...], Entity], ...]
    templates: tuple[tuple[re.Pattern[str], Carrier], ...]
    short: tuple[tuple[str, Carrier], ...]
    divisions: frozenset[str]
    heads: tuple[str, ...]
    tails: tuple[str, ...]

    def may_match(self, name: str) -> bool:
        """Tell quickly whether a rule can match: most names are customers'."""
        return name.startswith(self.heads) or name.endswith(self.tails) or " branch of " in name


@cache
def _index() -> _Index:
    carriers = read_carriers()
    entities = [e for carrier in carriers for e in carrier.entities] + list(read_other_enterprises())
    by_name: dict[str, Entity] = {}
    for entity in entities:
        for name in entity.names:
            by_name.setdefault(names.normal(name), entity)
    own = {name: entity for name, entity in by_name.items() if entity.relation == "self"}
    longest_first = sorted(own.items(), key=lambda item: (-len(item[0]), item[0]))
    short = tuple((word, c) for c in carriers for word in (*c.short, *c.short_en))
    templates = tuple((text, c) for c in carriers for text in c.provincial_names)
    return _Index(
        by_name=by_name,
        by_uscc={entity.uscc: entity for entity in entities if entity.uscc},
        carriers={carrier.id: carrier for carrier in carriers},
        stems=tuple((n, e) for n, e in longest_first if not n.isascii() and n not in dict(short)),
        english=tuple((tuple(n.split(" ")), e) for n, e in longest_first if n.isascii() and " " in n),
        templates=tuple((_pattern(text), c) for text, c in templates),
        short=short,
        divisions=frozenset(read_toml("carriers.toml")["divisions"]),
        heads=(*own, *(names.normal(text.split("{place}")[0]) for text, _ in templates)),
        tails=(*names.UNITS, *(word + end for word, _ in short for end in ("", "公司"))),
    )


def _pattern(template: str) -> re.Pattern[str]:
    before, after = template.split("{place}")
    head, tail = names.normal(before), names.normal(after)
    gap = " " if template.isascii() else ""
    return re.compile(f"{re.escape(head)}{gap}(?P<place>.+?){gap}{re.escape(tail)}(?P<rest>.*)")


def match_carrier(name: str, *, as_of: dt.date, uscc: str | None = None) -> CarrierMatch:
    """Tell what the register says of an enterprise.

    Parameters
    ----------
    name
        Name as it stands in the declaration; the whole of it must agree. A USCC in its stead is read as one.
    as_of
        Date on which the match must hold.
    uscc
        Unified social credit code, if given. It decides, since it names one legal person; if it contradicts
        the name, the match is undecided. Branches have codes of their own: an unknown code proves nothing.

    Notes
    -----
    Apart from listed names, these match by rule: a registered name with places (or a listed division) and
    分公司, 支公司 or 营业部; a usual name with places; a place with the usual short word (上海电信); names of
    provincial companies, and their branches; the same in English.
    Source: REGULATION card ISP-05; 信管函〔2017〕32号 for who the carriers are.

    Examples
    --------
    >>> import datetime as dt
    >>> on = dt.date(2026, 11, 22)
    >>> match = match_carrier("中国电信股份有限公司上海分公司", as_of=on)
    >>> match.carrier, match.relation, match.standing
    ('telecom', 'branch', 'carrier')
    >>> match_carrier("China Telecom Global Limited", as_of=on).standing
    'affiliate'
    >>> match_carrier("中国电信代理商某某公司", as_of=on).standing
    'none'
    """
    index = _index()
    code = uscc_normalised(uscc) if uscc else ""
    by_uscc = index.by_uscc.get(code or uscc_normalised(name))
    by_name = _by_name(names.normal(name), as_of, index)
    if by_uscc is None:
        return by_name
    found = _judge(by_uscc, by_uscc.relation, as_of, "uscc")
    if by_name.relation is None or by_name.carrier == found.carrier:
        return found
    return CarrierMatch(found.carrier, found.relation, "undecided", found.name, "uscc")


def _by_name(name: str, as_of: dt.date, index: _Index) -> CarrierMatch:
    entity = index.by_name.get(name)
    if entity is not None:
        return _judge(entity, entity.relation, as_of, "name")
    if not index.may_match(name):
        return NO_MATCH
    return _by_english_rule(name, as_of, index) if name.isascii() else _by_rule(name, as_of, index)


def _judge(
    entity: Entity, relation: Relation, as_of: dt.date, by: Literal["uscc", "name", "rule"]
) -> CarrierMatch:
    standing: Standing
    if not in_force(entity.from_on, entity.to_on, as_of):
        standing = "none"
    elif relation == "none":
        standing = "non_basic"
    elif entity.undecided:
        standing = "undecided"
    else:
        standing = "carrier" if relation in QUALIFYING else "affiliate"
    return CarrierMatch(entity.carrier or None, relation, standing, entity.name, by)


def _provincial(carrier: Carrier, name: str, relation: Relation, as_of: dt.date) -> CarrierMatch:
    """Judge a provincial company or what is usually called so, by the carrier's own dates."""
    head = carrier.entities[0]
    since = max(filter(None, (head.from_on, carrier.provincial_from_on)), default=None)
    match = _judge(head, relation, as_of, "rule")
    standing = match.standing if in_force(since, head.to_on, as_of) else "none"
    return CarrierMatch(match.carrier, relation, standing, name, "rule")


def _by_rule(name: str, as_of: dt.date, index: _Index) -> CarrierMatch:
    branch = _branch_of_entity(name, as_of, index)
    if branch is not None:
        return branch
    for pattern, carrier in index.templates:
        found = pattern.fullmatch(name)
        if found and names.is_places(found["place"]):
            rest = found["rest"]
            if not rest:
                return _provincial(carrier, name, "provincial_subsidiary", as_of)
            if names.is_branch(rest, index.divisions):
                return _provincial(carrier, name, "branch", as_of)
    for stem, entity in index.stems:
        if name.startswith(stem) and names.is_placed(name[len(stem) :], index.divisions):
            return _judge(entity, index.carriers[entity.carrier].provincial, as_of, "rule")
    return _by_short_word(name, as_of, index)


def _branch_of_entity(name: str, as_of: dt.date, index: _Index) -> CarrierMatch | None:
    """Match a branch of any enterprise by its registered name; in law both are one person."""
    end = name.find("公司") + len("公司")
    entity = index.by_name.get(name[:end])
    if entity is None or not names.is_branch(name[end:], index.divisions):
        return None
    return _judge(entity, "branch" if entity.relation in QUALIFYING else entity.relation, as_of, "rule")


def _by_short_word(name: str, as_of: dt.date, index: _Index) -> CarrierMatch:
    """Match 上海电信 and 上海电信分公司, but not a company of its own legal form."""
    bare = name.removesuffix("公司").removesuffix("分") if name.endswith("公司") else name
    for word, carrier in index.short:
        if bare.endswith(word) and names.is_large_place(bare.removesuffix(word).strip()):
            return _provincial(carrier, carrier.name_zh, carrier.provincial, as_of)
    return NO_MATCH


def _by_english_rule(name: str, as_of: dt.date, index: _Index) -> CarrierMatch:
    words = tuple(name.split(" "))
    for pattern, carrier in index.templates:
        found = pattern.fullmatch(name)
        if found and names.is_large_place(found["place"]) and not found["rest"]:
            return _provincial(carrier, name, "provincial_subsidiary", as_of)
    for stem, entity in index.english:
        rest = _without(words, stem)
        if rest is not None:
            left, places = names.drop_english_places(rest)
            if names.only_legal(left, branch=places > 0):
                relation = index.carriers[entity.carrier].provincial if places else entity.relation
                return _judge(entity, relation, as_of, "rule")
    return _by_short_word(name, as_of, index)


def _without(words: tuple[str, ...], stem: tuple[str, ...]) -> tuple[str, ...] | None:
    """Take a carrier's name off the front, or off the back after ``branch of``; None if it is not there."""
    size = len(stem)
    if words[:size] == stem:
        return words[size:]
    cut = words.index("of") if "of" in words else 0
    if words[cut - 1] == "branch" and words[cut + 1 : cut + 1 + size] == stem:
        return words[:cut] + words[cut + 1 + size :]
    return None
