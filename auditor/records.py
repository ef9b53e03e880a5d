"""The few records of a declaration: operator, approvals, services, contracts; checked one by one by pydantic.

A blank text counts as absent. Keys that no rule knows are kept (``model_extra``) and listed as unused.
"""

from __future__ import annotations

import datetime as dt
import re
import sys
import unicodedata
from typing import Annotated, Any, Literal, TypeAlias, get_args, get_origin

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from auditor.cells import LONGEST_TEXT, REGION_CODE, coordinate_faults, folded, read_day
from auditor.language import say
from auditor.problems import quote
from auditor.registers import labels
from auditor.uscc import uscc_is_valid, uscc_normalised

SCHEMA = "auditor.declaration/1"


def wrong(what: str, hint: str = "") -> PydanticCustomError:
    """Give the error that says in plain words what is wrong with a value."""
    return PydanticCustomError("auditor", "{what}", {"what": what, "hint": hint})


def _text(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise wrong(say("{value} is no text", value=quote(value)), say("put it in quotes"))
    if len(value) > LONGEST_TEXT:
        raise wrong(
            say("{value} is longer than {longest:,} characters", value=quote(value), longest=LONGEST_TEXT)
        )
    if any(unicodedata.category(c) == "Cc" and c not in "\t\n\r" for c in value):
        raise wrong(
            say("{value} holds a character that cannot be seen", value=quote(value)),
            say("type the text anew"),
        )
    return unicodedata.normalize("NFC", value.strip())


def _texts(value: Any) -> Any:
    if isinstance(value, str):
        value = value.split(";")
    if not isinstance(value, list | tuple):
        raise wrong(say("{value} is no list", value=quote(value)), say('write a list, as ["a", "b"]'))
    return tuple(part for part in map(_text, value) if part)


def _day(value: Any) -> Any:
    hint = say("write dates as 2026-11-22")
    if isinstance(value, str):
        day = read_day(value.strip())
        if day is None:
            raise wrong(say("{value} is no date", value=quote(value)), hint)
        return day
    if type(value) is not dt.date:
        raise wrong(say("{value} is no date", value=quote(value)), hint)
    return value


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:
        raise wrong(say("{value} is no number", value=quote(value)), say("leave out what is not known"))
    return float(value)


def _count(value: Any) -> Any:
    count = _number(value)
    if count < 0 or not count.is_integer():
        raise wrong(say("{value:g} is no whole number from 0", value=count))
    return int(count)


def _flag(value: Any) -> Any:
    if not isinstance(value, bool):
        raise wrong(
            say("{value} is neither true nor false", value=quote(value)),
            say("write true or false, without quotes"),
        )
    return value


def _share(value: Any) -> Any:
    share = _number(value)
    if not 0 <= share <= 1:
        raise wrong(say("{share:g} is no share from 0 to 1", share=share), say("write 50 % as 0.5"))
    return share


def _length(value: Any) -> Any:
    length = _number(value)
    if length < 0:
        raise wrong(say("{value:g} is negative", value=length))
    return length


def _uscc(value: Any) -> Any:
    text = _text(value)
    if not uscc_is_valid(text):
        raise wrong(
            say("{value} fails the checksum", value=quote(text)),
            say("copy the code from the business licence"),
        )
    return uscc_normalised(text)


def _region(value: Any) -> Any:
    text = _text(value)
    if not re.match(REGION_CODE, text):
        raise wrong(
            say("{value} is no administrative division code", value=quote(text)),
            say("six digits as in GB/T 2260"),
        )
    return text


def read_records(value: Any) -> Any:
    """Take a list of records."""
    if not isinstance(value, list | tuple):
        raise wrong(say("{value} is no list of records", value=quote(value)))
    return tuple(value)


Text: TypeAlias = Annotated[str, BeforeValidator(_text)]
Texts: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(_texts)]
Day: TypeAlias = Annotated[dt.date, BeforeValidator(_day)]
Number: TypeAlias = Annotated[float, BeforeValidator(_number)]
Count: TypeAlias = Annotated[int, BeforeValidator(_count)]
Flag: TypeAlias = Annotated[bool, BeforeValidator(_flag)]
Uscc: TypeAlias = Annotated[str, BeforeValidator(_uscc)]
RegionCode: TypeAlias = Annotated[str, BeforeValidator(_region)]
Datum: TypeAlias = Literal["WGS84", "CGCS2000", "GCJ-02", "BD-09", "unknown"]
Grade: TypeAlias = Literal["E1", "E2", "E3", "E4"]
Nature: TypeAlias = Literal["foreign_invested", "domestic"]
ApprovalKind: TypeAlias = Literal["pilot_reply", "licence"]
ApprovalStatus: TypeAlias = Literal["valid", "expired", "withdrawn", "revoked", "cancelled", "invalid"]
ContractKind: TypeAlias = Literal[
    "cdn", "acceleration", "colocation", "bandwidth", "ip", "cloud", "onward_lease"
]
Purpose: TypeAlias = Literal["pilot_service", "corporate_site"]
Form: TypeAlias = Literal["facility", "service"]


def check_sequence(record: Any, first: str, last: str) -> None:
    """Refuse a record one of whose days comes before another that it cannot precede."""
    start, end = getattr(record, first), getattr(record, last)
    if start is not None and end is not None and end < start:
        what = say("{last} {end} is before {first} {start}", last=last, end=end, first=first, start=start)
        raise wrong(what)


def _check_order(record: Any, first: str, last: str) -> None:
    start, end = getattr(record, first), getattr(record, last)
    if start is not None and end is not None and start >= end:
        hint = say("{last} is the first day no longer in force", last=last)
        raise wrong(
            say("{last} {end} is not after {first} {start}", last=last, end=end, first=first, start=start),
            hint,
        )


class Record(BaseModel):
    """A record that cannot change; blank values count as absent."""

    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)  # a run builds those it reads

    @model_validator(mode="before")
    @classmethod
    def _tidy(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        blank = {k for k, v in values.items() if v is None or (isinstance(v, str) and not v.strip())}
        return {k: cls._word(k, v) for k, v in values.items() if k not in blank}

    @classmethod
    def _word(cls, name: str, value: Any) -> Any:
        """Bring a word of a closed list, or its Chinese, to its own spelling; pydantic refuses the rest."""
        known = cls.model_fields.get(name)
        if known is None or not isinstance(value, str):
            return value
        parts = (known.annotation, *get_args(known.annotation))
        words = {word for part in parts if get_origin(part) is Literal for word in get_args(part)}
        if not words:
            return value
        spelt = {folded(zh): word for zh, word in labels.words(name).items() if word in words}
        return (spelt | {folded(word): word for word in words}).get(folded(value), value)


class Place(Record):
    """A record of something that stands somewhere. ``lon lat`` 0,0 is read as unknown."""

    address: Text | None = None
    region_code: RegionCode | None = None
    lon: Number | None = None
    lat: Number | None = None
    datum: Datum | None = None
    accuracy_m: Annotated[float, BeforeValidator(_length)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _drop_nowhere(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("lon") == 0 and values.get("lat") == 0:
            return {k: v for k, v in values.items() if k not in {"lon", "lat"}}
        return values

    @model_validator(mode="after")
    def _check_place(self) -> Place:
        lon, lat = (np.array([np.nan if x is None else x]) for x in (self.lon, self.lat))
        for what, (_, bad) in coordinate_faults(lon, lat).items():
            if bad.any():
                raise wrong(
                    what
                    if "without" in what
                    else say("{what}: lon {lon:g}, lat {lat:g}", what=what, lon=lon[0], lat=lat[0])
                )
        return self


class Domicile(Place):
    """Where the operator is registered, for a period; the one in force on the date counts."""

    grade: Grade | None = None
    document: Text | None = None
    from_on: Day | None = None
    to_on: Day | None = None

    @model_validator(mode="after")
    def _check(self) -> Domicile:
        _check_order(self, "from_on", "to_on")
        return self


class Operator(Record):
    """The enterprise audited. ``pilot_area`` is a claim; the domicile and the approvals decide."""

    name: Text
    uscc: Uscc | None = None
    nature: Nature | None = None
    foreign_share: Annotated[float, BeforeValidator(_share)] | None = None
    group: Text | None = None
    pilot_area: Text | None = None
    domiciles: Annotated[tuple[Domicile, ...], BeforeValidator(read_records)] = ()


class Approval(Record):
    """A pilot reply or a licence."""

    kind: ApprovalKind | None = None
    number: Text | None = None
    holder: Text | None = None
    uscc: Uscc | None = None
    area: Text | None = None
    services: Texts = ()
    issued_on: Day | None = None
    expires_on: Day | None = None
    status: ApprovalStatus | None = None
    status_from_on: Day | None = None
    document: Text | None = None
    issuer: Text | None = None
    coverage: Texts = ()
    items: Texts = ()
    preapproval_items: Texts = ()
    terms: Texts = ()

    @model_validator(mode="after")
    def _check(self) -> Approval:
        check_sequence(self, "issued_on", "expires_on")
        return self


class Service(Record):
    """A telecom service on offer. ``content`` None is unknown, ``()`` is stated none."""

    code: Text
    regime: Text | None = None
    scope: Texts = ()
    started_on: Day | None = None
    regime_from_on: Day | None = None
    content: Texts | None = None
    domains: Texts = ()
    to_on: Day | None = None


class Contract(Record):
    """Something leased or bought for a service; ``open_node_set`` None is not stated."""

    id: Text | None = None
    kind: ContractKind | None = None
    supplier: Text | None = None
    supplier_uscc: Uscc | None = None
    service: Text | None = None
    purpose: Purpose | None = None
    form: Form | None = None
    node_ids: Texts = ()
    open_node_set: Flag | None = None
    coverage: Texts = ()
    failover_node_ids: Texts = ()
    from_on: Day | None = None
    to_on: Day | None = None
    document: Text | None = None
    grade: Grade | None = None

    @model_validator(mode="after")
    def _check(self) -> Contract:
        _check_order(self, "from_on", "to_on")
        return self
