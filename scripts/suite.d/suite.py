#!/usr/bin/env python3
"""Runs workloads and sets what was predicted beside what was measured; see scripts/suite --help."""

import argparse
import collections
import contextlib
import datetime
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

LONGEST_SECONDS = 5.0
DISTURBER = "stress-ng"
BEGIN = "<!-- table: scripts/suite --write -->"
END = "<!-- end of table -->"
VERDICTS = ("shown", "refuted", "inconclusive", "cannot-tell")


def catalogue(observe):
    listed = subprocess.run([observe, "list", "--json"], check=True, capture_output=True, text=True)
    return json.loads(listed.stdout)


def run_once(observe, name, folder, number):
    """Status, seconds, messages and summary (None when there is none) of one run."""
    summary_file = folder / f"{name}-{number}.json"
    began = time.monotonic()
    done = subprocess.run(
        [observe, "--workload", name, "--quiet", "--seed", str(number),
         "--output", str(folder / f"{name}-{number}"), "--json", str(summary_file)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - began
    summary = json.loads(summary_file.read_text()) if summary_file.exists() else None
    for left in folder.iterdir():
        left.unlink()
    return done.returncode, seconds, done.stderr.strip(), summary


def complaints(name, status, seconds, messages, summary, disturbed):
    """What is wrong with a run, a sentence each."""
    if status != 0 or summary is None:
        return [f"{name}: exit status {status}: {messages}"]
    found = []
    if seconds >= LONGEST_SECONDS and not disturbed:
        found.append(f"{name}: took {seconds:.1f} s")
    if summary["capture"]["lost"]:
        found.append(f"{name}: {summary['capture']['lost']} events lost")
    for check in summary["self_checks"]:
        if check["promised"] and not check["passed"]:
            found.append(f"{name}: self-check failed: {check['name']}: {check['detail']}")
    predictions = (summary["workload"] or {}).get("predictions", [])
    if not predictions:
        found.append(f"{name}: no prediction was made")
    for made in predictions:
        told = f"{name}: {made['name']}: {made['verdict']}: predicted {made['predicted']}," \
               f" measured {made['measured']} ({made['reason']})"
        if made["verdict"] == "refuted":
            found.append(told)
        elif disturbed and made["assumes_quiet"]:
            if made["verdict"] == "shown":
                found.append(told)
            elif made["verdict"] == "inconclusive" and DISTURBER not in made["reason"]:
                found.append(f"the disturber is not named: {told}")
    return found


def number(value):
    if value is None:
        return "–"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        text = f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
        return text.replace("-", "−")
    return f"{value:.3g}"


def median(values):
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


RELATIONS = {"equal": "", "at-most": "≤ ", "at-least": "≥ "}


def rows_of(name, runs):
    """A row for each prediction, in the order in which they were made."""
    by_name = collections.OrderedDict()
    for summary in runs:
        for made in (summary["workload"] or {}).get("predictions", []):
            by_name.setdefault(made["name"], []).append(made)
    for prediction, made in by_name.items():
        counts = collections.Counter(one["verdict"] for one in made)
        verdicts = ", ".join(f"{verdict.replace('-', ' ')} {counts[verdict]}"
                             for verdict in VERDICTS if counts[verdict])
        reasons = sorted({one["reason"] for one in made
                          if one["verdict"] in ("inconclusive", "cannot-tell", "refuted")})
        yield {"workload": name, "prediction": prediction, "unit": made[0]["unit"],
               "formula": made[0]["formula"],
               "predicted": RELATIONS[made[0]["relation"]]
                            + number(median([one["predicted"] for one in made])),
               "measured": number(median([one["measured"] for one in made])),
               "tolerance": number(median([one["tolerance"] for one in made])),
               "verdicts": verdicts, "reasons": reasons, "counts": counts, "runs": len(runs)}


def cell(text):
    return text.replace("|", "\\|").replace("\n", " ")


def table_of(rows, host, reps):
    told = [f"{host['kernel']}", f"{host['cpus_online']} CPUs", f"{host['scheduler']}",
            f"HZ {host['hz']}", f"preemption {host['preempt_model']}"]
    if host["slice_ns"]:
        told.append(f"slice {host['slice_ns'] / 1e6:g} ms")
    if host["hypervisor"] != "none":
        told.append(host["hypervisor"])
    told += host.get("boot_options", [])
    lines = [f"{datetime.date.today()}, {', '.join(told)}. Medians of {reps} runs with defaults.", "",
             "| workload | prediction | formula | predicted | ± | measured | | verdicts |",
             "|---|---|---|--:|--:|--:|---|---|"]
    last = None
    for row in rows:
        shown = f"`{row['workload']}`" if row["workload"] != last else ""
        last = row["workload"]
        lines.append(f"| {shown} | {cell(row['prediction'])} | {cell(row['formula'])} |"
                     f" {row['predicted']} | {row['tolerance']} | {row['measured']} |"
                     f" {cell(row['unit'])} | {row['verdicts']} |")
    return lines


def write_table(path, lines):
    text = path.read_text()
    before, found, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        sys.exit(f"{path} has no place for the table: {BEGIN} … {END}")
    path.write_text(before + BEGIN + "\n" + "\n".join(lines) + "\n" + END + after)


@contextlib.contextmanager
def disturber(wanted):
    if not wanted:
        yield
        return
    with subprocess.Popen([DISTURBER, "--quiet", "--cpu", str(os.cpu_count()), "-t", "1h"]) as beside:
        time.sleep(1)
        if beside.poll() is not None:
            sys.exit(f"{DISTURBER} ended at once")
        try:
            yield
        finally:
            beside.terminate()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("observe")
    parser.add_argument("--reps", type=int, default=5)
    parser.add_argument("--disturbed", action="store_true")
    parser.add_argument("--write", type=pathlib.Path)
    parser.add_argument("names", nargs="*")
    asked = parser.parse_intermixed_args()
    known = [row["name"] for row in catalogue(asked.observe)]
    for name in asked.names:
        if name not in known:
            sys.exit(f"no such workload: {name}")
    rows, found, host = [], [], None
    with tempfile.TemporaryDirectory() as folder, disturber(asked.disturbed):
        for name in asked.names or known:
            runs = []
            for repetition in range(1, asked.reps + 1):
                result = run_once(asked.observe, name, pathlib.Path(folder), repetition)
                found += complaints(name, *result, asked.disturbed)
                if result[3] is not None:
                    runs.append(result[3])
                    host = result[3]["host"]
            for row in rows_of(name, runs):
                rows.append(row)
                print(f"{name:24} {row['prediction']:34} {row['predicted']:>12} ± {row['tolerance']:<9}"
                      f" {row['measured']:>12} {row['unit']:12} {row['verdicts']}", flush=True)
                for reason in row["reasons"][:3]:
                    print(f"{'':24}   {reason}")
    always = sum(row["counts"]["shown"] == asked.reps for row in rows)
    print(f"{len(rows)} predictions, {always} shown in {asked.reps} of {asked.reps} runs")
    for complaint in found:
        print(f"COMPLAINT {complaint}")
    if asked.write and host:
        write_table(asked.write, table_of(rows, host, asked.reps))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
