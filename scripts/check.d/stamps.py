#!/usr/bin/env python3
"""Prints `STAMP SOURCE` for each source named on standard input that the build compiles.

stamps.py BUILD OPTION…: the stamp is a hash of the source, of every file of the tree that it
includes (as ninja knows from the last build in BUILD), of .clang-tidy and of the options: while it
stays the same, a tool that read them all has nothing new to say.
"""

import functools
import hashlib
import pathlib
import subprocess
import sys


@functools.cache
def digest(path):
    return hashlib.sha256(path.read_bytes()).digest() if path.exists() else b""


def dependencies(build, root):
    """For each source of the tree, the files of the tree that its object depends on."""
    told = subprocess.run(["ninja", "-C", build, "-t", "deps"], check=True, capture_output=True,
                          text=True).stdout
    found, current = {}, None
    for line in told.splitlines():
        if line.startswith("    "):
            path = (build / line.strip()).resolve()
            if current is None:
                current = path
                found.setdefault(path, set())
            if path.is_relative_to(root):
                found[current].add(path)
        else:
            current = None
    return found


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    root = pathlib.Path.cwd()
    by_source = dependencies(build, root)
    known = 0
    for line in sys.stdin:
        source = root / line.strip()
        if source not in by_source:
            continue
        stamp = hashlib.sha256("\0".join(sys.argv[2:]).encode())
        stamp.update(digest(root / ".clang-tidy"))
        for path in sorted(by_source[source]):
            stamp.update(str(path.relative_to(root)).encode() + digest(path))
        print(stamp.hexdigest(), line.strip())
        known += 1
    # Nothing to look at must not pass for nothing found.
    if known == 0:
        sys.exit(f"{build}: the build knows none of the sources")


if __name__ == "__main__":
    main()
