"""How near `auditor check` comes to the least work that answers the question, and how far ahead of its rival.

    python benchmarks/speed.py                             # 10^4 to 10^7 nodes: some 20 minutes
    python benchmarks/speed.py --nodes 1e4 1e6 --only check start
    python benchmarks/speed.py --readme                    # puts the short table into README.md

Networks, the floor (`floor.py`) and the rival (`peer_networkx.py`) are those of ../shared/bench. All are
whole processes, run in turns (A B C A B C …) after one turn that does not count; figures are medians over the
turns, ratios the medians of each turn's own ratio. Peak memory is what the kernel counted. What auditor finds
is held against the answers that each network brings. This process must stay small: on Linux a child's peak
counts its parent's from before it became another programme.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
README = HERE.parent / "README.md"
BLOCK = re.compile(r"(?<=<!-- speed -->\n).*?(?=<!-- /speed -->)", re.DOTALL)
PYTHON = sys.executable
AUDITOR = [PYTHON, "-m", "auditor"]
COUNTS = 1 << 20  # bytes of a JSON result in which its counts stand
PARTS = ("check", "csv", "start", "kernels", "readers", "reports")
MILLION, TEN_MILLION = 10**6, 10**7
AREA = """
import sys, json, shapely, auditor
parts = [p.geometry for p in auditor.read_areas().parts if p.area == "shanghai" and p.status == "in"]
shape = shapely.geometry.mapping(shapely.union_all(parts))
print(json.dumps({"type": "FeatureCollection",
                  "features": [{"type": "Feature", "properties": {}, "geometry": shape}]}))
"""
READ = """
import sys, auditor
assert len(auditor.read_declaration(sys.argv[1]).nodes) == 10**5
"""


class Run(NamedTuple):
    """What one process took."""

    wall_s: float
    cpu_s: float
    peak_mb: float


class Mark(NamedTuple):
    """One figure, and the most (or least) that it may be."""

    what: str
    value: float
    limit: float
    at_least: bool = False

    @property
    def kept(self) -> bool:
        """Whether it is kept."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit


class Book:
    """What was measured so far: runs by network and programme, and marks."""

    def __init__(self, turns: int) -> None:
        self.turns = turns
        self.runs: dict[tuple[str, str], list[Run]] = {}
        self.marks: list[Mark] = []
        self.kernels: list[str] = []

    def measure(self, what: str, commands: dict[str, list[str]], out: Path, turns: int | None = None) -> None:
        """Run commands in turns; what they print goes to `out` by their name."""
        for turn in range(1 + (turns or self.turns)):
            for name, command in commands.items():
                run = measured(command, out / f"{name.replace(' ', '_')}.out")
                tell(f"{what}: {name}: {run.wall_s:.2f} s, {run.peak_mb:,.0f} MB")
                if turn:  # the first fills caches, of the disk and of Python
                    self.runs.setdefault((what, name), []).append(run)

    def median(self, what: str, name: str) -> Run:
        """Medians over the turns."""
        return Run(*map(statistics.median, zip(*self.runs[what, name], strict=True)))

    def ratio(self, what: str, ours: str, theirs: str, field: str) -> float:
        """Median of the ratios of the turns."""
        pairs = zip(self.runs[what, ours], self.runs[what, theirs], strict=True)
        return statistics.median(getattr(a, field) / getattr(b, field) for a, b in pairs)

    def over(self, what: str, ours: str, theirs: str) -> float:
        """Median of what one took longer than the other, in seconds."""
        pairs = zip(self.runs[what, ours], self.runs[what, theirs], strict=True)
        return statistics.median(a.wall_s - b.wall_s for a, b in pairs)


def measured(command: list[str], out: Path) -> Run:
    """Run a process to its end; exit codes 1 and 3 are answers of `auditor check`."""
    with out.open("wb") as file:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.PIPE, env=environment())
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in ({0, 1, 3} if "check" in command else {0}):
        sys.exit(f"{' '.join(command)}\n{process.stderr.read().decode()}")  # type: ignore[union-attr]
    unit = 1 if sys.platform == "darwin" else 1024
    return Run(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * unit / 1e6)


def environment() -> dict[str, str]:
    """Environment of an installed programme: its modules are compiled once, not at each start."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def tell(text: str) -> None:
    """Say how it goes, on stderr."""
    print(text, file=sys.stderr, flush=True)


def power(nodes: int) -> str:
    """Write a number of nodes.

    >>> power(10**6), power(2500)
    ('10^6 nodes', '2,500 nodes')
    """
    digits = len(str(nodes)) - 1
    return f"10^{digits} nodes" if nodes == 10**digits else f"{nodes:,} nodes"


class Bench:
    """The folder with the networks, and where the scripts lie."""

    def __init__(self, folder: Path, shared: Path) -> None:
        self.folder, self.scripts = folder, shared / "bench"
        self.area = folder / "area.geojson"
        if not self.area.exists():
            self.area.write_bytes(
                subprocess.run([PYTHON, "-c", AREA], check=True, capture_output=True).stdout
            )

    def network(self, nodes: int, form: str = "parquet") -> Path:
        """Give the network of that size, made if it is not there."""
        made = self.folder / f"{form}-{nodes}"
        if not (made / "expected.json").exists():
            tell(f"making {made}")
            maker = [PYTHON, str(self.scripts / "make_network.py"), str(nodes), str(made), "--format", form]
            subprocess.run(maker, check=True, stdout=subprocess.DEVNULL)
        return made

    def script(self, name: str, network: Path) -> list[str]:
        """Command of a script of the two there."""
        return [PYTHON, str(self.scripts / f"{name}.py"), str(network), str(self.area)]


def check(book: Book, bench: Bench, sizes: list[int], peer_up_to: int) -> None:
    """Hold `auditor check` against the floor and the rival, on Parquet."""
    for nodes in sizes:
        network, what = bench.network(nodes), power(nodes)
        commands = {"auditor": [*AUDITOR, "check", str(network), "--format", "json"]}
        commands["floor"] = bench.script("floor", network)
        if nodes <= peer_up_to:
            commands["peer"] = bench.script("peer_networkx", network)
        book.measure(what, commands, bench.folder)
        hold(network, bench.folder / "auditor.out")
        if nodes >= MILLION:
            for field, unit in (("wall_s", "time"), ("peak_mb", "memory")):
                ratio = book.ratio(what, "auditor", "floor", field)
                book.marks.append(Mark(f"{what}: {unit} against the floor", ratio, 1.5))
        if nodes == MILLION and nodes <= peer_up_to:
            ratio = 1 / book.ratio(what, "auditor", "peer", "wall_s")
            book.marks.append(Mark(f"{what}: times faster than the peer", ratio, 4, at_least=True))
    if {MILLION, TEN_MILLION} <= set(sizes):
        ours, floor = (
            book.median(power(TEN_MILLION), name).wall_s - book.median(power(MILLION), name).wall_s
            for name in ("auditor", "floor")
        )
        book.marks.append(
            Mark("10^6 to 10^7: time for each further node against the floor", ours / floor, 1.3)
        )


def hold(network: Path, result: Path) -> None:
    """End where the counts of a result are not those that the network brings."""
    with result.open("rb") as file:
        head = file.read(COUNTS).decode("utf-8", "ignore")
    counts, _ = json.JSONDecoder().raw_decode(head, head.index('"counts":') + len('"counts":'))
    expected = json.loads((network / "expected.json").read_text("utf-8"))
    for name in [name for name in expected if name.startswith("PILOT-")]:
        rule, verdict = name.split()
        told = counts[rule].get(verdict, 0)
        if told != expected[name]:
            sys.exit(f"{network}: {name}: {expected[name]} expected, auditor says {told}")


def csv(book: Book, bench: Bench) -> None:
    """Hold CSV against the floor that reads CSV."""
    network, what = bench.network(MILLION, "csv"), "10^6 nodes, CSV"
    floor = [
        PYTHON,
        str(HERE / "floor_csv.py"),
        str(bench.scripts / "floor.py"),
        str(network),
        str(bench.area),
    ]
    ours = [*AUDITOR, "check", str(network), "--format", "json"]
    book.measure(what, {"auditor": ours, "floor": floor}, bench.folder)
    hold(network, bench.folder / "auditor.out")
    book.marks.append(
        Mark(f"{what}: time against the floor", book.ratio(what, "auditor", "floor", "wall_s"), 2)
    )


def start(book: Book, bench: Bench) -> None:
    """Hold start-up against that of geopandas, and of nothing."""
    what, small = "start", bench.network(10**4)
    commands = {"geopandas": [PYTHON, "-c", "import geopandas"], "nothing": [PYTHON, "-c", "pass"]}
    commands["check of 10^4 nodes"] = [*AUDITOR, "check", str(small), "--format", "json"]
    said = ("--help", "rules", "explain PILOT-ISP-02", "explain PILOT-ISP-02 --lang zh")
    commands |= {command: [*AUDITOR, *command.split()] for command in said}
    book.measure(what, commands, bench.folder)
    over = book.over(what, "check of 10^4 nodes", "geopandas")
    book.marks.append(Mark("check of 10^4 nodes: seconds over `import geopandas`", over, 0.5))
    for command in said:
        book.marks.append(Mark(f"{command}: seconds over `pass`", book.over(what, command, "nothing"), 0.3))


def readers(book: Book, bench: Bench) -> None:
    """Read the same network in every form that has a writer."""
    network = bench.network(10**5)
    for form in (
        "folder",
        "geojson",
        "gml",
        "gpkg",
        "graphml",
        "json",
        "kml",
        "node_link",
        "rfc8345",
        "xlsx",
    ):
        file = bench.folder / f"as-{form}"
        if form != "folder":
            file = file / f"network.{SUFFIX.get(form, form)}"
            convert(network, file, form)
        read = [PYTHON, "-c", READ, str(network if form == "folder" else file)]
        book.measure("read 10^5 nodes", {form: read}, bench.folder, turns=2)


SUFFIX = {"node_link": "json", "rfc8345": "json"}


def convert(network: Path, file: Path, form: str) -> None:
    """Write a network in another form, unless it is there."""
    if not file.exists():
        file.parent.mkdir(exist_ok=True)
        command = [*AUDITOR, "convert", str(network), "-o", str(file), "--to", form.replace("_", "-"), "-q"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def reports(book: Book, bench: Bench) -> None:
    """Write reports of the large network; JSON must need no more memory for more findings."""
    beyond = []
    for nodes in (10**5, MILLION):
        checked = [*AUDITOR, "check", str(bench.network(nodes)), "-q"]
        written = [*checked, "-o", f"json={bench.folder / 'report.json'}"]
        book.measure(
            f"check of {power(nodes)}", {"no report": checked, "JSON": written}, bench.folder, turns=2
        )
        peaks = [book.median(f"check of {power(nodes)}", name).peak_mb for name in ("JSON", "no report")]
        beyond.append(max(peaks[0] - peaks[1], 1))
    grown = beyond[1] / max(beyond[0], 100)
    book.marks.append(Mark("memory to write JSON, 10^6 against 10^5 nodes or 100 MB", grown, 1.5))
    network, what = bench.network(MILLION), "report of 10^6 nodes"
    for form in ("html", "parquet", "csv"):
        file = bench.folder / f"report.{form}"
        command = [*AUDITOR, "check", str(network), "-q", "-o", f"{form}={file}"]
        book.measure(what, {form: command}, bench.folder, turns=2)
        size = file.stat().st_size / 1e6
        tell(f"{what}: {form}: {size:.1f} MB")
        if form == "html":
            book.marks.append(Mark("HTML of 10^6 nodes: MB", size, 20))


def kernels(book: Book, _bench: Bench) -> None:
    """Have the kernels measured by their own scripts; ratios stand on lines of their own."""
    kinds = (("places", "times the rate of", 3, True), ("lookups", "against bare numpy:", 2, False))
    for name, against, limit, at_least in kinds:
        told = subprocess.run([PYTHON, str(HERE / f"{name}.py")], check=True, capture_output=True, text=True)
        book.kernels += told.stdout.splitlines()
        before = ""
        for line in told.stdout.splitlines():
            if line.startswith("ratio "):
                what = f"{name}: {against} {before.rpartition(',')[0]}"
                book.marks.append(Mark(what, float(line.split()[1]), limit, at_least))
            before = line.partition("  ")[0]


def tables(book: Book) -> str:
    """Write the tables in Markdown, which reads as text too."""
    lines = ["| | | seconds | CPU s | peak MB |", "|---|---|---:|---:|---:|"]
    for what, name in book.runs:
        wall, cpu, peak = book.median(what, name)
        lines.append(f"| {what} | {name} | {wall:.2f} | {cpu:.2f} | {peak:,.0f} |")
    lines += ["", "| mark | measured | wanted | |", "|---|---:|---:|---|"]
    for mark in book.marks:
        wanted = f"{'at least' if mark.at_least else 'at most'} {mark.limit:g}"
        lines.append(
            f"| {mark.what} | {mark.value:.2f} | {wanted} | {'kept' if mark.kept else '**missed**'} |"
        )
    if book.kernels:
        lines += ["", "```", *book.kernels, "```"]
    return "\n".join(lines) + "\n"


def short(book: Book) -> str:
    """Write what the README shows: whole processes by size, and the marks."""
    lines = ["| | `auditor check` | floor | peer |", "|---|---:|---:|---:|"]
    for what in dict.fromkeys(what for what, name in book.runs if name == "floor"):
        told = [
            f"{run.wall_s:.2f} s, {run.peak_mb:,.0f} MB"
            if (what, name) in book.runs and (run := book.median(what, name))
            else ""
            for name in ("auditor", "floor", "peer")
        ]
        lines.append(f"| {what} | {' | '.join(told)} |")
    lines += ["", "| medians of the turns | measured | wanted |", "|---|---:|---:|"]
    for mark in book.marks:
        wanted = f"{'at least' if mark.at_least else 'at most'} {mark.limit:g}"
        lines.append(f"| {mark.what} | {mark.value:.2f} | {wanted} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure what was asked for and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--nodes", nargs="+", type=lambda s: int(float(s)), default=[10**4, 10**5, MILLION, TEN_MILLION]
    )
    parser.add_argument("--runs", type=int, default=5, help="turns that count")
    parser.add_argument("--shared", type=Path, default=HERE.parents[1] / "shared")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--peer-up-to", type=lambda s: int(float(s)), default=MILLION, help="nodes")
    parser.add_argument("--folder", type=Path, help="where networks are made, and kept (default: temporary)")
    parser.add_argument("--readme", action="store_true", help="put the short table into README.md")
    args = parser.parse_args()
    book = Book(args.runs)
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        bench = Bench(folder, args.shared)
        if "check" in args.only:
            check(book, bench, args.nodes, args.peer_up_to)
        for part in (csv, start, kernels, readers, reports):
            if part.__name__ in args.only:
                part(book, bench)
    text = tables(book)
    print(text)
    if args.readme:
        README.write_text(BLOCK.sub(lambda _: short(book), README.read_text("utf-8")), "utf-8")
    if not all(mark.kept for mark in book.marks):
        sys.exit(1)


if __name__ == "__main__":
    main()
