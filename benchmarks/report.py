"""The HTML report of large networks: its size, how long it takes to write, to open and to search.

    python benchmarks/report.py 100000 1000000

Networks come from `../shared/bench/make_network.py` (or are folders given instead of numbers). Opened in a
headless Chromium without network: from the start of the navigation until the page says that it is ready.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

import auditor
from auditor.page import page_html

MAKER = Path(__file__).resolve().parents[2] / "shared" / "bench" / "make_network.py"
ARGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
        "--disable-background-networking", "--disable-component-update")  # fmt: skip
SEARCH = """async () => {
  const from = performance.now(), box = document.getElementById("q");
  const told = document.getElementById("matching");
  box.value = 'SUB-00000'; // a part of many ids
  document.getElementById('filters').requestSubmit();
  await new Promise(requestAnimationFrame);
  return [performance.now() - from, told.textContent]; }"""


def network(name: str, folder: Path) -> Path:
    """Give the folder of a network: the one named, or one of so many nodes made for this."""
    if not name.isdigit():
        return Path(name)
    made = folder / f"n{name}"
    subprocess.run(
        [sys.executable, str(MAKER), name, str(made), "--format", "parquet"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return made


def main() -> None:
    """Measure and print a line a network."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "networks", nargs="*", default=["2000", "100000"], help="numbers of nodes, or folders"
    )
    parser.add_argument("--as-of", default="2026-11-22")
    parser.add_argument(
        "--runs", type=int, default=3, help="how often each page is opened; the median counts"
    )
    args = parser.parse_args()
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as runner:
        browser = runner.chromium.launch(executable_path=chromium, args=list(ARGS))
        for name in args.networks:
            result = auditor.check(auditor.read_declaration(network(name, Path(folder))), as_of=args.as_of)
            start = time.perf_counter()
            text = page_html(result)
            built = time.perf_counter() - start
            path = Path(folder) / "report.html"
            path.write_text(text, "utf-8")
            opened = []
            for _ in range(args.runs):
                context = browser.new_context(offline=True, viewport={"width": 1400, "height": 1000})
                page = context.new_page()
                page.goto(path.as_uri())
                page.locator("html[data-ready]").wait_for(state="attached", timeout=120_000)
                opened.append(int(page.evaluate("document.documentElement.dataset.ready")))
                searched, told = page.evaluate(SEARCH)
                context.close()
            print(
                f"{result.case.n:>9,} nodes, {len(result.unsettled):>8,} open findings: "
                f"{path.stat().st_size / 1e6:6.2f} MB, built in {built:5.2f} s, ready after "
                f"{sorted(opened)[len(opened) // 2]:,} ms, searched in {searched:,.0f} ms ({told})"
            )
        browser.close()


if __name__ == "__main__":
    main()
