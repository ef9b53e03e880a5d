"""Who may not decide about an operator: itself and its group, however they are spelt.

That a person works for the operator cannot be known here: the record names who decided, for all to see.
"""

from __future__ import annotations

import tomllib
import unicodedata
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
import sqlalchemy as sa

from auditor.comparison.texts import likeness, simplified
from auditor.language import Said, say
from auditor.registers.names import UNITS, is_large_place, is_places, normal
from auditor.scans import tables
from auditor.uscc import LENGTH, uscc_normalised

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.scans.blobs import Blobs

LEGAL_ZH = simplified("股份有限公司 有限責任公司 有限公司 集團公司 公司 集團").split()
LEGAL_EN = frozenset({"co", "ltd", "corp", "inc", "group", "llc", "plc", "the", "branch"})
LEAST_HAN, LEAST_LATIN = 3, 4  # letters from which a name inside another one tells something
ALIKE = 0.9
FOREIGN = ("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")  # scripts with letters that look like Latin ones
MOST_BYTES = 1 << 24  # of a declaration that is looked into


class Known(NamedTuple):
    """How an operator is known.

    Parameters
    ----------
    names
        Names and codes of itself and of its group.
    called
        How people call it here, which may be any word.
    """

    names: tuple[str, ...]
    called: tuple[str, ...] = ()


def refused(approver: str, known: Known) -> Said | None:
    """Say why a person or an office may not decide about an operator; None if it may.

    Parameters
    ----------
    approver
        Who decides.
    known
        What `known` gives of the operator.

    Examples
    --------
    >>> example = Known(("Example Data Co., Ltd.",))
    >>> refused("EXAMPLE  Data Company Limited, compliance", example) is None
    False
    >>> refused("Li Na, Shanghai Communications Administration", example) is None
    True
    """
    own = _core(approver)
    if not own:
        return say("--approver {approver!r}: names nobody", approver=approver)
    if _mixed(approver):
        return say("--approver {approver!r}: mixes letters of scripts that look alike", approver=approver)
    called = [word for word in (*known.called, "operator") if _core(word) == own]
    for name in (*called, *(name for name in known.names if _same(approver, own, name))):
        return say(
            "--approver {approver!r}: is the operator, or of its group ({name}); nobody decides for itself",
            approver=approver,
            name=name,
        )
    return None


def _same(approver: str, own: str, name: str) -> bool:
    """Whether an approver is, or is of, who bears a name or a code."""
    code = uscc_normalised(name)
    if len(code) == LENGTH and code.isascii() and code in _squeezed_code(approver):
        return True
    core = _core(name)
    if not core:
        return False
    if own.replace(" ", "") == core.replace(" ", "") or likeness(own, core) >= ALIKE:
        return True
    first = len(core) > 1 and not _is_place(core) and _begins(own, core)  # a group's name is a short word
    return first or (_tells(core) and _inside(core, own)) or (_tells(own) and _begins(core, own))


def _squeezed_code(approver: str) -> str:
    return "".join(c for c in uscc_normalised(approver) if c.isalnum())


def _core(name: str) -> str:
    """Give a name as it is compared, without its legal form; letters that no eye sees fall away."""
    text = unicodedata.normalize("NFKC", name)
    text = simplified("".join(c for c in text if unicodedata.category(c) != "Cf"))
    text = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    text = normal(text)
    words = [word for word in text.split(" ") if word not in LEGAL_EN]
    text = " ".join(words) or text
    for form in (*UNITS, *LEGAL_ZH):
        if text.endswith(form) and text != form:
            return text.removesuffix(form)
    return text


def _tells(name: str) -> bool:
    """Whether a name says enough to be sought inside another one: no short word, no mere place."""
    least = LEAST_LATIN if name.isascii() else LEAST_HAN
    return len(name) >= least and not _is_place(name)


def _is_place(name: str) -> bool:
    return is_places(name) or is_large_place(name)


def _inside(part: str, whole: str) -> bool:
    """Whether a name stands in another one: as whole words, or, in Chinese, as it is."""
    return f" {part} " in f" {whole} " if part.isascii() else part in whole


def _begins(name: str, part: str) -> bool:
    return f"{name} ".startswith(f"{part} ") if part.isascii() else name.startswith(part)


def _mixed(text: str) -> bool:
    """Whether a text has Latin letters beside such as look like them."""
    letters = {unicodedata.name(c, "").partition(" ")[0] for c in text if c.isalpha()}
    return "LATIN" in letters and not letters.isdisjoint(FOREIGN)


def known(connection: sa.Connection, blobs: Blobs, operator_id: int) -> Known:
    """Give all names and codes under which an operator, and its group where it says one, are known here.

    Every name and code that it ever declared, and of its last declaration (if that is TOML or JSON) its group
    and the other holders of its approvals.
    """
    own, item, version = tables.operator.c, tables.item.c, tables.declaration.c
    key = connection.execute(sa.select(own.key).where(own.id == operator_id)).scalar_one()
    declared = connection.execute(
        sa.select(item.name, item.uscc).where(item.operator_id == operator_id).distinct()
    ).all()
    last = sa.select(version.entry, version.files).where(version.operator_id == operator_id)
    row = connection.execute(last.order_by(version.version.desc()).limit(1)).first()
    listed = _declared(blobs, row.entry, row.files) if row is not None else iter(())
    named = {text for text in (*(t for pair in declared for t in pair), *listed) if isinstance(text, str)}
    return Known(tuple(sorted(named)), (key, key.rpartition("/")[2]))


def _declared(blobs: Blobs, entry: str, files: str) -> Iterator[str]:
    """Give the names in a declaration: its operator's, its group's, those of holders of approvals."""
    name = entry or "declaration.toml"
    for file in orjson.loads(files):
        if file["path"] == name and file["size"] <= MOST_BYTES:
            yield from _names(_read(blobs.get(file["sha256"]), name))


def _read(data: bytes, name: str) -> dict[str, Any]:
    """Read a declaration as far as it can be; what a run refuses has no names."""
    try:
        values = orjson.loads(data) if name.endswith(".json") else tomllib.loads(data.decode())
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def _names(values: dict[str, Any]) -> Iterator[Any]:
    operator, approvals = values.get("operator"), values.get("approvals")
    if isinstance(operator, dict):
        yield from (operator.get(field) for field in ("name", "uscc", "group"))
    for approval in approvals if isinstance(approvals, list) else ():
        if isinstance(approval, dict):
            yield from (approval.get(field) for field in ("holder", "uscc"))
