#!/usr/bin/env python3
"""Checks that includes and links point one way only, and a few rules of the tree.

The table below is the architecture: a folder may include itself and what stands in its row. Prints
every breach as FILE:LINE: what is wrong, and exits 1 when there is one.
"""

import pathlib
import re
import sys
from typing import Iterator, NamedTuple

ALLOWED = {
    "base": set(),
    "trace": {"base"},
    "report": {"base"},
    "workloads": {"base", "trace"},
    "recording": {"base", "trace", "wire"},
    "capture": {"base", "trace", "recording", "wire"},
    "analysis": {"base", "trace", "report"},
    "render": {"base", "trace", "report", "analysis"},
    "app": {"base", "trace", "report", "workloads", "recording", "capture", "analysis", "render",
            "wire"},
}

# Headers of other projects, and the folders that may know them; fmt and the system are for all.
EXTERNAL = {
    "libbpf": (re.compile(r"^bpf/|\.skel\.h$"), {"capture/bpf"}),
    "libelf": (re.compile(r"^(gelf|libelf|elfutils/.*)\.h$"), {"capture/bpf"}),
    "zstd": (re.compile(r"^z(std|dict).*\.h$"), {"recording"}),
    "zlib": (re.compile(r"^zlib\.h$"), {"capture", "recording"}),
    "CLI11": (re.compile(r"^CLI/"), {"app"}),
    "nlohmann json": (re.compile(r"^nlohmann/"), {"app", "recording", "render"}),
    "Catch2": (re.compile(r"^catch2/"), set()),
}

SOURCES = {".h", ".hpp", ".c", ".cpp", ".cc"}
LINE_LIMIT = 500
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
LICENCE = "SPDX-License-Identifier: GPL-2.0-only OR MIT"


class Breach(NamedTuple):
    path: pathlib.Path
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


def folder_of(path: pathlib.PurePath) -> str:
    """The row of ALLOWED that a path relative to the top belongs to; "" for none."""
    parts = path.parts
    if parts[0] == "workloads":
        return "workloads"
    if parts[0] == "userspace" and len(parts) > 2:
        return parts[1]
    return ""


def target_of(include: str, folders: set[str]) -> str:
    """The folder that an include names; "" for the system, the standard and external libraries."""
    first = include.split("/", 1)[0]
    if first == "observe":
        return "wire"
    return first if first in folders and "/" in include else ""


def check_includes(path: pathlib.PurePath, text: str) -> Iterator[Breach]:
    folder = folder_of(path)
    if not folder:
        return
    if folder not in ALLOWED:
        yield Breach(path, 1, f"folder '{folder}' has no row in tests/layers.py")
        return
    in_bpf = path.parts[:3] == ("userspace", "capture", "bpf")
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        include = match.group(2)
        if ".." in include.split("/"):
            yield Breach(path, number, f"'{include}' climbs out of its folder; name it from the top")
        target = target_of(include, set(ALLOWED))
        if target and target != folder and target not in ALLOWED[folder]:
            yield Breach(path, number, f"{folder} may not include {target} ({include})")
        if include.startswith("capture/bpf/") and folder != "capture":
            yield Breach(path, number, f"only capture may include {include}")
        for name, (pattern, users) in EXTERNAL.items():
            allowed = folder in users or (in_bpf and "capture/bpf" in users)
            if pattern.search(include) and not allowed:
                yield Breach(path, number, f"{folder} may not include {name} ({include})")


def check_links(path: pathlib.PurePath, text: str) -> Iterator[Breach]:
    """A folder's CMake target may link only what its row allows."""
    folder = folder_of(path)
    if folder not in ALLOWED:
        return
    for number, line in enumerate(text.splitlines(), 1):
        for name in re.findall(r"\bobserve_(\w+)", line):
            known = name in ALLOWED or name == "wire"
            if known and name != folder and name not in ALLOWED[folder]:
                yield Breach(path, number, f"{folder} may not link observe_{name}")


def check_text(path: pathlib.PurePath, text: str) -> Iterator[Breach]:
    lines = text.count("\n")
    if path.suffix in SOURCES | {".py", ".js", ".css"} and lines > LINE_LIMIT:
        yield Breach(path, lines, f"longer than {LINE_LIMIT} lines; split it")
    if path.parts[0] == "bpf" and path.suffix in SOURCES:
        if LICENCE not in text.split("\n", 1)[0]:
            yield Breach(path, 1, f"the first line must say {LICENCE}")
    if path.suffix in {".h", ".hpp"} and path.parts[0] != "bpf" and "#pragma once" not in text:
        yield Breach(path, 1, "a header needs #pragma once")


def check(top: pathlib.Path) -> Iterator[Breach]:
    for start in ("bpf", "userspace", "workloads", "tests", "scripts", "cmake"):
        for path in sorted((top / start).rglob("*")):
            if not path.is_file() or "__pycache__" in path.parts or path.suffix in {".obs", ".bin"}:
                continue
            relative = path.relative_to(top)
            if path.name == "CMakeLists.txt":
                yield from check_links(relative, path.read_text(encoding="utf-8"))
            elif path.suffix in SOURCES | {".py", ".js", ".css"}:
                text = path.read_text(encoding="utf-8")
                yield from check_text(relative, text)
                if path.suffix in SOURCES:
                    yield from check_includes(relative, text)


def main() -> int:
    top = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    breaches = list(check(top))
    for breach in breaches:
        print(breach)
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
