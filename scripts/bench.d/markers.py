#!/usr/bin/env python3
"""Prints what markers and USDT probes cost.

markers.py RESULTS; a line of RESULTS is `REPETITION NAME VALUE`.
"""

import collections
import statistics
import sys

GOAL_NS = 30.0        # of one marker
GOAL_SLOWDOWN = 0.01  # of an operation of 10 us that writes two


def verdict(met):
    return "met" if met else "missed"


def main():
    values = collections.defaultdict(list)
    with open(sys.argv[1], encoding="utf-8") as results:
        for line in results:
            _, name, value = line.split()
            values[name].append(float(value))
    median = {name: statistics.median(all_of) for name, all_of in values.items()}
    spread = values["ns_per_marker"]
    print(f"medians of {len(spread)} repetitions")
    print(f"a marker: {median['ns_per_marker']:.1f} ns of its thread's CPU time"
          f" ({min(spread):.1f} to {max(spread):.1f}; goal: at most {GOAL_NS:.0f} ns,"
          f" {verdict(median['ns_per_marker'] <= GOAL_NS)})")
    print(f"two markers around an operation of {median['operation_ns'] / 1000:.1f} us:"
          f" {median['slowdown'] * 100:.2f} % slower (goal: under {GOAL_SLOWDOWN * 100:.0f} %,"
          f" {verdict(median['slowdown'] < GOAL_SLOWDOWN)})")
    print(f"markers dropped: {sum(values['dropped']):.0f} of {sum(values['written']):.0f}")
    print(f"a USDT probe: {median['usdt_bare_ns']:.1f} ns unwatched,"
          f" {median['usdt_watched_ns']:.0f} ns watched")


if __name__ == "__main__":
    main()
