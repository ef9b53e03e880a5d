"""Cells of a declared column, as text or typed, to the type that the column has; every bad cell is reported.

Each converter takes an Arrow array and a report and gives an array of the same length. What becomes of a cell
that it reports is of no account, since the declaration is then refused; it does not turn blank, lest the same
cell be reported as missing too.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditor.columns import offsets, text_bytes
from auditor.columns import whole as in_one_piece
from auditor.language import say
from auditor.problems import nearest, quote
from auditor.uscc import uscc_is_valid, uscc_normalised

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from auditor.columns import BoolArray, FloatArray

    Report: TypeAlias = Callable[[BoolArray, Callable[[int], str], str], None]

HIDDEN = (
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\x{200b}\x{2060}\x{feff}\x{202a}-\x{202e}\x{2066}-\x{2069}"
    r"\x{fffe}\x{ffff}]"
)
NUMBER = r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$"
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
YES = frozenset({"true", "yes", "y", "1", "是"})
NO = frozenset({"false", "no", "n", "0", "否"})
REGION_CODE = r"^([0-9]{2,12}|[A-Za-z]{2})$"
LARGEST_WHOLE = 2**53
LONGEST_TEXT = 100_000  # bytes; room for thousands of addresses, while a report can still be printed
LONGEST_JSON = 1 << 29
CALENDAR_S = (-62_135_596_800, 253_402_300_799)  # from the first second of year 1 to the last of 9999
LOOKED_AT = 1 << 18  # bytes at a time, so that what is made of them stays in the cache
TIME = pa.timestamp("us", "UTC")
CODES = pa.dictionary(pa.int32(), pa.string())
UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def flat(column: Any) -> Any:
    """Make one Arrow array of a column; dictionaries are spread, wide strings narrowed."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type):
        column = column.cast(pa.string())
    return in_one_piece(column)


def is_coded(kind: Any) -> bool:
    """Tell whether an Arrow type is that of text by codes."""
    if not pa.types.is_dictionary(kind):
        return False
    value = kind.value_type
    return bool(
        pa.types.is_string(value) or pa.types.is_large_string(value) or pa.types.is_string_view(value)
    )


def blank(kind: Any, count: int) -> Any:
    """Give a column of blanks; its zeros are memory that the system hands out when it is written to."""
    zeros = pa.py_buffer(np.zeros(8 * count + 8, np.uint8))
    if pa.types.is_dictionary(kind):
        none = pa.array([], kind.value_type)
        return pa.DictionaryArray.from_buffers(kind, count, [zeros, zeros], none, count)
    buffers = [zeros, zeros, pa.py_buffer(b"")] if pa.types.is_string(kind) else [zeros, zeros]
    return pa.Array.from_buffers(kind, count, buffers, count)


def mask(values: Any) -> BoolArray:
    """Give an Arrow mask as numpy, blank as false."""
    return np.asarray(pc.fill_null(values, fill_value=False).to_numpy(zero_copy_only=False), np.bool_)


def to_text(array: Any, report: Report) -> Any:
    """Write any array as strings: whole numbers without a point, lists joined by a semicolon."""
    kind = array.type
    if pa.types.is_string(kind):
        return array
    if pa.types.is_floating(kind):
        values = array.to_numpy(zero_copy_only=False)
        blank = np.isnan(values)
        array = pc.if_else(pa.array(blank), None, array)
        whole = blank | ((values == np.floor(values)) & (np.abs(values) < LARGEST_WHOLE))
        array = array.cast(pa.int64()) if whole.all() else array
    try:
        if pa.types.is_list(kind) or pa.types.is_large_list(kind):
            array = pc.binary_join(array.cast(pa.list_(pa.string())), ";")
        return array.cast(pa.string())
    except pa.ArrowException:
        report(
            mask(array.is_valid()), lambda row: say("{value} is no text", value=quote(array[row].as_py())), ""
        )
        return pa.array([None if value is None else str(value) for value in array.to_pylist()], pa.string())


def with_semicolons(array: Any) -> Any:
    """Write the full-width semicolon of Chinese keyboards as the plain one, which separates."""
    if is_coded(array.type):
        values = with_semicolons(flat(array.dictionary))
        return pa.DictionaryArray.from_arrays(array.indices, values)
    if not pa.types.is_string(array.type) or text_bytes(array).max(initial=0) < ord("；".encode()[:1]):
        return array
    return pc.replace_substring(array, "；", ";")


def holds(array: Any, sign: str) -> bool:
    """Tell whether an ASCII sign may stand in any string of an array."""
    data, byte = text_bytes(array), ord(sign)
    return any((data[at : at + LOOKED_AT] == byte).any() for at in range(0, len(data), LOOKED_AT))


def _traits(data: np.ndarray[Any, np.dtype[np.uint8]]) -> tuple[bool, bool, bool]:
    """Tell whether UTF-8 has blanks or controls, controls, and characters beyond ASCII and common Chinese.

    From U+4000 to U+9FFF all are ideographs or hexagrams: nothing to trim, to compose or not to be seen.
    """
    blanks = controls = foreign = False
    for start in range(0, len(data), LOOKED_AT):
        part = data[start : start + LOOKED_AT]
        if (part - np.uint8(0x21)).max() <= 0x5D:  # noqa: PLR2004 -- from ! to ~; below ! it wraps round
            continue
        blanks = blanks or bool(part.min() <= 0x20)  # noqa: PLR2004 -- the space
        controls = controls or bool(((part < 0x20) | (part == 0x7F)).any())  # noqa: PLR2004 -- the space, DEL
        # First bytes of characters that are others than those from E4 to E9.
        foreign = foreign or bool(((part >= 0xC0) & ((part < 0xE4) | (part > 0xE9))).any())  # noqa: PLR2004
    return blanks, controls, foreign


def clean(array: Any, report: Report, longest: int = LONGEST_TEXT) -> Any:
    """Trim strings, bring them to Unicode NFC, blank the empty ones, report hidden characters."""
    if array.null_count == len(array):
        return array
    data, lengths = text_bytes(array), np.diff(offsets(array))
    if lengths.max() > longest:
        length = pc.binary_length(array)
        what = say("is longer than {longest:,} bytes", longest=longest)
        long = mask(pc.greater(length, longest))
        report(
            long,
            lambda row: say("{value} {what}", value=quote(array[row].as_py()), what=what),
            say("is a quote or a comma missing?"),
        )
    blanks, controls, foreign = _traits(data)
    if controls or foreign:
        hidden, given = mask(pc.match_substring_regex(array, HIDDEN)), array
        report(
            hidden,
            lambda row: say("{value} holds a character that cannot be seen", value=quote(given[row].as_py())),
            say("type the text anew"),
        )
    if foreign:
        array = pc.utf8_normalize(array, "NFC")
    if blanks or foreign:
        array = pc.utf8_trim_whitespace(array)
    elif lengths.all():
        return array
    empty = pc.equal(array, "")
    return pc.if_else(empty, None, array) if pc.any(empty).as_py() else array


def json(array: Any, report: Report) -> Any:
    """JSON as text; a program wrote it, and it may be longer than what a person writes."""
    return clean(to_text(array, report), report, LONGEST_JSON)


def on_values(encoded: Any, report: Report) -> Report:
    """Give a report on the distinct values of a coded array that reports the rows which hold them."""

    def reported(bad: BoolArray, what: Callable[[int], str], hint: str) -> None:
        if bad.any():
            codes = np.asarray(pc.fill_null(encoded.indices, len(bad)))
            report(np.append(bad, False)[codes], lambda row: what(int(codes[row])), hint)

    return reported


def recode(encoded: Any, values: Any) -> Any:
    """Put other values in the place of a coded array's distinct ones; they may repeat or be blank."""
    if values.equals(encoded.dictionary):
        return encoded
    merged = values.dictionary_encode()
    codes = pc.take(merged.indices, encoded.indices)
    return pa.DictionaryArray.from_arrays(codes, merged.dictionary)


def encoded(array: Any, report: Report) -> Any:
    """Code any array as text: each value once, by int32, in order of first sight.

    What comes in codes may hold values twice, in any order, or such as no row has.
    """
    if not is_coded(array.type) or array.dictionary.null_count:
        return to_text(flat(array), report).dictionary_encode()
    values, codes = flat(array.dictionary), array.indices.cast(pa.int32())
    seen = codes.unique().drop_null().to_numpy()
    distinct = values.take(pa.array(seen)).dictionary_encode()
    if len(distinct.dictionary) == len(values) and (seen == np.arange(len(values))).all():
        return pa.DictionaryArray.from_arrays(codes, values)
    new = np.zeros(len(values), np.int32)
    new[seen] = distinct.indices.to_numpy()
    return pa.DictionaryArray.from_arrays(pc.take(pa.array(new), codes), distinct.dictionary)


def text(array: Any, report: Report) -> Any:
    """Text with mostly distinct values: plain strings."""
    return clean(to_text(array, report), report)


def coded(array: Any, report: Report) -> Any:
    """Text with few distinct values: dictionary-coded, so that rules look at each value once."""
    coded_ = encoded(array, report)
    return recode(coded_, clean(coded_.dictionary, on_values(coded_, report)))


def uscc(array: Any, report: Report) -> Any:
    """Unified social credit code, in the form in which codes are compared."""
    encoded = coded(array, report)
    given = encoded.dictionary.to_pylist()
    bad = np.array([not uscc_is_valid(value) for value in given], np.bool_)
    on_values(encoded, report)(
        bad, lambda code: say("{value} fails the checksum", value=quote(given[code])), ""
    )
    return recode(encoded, pa.array([uscc_normalised(value) for value in given], pa.string()))


def folded(word: str) -> str:
    """Fold case and separators, which people write at will.

    Examples
    --------
    >>> folded("GCJ02") == folded("gcj-02"), folded("Data centre") == folded("data_centre")
    (True, True)
    """
    return re.sub(r"[\s_-]+", "", word).casefold()


def choice(
    array: Any,
    report: Report,
    choices: Sequence[str],
    aliases: Mapping[str, str],
    chinese: Mapping[str, str] | None = None,
) -> Any:
    """One word of a list, whatever its case; aliases and Chinese words become the word they stand for."""
    chinese = chinese or {}
    known = {folded(word): word for word in choices}
    known |= {folded(alias): word for alias, word in (*aliases.items(), *chinese.items())}
    encoded = coded(array, report)
    given = encoded.dictionary.to_pylist()
    words = [known.get(folded(word), word) for word in given]
    bad = np.array([folded(word) not in known for word in given], np.bool_)

    def what(code: int) -> str:
        names = [*choices, *aliases] if given[code].isascii() else [*choices, *chinese]
        return say(
            "{value} is not known: {nearest}", value=quote(given[code]), nearest=nearest(given[code], names)
        )

    on_values(encoded, report)(bad, what, "")
    return recode(encoded, pa.array(words, pa.string()))


def is_number(kind: Any) -> bool:
    """Tell whether an Arrow type holds numbers."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def number(array: Any, report: Report) -> Any:
    """Finite number as float64."""
    if pa.types.is_null(array.type):
        return array.cast(pa.float64())
    if pa.types.is_boolean(array.type):
        array = array.cast(pa.string())
    given = array if is_number(array.type) else clean(to_text(array, report), report)

    def what(row: int) -> str:
        return say("{value} is no number", value=quote(given[row].as_py()))

    try:
        array = given.cast(pa.float64(), safe=not is_number(array.type))  # large whole numbers are rounded
    except pa.ArrowInvalid:
        good = pc.match_substring_regex(given, NUMBER)
        report(mask(pc.invert(good)), what, "")
        array = pc.if_else(good, given, "0").cast(pa.float64())
    total = pc.sum(array).as_py()
    if total is not None and not math.isfinite(total):  # a sum that overflows is only looked at for nothing
        broken = mask(pc.invert(pc.is_finite(array)))
        report(broken, what, say("leave blank what is not known"))
        array = pc.if_else(pa.array(broken), 0.0, array)
    return array


def whole(array: Any, report: Report) -> Any:
    """Whole number, not negative, as int64."""
    array = number(array, report)
    values = array.to_numpy(zero_copy_only=False)
    bad = (values < 0) | (values != np.floor(values)) | (values > LARGEST_WHOLE)
    bad &= mask(array.is_valid())
    if bad.any():
        report(bad, lambda row: say("{value:g} is no whole number from 0 up", value=values[row]), "")
        array = pc.if_else(pa.array(bad), 0.0, array)
    return array.cast(pa.int64())


def read_day(value: str) -> dt.date | None:
    """Read a date, strictly as 2026-11-22; nothing if the text is none."""
    if not DAY.fullmatch(value):
        return None
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        return None


def in_calendar(array: Any, report: Report) -> Any:
    """Timestamps without those that Python cannot write, which are reported."""
    seconds = pc.fill_null(array.cast(pa.int64()), 0).to_numpy() // UNITS[array.type.unit]
    wrong = (seconds < CALENDAR_S[0]) | (seconds > CALENDAR_S[1])
    report(wrong, lambda _: say("lies outside the years 1 to 9999"), "")
    return pc.if_else(pa.array(wrong), pa.scalar(0, array.type), array) if wrong.any() else array


def date(array: Any, report: Report) -> Any:
    """Calendar date as date32."""
    if pa.types.is_date(array.type):
        array = in_calendar(array.cast(pa.timestamp("s"), safe=False), report)
        return array.cast(pa.date32(), safe=False)
    if pa.types.is_timestamp(array.type):
        array = in_calendar(array, report).cast(pa.timestamp("us"), safe=False)
        day = array.cast(pa.date32(), safe=False)
        bad = mask(pc.not_equal(day.cast(array.type), array))
        report(
            bad,
            lambda row: say("{value} has a time of day", value=quote(array[row].as_py())),
            say("give a date alone"),
        )
        return day
    encoded = coded(array, report)
    given = encoded.dictionary.to_pylist()
    days = [read_day(value) for value in given]
    bad = np.array([day is None for day in days], np.bool_)
    hint = say("write dates as 2026-11-22")
    on_values(encoded, report)(bad, lambda code: say("{value} is no date", value=quote(given[code])), hint)
    return pc.take(pa.array(days, pa.date32()), encoded.indices)


def read_time(value: str) -> dt.datetime | None:
    """Read a point of time with its zone, as ISO 8601 writes it; nothing if it is none."""
    try:
        moment = dt.datetime.fromisoformat(value)
        return moment.astimezone(dt.UTC) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def time(array: Any, report: Report) -> Any:
    """Point of time in UTC, microseconds."""
    if pa.types.is_timestamp(array.type) and array.type.tz is not None:
        return in_calendar(array, report).cast(TIME, safe=False)
    encoded = coded(array, report)
    given = encoded.dictionary.to_pylist()
    moments = [read_time(value) for value in given]
    bad = np.array([moment is None for moment in moments], np.bool_)
    hint = say("write times with their zone, as 2026-11-22T08:00:00Z")
    on_values(encoded, report)(
        bad, lambda code: say("{value} is no point of time", value=quote(given[code])), hint
    )
    start = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return pc.take(pa.array([moment or start for moment in moments], TIME), encoded.indices)


def flag(array: Any, report: Report) -> Any:
    """Yes or no as a boolean."""
    if pa.types.is_boolean(array.type):
        return array
    encoded = coded(array, report)
    given = encoded.dictionary.to_pylist()
    flags = [True if v.casefold() in YES else False if v.casefold() in NO else None for v in given]
    bad = np.array([value is None for value in flags], np.bool_)
    on_values(encoded, report)(
        bad, lambda code: say("{value} is neither true nor false", value=quote(given[code])), ""
    )
    return pc.take(pa.array(flags, pa.bool_()), encoded.indices)


def coordinate_faults(lon: FloatArray, lat: FloatArray) -> dict[str, tuple[str, BoolArray]]:
    """Find coordinates that cannot be: what is wrong -> the column to blame and a mask.

    Swapped ones are told by a latitude beyond 90, or by a pair that lies in China only when swapped.

    Examples
    --------
    >>> faults = coordinate_faults(np.array([31.1, 200.0]), np.array([121.6, 31.0]))
    >>> [(what, column, bad.tolist()) for what, (column, bad) in faults.items() if bad.any()]
    [('lon and lat look swapped', 'lat', [True, False]), ('no longitude', 'lon', [False, True])]
    """
    swapped = (np.abs(lat) > 90) & (np.abs(lat) <= 180) & (np.abs(lon) <= 90)  # noqa: PLR2004 -- degrees
    swapped |= (lat >= 73) & (lat <= 135) & (lon >= 18) & (lon <= 54)  # noqa: PLR2004 -- China's extent
    return {
        say("lon and lat look swapped"): ("lat", swapped),
        say("no longitude"): ("lon", (np.abs(lon) > 180) & ~swapped),  # noqa: PLR2004 -- degrees
        say("no latitude"): ("lat", (np.abs(lat) > 90) & ~swapped),  # noqa: PLR2004 -- degrees
        say("lat without lon"): ("lon", np.isnan(lon) & ~np.isnan(lat)),
        say("lon without lat"): ("lat", np.isnan(lat) & ~np.isnan(lon)),
    }
