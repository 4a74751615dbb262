#include "capture/probes.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/fd.h"
#include "capture/bpf/embedded_object.h"
#include "capture/bpf/kernel_facts.h"
#include "capture/bpf/load_error.h"
#include "capture/restrictions.h"

namespace observe {
namespace {

enum class Use { kAlways, kIfMemoryReadable, kSeeds, kMarkedPlaces };

struct ProgramRow {
  const char* name;
  Use use;
};

// Every program of bpf/observe.bpf.c.
constexpr ProgramRow kPrograms[] = {
    {"observe_switch", Use::kAlways},
    {"observe_waking", Use::kAlways},
    {"observe_wakeup", Use::kAlways},
    {"observe_wakeup_new", Use::kAlways},
    {"observe_migrate", Use::kAlways},
    {"observe_fork", Use::kAlways},
    {"observe_exec", Use::kAlways},
    {"observe_exit", Use::kAlways},
    {"observe_rename", Use::kIfMemoryReadable},
    {"observe_seed", Use::kSeeds},
    {"observe_mark", Use::kMarkedPlaces},
};
// libbpf's own, for the arguments of marked places.
constexpr const char* kUsdtMaps[] = {"__bpf_usdt_specs", "__bpf_usdt_ip_to_spec_id"};

constexpr const char* kLaneMaps[OBSERVE_LANES] = {"observe_sched", "observe_life"};

template <class Type, void (*Release)(Type*)>
struct Releaser {
  void operator()(Type* object) const { Release(object); }
};
void destroy_link(bpf_link* link) { bpf_link__destroy(link); }
using Object = std::unique_ptr<bpf_object, Releaser<bpf_object, bpf_object__close>>;
using Link = std::unique_ptr<bpf_link, Releaser<bpf_link, destroy_link>>;

// Memory shared with a map.
class Mapping {
 public:
  Mapping() = default;
  static Result<Mapping> of(const bpf_map* map, std::size_t bytes, int protection) {
    void* address = mmap(nullptr, bytes, protection, MAP_SHARED, bpf_map__fd(map), 0);
    if (address == MAP_FAILED) {
      return fail(error_from_errno("map the probes' buffers", errno,
                                   "ask for smaller buffers: --buffer-mib N"));
    }
    Mapping mapping;
    mapping.address_ = address;
    mapping.bytes_ = bytes;
    return mapping;
  }
  Mapping(Mapping&& other) noexcept
      : address_(std::exchange(other.address_, nullptr)), bytes_(other.bytes_) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(address_, other.address_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Mapping() {
    if (address_ != nullptr) munmap(address_, bytes_);
  }
  std::byte* data() const { return static_cast<std::byte*>(address_); }
  std::span<const observe_record> records() const {
    return {static_cast<const observe_record*>(address_), bytes_ / sizeof(observe_record)};
  }

 private:
  void* address_ = nullptr;
  std::size_t bytes_ = 0;
};

// Where the object's own BTF says that a global variable lies in its section. That it is there, and
// as large as here, is a matter of how this program was built, not of where it runs.
std::size_t variable_offset(const bpf_object* object, const char* section, std::string_view name,
                            std::size_t size) {
  const btf* types = bpf_object__btf(object);
  const int id = btf__find_by_name_kind(types, section, BTF_KIND_DATASEC);
  OBSERVE_CHECK(id > 0);
  const btf_type* datasec = btf__type_by_id(types, static_cast<std::uint32_t>(id));
  const btf_var_secinfo* entries = btf_var_secinfos(datasec);
  for (int i = 0; i < btf_vlen(datasec); ++i) {
    const btf_type* entry = btf__type_by_id(types, entries[i].type);
    if (btf__name_by_offset(types, entry->name_off) != name) continue;
    OBSERVE_CHECK(entries[i].size == size);
    return entries[i].offset;
  }
  check_failed("a variable of the probes exists", std::source_location::current());
}

bpf_map* find_map(const bpf_object* object, const char* name) {
  bpf_map* map = bpf_object__find_map_by_name(object, name);
  OBSERVE_CHECK(map != nullptr);
  return map;
}

// Before load, while the section is still ours to write.
void set_config(const bpf_object* object, const observe_config& config) {
  const std::size_t offset = variable_offset(object, ".rodata", "config", sizeof config);
  std::size_t bytes = 0;
  // Older versions of libbpf call the memory constant, which it is not.
  void* section = const_cast<void*>(
      static_cast<const void*>(bpf_map__initial_value(find_map(object, ".rodata"), &bytes)));
  OBSERVE_CHECK(section != nullptr && offset + sizeof config <= bytes);
  std::memcpy(static_cast<std::byte*>(section) + offset, &config, sizeof config);
}

}  // namespace

struct ProbeSet::State {
  LaneSizes sizes;
  std::vector<UsdtProbe> usdt;
  Object object;
  std::array<Mapping, OBSERVE_LANES> lanes;
  Mapping globals;
  observe_cursor* cursors = nullptr;  // in globals
  std::vector<Link> links;
  std::vector<UniqueFd> seed_passes;  // the next one is the last
  std::vector<std::string> notes;

  Result<void> open(const KernelFacts& facts, const LibbpfLog& log);
  bool wants(Use use, bool memory_readable) const;
  Result<void> map_memory();
  Result<void> attach_marked_places(const bpf_program* program);
};

bool ProbeSet::State::wants(Use use, bool memory_readable) const {
  switch (use) {
    case Use::kIfMemoryReadable:
      return memory_readable;
    case Use::kMarkedPlaces:
      return !usdt.empty();
    case Use::kAlways:
    case Use::kSeeds:
      return true;
  }
  return true;
}

Result<void> ProbeSet::State::open(const KernelFacts& facts, const LibbpfLog& log) {
  const bool memory_readable = read_lockdown() != "confidentiality";
  if (!facts.has_registers_helper && !memory_readable) {
    return fail(
        explain_load_failure("read the registers of threads on a kernel before 5.15", EPERM, log));
  }
  LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "observe");
  const std::span<const std::byte> image = embedded_object(facts.preempt_count);
  object.reset(bpf_object__open_mem(image.data(), image.size(), &options));
  if (object == nullptr) return fail(explain_load_failure("open the BPF object", errno, log));

  for (const ProgramRow& row : kPrograms) {
    bpf_program* program = bpf_object__find_program_by_name(object.get(), row.name);
    OBSERVE_CHECK(program != nullptr);
    bpf_program__set_autoload(program, wants(row.use, memory_readable));
  }
  for (const char* name : kUsdtMaps) {
    bpf_map__set_autocreate(find_map(object.get(), name), !usdt.empty());
  }
  if (!memory_readable) notes.push_back("new thread names are not seen: kernel lockdown");

  set_config(object.get(), {.sched_slots = sizes.sched_slots,
                            .life_slots = sizes.life_slots,
                            .possible_cpus = sizes.cpus,
                            .switch_order = static_cast<std::uint8_t>(facts.switch_order),
                            .wide_preempt_count = facts.wide_preempt_count,
                            .reserved = {}});
  for (std::uint32_t lane = 0; lane < OBSERVE_LANES; ++lane) {
    bpf_map* map = find_map(object.get(), kLaneMaps[lane]);
    OBSERVE_CHECK(bpf_map__set_max_entries(map, sizes.slots(lane) * sizes.cpus) == 0);
  }
  if (const int error = bpf_object__load(object.get()); error != 0) {
    return fail(explain_load_failure("load the BPF programs", -error, log));
  }
  return {};
}

Result<void> ProbeSet::State::map_memory() {
  for (std::uint32_t lane = 0; lane < OBSERVE_LANES; ++lane) {
    Result<Mapping> mapping = Mapping::of(
        find_map(object.get(), kLaneMaps[lane]),
        std::size_t{sizes.slots(lane)} * sizes.cpus * sizeof(observe_record), PROT_READ);
    if (!mapping) return fail(std::move(mapping.error()));
    lanes[lane] = std::move(*mapping);
  }
  // libbpf maps the section by itself only for skeletons.
  constexpr std::size_t kBytes = sizeof(observe_cursor) * OBSERVE_MAX_CPUS * OBSERVE_LANES;
  const std::size_t offset = variable_offset(object.get(), ".bss", "cursors", kBytes);
  Result<Mapping> mapping =
      Mapping::of(find_map(object.get(), ".bss"), offset + kBytes, PROT_READ | PROT_WRITE);
  if (!mapping) return fail(std::move(mapping.error()));
  globals = std::move(*mapping);
  cursors = reinterpret_cast<observe_cursor*>(globals.data() + offset);
  return {};
}

Result<void> ProbeSet::State::attach_marked_places(const bpf_program* program) {
  for (const UsdtProbe& probe : usdt) {
    const LibbpfLog log;
    LIBBPF_OPTS(bpf_usdt_opts, options, .usdt_cookie = probe.mark);
    constexpr pid_t kAnyProcess = -1;
    Link link(bpf_program__attach_usdt(program, kAnyProcess, probe.path.c_str(),
                                       probe.provider.c_str(), probe.name.c_str(), &options));
    if (link == nullptr) return fail(explain_usdt_failure(probe, errno, log));
    links.push_back(std::move(link));
  }
  return {};
}

ProbeSet::ProbeSet(std::unique_ptr<State> state) : state_(std::move(state)) {}
ProbeSet::~ProbeSet() = default;

Result<std::unique_ptr<ProbeSet>> ProbeSet::load(const LaneSizes& sizes,
                                                 std::vector<UsdtProbe> usdt) {
  const LibbpfLog log;
  Result<KernelFacts> facts = read_kernel_facts();
  if (!facts) return fail(std::move(facts.error()));
  auto state = std::make_unique<State>();
  state->sizes = sizes;
  state->usdt = std::move(usdt);
  if (Result<void> opened = state->open(*facts, log); !opened)
    return fail(std::move(opened.error()));
  if (Result<void> mapped = state->map_memory(); !mapped) return fail(std::move(mapped.error()));
  return std::unique_ptr<ProbeSet>(new ProbeSet(std::move(state)));
}

Result<void> ProbeSet::attach(int seed_passes) {
  for (const ProgramRow& row : kPrograms) {
    const bpf_program* program = bpf_object__find_program_by_name(state_->object.get(), row.name);
    if (!bpf_program__autoload(program)) continue;
    if (row.use == Use::kMarkedPlaces) {
      if (auto attached = state_->attach_marked_places(program); !attached) return attached;
      continue;
    }
    const LibbpfLog log;
    Link link(row.use == Use::kSeeds ? bpf_program__attach_iter(program, nullptr)
                                     : bpf_program__attach(program));
    if (link == nullptr) {
      return fail(explain_load_failure(fmt::format("attach {}", row.name), errno, log));
    }
    for (int pass = 0; row.use == Use::kSeeds && pass < seed_passes; ++pass) {
      UniqueFd walk(bpf_iter_create(bpf_link__fd(link.get())));
      if (!walk) return fail(explain_load_failure("prepare a walk over all threads", errno, log));
      state_->seed_passes.push_back(std::move(walk));
    }
    state_->links.push_back(std::move(link));
  }
  return {};
}

Result<std::vector<observe_seed>> ProbeSet::read_seeds() {
  OBSERVE_CHECK(!state_->seed_passes.empty());
  const UniqueFd walk = std::move(state_->seed_passes.back());
  state_->seed_passes.pop_back();
  std::vector<observe_seed> seeds;
  std::vector<std::byte> pending;  // less than one seed: a read may end within one
  std::array<std::byte, 64 * 1024> buffer;
  for (;;) {
    const ssize_t got = read(walk.get(), buffer.data(), buffer.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return fail(error_from_errno("walk over all threads", errno));
    if (got == 0) break;
    pending.insert(pending.end(), buffer.begin(), buffer.begin() + got);
    const std::size_t whole = pending.size() / sizeof(observe_seed);
    const std::size_t before = seeds.size();
    seeds.resize(before + whole);
    std::memcpy(seeds.data() + before, pending.data(), whole * sizeof(observe_seed));
    pending.erase(pending.begin(),
                  pending.begin() + static_cast<std::ptrdiff_t>(whole * sizeof(observe_seed)));
  }
  OBSERVE_CHECK(pending.empty());
  return seeds;
}

void ProbeSet::detach() { state_->links.clear(); }

LaneReader ProbeSet::lane(Cpu cpu, std::uint32_t lane) {
  OBSERVE_CHECK(raw(cpu) < state_->sizes.cpus && lane < OBSERVE_LANES);
  const std::size_t slots = state_->sizes.slots(lane);
  return {&state_->cursors[raw(cpu) * OBSERVE_LANES + lane],
          state_->lanes[lane].records().subspan(raw(cpu) * slots, slots)};
}

std::uint64_t ProbeSet::missed_runs() const {
  std::uint64_t missed = 0;
  for (const ProgramRow& row : kPrograms) {
    const bpf_program* program = bpf_object__find_program_by_name(state_->object.get(), row.name);
    if (!bpf_program__autoload(program)) continue;
    bpf_prog_info info{};
    std::uint32_t length = sizeof info;
    if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &length) == 0) {
      missed += info.recursion_misses;
    }
  }
  return missed;
}

const std::vector<std::string>& ProbeSet::notes() const { return state_->notes; }

Result<void> try_probes() {
  constexpr LaneSizes kSmall{.sched_slots = 64, .life_slots = 64, .cpus = 1};
  Result<std::unique_ptr<ProbeSet>> probes = ProbeSet::load(kSmall);
  if (!probes) return fail(std::move(probes.error()));
  return (*probes)->attach(1);
}

}  // namespace observe
