"""`auditor whatif`: may I? The verdict before and after a change, before anything is signed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from auditor.cli import _options
from auditor.language import both, say

if TYPE_CHECKING:
    import datetime as dt

    from auditor.advice import Advice
    from auditor.edits import Edit
    from auditor.findings import Finding
    from auditor.prospect import Prospect
    from auditor.reports.text import Page

VALUES = "FIELD=VALUE,..."
ADDED = ("node", "link", "contract", "service", "approval")
M_PER_KM = 1000
MOST = 5  # rules whose findings are shown in full without --all


def _add(kind: str, *, help: str) -> _options.Decorator:  # noqa: A002 -- click's own word
    """Give `--add-KIND`."""
    return click.option(f"--add-{kind}", f"add_{kind}", multiple=True, metavar=VALUES, help=help)


@click.command()
@click.argument("path", type=click.Path())
@_add("node", help="Add a node; may be repeated.")
@_add("link", help="Add a link; may be repeated.")
@_add("contract", help="Add a contract; may be repeated.")
@_add("service", help="Add a service; may be repeated.")
@_add("approval", help="Add an approval; may be repeated.")
@click.option(
    "--add", "adds", multiple=True, nargs=2, metavar="KIND VALUES", help="Add a record of any other kind."
)
@click.option(
    "--set",
    "sets",
    multiple=True,
    nargs=2,
    metavar="SUBJECT VALUES",
    help="Set fields: --set node:cdn-7 holding=lease; a blank value clears one.",
)
@click.option(
    "--move",
    "moves",
    multiple=True,
    nargs=2,
    metavar="SUBJECT VALUES",
    help="Move a node, or the operator: --move node:cdn-7 lon=121.9,lat=30.9,datum=WGS84.",
)
@click.option(
    "--remove",
    "removes",
    multiple=True,
    metavar="SUBJECT",
    help="Remove a node, link, contract or other record.",
)
@click.option("--edits", type=click.Path(), help="TOML file of [[edits]], made before all others.")
@click.option("--area-exit", metavar="AREA", help="The pilot of an area ends, or is narrowed by --services.")
@click.option("--services", metavar="CODE,...", help="With --area-exit: the services that it loses.")
@click.option(
    "--exit-on", type=_options.Day(), help="With --area-exit: from this date (default: that of --as-of)."
)
@click.option("--transition-until", type=_options.Day(), help="With --area-exit: last day of the transition.")
@click.option("--no-transition", is_flag=True, help="With --area-exit: there is no transition.")
@click.option("--suggest", is_flag=True, help="Suggest a repair of what fails then.")
@click.option("--candidates", type=click.Path(), help="With --suggest: CSV of sites on offer.")
@click.option(
    "--km-cost",
    type=_options.Finite(),
    default=1.0,
    show_default=True,
    help="With --suggest: cost of moving a facility by a kilometre, in the unit of fixed_cost.",
)
@click.option("--most-km", type=_options.Finite(), help="With --suggest: farthest that a facility may move.")
@click.option(
    "--zones",
    multiple=True,
    type=click.Path(),
    help="Further parts that would apply; those that do apply are named by --config.",
)
@click.option(
    "--as-of",
    type=_options.Day(),
    help="Judge as of this date (default: today in Asia/Shanghai); as the only change: today against it.",
)
@click.option(
    "--operator", type=click.Path(), help="declaration.toml of the operator, for a bare graph file."
)
@click.option("--observations", type=click.Path(), help="observations.parquet that `auditor collect` wrote.")
@click.option("--reviews", type=click.Path(), help="reviews.csv: documents that a person confirmed.")
@click.option(
    "--min-grade",
    type=click.Choice(["E1", "E2", "E3", "E4"]),
    default="E3",
    show_default=True,
    help="Least grade of evidence that may pass.",
)
@_options.lang
@_options.output_format("text", "json")
@_options.config
@click.option("--all", "everything", is_flag=True, help="Show every finding that appears, vanishes or stays.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing on stdout; the exit code tells.")
def command(path: str, **options: Any) -> int:
    """Tell whether a change may be made: the verdict before and after, and what appears, vanishes, stays.

    The change is any number of edits of the declaration, another date, other zones, or the end of a pilot
    area; no file is written. Values are FIELD=VALUE,... by the names of a declaration, or a TOML table in
    braces; subjects are node:ID, link:ID, contract:ID, service:CODE, approval:NUMBER, operator, network. They
    are changed in this order: --edits, --add-node, --add-link and the others, --add, --set, --move, --remove.
    Exit code: 0 you may, 1 you may not, 3 ask first; 2 if something could not be read or edited.
    """
    from auditor import prospect, readers
    from auditor.findings import EXIT_CODES
    from auditor.reviews import read_reviews

    day = options["as_of"] or _options.today()
    edits = _edits(options)
    terms, then = _terms(options, day, changed=bool(edits))
    declaration = readers.read_declaration(path, operator=options["operator"])
    if options["reviews"]:
        terms["confirmed"] = read_reviews(
            options["reviews"], as_of=terms["as_of"], operator=declaration.operator.name
        )
    if options["observations"]:
        terms["observations"] = readers.read_observations(options["observations"])
    found = prospect.whatif(declaration, edits, then=then, root=_options.folder_of(path), **terms)
    advice = _advice(found, options) if options["suggest"] else None
    if not options["quiet"]:
        _show(found, advice, options["format_"], everything=options["everything"])
    if found.after is found.before:
        return EXIT_CODES[found.after.verdict]
    return prospect.EXIT_CODES[found.answer]


def _edits(options: dict[str, Any]) -> list[Edit]:
    """Make edits of the options."""
    from auditor.editing import read_edits, read_values
    from auditor.edits import Edit

    edits = read_edits(options["edits"]) if options["edits"] else []
    given: list[tuple[Any, str, str, str]] = []
    for kind in ADDED:
        given += [
            ("add", kind, values, f"--add-{kind} {n}") for n, values in enumerate(options[f"add_{kind}"], 1)
        ]
    for action, name in (("add", "adds"), ("set", "sets"), ("move", "moves")):
        given += [(action, s, values, f"--{action} {n}") for n, (s, values) in enumerate(options[name], 1)]
    edits += [
        Edit(action, _subject(s, action), read_values(v, where), where) for action, s, v, where in given
    ]
    edits += [
        Edit("remove", _subject(s, "remove"), {}, f"--remove {n}")
        for n, s in enumerate(options["removes"], 1)
    ]
    return edits


def _subject(text: str, action: str) -> str:
    """Give the subject; a bare name is a node's."""
    bare = action != "add" and ":" not in text and text not in {"operator", "network"}
    return f"node:{text}" if bare else text


def _terms(options: dict[str, Any], day: dt.date, *, changed: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Terms of now, and those that would be others afterwards."""
    from auditor import engine, settings
    from auditor.errors import UsageError

    chosen = settings.load_settings(options["config"])
    then: dict[str, Any] = {}
    if options["area_exit"]:
        codes = _codes(options["services"])
        event = {"area": options["area_exit"], "on": options["exit_on"] or day, "services": codes}
        event |= {"kind": "narrow" if codes else "terminate", "transition_until": options["transition_until"]}
        event |= {"transition": "none"} if options["no_transition"] else {}
        events = [e.model_dump() for e in chosen.policy.area_events]
        then["policy"] = {"area_events": [*events, {k: v for k, v in event.items() if v}]}
    elif any(options[name] for name in ("services", "exit_on", "transition_until", "no_transition")):
        raise UsageError(say("--services, --exit-on and options of the transition go with --area-exit"))
    if not options["suggest"] and (options["candidates"] or options["most_km"] is not None):
        raise UsageError(say("--candidates and --most-km go with --suggest"))
    if options["zones"]:
        then["areas"] = engine.areas_on(day, (*chosen.zones, *options["zones"]))
    now = day
    if options["as_of"] and not changed and not then and not options["suggest"]:
        now = _options.today()
        then = {"as_of": day, "areas": engine.areas_on(day, chosen.zones)}
    if not changed and not then and not options["suggest"]:
        raise UsageError(say("nothing is changed; give an edit, --area-exit, --zones, --as-of or --suggest"))
    terms = {
        "areas": engine.areas_on(now, chosen.zones),
        "as_of": now,
        "policy": chosen.policy,
        "min_grade": options["min_grade"],
        "lang": options["lang"],
    }
    return terms, then


def _advice(found: Prospect, options: dict[str, Any]) -> Advice:
    """Suggest a repair of the network as it would be."""
    from auditor.advice import advise
    from auditor.relocation import read_candidates

    candidates = read_candidates(options["candidates"]) if options["candidates"] else None
    most = options["most_km"]
    return advise(
        found.after.case,
        candidates,
        distance_weight=options["km_cost"] / M_PER_KM,
        most_m=None if most is None else most * M_PER_KM,
    )


def _codes(text: str | None) -> tuple[str, ...]:
    """Codes of services, whatever separates them; one that no catalogue knows would hit nothing."""
    import re

    from auditor import registers
    from auditor.errors import UsageError

    if text is None:
        return ()
    codes = tuple(filter(None, re.split(r"[\s,;，；、]+", text)))
    lost = [code for code in codes if registers.service_code(code) is None]
    if lost or not codes:
        raise UsageError(say("--services: no service is called {codes}; write B12,B14", codes=lost or [text]))
    return codes


def _show(found: Prospect, advice: Advice | None, format_: str, *, everything: bool) -> None:
    """Print the answer, what would change, and why."""
    import sys

    import orjson
    from rich.console import Console

    from auditor.findings import plain
    from auditor.reports.text import Page, printed

    def told(console: Console) -> None:
        page = Page(console, found.after.lang)
        _head(page, found)
        _findings(page, found, everything=everything)
        for later in found.later:
            _later(page, later)
        for title, lines in advice.parts(page.lang).items() if advice else ():
            _part(page, title, lines)

    if format_ == "json":
        suggestion = {"suggestion": advice.to_dict()} if advice else {}
        click.echo(orjson.dumps({**found.to_dict(), **suggestion}, default=plain))
    elif sys.stdout.isatty():
        told(Console(highlight=False, markup=False, emoji=False))
    else:
        click.echo(b"".join(printed(told)), nl=False)


def _head(page: Page, found: Prospect) -> None:
    from auditor.messages import VERDICTS, note_line
    from auditor.prospect import ANSWERS, CHANGES

    lang, case = page.lang, found.after.case
    sides = [(r.case.as_of, VERDICTS[r.verdict].in_(lang)) for r in (found.before, found.after)]
    page.line(f"{case.declaration.operator.name} · {case.area_name(case.area).in_(lang)}", style="bold")
    for edit in found.edits:
        page.line(edit.told, indent=2)
    for note in found.notes:
        page.line(note_line(note, lang), indent=4)
    page.gap()
    if found.after is found.before:  # only a repair is asked for
        page.line(both("as declared: {verdict} ({on})", verdict=sides[0][1], on=sides[0][0]).in_(lang))
        return
    page.line(ANSWERS[found.answer].in_(lang), style="bold")
    told = both(
        "before: {before} ({on}); after: {after} ({then})",
        before=sides[0][1],
        on=sides[0][0],
        after=sides[1][1],
        then=sides[1][0],
    )
    page.line(told.in_(lang))
    counted = [
        f"{text.in_(lang)}{page.colon}{len(getattr(found, change)):,}" for change, text in CHANGES.items()
    ]
    page.line(("；" if lang == "zh" else "; ").join(counted))


def _findings(page: Page, found: Prospect, *, everything: bool) -> None:
    """Show what appears with its clause and witness; the rest in lines, unless all is asked for."""
    from auditor.prospect import CHANGES
    from auditor.reports.text import print_rule

    for hit in found.hits:
        title, *lines = hit.to_text(page.lang)
        _part(page, title, lines)
    for rule, own in _by_rule(found.appears).items():
        print_rule(page, found.after, rule, own)
    for change, result in (("changed", found.after), ("vanishes", found.before), ("stays", found.after)):
        findings = getattr(found, change)
        if findings:
            page.gap()
            page.line(CHANGES[change].in_(page.lang), style="bold")
        for rule, own in _by_rule(findings).items():
            if everything or change == "changed":
                print_rule(page, result, rule, own)
                continue
            names = page.comma.join(_told(page, found, f, change) for f in own[:MOST])
            if len(own) > MOST:
                names += page.comma + both("{count} more (--all)", count=len(own) - MOST).in_(page.lang)
            page.line(f"{rule}{page.colon}{names}", indent=2)


def _later(page: Page, found: Prospect) -> None:
    """Show what would appear on a later date, or once what is planned is in service."""
    from auditor.reports.text import print_rule

    page.gap()
    told = both("As of {on}, with all of it in service:", on=found.after.case.as_of)
    page.line(told.in_(page.lang), style="bold")
    for rule, own in _by_rule(found.appears + found.changed).items():
        print_rule(page, found.after, rule, own)


def _part(page: Page, title: str, lines: list[str]) -> None:
    """Print some lines under a title; those that are indented stay so."""
    page.gap()
    page.line(title, style="bold")
    for line in lines:
        page.line(line.lstrip(), indent=2 + len(line) - len(line.lstrip()))


def _told(page: Page, found: Prospect, finding: Finding, change: str) -> str:
    """Name a subject, and say where it is only no longer judged."""
    if change != "vanishes" or found.settled(finding):
        return finding.subject
    return both("{subject} (no longer judged)", subject=finding.subject).in_(page.lang)


def _by_rule(findings: tuple[Finding, ...]) -> dict[str, list[Finding]]:
    """Findings by rule, those that fail first."""
    from auditor.findings import WORST_FIRST

    ranked = sorted(findings, key=lambda f: (f.basis == "related_law", WORST_FIRST.index(f.verdict), f.rule))
    by_rule: dict[str, list[Finding]] = {}
    for finding in ranked:
        by_rule.setdefault(finding.rule, []).append(finding)
    return by_rule
