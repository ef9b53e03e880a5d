"""Hold the standard formats of every sample network against other people's validators.

    python tools/validators.py --multitool PATH

SARIF goes through the SARIF Multitool of Microsoft (the form for code scanning by GitHub's rules, too), OSCAL
through NIST's JSON schema. An error fails; warnings and notes are counted, by rule.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs

import auditor
from auditor.reports import write_report

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.result import AuditResult

ROOT = Path(__file__).parents[1]
ON = "2026-11-22"
SCHEMA = ROOT / "tests" / "data" / "schemas" / "oscal-assessment-results.json"
KINDS = {"sarif": "Sarif", "sarif-github": "Sarif;Ghas"}


def results() -> Iterator[tuple[str, AuditResult]]:
    """Judge every sample network, in both languages, with its observations where it has any."""
    areas = auditor.read_areas(ON)
    for path in sorted((ROOT / "sample_networks").iterdir()):
        if not (path / "declaration.toml").is_file():
            continue
        declaration, seen = auditor.read_declaration(path), path / "observations.parquet"
        observations = auditor.read_observations(seen) if seen.is_file() else None
        for lang in ("en", "zh"):
            result = auditor.check(declaration, areas=areas, as_of=ON, lang=lang, observations=observations)
            yield f"{path.name}.{lang}", result


def multitool(tool: Path, folder: Path, form: str) -> Counter[tuple[str, str]]:
    """Validate the logs of one form; count what the tool says by level and rule."""
    log = folder / f"{form}.validation"
    # The tool brings its own runtime, which unpacks itself and wants a library of locales unless told not to.
    env = os.environ | {
        "DOTNET_BUNDLE_EXTRACT_BASE_DIR": str(folder / "runtime"),
        "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1",
    }
    told = subprocess.run(  # noqa: S603 -- the tool that the caller named, on files made here
        [tool, "validate", f"{folder}/{form}/*.sarif", "--output", log, "--log", "ForceOverwrite",
         "--level", "Error;Warning;Note", "--rule-kind", KINDS[form], "--quiet"],
        env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if not log.is_file():
        sys.exit(f"the Multitool gave no log:\n{told.stdout}{told.stderr}")
    run = json.loads(log.read_text("utf-8-sig"))["runs"][0]
    return Counter((found.get("level", "warning"), found["ruleId"]) for found in run.get("results", ()))


def oscal_errors(path: Path, schema: Any) -> list[str]:
    """Say what the schema finds wrong."""
    return [
        f"{path.name}: {error.instance_path}: {error.message}"
        for error in schema.iter_errors(json.loads(path.read_bytes()))
    ]


def main() -> int:
    """Write all reports, validate them, and give 1 where one has an error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--multitool", type=Path, required=True, help="Sarif.Multitool of the npm package")
    tool = parser.parse_args().multitool.resolve()
    schema = jsonschema_rs.validator_for(json.loads(SCHEMA.read_text("utf-8")), validate_formats=True)
    failed = False
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for form in (*KINDS, "oscal"):
            (folder / form).mkdir()
        number = 0
        for name, result in results():
            for form in (*KINDS, "oscal"):
                ending = "json" if form == "oscal" else "sarif"
                path = folder / form / f"{name}.{ending}"
                write_report(result, path, format=form, all_findings=True)
            number += 1
        errors = [
            error for path in sorted((folder / "oscal").iterdir()) for error in oscal_errors(path, schema)
        ]
        print("\n".join([f"oscal: {number} documents, {len(errors)} errors", *errors]))
        failed |= bool(errors)
        for form in KINDS:
            counts = multitool(tool, folder, form)
            total = Counter(dict.fromkeys(("error", "warning", "note"), 0))
            for (level, _), n in counts.items():
                total[level] += n
            print(f"{form}: {number} logs; " + ", ".join(f"{n} {level}s" for level, n in total.items()))
            for (level, rule), n in sorted(counts.items()):
                print(f"  {level:8} {rule}  {n}")
            failed |= bool(total["error"])
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
