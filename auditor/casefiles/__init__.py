"""Case files (card GOV-10): all that bears on a finding, in both languages, to be handed over."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from auditor.archive import Archive
from auditor.casefiles import manifest
from auditor.casefiles._chosen import choose
from auditor.casefiles._content import Writer
from auditor.casefiles._drawn import maps
from auditor.casefiles._evidence import JSON, add_documents, add_letters, add_raw, declared_files
from auditor.casefiles._exchange import Exchange, read_exchange
from auditor.casefiles._page import page
from auditor.casefiles._shown import shown
from auditor.casefiles._words import LIMITS
from auditor.errors import UsageError
from auditor.files import reason_of
from auditor.findings import plain
from auditor.language import both, say
from auditor.overview import Framed
from auditor.writing import written_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from os import PathLike

    from auditor.result import AuditResult
    from auditor.reviews import Review

__all__ = ["CaseFile", "casefile", "manifest"]

HEIGHT = 640  # pixels in a notebook
PDF, HTML, CASE = "case.pdf", "case.html", "case.json"


@dataclass(frozen=True)
class CaseFile:
    """A case file, ready to be written.

    Parameters
    ----------
    content
        As ``case.json`` has it (schema ``auditor.case/1``), in plain values.
    evidence
        ``case.json`` and the files of evidence, by path.
    drawings
        Maps as SVG, by file name.
    told_of_map
        What is told of them.
    """

    content: Mapping[str, Any]
    evidence: Mapping[str, bytes]
    drawings: Mapping[str, bytes]
    told_of_map: Mapping[str, Any] | None

    @property
    def number(self) -> str:
        """Number of the case, made of the fingerprints of its findings."""
        return str(self.content["number"])

    @cached_property
    def sha256(self) -> str:
        """Digest of the evidence, printed on the page and the PDF."""
        return manifest.evidence_digest((e["path"], e["sha256"]) for e in manifest.entries(self.evidence))

    @cached_property
    def _shown(self) -> dict[str, Any]:
        values = shown(self.content, manifest.entries(self.evidence), self.sha256)
        return {**values, "map": plain(self.told_of_map), "running": values["operator"]["name"]}

    def to_html(self) -> str:
        """Give the case file as one page that needs no other file."""
        return page(self._shown, self.drawings)

    def to_pdf(self, *, whole: bool = False) -> bytes:
        """Give it as a PDF, with the evidence inside if it is to stand alone.

        Raises
        ------
        UsageError
            What makes PDFs is not installed (``auditor[pdf]``).
        """
        from auditor.casefiles._pdf import pdf  # noqa: PLC0415 -- of an extra

        return pdf(self._shown, self.drawings, self.evidence if whole else {})

    def write(self, path: str | PathLike[str]) -> str:
        """Write it, whole or not at all.

        Parameters
        ----------
        path
            A name ending in ``.pdf``: one file that carries the evidence, a manifest beside it. Any other: a
            folder, which must not exist or be empty; without ``auditor[pdf]`` it holds no PDF.

        Returns
        -------
        str
            Digest of the whole, to be noted elsewhere.

        Raises
        ------
        UsageError
            A folder that holds something, or what the system refuses.
        """
        path = Path(path)
        try:
            return self._write_pdf(path) if path.suffix.lower() == ".pdf" else self._write_folder(path)
        except OSError as error:
            raise UsageError(say("{path}: {error}", path=str(path), error=reason_of(error))) from None

    def _write_pdf(self, path: Path) -> str:
        data = self.to_pdf(whole=True)
        made = self._manifest({path.name: data}, "pdf")
        with written_whole(path) as part, written_whole(path.with_suffix(manifest.BESIDE)) as beside:
            part.write_bytes(data)
            beside.write_bytes(made)
        return str(orjson.loads(made)["digest"])

    def _write_folder(self, path: Path) -> str:
        if os.path.lexists(path) and (not path.is_dir() or path.is_symlink() or any(path.iterdir())):
            raise UsageError(
                say("{path} is there already; name a new folder, or an empty one", path=str(path))
            )
        files = self.files()
        made = self._manifest(files, "folder")
        listed = ((e["path"], e["sha256"]) for e in manifest.entries(files))
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        part.mkdir()
        try:
            for name, data in {
                **files,
                manifest.NAME: made,
                manifest.SUMS: manifest.sums(listed, made),
            }.items():
                target = part / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
            os.replace(part, path)  # noqa: PTH105 -- the one call that is atomic
        finally:
            shutil.rmtree(part, ignore_errors=True)
        return str(orjson.loads(made)["digest"])

    def files(self) -> dict[str, bytes]:
        """Give all files of the folder but the manifest; no PDF where what makes it is not installed."""
        files = {**self.evidence, HTML: self.to_html().encode()}
        if has_pdf():
            files[PDF] = self.to_pdf()
        return files

    def _manifest(self, files: Mapping[str, bytes], form: str) -> bytes:
        told = self.content["provenance"]
        return manifest.written(
            {
                "schema": manifest.SCHEMA,
                "form": form,
                "case": self.number,
                "as_of": self.content["as_of"],
                "tool": self.content["tool"],
                "files": manifest.entries(files),
                "inputs": told["inputs"],
                "zones": [
                    {name: zone.get(name) for name in ("part", "version", "sha256")} for zone in told["zones"]
                ],
                "policy_sha256": told["policy_sha256"],
                "evidence_sha256": self.sha256,
            }
        )

    def _repr_html_(self) -> str:
        return Framed(self.to_html(), HEIGHT, self.number)._repr_html_()

    def __repr__(self) -> str:
        name, count = self.content["operator"]["name"], self.content["count"]
        return f"<CaseFile {self.number} on {name}: {count:,} findings, {len(self.evidence):,} files>"


def has_pdf() -> bool:
    """Whether what makes PDFs is installed."""
    from auditor.reports._ink import font  # noqa: PLC0415 -- of an extra

    try:
        font()
    except UsageError:
        return False
    return True


def casefile(
    result: AuditResult | Mapping[str, Any],
    subjects: str | Sequence[str] = (),
    *,
    rule: str | None = None,
    again: AuditResult | None = None,
    exchange: str | PathLike[str] | None = None,
    reviews: Iterable[Review] = (),
    folder: str | PathLike[str] | None = None,
    raw: str | PathLike[str] | None = None,
) -> CaseFile:
    """Make the case file of findings: what the law says, what is declared and seen, what was answered.

    Parameters
    ----------
    result
        What `check` gave, or a stored one (`read_result`).
    subjects
        Whose findings: ``node:sub-17``, or several; all that is open under `rule` if not given.
    rule
        Findings of this rule alone; what holds can be shown, too, if both are given.
    again
        Of a stored result: its declaration, checked again as it was then. Its files must have the digests
        that the result has, and its findings must say the same.
    exchange
        ``exchange.csv``: what was asked and answered.
    reviews
        Who confirmed which document (`auditor.reviews.reviews_in`).
    folder
        Folder of the declaration, to copy the documents that the case rests on.
    raw
        Folder of raw answers that `auditor collect` wrote, to copy those behind the observations.

    Returns
    -------
    CaseFile
        ``.write("case")`` writes a folder, ``.write("case.pdf")`` one file.

    Raises
    ------
    UsageError
        Unknown subjects or rules, a result of another declaration.
    DeclarationError
        All that is wrong in the correspondence.

    Examples
    --------
    >>> import auditor
    >>> declaration = auditor.read_declaration(auditor.sample("shanghai_violations"))
    >>> casefile(auditor.check(declaration, as_of="2026-11-22"), "node:sub-lg-homes").number
    '107-16C56334266F'
    """
    chosen = choose(result, [subjects] if isinstance(subjects, str) else list(subjects), rule, again)
    letters = read_exchange(exchange) if exchange is not None else Exchange()
    by_document: dict[str, list[Review]] = {}
    for review in reviews:
        by_document.setdefault(review.sha256, []).append(review)
    writer = Writer(chosen, letters, by_document)
    content = writer.content()
    if folder is None and any(document["sha256"] for document in content["documents"]):
        content["limits"].append(LIMITS["folder"])
    bare = again.case.confirmed - by_document.keys() if again is not None else ()
    if bare:
        content["limits"].append(both(LIMITS["confirmed"].en, count=len(bare)))
    files = declared_files(writer.declared) if writer.declared is not None else {}
    add_documents(content, files, Path(folder) if folder is not None else None)
    add_raw(content, files, Archive(Path(raw)) if raw is not None else None)
    add_letters(content, files, letters)
    told, drawings = maps(chosen.result, content["matters"])
    values: dict[str, Any] = plain(content)
    files[CASE] = orjson.dumps(values, option=JSON) + b"\n"
    return CaseFile(values, dict(sorted(files.items())), drawings, told)
