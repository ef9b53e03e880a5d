"""The cheapest cut of large networks with bypasses, and what their subscribers hang on.

    python benchmarks/repair.py 100000 1000000

Networks come from `../shared/bench/make_network.py`. Seconds are those of the CPU; the whole answer
is the search, the cut, and ISP-02 again on the repaired declaration.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import auditor
from auditor.dominators import hanging
from auditor.repair import Bypasses, suggest_cut

MAKER = Path(__file__).resolve().parents[2] / "shared" / "bench" / "make_network.py"


def main() -> None:
    """Measure and print a line a network."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("nodes", nargs="*", default=["10000", "100000"])
    parser.add_argument("--as-of", default="2026-11-22")
    args = parser.parse_args()
    for nodes in args.nodes:
        with tempfile.TemporaryDirectory() as folder:
            making = [sys.executable, str(MAKER), nodes, folder, "--format", "parquet"]
            subprocess.run(making, check=True, stdout=subprocess.DEVNULL)
            declaration = auditor.read_declaration(folder)
        case = auditor.check(declaration, as_of=args.as_of, only="PILOT-ISP-02").case
        start = time.process_time()
        bypasses = Bypasses(case)
        bypasses.stuck.any()
        searched = time.process_time()
        bypasses.cheapest()
        solved = time.process_time()
        cut = suggest_cut(case)
        whole = time.process_time()
        groups = hanging(case).groups
        print(
            f"{int(nodes):,} nodes: {cut.before['fail']:,} fail; {len(cut.steps):,} links, "
            f"cost {cut.cost:g}, exact {cut.exact}; {len(cut.lost):,} lose their only path, "
            f"{len(cut.stuck):,} cannot be helped; after it {cut.after['fail']:,} fail",
            f"searched {searched - start:.2f} s, cut {solved - searched:.2f} s, "
            f"whole answer {whole - solved:.2f} s; {len(groups):,} groups hang, "
            f"{time.process_time() - whole:.2f} s",
            sep="\n    ",
            flush=True,
        )


if __name__ == "__main__":
    main()
