"""Settings that come in from outside: policy, where the shipped data lies, and today's date."""

from __future__ import annotations

import datetime as dt
import hashlib
import tomllib
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from auditor.errors import UsageError, fault_of
from auditor.files import read_given
from auditor.language import say

DAY_S = 86_400
SHANGHAI = ZoneInfo("Asia/Shanghai")
STRICT = ConfigDict(frozen=True, extra="forbid", defer_build=True)  # a run builds the few that it reads


def _wrong(what: str) -> PydanticCustomError:
    return PydanticCustomError("auditor", "{what}", {"what": what})


class AreaEvent(BaseModel):
    """An area that leaves the pilot, in part or whole, by decision of the ministry (annex 4).

    Parameters
    ----------
    area
        Id of the area.
    on
        First day on which it no longer opens the services.
    kind
        ``narrow`` (the services named are removed) or ``terminate`` (all of them).
    services
        Codes of the services removed; of a termination blank.
    transition_until
        Last day of the transition that the decision grants; blank is unknown, which nobody may take for none.
    transition
        Whether the decision grants one at all; ``none`` says that it does not.
    document
        The decision: its number.

    Examples
    --------
    >>> AreaEvent(area="hainan", on="2026-06-01", kind="narrow", services=["B14"]).services
    ('B14',)
    """

    model_config = STRICT

    area: str
    on: dt.date
    kind: Literal["narrow", "terminate"]
    services: tuple[str, ...] = ()
    transition_until: dt.date | None = None
    transition: Literal["none"] | None = None
    document: str = ""

    @model_validator(mode="after")
    def _check(self) -> AreaEvent:
        if self.kind == "narrow" and not self.services:
            raise _wrong(say('narrow names no services; say which are removed, or kind = "terminate"'))
        if self.kind == "terminate" and self.services:
            raise _wrong(say('terminate ends all services; leave services out, or say kind = "narrow"'))
        if self.transition_until is not None and self.transition_until < self.on:
            raise _wrong(
                say("transition_until {until} is before on {on}", until=self.transition_until, on=self.on)
            )
        if self.transition_until is not None and self.transition:
            raise _wrong(say('transition_until and transition = "none" exclude each other'))
        return self


class MatchThresholds(BaseModel):
    """How much two records may differ and still be the same, ``[policy.match_thresholds]``.

    Parameters
    ----------
    address, name
        Likeness from 0 to 1 from which two addresses, or two names, may be the same spelt otherwise.
    likeness
        Likeness from 0 to 1 from which two records without a common key are paired.
    distance_m
        Metres within which two coordinates are one place, unless their accuracies allow for more.
    shift_m, least_shift_m
        Metres to which another datum must explain a distance, and the least distance worth explaining.
    unknown_datum_m
        Metres that an unstated datum may shift a place.
    """

    model_config = STRICT

    address: float = Field(default=0.9, gt=0, le=1)
    name: float = Field(default=0.75, gt=0, le=1)
    likeness: float = Field(default=0.85, gt=0, le=1)
    distance_m: float = Field(default=100.0, ge=0)
    shift_m: float = Field(default=50.0, ge=0)
    least_shift_m: float = Field(default=150.0, ge=0)
    unknown_datum_m: float = Field(default=1400.0, ge=0)


class ReportDuty(BaseModel):
    """A report that the administration asks for, again and again or once.

    Parameters
    ----------
    kind
        Kind of the report, as `Report.kind`.
    every
        ``year``, ``quarter`` or ``month``: the length of its periods; ``once`` for a single one.
    due_months, due_days
        How long after the end of the period it is due: months (to the last day of that month), then days.
    from_on
        Periods that end before are not asked for.
    period, due_on
        Of a single report.

    Examples
    --------
    >>> ReportDuty(kind="annual", due_months=3).every
    'year'
    """

    model_config = STRICT

    kind: Literal["annual", "change", "opening", "incident", "other"]
    every: Literal["year", "quarter", "month", "once"] = "year"
    due_months: int = Field(default=0, ge=0, le=24)
    due_days: int = Field(default=0, ge=0, le=366)
    from_on: dt.date | None = None
    period: str = ""
    due_on: dt.date | None = None

    @model_validator(mode="after")
    def _check(self) -> ReportDuty:
        if (self.every == "once") != (self.due_on is not None and bool(self.period)):
            raise _wrong(say('every = "once" goes with period and due_on, and they with it'))
        return self


class Exit(BaseModel):
    """Terms of a wind-down, the table ``[policy.exit]``.

    Parameters
    ----------
    notice_days
        Days from notice to stop (Telecommunications Regulations, article 15).
    deadline
        Last day by which all users are dealt with, where a record gives none.
    """

    model_config = STRICT

    notice_days: NonNegativeInt = 90
    deadline: dt.date | None = None


class SpotCheck(BaseModel):
    """How spot checks are drawn, the table ``[policy.spot_check]`` (GOV-04); no verdict rests on it.

    Parameters
    ----------
    period
        Days within which operators are drawn from again, and results are due.
    size
        Units that are drawn.
    seed
        What draws begin with; absent: a fresh one each, by the system's random source.

    Examples
    --------
    >>> SpotCheck(size=5).period
    366
    """

    model_config = STRICT

    period: int = Field(default=366, ge=1, le=36_600)
    size: int = Field(default=10, ge=1)
    seed: str | None = Field(default=None, min_length=1)


ANNUAL = ReportDuty(kind="annual", due_months=3)  # first quarter: Licensing Measures (Order 42), article 35


class Policy(BaseModel):
    """What the circular leaves open, as the user decides it; the defaults are those of the rule cards.

    Parameters
    ----------
    own_access_server
        Verdict of ISP-02 where a subscriber is served only through the operator's own access server in front
        of the carrier's gate.
    access_equipment_in_area
        ISP-06: whether a carrier's access equipment outside the area fails (``required``), is left undecided
        (``inconclusive``) or is not asked at all (``ignored``).
    facility_roles_exempt
        Node kinds that no place rule binds, beside offices and management.
    p2p_nodes
        Verdict of CDN-01 on peer-to-peer nodes on users' devices.
    max_age_days
        Age from which a declaration no longer proves that nothing was left out.
    approval_requires_expiry
        Whether an approval without a date of expiry is inconclusive.
    area_events
        Areas that were narrowed or left the pilot before its end (EXIT-01).
    reporting_calendar
        Reports that are due (GOV-03); by default the yearly one, in the first quarter. What is stated here is
        asked for although no report is declared.
    notification_sla_days
        Days within which a notice is acknowledged, where a record gives no day (GOV-07).
    exit
        Terms of a wind-down (EXIT-02).
    match_thresholds
        How much two records may differ and still be the same (FAC-04, GOV-08).
    spot_check
        How spot checks are drawn (GOV-04).

    Examples
    --------
    >>> Policy(access_equipment_in_area="required").max_age_days
    366
    """

    model_config = STRICT

    own_access_server: Literal["inconclusive", "pass"] = "inconclusive"
    access_equipment_in_area: Literal["inconclusive", "required", "ignored"] = "inconclusive"
    facility_roles_exempt: tuple[str, ...] = ()
    p2p_nodes: Literal["inconclusive", "fail"] = "inconclusive"
    max_age_days: NonNegativeInt = 366
    approval_requires_expiry: bool = False
    area_events: tuple[AreaEvent, ...] = ()
    reporting_calendar: tuple[ReportDuty, ...] = (ANNUAL,)
    notification_sla_days: NonNegativeInt = 30
    exit: Exit = Exit()
    match_thresholds: MatchThresholds = MatchThresholds()
    spot_check: SpotCheck = SpotCheck()

    @property
    def sha256(self) -> str:
        """Digest of what a verdict may rest on, for the result: results of one digest can be compared."""
        return hashlib.sha256(self.model_dump_json(exclude={"spot_check"}).encode()).hexdigest()


class Database(BaseModel):
    """An IP database of the user's, a table ``[databases.NAME]``.

    Parameters
    ----------
    path
        ``.mmdb``, ``.xdb``, ``.ipdb``, or ``.csv`` and ``.parquet`` with ranges.
    family
        Its independent origin; blank: told by the file itself, else the name of the table.
    vintage_on
        Date of the data; absent: told by the file itself.
    licence, attribution
        Terms and whom to name, for reports.
    """

    model_config = STRICT

    path: str
    family: str = ""
    vintage_on: dt.date | None = None
    licence: str = ""
    attribution: str = ""


class Network(BaseModel):
    """How sources ask the network, the table ``[network]``; nothing is asked without ``--online``.

    Parameters
    ----------
    resolver
        Name servers as ``ADDRESS`` or ``ADDRESS:PORT``; absent: the system's.
    ca_file
        Certificates to trust instead of the system's.
    bootstrap
        Folder with IANA's ``ipv4.json`` and ``ipv6.json`` (RFC 9224) instead of the dated copy that ships.
    asn_zone, asn6_zone
        DNS zones that map addresses to origin AS in TXT records.
    allow_addresses
        Blocks that may be connected to although they are not public; for tests.
    timeout_s, deadline_s
        Of one read, and of one answer as a whole.
    per_second
        Questions a second to one registry, at most.
    longest_wait_s
        Longest pause that a registry may ask for; a longer one is noted as refused, to be asked again.
    cache_days
        Age up to which an answer kept on disk is not asked for again.
    """

    model_config = STRICT

    resolver: tuple[str, ...] = ()
    ca_file: str | None = None
    bootstrap: str | None = None
    asn_zone: str = "origin.asn.cymru.com"
    asn6_zone: str = "origin6.asn.cymru.com"
    allow_addresses: tuple[str, ...] = ()
    timeout_s: float = Field(default=10.0, gt=0, le=DAY_S)
    deadline_s: float = Field(default=30.0, gt=0, le=DAY_S)
    per_second: float = Field(default=2.0, ge=1 / DAY_S, le=1e6)
    longest_wait_s: float = Field(default=60.0, ge=0, le=DAY_S)
    cache_days: int = Field(default=30, ge=0, le=36_500)


class Smtp(BaseModel):
    """The server that takes e-mail, the table ``[notices.smtp]``.

    Parameters
    ----------
    host, port
        Port 587, or 465 with ``tls``, unless it is given.
    security
        ``starttls``, ``tls`` from the first byte, or ``none``, which only a host of loopback may have.
    sender
        Address that notices come from.
    user
        Name to log in with; without it nobody logs in.
    password_env, password_file
        Environment variable, or file, that holds the password; it stands in no settings.
    """

    model_config = STRICT

    host: str = ""
    port: int | None = Field(default=None, ge=1, le=65_535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    sender: str = ""
    user: str = ""
    password_env: str = "AUDITOR_SMTP_PASSWORD"  # noqa: S105 -- the name of the variable
    password_file: str | None = None


class Webhook(BaseModel):
    """How webhooks are signed, the table ``[notices.webhook]``.

    Parameters
    ----------
    secret_env, secret_file
        Environment variable, or file, that holds the secret shared with the receivers.
    """

    model_config = STRICT

    secret_env: str = "AUDITOR_WEBHOOK_SECRET"  # noqa: S105 -- the same
    secret_file: str | None = None


class Notices(BaseModel):
    """Notices to operators, the table ``[notices]`` (GOV-07).

    Parameters
    ----------
    issuer
        Who sends them: a name that stands in each.
    contact
        Where they are acknowledged: an address or a telephone number that stands in each.
    smtp, webhook
        Of these channels.
    """

    model_config = STRICT

    issuer: str = ""
    contact: str = ""
    smtp: Smtp = Smtp()
    webhook: Webhook = Webhook()


class Settings(BaseModel):
    """All settings of one run, from ``auditor.toml``: policy, zone files, databases, network, vantages.

    Parameters
    ----------
    policy
        Decisions on what the circular leaves open.
    zones
        Zone files beside those that ship.
    databases
        IP databases of the user's, by name, beside those that ship.
    network
        How sources ask the network.
    vantages
        CSV of places from which round-trip times were measured: name, lon, lat, accuracy_m, and optional
        address and probe (RIPE Atlas).
    notices
        How operators are told what changed.
    """

    model_config = STRICT

    policy: Policy = Policy()
    zones: tuple[str, ...] = ()
    databases: dict[str, Database] = {}
    network: Network = Network()
    vantages: str | None = None
    notices: Notices = Notices()


def read_settings(values: dict[str, Any], *, where: str = "settings") -> Settings:
    """Make settings of plain values.

    Raises
    ------
    UsageError
        Unknown keys and values that do not fit, all of them at once.

    Examples
    --------
    >>> read_settings({"policy": {"max_age_days": 100}}).policy.max_age_days
    100
    """
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        wrong = [
            say("{file}, {key}: {what}", file=where, key=".".join(map(str, e["loc"])), what=fault_of(e))
            for e in error.errors()
        ]
        raise UsageError(*wrong) from None


def load_toml(path: str | Path) -> dict[str, Any]:
    """Read a TOML file of the user's.

    Raises
    ------
    UsageError
        A file that is missing, or no TOML.
    """
    try:
        return tomllib.loads(read_given(path).decode("utf-8"))
    except UnicodeDecodeError:
        raise UsageError(say("{path}: is not UTF-8", path=path)) from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(say("{path}: no TOML: {reason}", path=path, reason=str(error))) from None


def load_settings(path: str | Path | None) -> Settings:
    """Read ``auditor.toml``; no path means the defaults. Files that it names are found from its folder.

    Raises
    ------
    UsageError
        A file that is missing, no TOML, or says what `auditor` does not know.
    """
    if path is None:
        return Settings()
    path = Path(path)
    values = load_toml(path)
    settings = read_settings(values, where=str(path))

    def beside(name: str | None) -> str | None:
        return None if name is None else str(path.parent / name)

    network, notices = settings.network, settings.notices
    smtp = notices.smtp.model_copy(update={"password_file": beside(notices.smtp.password_file)})
    webhook = notices.webhook.model_copy(update={"secret_file": beside(notices.webhook.secret_file)})
    files = {"ca_file": beside(network.ca_file), "bootstrap": beside(network.bootstrap)}
    databases = settings.databases.items()
    return settings.model_copy(
        update={
            "zones": tuple(str(path.parent / name) for name in settings.zones),
            "databases": {n: d.model_copy(update={"path": str(path.parent / d.path)}) for n, d in databases},
            "network": network.model_copy(update=files),
            "vantages": beside(settings.vantages),
            "notices": notices.model_copy(update={"smtp": smtp, "webhook": webhook}),
        }
    )


def data_folder(name: str) -> Path:
    """Find a shipped data folder: beside the package in a checkout, inside it in a wheel.

    Examples
    --------
    >>> data_folder("zone_boundaries").is_dir()
    True
    """
    package = Path(__file__).parent
    for folder in (package.parent / name, package / "_shipped" / name):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"{name} is neither beside the package nor inside it: the installation is broken")


def today() -> dt.date:
    """Today in Asia/Shanghai: the default of every `as_of`, and the only place where the clock is read."""
    return dt.datetime.now(SHANGHAI).date()


def sample(name: str) -> Path:
    """Path of a sample network that ships with `auditor`.

    Raises
    ------
    UsageError
        A name that no sample bears; the message lists those there are.

    Examples
    --------
    >>> sample("shanghai_violations").name
    'shanghai_violations'
    """
    folder = data_folder("sample_networks")
    names = sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith((".", "_")))
    if name not in names:
        raise UsageError(say("no sample is called {name!r}; there are {names}", name=name, names=names))
    return folder / name
