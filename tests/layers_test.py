"""Each rule of layers.py refuses what it is there to refuse."""

import pathlib
import unittest

import layers


def breaches(check, path, text):
    return [breach.what for breach in check(pathlib.PurePath(path), text)]


class Includes(unittest.TestCase):
    def test_a_folder_may_include_itself_and_its_row(self):
        text = '#include "trace/trace.h"\n#include "base/units.h"\n#include <vector>\n'
        self.assertEqual(breaches(layers.check_includes, "userspace/trace/builder.cpp", text), [])

    def test_data_flows_one_way(self):
        for path, include in [
            ("userspace/base/fd.h", "trace/trace.h"),
            ("userspace/trace/trace.h", "recording/reader.h"),
            ("userspace/analysis/judge.cpp", "render/terminal.h"),
            ("userspace/analysis/judge.cpp", "recording/reader.h"),
            ("userspace/report/summary.h", "trace/trace.h"),
            ("userspace/render/json.cpp", "app/session.h"),
            ("workloads/frame/spec.h", "report/summary.h"),
            ("workloads/frame/spec.h", "observe/wire.h"),
        ]:
            found = breaches(layers.check_includes, path, f'#include "{include}"\n')
            self.assertEqual(len(found), 1, (path, include))

    def test_only_capture_bpf_knows_libbpf(self):
        for include in ("<bpf/libbpf.h>", '"probes.skel.h"'):
            text = f"#include {include}\n"
            for path in ("userspace/capture/host.cpp", "userspace/app/main.cpp"):
                self.assertEqual(len(breaches(layers.check_includes, path, text)), 1, path)
            self.assertEqual(
                breaches(layers.check_includes, "userspace/capture/bpf/load.cpp", text), [])

    def test_capture_bpf_is_hidden_from_the_rest(self):
        text = '#include "capture/bpf/load.h"\n'
        self.assertEqual(len(breaches(layers.check_includes, "userspace/app/main.cpp", text)), 1)
        self.assertEqual(breaches(layers.check_includes, "userspace/capture/a.cpp", text), [])

    def test_a_folder_without_a_row_is_named(self):
        self.assertEqual(len(breaches(layers.check_includes, "userspace/misc/a.cpp", "")), 1)

    def test_paths_do_not_climb(self):
        found = breaches(layers.check_includes, "userspace/app/a.cpp", '#include "../base/fd.h"\n')
        self.assertEqual(len(found), 1)


class Links(unittest.TestCase):
    def test_links_follow_the_same_table(self):
        good = "observe_library(observe_trace SOURCES a.cpp LINKS observe_base)\n"
        bad = "observe_library(observe_trace SOURCES a.cpp LINKS observe_analysis)\n"
        path = "userspace/trace/CMakeLists.txt"
        self.assertEqual(breaches(layers.check_links, path, good), [])
        self.assertEqual(len(breaches(layers.check_links, path, bad)), 1)


class Text(unittest.TestCase):
    def test_long_files_are_refused(self):
        self.assertEqual(breaches(layers.check_text, "userspace/base/a.cpp", "\n" * 500), [])
        self.assertEqual(len(breaches(layers.check_text, "userspace/base/a.cpp", "\n" * 501)), 1)

    def test_probes_carry_their_licence(self):
        text = "/* SPDX-License-Identifier: GPL-2.0-only OR MIT */\n"
        self.assertEqual(breaches(layers.check_text, "bpf/switch.bpf.c", text), [])
        self.assertEqual(len(breaches(layers.check_text, "bpf/switch.bpf.c", "int x;\n")), 1)

    def test_headers_guard_themselves(self):
        self.assertEqual(len(breaches(layers.check_text, "userspace/base/a.h", "int x;\n")), 1)


if __name__ == "__main__":
    unittest.main()
