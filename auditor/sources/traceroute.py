"""Traceroutes and pings that the user gives: paths as seen, and bounds on where a target can stand.

A round trip of t milliseconds puts the target no farther than 99.93 km times t from the vantage, since
nothing goes faster in fibre than 2/3 of the speed of light. It may refute a place and never proves one.
Nothing is subtracted: queues and detours make it longer, so that the bound holds.

The vantage is found in the user's file of vantages by the number of the RIPE Atlas probe, else by the address
of the prober, else by its name: the host that mtr names, or the name of the file without its ending.
Source: Gueye et al., "Constraint-based geolocation of Internet hosts", IEEE/ACM ToN 14(6), 2006.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pyarrow as pa
from pydantic import ValidationError

from auditor import observations
from auditor.addresses import Addresses
from auditor.asking import Source
from auditor.errors import DataError, Problem, UsageError, said_by, visible
from auditor.files import reason_of
from auditor.language import both, say
from auditor.observations import Provenance
from auditor.sources import _atlas, _mtr, _scamper, _text
from auditor.sources._hops import LARGEST, M_PER_MS, Trace, address_of, raise_problems, records, wrong_fields
from auditor.sources._vantages import Vantage, Vantages, read_vantages

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from auditor.asking import Asked, Tools
    from auditor.settings import Settings

NAME = "traceroute"
STRANGER = say("matches nothing declared")
FORMS = (_atlas, _scamper, _mtr)


def read_traces(data: bytes, file: str) -> list[Trace]:
    r"""Read the traces of a file, whichever program wrote it.

    Parameters
    ----------
    data
        RIPE Atlas results (a list, or one a line), reports of ``mtr --json``, scamper's JSON, or what
        ``traceroute`` and ``besttrace`` print; text in UTF-8, or GB18030 as besttrace writes it.
    file
        Its name, for messages.

    Raises
    ------
    DataError
        Everything that is none of these, with lines or records.

    Examples
    --------
    >>> text = b"traceroute to 192.0.2.9 (192.0.2.9), 30 hops max\n 1  192.0.2.9  1.2 ms\n"
    >>> [trace] = read_traces(text, "a.txt")
    >>> trace.reached, trace.rtt_ms
    (True, 1.25)
    """
    text = _decode(data, file)
    traces = _read_json(text, file) if text.lstrip().startswith(("{", "[")) else _text.read(text, file)
    if not traces:
        raise DataError(Problem(file, "", "", say("holds no traceroute and no ping")))
    nameless = [trace for trace in traces if not _end(trace)]
    raise_problems(
        [Problem(file, t.where, "", say("names no target, and no hop answered")) for t in nameless]
    )
    return traces


def _decode(data: bytes, file: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        where = say("line {number}", number=1)
        raise DataError(Problem(file, where, "", say("is UTF-16"), say("save it as UTF-8")))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        wrong = error
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        text = ""
    if not text or text.lstrip().startswith(("{", "[")):  # JSON is UTF-8 (RFC 8259)
        line = 1 + data.count(b"\n", 0, wrong.start)
        where = say("line {number}", number=line)
        raise DataError(Problem(file, where, "", say("is not UTF-8"), say("save it as UTF-8"))) from None
    return text


def _read_json(text: str, file: str) -> list[Trace]:
    traces: list[Trace] = []
    problems: list[Problem] = []
    for where, record in records(text, file):
        form = next((form for form in FORMS if isinstance(record, dict) and form.fits(record)), None)
        try:
            if form is None:
                raise ValueError(say("is no result of RIPE Atlas, scamper or mtr"))  # noqa: TRY301 -- one list
            trace = form.read(record, where)
        except ValidationError as error:
            problems += wrong_fields(file, where, error)
        except ValueError as error:
            problems.append(Problem(file, where, "", said_by(error)))
        else:
            traces += [trace] if trace else []
    raise_problems(problems)
    return traces


def _end(trace: Trace) -> str:
    """Address where a trace ends: its target, else the last hop that answered."""
    answered = [hop.addresses[-1] for hop in trace.hops if hop.addresses]
    return trace.target or (answered[-1] if answered else "") or trace.target_name


def _load(files: Sequence[Path]) -> list[tuple[Path, bytes, list[Trace]]]:
    read: list[tuple[Path, bytes, list[Trace]]] = []
    wrong: list[object] = []
    for path in files:
        try:
            if path.stat().st_size > LARGEST:
                what = say("{path}: larger than {most} MiB; split it", path=path, most=LARGEST >> 20)
                raise DataError(what)  # noqa: TRY301 -- one list
            data = path.read_bytes()
            read.append((path, data, read_traces(data, str(path))))
        except OSError as error:
            raise UsageError(
                say("{path}: cannot be read: {reason}", path=path, reason=reason_of(error))
            ) from None
        except DataError as error:
            wrong += error.args
    if wrong:
        raise DataError(*wrong)
    return read


def _ask(asked: Asked, tools: Tools) -> Iterator[pa.Table]:
    vantages = read_vantages(tools.settings.vantages)
    for path, data, traces in _load(tools.files):
        ends = {address for trace in traces for address in (_end(trace), *trace.origins)}
        declared = _declared(asked, sorted(ends))
        digest = tools.archive.keep(data)
        rows = [row for trace in traces for row in _rows(trace, declared, vantages, path)]
        columns = {
            name: [row.get(name) for row in rows] for name in dict.fromkeys(k for r in rows for k in r)
        }
        yield observations.table(len(rows), source=NAME, seen_at=tools.now(), digest=digest, **columns)
    tools.tick(len(asked.addresses))


def _declared(asked: Asked, wanted: list[str]) -> dict[str, list[str]]:
    """Subjects that hold each of some addresses, as address or block."""
    found: dict[str, list[str]] = {}
    ends = Addresses.of(pa.array(wanted, pa.string()))
    for version, fields in ((4, ("low", "high")), (6, ("low6", "high6"))):
        mine = np.flatnonzero(ends.version == version)
        rows = np.flatnonzero(asked.addresses.version == version)
        if not len(mine) or not len(rows):
            continue
        points = getattr(ends, fields[0])[mine]
        order = np.argsort(points)
        low, high = (getattr(asked.addresses, field)[rows] for field in fields)
        first = np.searchsorted(points[order], low, side="left")
        count = np.searchsorted(points[order], high, side="right") - first
        for row in np.flatnonzero(count).tolist():
            subject = asked.subject[int(rows[row])].as_py()
            for at in mine[order[first[row] : first[row] + count[row]]].tolist():
                found.setdefault(wanted[at], []).append(subject)
    return found


def _rows(
    trace: Trace, declared: dict[str, list[str]], vantages: Vantages, path: Path
) -> Iterator[dict[str, Any]]:
    """Rows of one trace: its path, and what the target's own answer says of its place."""
    common = {"file": visible(path.name), "where": trace.where, "form": trace.form}
    measured_on = None
    if trace.measured_at:
        common["measured_at"] = trace.measured_at.isoformat()
        measured_on = trace.measured_at.date()
    if not trace.ping:
        for row in _path(trace, declared, common):
            yield row | {"vintage_on": measured_on}
    if trace.ping or trace.rtt_ms is not None or (trace.reached and trace.fault):
        vantage = vantages.find(
            probe=trace.probe, addresses=trace.origins, names=filter(None, (trace.host, path.stem))
        )
        for row in _place(trace, declared, common, vantage):
            yield row | {"vintage_on": measured_on}


def _holders(address: str, declared: dict[str, list[str]]) -> tuple[list[str], str]:
    """Subjects of an address, and a note where it is nobody's."""
    subjects = declared.get(address)
    if subjects:
        return subjects, ""
    if not address_of(address):
        return [f"domain:{address}"], STRANGER
    return [f"prefix:{address}/{128 if ':' in address else 32}"], STRANGER


def _path(trace: Trace, declared: dict[str, list[str]], common: dict[str, Any]) -> Iterator[dict[str, Any]]:
    end = _end(trace)
    source = next((address for address in trace.origins if address in declared), None)
    asked = end if source else next(iter(trace.origins), end)
    subjects, stranger = _holders(source or end, declared)
    answered = any(hop.addresses or hop.names for hop in trace.hops)
    notes = [stranger, trace.fault, "" if answered else say("no hop answered")]
    if not trace.target:
        notes.append(say("the address of the target is not told"))
    details = {
        "from": next(iter(trace.origins), None),
        "to": trace.target or trace.target_name or None,
        "hops": [hop.plain() for hop in trace.hops],
        "reached": trace.reached,
        **common,
    }
    for subject in subjects:
        yield {
            "subject": subject,
            "asked": asked,
            "family": "path",
            "kind": "path",
            "outcome": "answer" if answered else "unavailable",
            "note": "; ".join(filter(None, notes)) or None,
            "details": orjson.dumps(details).decode(),
        }


def _place(
    trace: Trace, declared: dict[str, list[str]], common: dict[str, Any], vantage: Vantage | None
) -> Iterator[dict[str, Any]]:
    end = _end(trace)
    subjects, stranger = _holders(end, declared)
    about: dict[str, Any] = {"asked": end, "family": "delay", "kind": "place", "extent": "none"}
    details = {"rtt_ms": trace.rtt_ms, "vantage": vantage.name if vantage else None, **common}
    if trace.rtt_ms is None:
        about["outcome"] = "malformed" if trace.reached else "unavailable"
        note = trace.fault or say("the target did not answer")
    elif vantage is None:
        about["outcome"] = "unknown"
        note = say("where it was measured is not known: name the vantage in the file of vantages")
    else:
        radius_m = M_PER_MS * trace.rtt_ms + vantage.accuracy_m
        about |= {"outcome": "answer", "extent": "disc", "lon": vantage.lon, "lat": vantage.lat}
        about |= {"radius_m": radius_m, "bound": True}
        note = trace.fault
    about["note"] = "; ".join(filter(None, (stranger, note))) or None
    about["details"] = orjson.dumps(details).decode()
    for subject in subjects:
        yield {"subject": subject, **about}


def _provenance(_: Settings) -> tuple[Provenance, ...]:
    return (
        Provenance(NAME, "path", say("Traceroutes given by the user")),
        Provenance(NAME, "delay", say("Round-trip times given by the user")),
    )


SOURCE = Source(
    name=NAME,
    title=both("Traceroutes and round-trip times"),
    online=False,
    ask=_ask,
    provenance=_provenance,
    takes_files=True,
)
