/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* All probes in one translation unit: they share maps, and one object is loaded. */
#include "switch.bpf.c"
#include "wakeup.bpf.c"
#include "migrate.bpf.c"
#include "lifecycle.bpf.c"
#include "seed.bpf.c"
#include "mark.bpf.c"

char LICENSE[] SEC("license") = "Dual MIT/GPL";
