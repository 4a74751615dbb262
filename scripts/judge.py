#!/usr/bin/env python3
"""Judges a series of runs: each ended well, lost nothing, and agrees with its kernel.

judge.py [--counts] NAME RESULTS prints one row of the table, then each complaint on a line of its
own; exits 1 when there is one and 2 when the series never came to its end. With --counts a check of
times (unit %) is a remark, no complaint: an emulated CPU loses its host's CPU at any moment, also
between the kernel's reading of its clock and ours. Counts and sums are exact there too.
"""

import json
import sys


def parse(text):
    """The guest's kernel release, clock source and runs; None in place of the runs if cut short."""
    kernel = clock = "?"
    runs, part = [], None
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        if word == "@@kernel":
            kernel = rest
        elif word == "@@clock":
            clock = rest
        elif word == "@@run":
            runs.append({"arguments": rest, "status": None, "messages": [], "json": []})
        elif word == "@@status" and runs:
            runs[-1]["status"] = int(rest)
        elif word in ("@@messages", "@@json"):
            part = word[2:]
        elif word == "@@end":
            return kernel, clock, runs
        elif runs and part:
            runs[-1][part].append(line)
    return kernel, clock, None


def complaints_of(run, counts_only):
    """What is wrong with a run, what is merely worth a remark, and its summary."""
    if run["status"] != 0:
        said = " | ".join(line for line in run["messages"] if line.strip())
        return [f"exit status {run['status']}: {said}"], [], None
    try:
        summary = json.loads("\n".join(run["json"]))
    except ValueError as error:
        return [f"unreadable JSON: {error}"], [], None
    found, remarks = [], []
    if summary["capture"]["lost"] != 0:
        found.append(f"{summary['capture']['lost']} events lost")
    if summary["totals"]["switches"] == 0:
        found.append("not one switch was seen")
    checks = summary["self_checks"]
    if not checks:
        found.append("no self-check was made")
    for check in checks:
        if check.get("promised", True) and not check["passed"]:
            only_timing = counts_only and check["unit"] == "%"
            (remarks if only_timing else found).append(
                f"self-check failed: {check['name']}, {check['exact']} of {check['checked']} exact,"
                f" worst {check['worst']:.4g} {check['unit']}")
    for thread in summary["threads"]:
        account = thread.get("kernel_account")
        if not thread["target"] or account is None:
            continue
        seen = sum(thread["switches"].values())
        kept = account["nvcsw"] + account["nivcsw"]
        if seen != kept:
            found.append(f"thread {thread['name']} ({thread['tid']}): {seen} switches seen,"
                         f" {kept} in the kernel's account")
    truth = (summary.get("workload") or {}).get("ground_truth", {})
    if not truth.get("ledger_exact", True):
        found.append(f"the ledger of updates does not add up: {truth}")
    return found, remarks, summary


def main():
    counts_only = "--counts" in sys.argv
    name, path = [word for word in sys.argv[1:] if word != "--counts"]
    with open(path, encoding="utf-8", errors="replace") as results:
        kernel, clock, runs = parse(results.read())
    if runs is None:
        print(f"{name:8} {kernel:28} the guest did not reach its end")
        return 2
    switches = events = checks = 0
    bad, noted = [], 0
    for run in runs:
        found, remarks, summary = complaints_of(run, counts_only)
        bad += [f"  {run['arguments']}: {what}" for what in found]
        noted += len(remarks)
        if summary:
            switches += summary["totals"]["switches"]
            events += summary["capture"]["events"]
            checks += sum(check["checked"] for check in summary["self_checks"])
    if not runs:
        bad.append("  the guest ran nothing")
    verdict = "ok" if not bad else "FAILED"
    if noted:
        verdict += f" (times off in {noted} runs)"
    print(f"{name:8} {kernel:28} {clock:6} {len(runs):4} {events:9} {switches:9} {checks:7}"
          f"  {verdict}")
    print("\n".join(bad), end="\n" if bad else "")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
