#include "workloads/parallel/rounds.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>
#include <set>

#include "workloads/frame/clock.h"
#include "workloads/frame/rendezvous.h"
#include "workloads/parallel/spin.h"

namespace observe::workloads {
namespace {

struct alignas(64) Part {
  Nanos cpu_time{};  // of the round that goes on
  bool whole = false;
};

struct Sums {
  std::int64_t rounds = 0;
  Nanos alone{};
  Nanos start{};
  Nanos shared{};
  Nanos alone_cpu{};
  Nanos shared_cpu{};
  Nanos critical_cpu{};  // of the serial part and the CPU that had most to do
};

class Rounds {
 public:
  // Part i is done on the CPU i modulo `cpus`.
  Rounds(const Shares& shares, WorkUnit unit, std::size_t cpus)
      : shares_(shares),
        unit_(unit),
        parts_(shares.parts.size()),
        cpu_times_(cpus),
        meeting_(static_cast<std::uint32_t>(shares.parts.size())) {}

  const Sums& sums() const { return sums_; }
  void reset() {
    sums_ = {};
    over_ = false;
  }

  void work(Worker& worker) {
    worker.fact("share_ns", to_ns(shares_.parts[worker.position()]));
    if (worker.position() == 0) {
      lead(worker);
    } else {
      follow(worker);
    }
  }

 private:
  // Alone the first thread does the parts one after the other, as they are shared out later.
  bool work_alone(const Worker& worker) {
    if (!spin_for(worker, unit_, shares_.serial)) return false;
    return std::ranges::all_of(shares_.parts,
                               [&](Nanos part) { return spin_for(worker, unit_, part); });
  }

  void work_part(const Worker& worker) {
    Part& part = parts_[worker.position()];
    const Nanos before = thread_cpu_time();
    part.whole = spin_for(worker, unit_, shares_.parts[worker.position()]);
    part.cpu_time = thread_cpu_time() - before;
  }

  void lead(Worker& worker) {
    const std::int64_t wanted =
        worker.operations().value_or(std::numeric_limits<std::int64_t>::max());
    for (std::int64_t round = 0; round < wanted && !worker.stopping(); ++round) {
      if (!lead_round(worker, static_cast<std::uint64_t>(round))) break;
    }
    over_ = true;
    meeting_.arrive_and_wait();
  }

  // False when it was cut short.
  bool lead_round(Worker& worker, std::uint64_t round) {
    Sums sums = sums_;
    const Time begin = now();
    const Nanos cpu_begin = thread_cpu_time();
    worker.mark(MarkerKind::kPhase, 3 * round, 0);
    if (!work_alone(worker)) return false;
    sums.alone_cpu += thread_cpu_time() - cpu_begin;
    const Time alone = now();

    worker.mark(MarkerKind::kPhase, 3 * round + 1, 0);
    meeting_.arrive_and_wait();
    meeting_.arrive_and_wait();
    const Time started = now();

    worker.mark(MarkerKind::kPhase, 3 * round + 2, 0);
    const Nanos cpu_serial = thread_cpu_time();
    bool whole = spin_for(worker, unit_, shares_.serial);
    const Nanos serial = thread_cpu_time() - cpu_serial;
    meeting_.arrive_and_wait();
    work_part(worker);
    meeting_.arrive_and_wait();
    const Time end = now();

    std::ranges::fill(cpu_times_, Nanos{0});
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      whole = whole && parts_[i].whole;
      sums.shared_cpu += parts_[i].cpu_time;
      cpu_times_[i % cpu_times_.size()] += parts_[i].cpu_time;
    }
    sums.shared_cpu += serial;
    sums.critical_cpu += serial + std::ranges::max(cpu_times_);
    if (!whole) return false;
    ++sums.rounds;
    sums.alone += alone - begin;
    sums.start += started - alone;
    sums.shared += end - started;
    sums_ = sums;
    return true;
  }

  void follow(Worker& worker) {
    while (true) {
      meeting_.arrive_and_wait();
      if (over_) return;
      meeting_.arrive_and_wait();
      meeting_.arrive_and_wait();
      work_part(worker);
      meeting_.arrive_and_wait();
    }
  }

  const Shares& shares_;
  const WorkUnit unit_;
  std::vector<Part> parts_;
  std::vector<Nanos> cpu_times_;  // of the round that goes on, by CPU
  Rendezvous meeting_;
  Sums sums_;          // the first thread's
  bool over_ = false;  // written before a meeting, read after it
};

}  // namespace

Nanos Shares::total() const { return std::accumulate(parts.begin(), parts.end(), serial); }

Result<void> validate_rounds(const Values& values, const Shares& shares) {
  if (!values.has("duration")) return {};
  // Alone, and then at worst on one CPU again.
  const Nanos longest = 2 * shares.total();
  if (longest <= values.duration("duration")) return {};
  return fail(usage_error(
      "use --duration",
      fmt::format("one round may take {} ms, and nothing would have been measured by then",
                  to_ns(longest) / 1'000'000),
      "take a longer --duration, or less work"));
}

Result<void> perform_rounds(const Values& values, Stage& stage, const Shares& shares) {
  const Scheduling& scheduling = stage.scheduling();
  const bool dealt = scheduling.place == Place::kFree && !values.flag("unpinned");
  std::optional<Rounds> rounds;
  std::vector<ThreadPlan> plans(
      shares.parts.size(), {std::string(kRoundsRole), [&rounds](Worker& worker) -> Result<void> {
                              rounds->work(worker);
                              return {};
                            }});
  std::set<std::vector<Cpu>> used;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    if (dealt) {
      plans[i].scheduling.cpus = std::vector{scheduling.cpus[i % scheduling.cpus.size()]};
    }
    used.insert(plans[i].scheduling.cpus.value_or(scheduling.cpus_of(i)));
  }
  const bool pinned = scheduling.place != Place::kFree || dealt;
  const std::size_t cpus =
      pinned ? used.size() : std::min(shares.parts.size(), scheduling.cpus.size());
  rounds.emplace(shares, stage.work_unit(), cpus);
  if (auto done = stage.perform(std::move(plans), [&] { rounds->reset(); }); !done) return done;
  const Sums& sums = rounds->sums();
  stage.fact("rounds", sums.rounds);
  stage.fact("alone_ns", to_ns(sums.alone));
  stage.fact("start_ns", to_ns(sums.start));
  stage.fact("shared_ns", to_ns(sums.shared));
  stage.fact("alone_cpu_ns", to_ns(sums.alone_cpu));
  stage.fact("shared_cpu_ns", to_ns(sums.shared_cpu));
  stage.fact("critical_cpu_ns", to_ns(sums.critical_cpu));
  stage.fact("serial_ns", to_ns(shares.serial));
  stage.fact("pinned", pinned);
  stage.fact("one_cpu_asked", scheduling.place == Place::kOne);
  stage.fact("cpus_used", static_cast<std::int64_t>(cpus));
  return {};
}

}  // namespace observe::workloads
