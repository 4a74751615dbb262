#!/usr/bin/env python3
"""Judges a series of runs: each ended well, lost nothing, and agrees with its kernel.

judge.py [--counts] [--losses] NAME RESULTS prints one row of the table, then each complaint on a
line of its own; exits 1 when there is one and 2 when the series never came to its end. With --counts a check of
times (unit %) is a remark, no complaint: an emulated CPU loses its host's CPU at any moment, also
between the kernel's reading of its clock and ours. Counts and sums are exact there too. --losses
prints the figures of every run of contended-counter first.
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
    workload = summary.get("workload") or {}
    found += refuted_predictions(workload)
    if (summary["run"].get("name") == "contended-counter"
            and summary["run"].get("kind") == "workload"):
        found += counter_complaints(workload)
    return found, remarks, summary


# Of the race a lock must save from nothing; of one instruction only on one CPU.
RACES = ("none", "plain", "relaxed", "incmem")
LEAST_MATCHED = 0.99
WIDEST_DIFFERENCE = 0.05  # between predicted and measured share of lost increments


def refuted_predictions(workload):
    return [f"refuted: {made['name']}: predicted {made['predicted']}, measured {made['measured']}"
            f" ({made['reason']})"
            for made in workload.get("predictions", []) if made["verdict"] == "refuted"]


def counter_complaints(workload):
    """What a run of contended-counter owes whatever the machine."""
    truth = workload.get("ground_truth", {})
    if "lock" not in truth or "lost" not in truth:
        return ["the workload told no results"]
    found, lock, lost = [], truth["lock"], truth["lost"]
    if lock == "none" and truth.get("ledger_exact") is not True:
        found.append(f"the ledger of updates does not add up: {truth}")
    safe = lock not in RACES or (lock == "incmem" and truth.get("one_cpu"))
    if safe and lost != 0:
        found.append(f"{lock} lost {lost} updates")
    if lock == "none" and truth.get("one_cpu"):
        share = lost_share(workload)
        if share and share["verdict"] == "shown":
            off = abs(share["predicted"] - share["measured"])
            if off > WIDEST_DIFFERENCE:
                found.append(f"lost share: {off:.3f} between predicted {share['predicted']:.3f}"
                             f" and measured {share['measured']:.3f}")
    return found


def unmatched_complaints(summaries):
    """Of all stale stores of the series; a short run has too few for a hundredth of its own."""
    truths = [(summary.get("workload") or {}).get("ground_truth", {}) for summary in summaries]
    truths = [truth for truth in truths if truth.get("lock") == "none" and truth.get("one_cpu")]
    stores = sum(truth.get("stale_stores", 0) for truth in truths)
    matched = sum(truth.get("matched_preemptions", 0) for truth in truths)
    if matched >= LEAST_MATCHED * stores:
        return []
    return [f"  only {matched} of {stores} stale stores have their preemption"]


def lost_share(workload):
    return next((made for made in workload.get("predictions", [])
                 if made["name"] == "lost share"), None)


def print_losses(runs):
    """A line for each run of --lock none: what was lost, matched and predicted."""
    print("run   stores  matched  in window  predicted  measured  verdict")
    for number, run in enumerate(runs, 1):
        try:
            workload = json.loads("\n".join(run["json"]))["workload"]
            truth, share = workload["ground_truth"], lost_share(workload) or {}
        except (ValueError, KeyError, TypeError):
            print(f"{number:3}   no summary")
            continue
        figures = [f"{share[key]:.3f}" if share.get(key) is not None else "?"
                   for key in ("predicted", "measured")]
        print(f"{number:3} {truth.get('stale_stores', '?'):>8} "
              f"{truth.get('matched_preemptions', '?'):>8} "
              f"{truth.get('in_window_preemptions', '?'):>10} {figures[0]:>10} {figures[1]:>9}"
              f"  {share.get('verdict', '?')}")


def main():
    counts_only = "--counts" in sys.argv
    name, path = [word for word in sys.argv[1:] if word not in ("--counts", "--losses")]
    with open(path, encoding="utf-8", errors="replace") as results:
        kernel, clock, runs = parse(results.read())
    if runs is None:
        print(f"{name:8} {kernel:28} the guest did not reach its end")
        return 2
    if "--losses" in sys.argv:
        print_losses(runs)
    switches = events = checks = 0
    bad, noted, summaries = [], 0, []
    for run in runs:
        found, remarks, summary = complaints_of(run, counts_only)
        bad += [f"  {run['arguments']}: {what}" for what in found]
        noted += len(remarks)
        for what in remarks:
            print(f"  {run['arguments']}: remark: {what}", file=sys.stderr)
        if summary:
            summaries.append(summary)
            switches += summary["totals"]["switches"]
            events += summary["capture"]["events"]
            checks += sum(check["checked"] for check in summary["self_checks"])
    if not runs:
        bad.append("  the guest ran nothing")
    bad += unmatched_complaints(summaries)
    verdict = "ok" if not bad else "FAILED"
    if noted:
        verdict += f" ({noted} remarks)"
    print(f"{name:8} {kernel:28} {clock:6} {len(runs):4} {events:9} {switches:9} {checks:7}"
          f"  {verdict}")
    print("\n".join(bad), end="\n" if bad else "")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
