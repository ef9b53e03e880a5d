"""The form of the record of a draw: what a file must be before anything in it is believed."""

from __future__ import annotations

import datetime as dt  # noqa: TC003 -- pydantic reads it
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from auditor.cells import LARGEST_WHOLE, LONGEST_TEXT

FORM = ConfigDict(frozen=True, extra="forbid")
Text = Annotated[str, Field(max_length=LONGEST_TEXT)]
Count = Annotated[int, Field(ge=0, le=LARGEST_WHOLE)]
Number = Annotated[int, Field(ge=1, le=LARGEST_WHOLE)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Plan(BaseModel):
    """What was to be drawn."""

    model_config = FORM

    kind: Text
    as_of: dt.date
    due_on: dt.date
    seed: Text
    seed_from: Text
    by: tuple[Text, ...]
    weights: Literal["even", "risk", "given"]
    size: Number | None
    per_stratum: Number | None
    at_least: Count
    all_of: tuple[Text, ...]
    team: Number


class Source(BaseModel):
    """What is known of an operator drawn from."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: Text | None
    uscc: Text | None
    area: Text | None


class Population(BaseModel):
    """Units that might have been drawn."""

    model_config = FORM

    sha256: Digest
    units: Count
    columns: list[Text]
    rows: list[tuple[Text, Text, Text, Number] | tuple[Text, Text, Text, Number, Count, Count, Count, Count]]


class Stratum(BaseModel):
    """A part of them."""

    model_config = FORM

    name: Text
    units: Number
    weight: Number
    drawn: Count
    census: bool


class Drawn(BaseModel):
    """One that was drawn."""

    model_config = FORM

    number: Number
    operator: Text
    subject: Text
    stratum: Text
    weight: Number
    probability: Text | None
    inspectors: list[Text]


class Told(BaseModel):
    """A reason, in both languages."""

    model_config = FORM

    en: Text
    zh: Text


class Record(BaseModel):
    """The whole record."""

    model_config = FORM

    form: Literal["auditor.draw/1"] = Field(alias="schema")
    plan: Plan
    terms: dict[str, Text | int | None]
    sources: dict[str, Source]
    left_out: dict[str, Told]
    population: Population
    roster: list[tuple[Text, Text, tuple[Text, ...], tuple[Text, ...], Text, Text]]
    strata: list[Stratum]
    drawn: list[Drawn]
