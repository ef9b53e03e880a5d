"""Words of a case file; every one of them is shown in both languages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.language import both
from auditor.roles import Party

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditor.language import Text

WORDS: Mapping[str, Text] = {
    "title": both("Case file on a pilot finding"),
    "kicker": both("Circular 107 (2024) · regulatory linkage and enforcement cooperation"),
    "number": both("Case number"),
    "operator": both("Operator"),
    "uscc": both("Unified social credit code"),
    "area": both("Pilot area"),
    "as_of": both("Date of the audit"),
    "declared_on": both("Declared on"),
    "verdict": both("Verdict"),
    "subjects": both("Subjects"),
    "rule": both("Rule"),
    "basis": both("Basis"),
    "severity": both("Severity"),
    "clause": both("Words of the clause"),
    "governs": both("The Chinese text of the law governs; the English is a translation."),
    "finding": both("What was found"),
    "example": both("Shown whole as the example of its cause"),
    "subject": both("Subject"),
    "message": both("Finding"),
    "ask": both("What to do or ask next"),
    "calculation": both("How the finding came about"),
    "fact": both("Fact"),
    "value": both("Content"),
    "handoff": both("hand-off"),
    "blank_end": both("far end not declared"),
    "not_declared": both("not declared"),
    "map": both("Map"),
    "close": both("The pilot area of the operator, and what of it was judged there"),
    "wide": both("All of this case that has a place"),
    "legend": both(
        "Blue: pilot area; yellow: status undecided. Red diamonds fail, amber triangles are not decided, "
        "green dots hold or are nodes on the way. Red lines: witness paths of what fails; dashed: of others."
    ),
    "unplaced": both("Nodes on the way that have no coordinates, and are not drawn:"),
    "facts": both("What the operator declares"),
    "facts_from": both("Taken from these files"),
    "declared": both("Declared row"),
    "cells": both("Its cells"),
    "documents": both("Documents that it rests on"),
    "document": both("Document"),
    "backs": both("What it backs"),
    "state": both("State"),
    "grade": both("Grade of evidence"),
    "claimed": both("grade claimed"),
    "effective": both("grade that counts"),
    "observations": both("Observations"),
    "seen": both("What the source said"),
    "source": both("Source"),
    "family": both("Independent family"),
    "seen_at": both("Asked at (UTC)"),
    "raw": both("Raw answer"),
    "exchange": both("What was asked and answered"),
    "on": both("Date"),
    "from": both("From"),
    "to": both("To"),
    "kind": both("Kind"),
    "text": both("Text"),
    "referrals": both("Referrals to other authorities"),
    "reply": both("Right of reply"),
    "reply_right": both(
        "A finding is a suspicion until it is verified. Before anything is decided on it, the operator may "
        "state its case, correct what is wrong, give documents, and object; what it says is put into this "
        "file."
    ),
    "reply_given": both("The operator's statements and objections that are recorded here"),
    "reply_none": both("No statement of the operator is recorded. Room for it:"),
    "signature": both("Name, signature, seal of the operator"),
    "listed": both("All subjects of this case"),
    "path": both("Path"),
    "fingerprint": both("Fingerprint"),
    "not_checked": both("What was not checked"),
    "manual": both("Clauses that need a person, and that this run does not answer: {count}"),
    "limits": both("What this file cannot show"),
    "provenance": both("What it rests on"),
    "file": both("File"),
    "zones": both("Boundaries of the pilot areas"),
    "part": both("Part"),
    "version": both("Version"),
    "attribution": both("Attribution, licence"),
    "sources": both("Sources of the observations"),
    "inputs": both("Files that the run read"),
    "tool": both("Version of auditor"),
    "policy": both("Digest of the policy (SHA-256)"),
    "min_grade": both("Least grade of evidence for a pass"),
    "verify": both("How to verify this file"),
    "evidence_digest": both("Digest of the evidence (SHA-256 over case.json and the files of evidence)"),
    "verify_how": both(
        "`auditor verify` with this folder or PDF, offline, finds every byte that was changed, left out or "
        "added. Whoever changes a file may make a new manifest, too: give the digest of the whole, which "
        "`auditor casefile` told when it wrote the file, as you got it by another way (`auditor verify PATH "
        "--digest HEX`). The digest above vouches for the evidence in a folder alone, not for this page, and "
        "not for a PDF that stands alone. The file bears no electronic signature."
    ),
    "contents": both("Files of evidence"),
    "size": both("Bytes"),
    "caution": both(
        "A fail is a suspicion until verified; the declared links permit a path, routing may differ."
    ),
    "day": both("Date"),
    "number_short": both("No."),
    "digest": both("Digest (SHA-256)"),
    "no_documents": both("No document is named for what stands in this file."),
    "no_observations": both("No observation bears on this finding; it rests on the declaration alone."),
    "no_exchange": both("Nothing is recorded of what was asked and answered (--exchange)."),
    "not_attached": both("not attached"),
    "causes": both("{count} findings of {causes} causes"),
    "more": both("and {count} more"),
}
EXCHANGE_KINDS: Mapping[str, Text] = {
    "question": both("question"),
    "answer": both("answer"),
    "statement": both("statement"),
    "objection": both("objection"),
}
PARTIES: Mapping[Party, Text] = {
    Party.OPERATOR: both("the operator's"),
    Party.CUSTOMER: both("the customer's"),
    Party.CARRIER: both("a carrier's"),
    Party.THIRD: both("a third party's"),
    Party.NON_BASIC: both("a third party's"),
    Party.UNKNOWN: both("owner not stated or not known"),
}
ROLES: Mapping[str, Text] = {
    "subject": both("subject"),
    "gate": both("access equipment"),
    "maybe_gate": both("access equipment in doubt"),
    "root": both("the Internet begins here"),
    "maybe_root": both("the Internet may begin here"),
}
WAYS: Mapping[str, Text] = {
    "path": both("the way that the finding shows"),
    "path_to_gate": both("the way to the carrier's access equipment"),
    "path_observed": both("the way that a traceroute took"),
}
DOCUMENT_STATES: Mapping[str, Text] = {
    "confirmed": both("attached, and confirmed by a person outside the declaration"),
    "attached": both("attached, not confirmed: it counts as declared only"),
    "missing": both("named, but not attached"),
}
RAW_STATES: Mapping[str, Text] = {
    "copied": both("copied into the evidence"),
    "data": both("a database's data file; its digest is named, the file is not copied"),
    "missing": both("not at hand; its digest is named"),
    "none": both("the source gave none"),
}
LIMITS: Mapping[str, Text] = {
    "stored": both(
        "It was made of a stored result without its declaration: the declared rows, the owners along the "
        "path and the map are not shown. Give --declaration to have them."
    ),
    "version": both("The result was written by auditor {before}; texts are those of auditor {now}."),
    "rule": both("The rule {rule} was changed since the result was written; the finding is shown as it was."),
    "terms": both(
        "The zones or the policy at hand are not those of the result; the map shows those at hand."
    ),
    "left": both("Files of the result that were not given again: {files}"),
    "undigested": both(
        "A stored result does not hold the digests of attached documents: whether one was changed since the "
        "check is not known."
    ),
    "confirmed": both(
        "Documents that count as confirmed on the word of the stored result alone: {count}; give --reviews."
    ),
    "folder": both("The declaration's folder is not known: documents are named by digest and not copied."),
    "observed": both("Without observations: nothing but the declaration speaks here."),
}
