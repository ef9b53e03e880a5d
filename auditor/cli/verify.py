"""`auditor verify`: a case file against its manifest, or the raw answers behind observations."""

from __future__ import annotations

from pathlib import Path

import click

from auditor.cli import _options
from auditor.language import say

EXIT_BROKEN = 4


@click.command()
@click.argument("path", type=click.Path())
@click.option(
    "--raw", type=click.Path(), help="Folder of raw answers (default: beside the file, ending in .raw)."
)
@click.option(
    "--digest",
    metavar="HEX",
    help="Digest of the whole that was noted elsewhere; of a folder that of its evidence, too.",
)
@_options.config
@_options.lang
def command(path: str, raw: str | None, digest: str | None, config: str | None, lang: str) -> int:
    """Tell whether a case file, or the raw answers behind observations, are there and unchanged.

    A case file is a folder that `auditor casefile` wrote, its manifest.json, or a PDF with its manifest
    beside it: every file that is changed, missing or added is named. Whoever changes a file can make a new
    manifest, too: only --digest shows that. The digest of the whole, which `auditor casefile` told when it
    wrote the file, vouches for all of it. The digest of the evidence, which is printed in the file, vouches
    for case.json and evidence/ of a folder, not for case.html and case.pdf; for a PDF it is not accepted.
    Answers of databases are held against the digest of the database, which is not kept with the answers.
    Exit code: 0 all is as it was, 4 something is missing or changed.
    """
    from auditor.casefiles import manifest
    from auditor.errors import UsageError

    if manifest.is_case(Path(path)):
        return _case(Path(path), digest, lang)
    if digest is not None:
        raise UsageError(say("--digest goes with a case file: a folder, its manifest, or a PDF"))
    return _observations(path, raw, config, lang)


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
