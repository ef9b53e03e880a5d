"""`auditor verify`: hash the raw answers behind observations again."""

from __future__ import annotations

from pathlib import Path

import click

from auditor.cli import _options

EXIT_BROKEN = 4


@click.command()
@click.argument("path", type=click.Path())
@click.option(
    "--raw", type=click.Path(), help="Folder of raw answers (default: beside the file, ending in .raw)."
)
@_options.config
@_options.lang
def command(path: str, raw: str | None, config: str | None, lang: str) -> int:
    """Tell whether the raw answers behind observations are there and unchanged.

    Answers of databases are held against the digest of the database, which is not kept with the answers.
    Exit code: 0 all is as it was, 4 something is missing or changed.
    """
    from auditor import collection, readers, settings
    from auditor.archive import Archive
    from auditor.columns import Coded
    from auditor.errors import visible
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
        click.echo(visible(line))
    count = f"{len(digests) - len(broken):,}"
    click.echo(label("verified", lang, count=count, broken=f"{len(broken):,}"))
    return EXIT_BROKEN if broken else 0
