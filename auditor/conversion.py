"""From one form of declaration to another; what could not be carried over is found by reading it back."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from auditor.cells import flat, mask
from auditor.errors import DeclarationError, UnnamedError, UsageError
from auditor.governance import LISTS
from auditor.language import say
from auditor.model import UNKNOWN_KEY
from auditor.readers import all_readers, read_declaration
from auditor.tables import Unused
from auditor.writers import content_of, writers
from auditor.writing import written_whole

if TYPE_CHECKING:
    from os import PathLike

    from auditor.model import Declaration
    from auditor.writers import Writer

FOLDER = "/"
NOBODY = {"schema": "auditor.declaration/1", "operator": {"name": "(not stated)"}}  # never written
KEYS = {"nodes": "id", "links": "id"}
RECORDS = ("operator", *LISTS)
PLAIN = ("declared_on", "approvals_complete", "reports_complete", "complete", "access_layer")


@dataclass(frozen=True)
class Conversion:
    """What came of a conversion.

    Parameters
    ----------
    declaration
        As it was read.
    named
        Whether the input, or an operator file, says whose network it is.
    lost
        What the written form does not hold.
    files
        Names of the files written.
    """

    declaration: Declaration
    named: bool
    lost: tuple[Unused, ...]
    files: tuple[str, ...]


def writer_of(target: Path, form: str | None) -> Writer:
    """Give the writer of a form, by its name or by the ending of the target.

    Raises
    ------
    UsageError
        If there is none.
    """
    known = {writer.name: writer for writer in writers()}
    suffix = target.suffix.lower() or FOLDER
    if form is None:
        for writer in known.values():
            if suffix in writer.suffixes:
                return writer
        listed = [s for writer in known.values() for s in writer.suffixes if s != FOLDER]
        raise UsageError(
            say(
                "-o: {file}: write a folder (no ending, or --to folder), or a file ending in {endings}",
                file=target.name,
                endings=listed,
            )
        )
    if form not in known:
        read_only = form in {reader.name for reader in all_readers()}
        why = (
            say("{form} can be read, not written", form=form)
            if read_only
            else say("no form is called {form}", form=form)
        )
        raise UsageError(
            say("--to: {why}; forms that can be written are {forms}", why=why, forms=list(known))
        )
    endings = known[form].suffixes or (".json",)
    if suffix not in endings and FOLDER not in endings:
        raise UsageError(
            say(
                "-o: {file}: {form} is written to {ending}",
                file=target.name,
                form=form,
                ending=_ending(endings),
            )
        )
    return known[form]


def _ending(suffixes: tuple[str, ...]) -> str:
    first, *rest = suffixes
    one = say("a folder") if first == FOLDER else say("a file ending in {ending}", ending=first)
    return say("{one} or {others}", one=one, others=_ending(tuple(rest))) if rest else one


def convert(
    source: str | PathLike[str],
    target: str | PathLike[str],
    *,
    form: str | None = None,
    operator: str | PathLike[str] | None = None,
    mapping: str | PathLike[str] | None = None,
) -> Conversion:
    """Read a declaration in any form and write it in another.

    Parameters
    ----------
    source
        A declaration, or a file that does not say whose network it is.
    target
        A file, whose ending tells the form, or a new folder. An existing file is replaced, an existing folder
        is not.
    form
        Name of the form to write, where the ending leaves it open.
    operator, mapping
        As for `auditor.read_declaration`. Without an operator the network alone is carried over, and a
        folder's ``declaration.toml`` waits for a name.

    Raises
    ------
    DeclarationError
        With everything that is wrong in the input.
    UsageError
        If a form is not known, or the target is a folder that exists.

    Examples
    --------
    >>> import auditor, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = convert(auditor.sample("thin"), f"{folder}/thin.graphml")
    ...     [loss.what for loss in done.lost]
    []
    """
    source, target = Path(source), Path(target)
    writer = writer_of(target, form)
    if FOLDER in writer.suffixes and target.exists():
        raise UsageError(say("-o: {target} is there already; give a new folder", target=target))
    declaration, named = read_any(source, operator, mapping)
    home = _home(source if operator is None else Path(operator))
    documents = {name: (home / name).read_bytes() for name in declaration.documents}
    files = _files(writer, declaration, target.name, documents)
    after = _read_back(writer, files)
    if not named:  # what was read back bore a name that is not to be written
        files = _files(writer, declaration, target.name, {}, named=False)
    _write(target, files, whole=FOLDER not in writer.suffixes)
    return Conversion(declaration, named, tuple(losses(declaration, after)), tuple(files))


def _home(path: Path) -> Path:
    """Folder in which the documents of a declaration lie."""
    return path if path.is_dir() else path.parent


def _files(
    writer: Writer, declaration: Declaration, name: str, documents: dict[str, bytes], *, named: bool = True
) -> dict[str, bytes]:
    written = writer.write(content_of(declaration, named=named))
    if not isinstance(written, dict):
        return {name: written}
    taken = sorted(set(written) & set(documents))
    if taken:
        raise UsageError(
            say("a document is called {name}, as a file of the folder is; rename it", name=taken[0])
        )
    return {**written, **documents}


def read_any(
    source: Path, operator: str | PathLike[str] | None, mapping: str | PathLike[str] | None
) -> tuple[Declaration, bool]:
    """Read a declaration, or a network of which nobody says whose it is."""
    try:
        return read_declaration(source, operator=operator, mapping=mapping), True
    except UnnamedError:
        return read_declaration(source, operator=NOBODY, mapping=mapping), False


def _read_back(writer: Writer, files: dict[str, bytes]) -> Declaration:
    """Read what was written, as a stranger would."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _write_all(root, files)
        try:
            return read_declaration(root if FOLDER in writer.suffixes else root / next(iter(files)))
        except DeclarationError as error:
            what = say("the input cannot be written as {form} without damage:", form=writer.name)
            raise UsageError(what, *error.problems) from error


def _write_all(root: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _write(target: Path, files: dict[str, bytes], *, whole: bool) -> None:
    if whole:
        with written_whole(target) as part:
            part.write_bytes(files[target.name])
        return
    target.mkdir(parents=True)
    _write_all(target, files)


def losses(before: Declaration, after: Declaration) -> list[Unused]:
    """List what a declaration holds and another one does not.

    Parameters
    ----------
    before, after
        The same declaration before and after a conversion.

    Returns
    -------
    list
        Records, columns, rows and attached documents that are not the same.
    """
    found = [
        Unused(
            name,
            say("the record") if name in RECORDS else say("the value"),
            say("is not the same afterwards"),
        )
        for name in (*RECORDS, *PLAIN)
        if getattr(before, name) != getattr(after, name)
    ]
    for name, key in KEYS.items():
        found += _lost_cells(getattr(before, name), getattr(after, name), name, key)
    found += [
        Unused(unused.where, unused.what, say("is no part of a declaration"))
        for unused in before.unused
        if unused.why == UNKNOWN_KEY and (unused.what.startswith("network.") or "." not in unused.what)
    ]
    if before.filings is not None and after.filings is None:
        what = f"network.filings {before.filings_file}"
        found.append(Unused("network", what, say("is no part of a declaration")))
    if before.partial:
        what = say("what was not read of the input")
        found.append(Unused("network", what, say("is not in the output: do not state it complete")))
    if _rows(before.prefixes) != _rows(after.prefixes):
        found.append(Unused("prefixes", say("address blocks"), say("are not the same afterwards")))
    found += [
        Unused("documents", name, say("is attached to the input only; copy it beside the output"))
        for name in before.documents
        if after.documents.get(name) != before.documents[name]
    ]
    return found


def _rows(table: pa.Table | None) -> list[str]:
    if table is None:
        return []
    return sorted(str({k: v for k, v in row.items() if v is not None}) for row in table.to_pylist())


def _lost_cells(before: pa.Table, after: pa.Table, name: str, key: str) -> list[Unused]:
    at = pc.index_in(flat(before.column(key)), flat(after.column(key)))
    gone = at.null_count
    found = [Unused(name, say("{count:,} rows", count=gone), say("are not there afterwards"))] if gone else []
    more = after.num_rows - (before.num_rows - gone)
    found += (
        [Unused(name, say("{count:,} rows", count=more), say("are there afterwards only"))] if more else []
    )
    kept, at = before.filter(at.is_valid()), at.drop_null()
    for column in kept.column_names:
        if column in {"tail", "head"}:
            continue
        old = flat(kept.column(column))
        there = column in after.column_names
        new = flat(after.column(column)).take(at) if there else pa.nulls(len(at), old.type)
        differ = int(_unequal(old, new).sum())
        if differ:
            found.append(
                Unused(
                    name,
                    say("column {name}", name=column),
                    say("differs in {count:,} rows", count=differ),
                )
            )
    return found


def _unequal(old: Any, new: Any) -> Any:
    """Rows of two columns that differ; blank equals blank."""
    same = mask(pc.equal(old, new.cast(old.type)))
    return ~(same | (mask(old.is_null()) & mask(new.is_null())))
