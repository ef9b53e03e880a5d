"""Relocation at size: cost, bound and gap, and the seconds that takes.

    python benchmarks/relocation.py --sites 200 --facilities 10000

Random places in a square, several mixes of capacity and fixed cost; the last has facilities of several sizes.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from auditor.siting import Siting, solve

MIXES = ((3.0, 50.0, False), (1.5, 50.0, False), (1.2, 5.0, False), (5.0, 500.0, False), (3.0, 50.0, True))


def main() -> None:
    """Solve and print a line a mix."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sites", type=int, default=200)
    parser.add_argument("--facilities", type=int, default=10_000)
    args = parser.parse_args()
    for seed, (room, fixed, sizes) in enumerate(MIXES):
        rng = np.random.default_rng(seed)
        places, sites = rng.random((args.facilities, 2)), rng.random((args.sites, 2))
        cost = np.hypot(*(places[:, None] - sites).transpose(2, 0, 1))
        size = rng.choice([1.0, 2.0, 3.0], args.facilities) if sizes else np.ones(args.facilities)
        capacity = np.round(rng.uniform(0.5, 1.5, args.sites) * size.sum() / args.sites * room)
        siting = Siting(cost, rng.uniform(0.5, 1.5, args.sites) * fixed, size, capacity)
        wall, start = time.perf_counter(), time.process_time()
        plan = solve(siting)
        spent, passed = time.process_time() - start, time.perf_counter() - wall
        if plan.chosen is None:
            print(f"room {room:g}, fixed {fixed:g}, sizes {sizes}: no plan, {passed:.0f} s", flush=True)
            continue
        price = siting.price(plan.chosen)
        print(
            f"room {room:g}, fixed {fixed:g}, sizes {sizes}: cost {price:,.1f}, bound {plan.bound:,.1f}, gap "
            f"{(price - plan.bound) / price:.2%}; {np.unique(plan.chosen).size} sites, "
            f"fits {siting.fits(plan.chosen)}; {spent:.0f} CPU s, {passed:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
