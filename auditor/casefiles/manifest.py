"""The manifest of a case file: every file with its digest, and how one is verified, offline.

The digest of the whole is SHA-256 over the manifest's canonical JSON without that digest. It proves that
nothing was changed only to somebody who has it by another way: whoever changes a file can write a manifest,
too. So nothing that a manifest says of itself is believed: its form is that of what lies on the disk, and the
digest of the evidence is computed anew. That one vouches for the evidence of a folder and no more: a PDF
holds its evidence inside, where no manifest lists it.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from auditor.errors import UsageError, visible
from auditor.files import read_plain, reason_of
from auditor.language import say
from auditor.problems import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from auditor.language import Said

SCHEMA = "auditor.manifest/1"
NAME, SUMS = "manifest.json", "SHA256SUMS"
BESIDE = ".manifest.json"  # ending of the manifest of a PDF
FORM = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS
MOST_BYTES = 1 << 26  # of a manifest
MOST_FILE = 1 << 33
CASE, EVIDENCE = "case.json", "evidence/"  # what the evidence digest is over
FOLDER, PDF = "folder", "pdf"  # forms


def digest_of(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def evidence_digest(entries: Iterable[tuple[str, str]]) -> str:
    """Digest of the evidence: over lines of digest and path, as ``sha256sum`` writes them, sorted by path.

    Only case.json and what lies in ``evidence/`` counts: what is printed cannot hold the digest of itself.
    """
    lines = [f"{sha256}  {path}\n" for path, sha256 in sorted(entries) if _is_evidence(path)]
    return digest_of("".join(lines).encode())


def _is_evidence(path: str) -> bool:
    return path == CASE or path.startswith(EVIDENCE)


def written(values: Mapping[str, Any]) -> bytes:
    """Write a manifest with the digest of the whole in it; the same values, the same bytes."""
    bare = {name: value for name, value in values.items() if name != "digest"}
    whole = digest_of(orjson.dumps(bare, option=FORM))
    return orjson.dumps({**bare, "digest": whole}, option=FORM) + b"\n"


def entries(files: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """Give one entry a file: path, digest, size."""
    return [
        {"path": path, "sha256": digest_of(data), "size": len(data)} for path, data in sorted(files.items())
    ]


def sums(files: Iterable[tuple[str, str]], manifest: bytes) -> bytes:
    r"""Give the digests in the form that ``sha256sum -c`` takes.

    Examples
    --------
    >>> sums([("case.json", "ab")], b"{}").decode().splitlines()[0]
    'ab  case.json'
    """
    lines = [*sorted((path, sha256) for path, sha256 in files), (NAME, digest_of(manifest))]
    return "".join(f"{sha256}  {path}\n" for path, sha256 in lines).encode()


# --- verifying ----------------------------------------------------------------------------------------------


class Verified(NamedTuple):
    """What verifying a case file came to.

    Parameters
    ----------
    faults
        Every file that is changed, missing, added or refused, in words; empty where all is as it was.
    good
        Files that are as the manifest says.
    digest
        Digest of the whole; blank where the manifest cannot be read.
    unvouched
        Files that the digest given says nothing of, as it is that of the evidence alone.
    """

    faults: tuple[Said, ...]
    good: int
    digest: str
    unvouched: tuple[str, ...] = ()


def is_case(path: Path) -> bool:
    """Whether a path is a case file, rather than observations: a folder, a PDF, or a manifest."""
    return path.is_dir() or path.suffix.lower() == ".pdf" or path.name.endswith(NAME)


def verify(path: Path, digest: str | None = None) -> Verified:
    """Hold a case file against its manifest: every byte, and no file more or less.

    Parameters
    ----------
    path
        Folder, its ``manifest.json``, a PDF, or the manifest beside that.
    digest
        Digest of the whole, as it was noted elsewhere; of a folder that of the evidence, too.

    Raises
    ------
    UsageError
        There is no such path.
    """
    if not os.path.lexists(path):
        raise UsageError(say("{path}: there is no such file or folder", path=str(path)))
    place = path / NAME if path.is_dir() else path
    if place.suffix.lower() == ".pdf":
        place = place.with_suffix(BESIDE)
    values, fault = _read(place)
    if values is None:
        return Verified((fault,), 0, "")
    form = FOLDER if place.name == NAME else PDF
    faults = [*_refused(values["files"]), *_misfit(values, form), *_digests_wrong(values, form, digest)]
    good = 0
    for entry in values["files"] if not faults else ():
        # a PDF may be renamed with its manifest: it is the one beside that
        name = entry["path"] if form == FOLDER else _renamed(place.name, path, entry["path"])
        wrong = _held(place.parent, name, entry)
        faults += [wrong] if wrong is not None else []
        good += wrong is None
    if form == FOLDER:
        faults += _others(place.parent, values)
    whole = digest is None or _same(digest, values["digest"])
    bare = () if whole or faults else tuple(e["path"] for e in values["files"] if not _is_evidence(e["path"]))
    return Verified(tuple(faults), good, values["digest"], bare)


def _renamed(manifest: str, given: Path, listed: str) -> str:
    """Name the PDF beside a manifest: as it was given, or else after the manifest."""
    if given.suffix.lower() == ".pdf":
        return given.name
    return manifest.removesuffix(BESIDE) + PurePosixPath(listed).suffix


def _same(digest: str, known: str) -> bool:
    return digest.strip().lower() == known


def _read(place: Path) -> tuple[dict[str, Any] | None, Said]:
    """Read a manifest, if it is byte for byte what we would write of its values; else say what is wrong."""
    changed = say("changed: {file} is not as it was written", file=visible(place.name))
    try:
        if place.is_symlink():
            return None, say("refused: {file} is a link or no plain file", file=visible(place.name))
        data = read_plain(place, MOST_BYTES)
    except FileNotFoundError:
        return None, say("missing: {file}", file=visible(place.name))
    except OSError as error:
        return None, say("{file} cannot be read: {reason}", file=visible(place.name), reason=reason_of(error))
    try:
        values = orjson.loads(data)
        same = isinstance(values, dict) and values.get("schema") == SCHEMA and written(values) == data
        listed = (
            same and isinstance(values["files"], list) and all(_is_entry(entry) for entry in values["files"])
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return None, changed
    return (values, changed) if listed else (None, changed)


def _is_entry(entry: Any) -> bool:
    kinds = {"path": str, "sha256": str, "size": int}
    return isinstance(entry, dict) and all(isinstance(entry.get(k), kind) for k, kind in kinds.items())


def _refused(files: list[dict[str, Any]]) -> Iterator[Said]:
    """Name paths that lead out of the folder, or stand twice."""
    seen: set[str] = set()
    for entry in files:
        path = entry["path"]
        parts = PurePosixPath(path).parts
        out = (
            not parts or path.startswith("/") or ".." in parts or "\\" in path or ":" in path or "\0" in path
        )
        if out or "/".join(parts) != path:
            yield say("refused: {file} leads out of the folder", file=quote(path))
        elif "\n" in path or "\r" in path:  # it could pass for two lines of the evidence
            yield say("refused: {file} has a line break in its name", file=quote(path))
        elif path in seen:
            yield say("refused: {file} stands twice in the manifest", file=quote(path))
        seen.add(path)


def _misfit(values: Mapping[str, Any], form: str) -> Iterator[Said]:
    """Say what a manifest lacks to be that of what lies on the disk: a folder, or one PDF."""
    paths = [entry["path"] for entry in values["files"]]
    if values.get("form") != form:
        yield say("changed: the manifest is that of another form of case file, folder or PDF")
    if form == FOLDER and CASE not in paths:
        yield say("changed: the manifest does not list {file}", file=CASE)
    if form == PDF and [PurePosixPath(path).suffix.lower() for path in paths] != [".pdf"]:
        yield say("changed: the manifest of a PDF lists that one file and no other")


def _digests_wrong(values: Mapping[str, Any], form: str, digest: str | None) -> Iterator[Said]:
    """Compare the digests of the evidence and of the whole."""
    found = evidence_digest((entry["path"], entry["sha256"]) for entry in values["files"])
    if form == FOLDER and found != values.get("evidence_sha256"):
        yield say("changed: the digest of the evidence in {file} is not that of its files", file=NAME)
    if digest is None or _same(digest, values["digest"]):
        return
    if form == PDF:
        yield say(
            "the digest of the whole is {digest}, not the one given: the manifest was made anew, or that is "
            "the digest of the evidence, which does not vouch for a PDF",
            digest=values["digest"],
        )
    elif not _same(digest, found):
        yield say(
            "changed: the digest is {digest}, not the one given: the manifest itself was made anew",
            digest=values["digest"],
        )


def _held(folder: Path, name: str, entry: Mapping[str, Any]) -> Said | None:
    """Say what is wrong with one file; nothing if its bytes are those of the manifest."""
    target, told = folder, quote(name)
    for part in PurePosixPath(name).parts:
        target /= part
        if target.is_symlink():
            return say("refused: {file} is a link or no plain file", file=told)
    try:
        known = target.stat()
        if not stat.S_ISREG(known.st_mode):
            return say("refused: {file} is a link or no plain file", file=told)
        if known.st_size == entry["size"]:
            with target.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() == entry["sha256"]:
                    return None
    except FileNotFoundError:
        return say("missing: {file}", file=told)
    except (OSError, ValueError) as error:
        why = reason_of(error) if isinstance(error, OSError) else quote(error)
        return say("{file} cannot be read: {reason}", file=told, reason=why)
    return say("changed: {file}", file=told)


def _others(folder: Path, values: Mapping[str, Any]) -> Iterator[Said]:
    """Name what lies in the folder and not in the manifest, and a list of sums that was changed."""
    listed = {entry["path"] for entry in values["files"]}
    expected = sums(((e["path"], e["sha256"]) for e in values["files"]), written(values))
    wrong = _held(folder, SUMS, {"size": len(expected), "sha256": digest_of(expected)})
    if wrong is not None:
        yield wrong
    holders = {str(parent) for path in listed for parent in PurePosixPath(path).parents}
    for here, folders, files in os.walk(folder):
        inside = Path(here).relative_to(folder)
        names = [*files, *(name for name in folders if Path(here, name).is_symlink())]
        names += [name for name in folders if (inside / name).as_posix() not in holders]
        for name in sorted(set(names)):
            path = (inside / name).as_posix()
            if path not in listed | {NAME, SUMS}:
                yield say("added: {file}", file=quote(path))
