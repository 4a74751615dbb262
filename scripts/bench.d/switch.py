#!/usr/bin/env python3
"""Prints what each watcher added to a context switch.

switch.py RESULTS SUMMARY_JSON PERF_BYTES; a line of RESULTS is `REPETITION VARIANT NANOSECONDS`.
"""

import collections
import json
import statistics
import sys

# What observe may add at most, as a share of what the other adds: the project's own goals.
GOALS = {"perf": ("perf sched record", 0.25), "bpftrace": ("bpftrace latency histogram", 0.45)}


def main():
    runs = collections.defaultdict(dict)
    with open(sys.argv[1], encoding="utf-8") as results:
        for line in results:
            rep, variant, nanoseconds = line.split()
            runs[variant][int(rep)] = float(nanoseconds)
    base = runs["none"]
    print(f"one-CPU ping-pong, {len(base)} repetitions, ns per context switch")
    print(f"{'':28} {'median':>8} {'added':>8} {'of minima':>10} {'times none':>11}")
    print(f"{'none':28} {statistics.median(base.values()):8.0f}")
    added = {}
    for variant, values in runs.items():
        if variant == "none":
            continue
        added[variant] = statistics.median(values[rep] - base[rep] for rep in base)
        minima = min(values.values()) - min(base.values())
        median = statistics.median(values.values())
        name = GOALS.get(variant, (variant, 0))[0]
        print(f"{name:28} {median:8.0f} {added[variant]:8.0f} {minima:10.0f}"
              f" {median / statistics.median(base.values()):11.2f}")
    for variant, (name, goal) in GOALS.items():
        if variant in added and added[variant] > 0:
            ratio = added["observe"] / added[variant]
            print(f"observe adds {ratio:.2f} of what {name} adds (goal: at most {goal:.2f},"
                  f" {'met' if ratio <= goal else 'missed'})")
    with open(sys.argv[2], encoding="utf-8") as summary:
        capture = json.load(summary)["capture"]
    size = capture["recording_bytes"]
    print(f"recording: {capture['events']} events, {capture['lost']} lost,"
          f" {size / max(capture['events'], 1):.2f} bytes per event", end="")
    perf_bytes = int(sys.argv[3])
    print(f"; perf.data is {perf_bytes / size:.0f} times larger" if perf_bytes else "")


if __name__ == "__main__":
    main()
