"""`auditor verify`: a case file against its manifest, raw answers behind observations, a store of scans."""

from __future__ import annotations

from pathlib import Path

import click

from auditor.cli import _options
from auditor.language import say

EXIT_BROKEN = 4
SQLITE = b"SQLite format 3\0"


@click.command()
@click.argument("path", required=False, type=click.Path())
@click.option(
    "--raw", type=click.Path(), help="Folder of raw answers (default: beside the file, ending in .raw)."
)
@click.option(
    "--digest",
    metavar="HEX",
    help="Digest of the whole that was noted elsewhere; of a folder that of its evidence, too.",
)
@click.option("--store", "url", metavar="URL", help="Store of scans to verify, instead of PATH.")
@_options.evidence
@click.option("--key", type=click.Path(), help="Public key in PEM that you trust; with --store.")
@click.option(
    "--root",
    "roots",
    multiple=True,
    metavar="RUN=HEX",
    help="Root of a run that was noted elsewhere; may be repeated.",
)
@click.option(
    "--log",
    "entries",
    multiple=True,
    metavar="SEQ=HASH",
    help="Entry of the log that was noted elsewhere; may be repeated.",
)
@_options.config
@_options.lang
def command(
    path: str | None,
    raw: str | None,
    digest: str | None,
    url: str | None,
    evidence: str | None,
    key: str | None,
    roots: tuple[str, ...],
    entries: tuple[str, ...],
    config: str | None,
    lang: str,
) -> int:
    """Tell whether a case file, the raw answers behind observations, or a store of scans are as they were.

    A case file is a folder that `auditor casefile` wrote, its manifest.json, or a PDF with its manifest
    beside it: every file that is changed, missing or added is named. Whoever changes a file can make a new
    manifest, too: only --digest shows that. The digest of the whole, which `auditor casefile` told when it
    wrote the file, vouches for all of it. The digest of the evidence, which is printed in the file, vouches
    for case.json and evidence/ of a folder, not for case.html and case.pdf; for a PDF it is not accepted.
    Answers of databases are held against the digest of the database, which is not kept with the answers.

    --store verifies the log of a store (a hash chain), every row against the log, the signed roots of its
    runs, and all its files; nothing is asked of any network but the database. Whoever can write to all of it
    can make it anew: only a key that you were given (--key), or a root that a report printed (--root), shows
    that. What came of a run, and all that the log held by then, is vouched for by the root of the run; what
    was written after the last root is not. A store that was set back whole to an earlier state, or cut off
    after an entry, is in order by itself: only a later root (--root), or the last entry of the log that an
    earlier verifying told (--log), shows that. Whether what was declared is true, nothing here can tell.
    Exit code: 0 all is as it was, 4 something is missing, changed or added.
    """
    from auditor.casefiles import manifest
    from auditor.errors import UsageError

    if (path is None) == (url is None):
        raise UsageError(say("give a PATH, or --store URL"))
    url = url or _url_of(path or "")
    if url is not None:
        return _store(url, evidence, key, _noted("--root RUN", roots), _noted("--log SEQ", entries), lang)
    if key is not None or roots or entries:
        raise UsageError(say("--key, --root and --log go with --store"))
    assert path is not None  # noqa: S101 -- for the type checker
    if manifest.is_case(Path(path)):
        return _case(Path(path), digest, lang)
    if digest is not None:
        raise UsageError(say("--digest goes with a case file: a folder, its manifest, or a PDF"))
    return _observations(path, raw, config, lang)


def _store(
    url: str,
    evidence: str | None,
    key: str | None,
    roots: dict[int, str],
    entries: dict[int, str],
    lang: str,
) -> int:
    """Verify a store of scans."""
    from sqlalchemy.exc import DatabaseError, OperationalError

    from auditor.scans import checking, proof
    from auditor.scans.store import StoreError, open_store

    store = open_store(url, evidence=evidence, create=False)
    try:
        own = store.evidence / proof.PUBLIC
        trusted = proof.public_key(Path(key) if key else own) if key or own.exists() else None
        found = checking.check_store(store, trusted, roots, entries)
    except StoreError as error:
        if not isinstance(error.__cause__, DatabaseError) or isinstance(error.__cause__, OperationalError):
            raise
        _line(error.in_(lang))  # its pages were spoilt
        return EXIT_BROKEN
    finally:
        store.close()
    for line in checking.lines(found):
        _line(line.in_(lang))
    if key is None and trusted is not None:
        told = say(
            "The key was taken from {file}; whoever changes the store can change that, too: give --key",
            file=str(own),
        )
        _line(told.in_(lang))
    return EXIT_BROKEN if found.faults else 0


def _url_of(path: str) -> str | None:
    """Give the URL of a store that was given as PATH: itself, or that of a SQLite file."""
    if "://" in path:
        return path
    try:
        with Path(path).open("rb") as file:
            return f"sqlite:///{path}" if file.read(len(SQLITE)) == SQLITE else None
    except OSError:
        return None  # what is wrong with it is said where it is read


def _noted(option: str, given: tuple[str, ...]) -> dict[int, str]:
    """Read NUMBER=HEX, or say what was expected."""
    from auditor.errors import UsageError

    known = {}
    for value in given:
        number, _, digest = value.partition("=")
        if not number.isdecimal() or len(digest) != 64 or set(digest.lower()) - set("0123456789abcdef"):  # noqa: PLR2004 -- digits of SHA-256
            raise UsageError(
                say("{option}=HEX: {value!r} is none; give it as it was told", option=option, value=value)
            )
        known[int(number)] = digest
    return known


def _case(path: Path, digest: str | None, lang: str) -> int:
    """Verify a case file."""
    from auditor.casefiles import manifest

    found = manifest.verify(path, digest)
    for fault in found.faults:
        _line(fault.in_(lang))
    if found.unvouched:
        told = say(
            "The digest given is that of the evidence: the evidence alone is vouched for; these are not: "
            "{files}",
            files=list(found.unvouched),
        )
        _line(told.in_(lang))
    if not found.faults:
        _line(say("Digest of the whole: {digest}", digest=found.digest).in_(lang))
    told = say(
        "{count:,} files are as they were written; faults: {faults:,}",
        count=found.good - len(found.unvouched),
        faults=len(found.faults),
    )
    _line(told.in_(lang))
    return EXIT_BROKEN if found.faults else 0


def _line(text: str) -> None:
    from auditor.errors import visible

    click.echo(visible(text))


def _observations(path: str, raw: str | None, config: str | None, lang: str) -> int:
    """Verify the raw answers behind observations."""
    from auditor import collection, readers, settings
    from auditor.archive import Archive
    from auditor.columns import Coded
    from auditor.messages import label

    seen = readers.read_observations(path)
    archive = Archive(Path(raw) if raw else Path(path).with_suffix(".raw"))
    digests = [d for d in Coded.of(seen.table.column("digest")).values if d]
    data = {source.sha256: source for source in seen.sources if source.sha256}
    chosen = settings.load_settings(config)
    sources = [s.provenance for s in collection.all_sources() if s.provenance is not None]
    here = {entry.sha256 for provenance in sources for entry in provenance(chosen)}
    broken = []
    for digest in digests:
        if digest in data:
            if digest not in here:
                broken.append(label("other_data", lang, title=data[digest].title, digest=digest))
        elif not archive.path(digest).exists():
            broken.append(label("no_raw", lang, digest=digest))
        elif archive.read(digest) is None:
            broken.append(label("changed_raw", lang, digest=digest))
    for line in broken:
        _line(line)
    count = f"{len(digests) - len(broken):,}"
    click.echo(label("verified", lang, count=count, broken=f"{len(broken):,}"))
    return EXIT_BROKEN if broken else 0
