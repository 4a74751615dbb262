// Whether readers overlapped, writers were alone, and how long a writer slept for readers.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/judges/judge.h"
#include "analysis/judges/lock_circles.h"
#include "analysis/judges/part_run.h"
#include "analysis/judges/prediction.h"
#include "analysis/lock_use.h"
#include "analysis/overlap.h"
#include "analysis/wording.h"

namespace observe {
namespace {

using report::Finding;
using report::FindingVerdict;
using report::Prediction;
using report::Relation;

constexpr std::uint64_t kEnoughWaits = 10;

struct Span {
  Time begin;
  Time end;
};

// One thread's use of the lock of one part.
struct Use {
  const Actor* actor = nullptr;
  std::vector<Span> waits;
  std::vector<Span> holds;  // both in time order
  std::vector<Time> asked;  // by hold: when it was wanted
};

struct Side {
  const char* preferred;
  std::uint64_t lock;
  std::optional<PartRun> part;
  std::vector<Use> readers, writers;

  std::uint64_t operations() const { return part ? part->operations : 0; }
};

Use read_use(const Facts& facts, const Actor& actor, std::uint64_t lock) {
  Use use{.actor = &actor, .waits = {}, .holds = {}, .asked = {}};
  bool wants = false;
  bool holds = false;
  Time wanted{};
  Time acquired{};
  Time asked{};
  for (const Marker& marker : markers_of(facts, actor)) {
    if (marker.a != lock) continue;
    if (marker.kind == raw(MarkerKind::kLockWanted)) {
      wanted = marker.at;
      wants = true;
    } else if (marker.kind == raw(MarkerKind::kLockAcquired)) {
      if (wants) use.waits.push_back({wanted, marker.at});
      asked = wants ? wanted : marker.at;
      acquired = marker.at;
      wants = false;
      holds = true;
    } else if (marker.kind == raw(MarkerKind::kLockReleased)) {
      if (holds) {
        use.holds.push_back({acquired, marker.at});
        use.asked.push_back(asked);
      }
      holds = false;
    }
  }
  return use;
}

Side read_side(const Facts& facts, const WorkloadRun& run, const char* preferred,
               std::uint64_t lock) {
  Side side{.preferred = preferred,
            .lock = lock,
            .part = read_part(facts, run, preferred),
            .readers = {},
            .writers = {}};
  for (const Actor& actor : run.actors()) {
    (actor.role == "writer" ? side.writers : side.readers).push_back(read_use(facts, actor, lock));
  }
  return side;
}

// How long anybody else held the lock beside a writer.
Nanos beside_writers(const Side& side) {
  Nanos shared{};
  for (const Use& writer : side.writers) {
    for (const Span& alone : writer.holds) {
      const auto add = [&](const Use& other) {
        if (&other == &writer) return;
        auto hold = std::ranges::upper_bound(other.holds, alone.begin, {}, &Span::end);
        for (; hold != other.holds.end() && hold->begin < alone.end; ++hold) {
          shared += std::min(hold->end, alone.end) - std::max(hold->begin, alone.begin);
        }
      };
      std::ranges::for_each(side.readers, add);
      std::ranges::for_each(side.writers, add);
    }
  }
  return shared;
}

// The most readers that ran on CPUs within their sections at the same time.
std::size_t running_readers(const Facts& facts, const Side& side) {
  Overlap overlap;
  for (const Use& reader : side.readers) {
    const auto& intervals = facts.timeline(reader.actor->thread).intervals;
    auto interval = intervals.begin();
    for (const Span& hold : reader.holds) {
      while (interval != intervals.end() && interval->end <= hold.begin) ++interval;
      for (auto part = interval; part != intervals.end() && part->begin < hold.end; ++part) {
        if (part->state != State::kRunning) continue;
        overlap.add(std::max(part->begin, hold.begin), std::min(part->end, hold.end));
      }
    }
  }
  std::size_t most = 0;
  overlap.for_each_stretch([&](Time, Time, std::size_t depth) { most = std::max(most, depth); });
  return most;
}

// When at least one reader was inside, in time order and apart from each other.
std::vector<Span> with_readers(const Side& side) {
  std::vector<Span> all;
  for (const Use& reader : side.readers) {
    all.insert(all.end(), reader.holds.begin(), reader.holds.end());
  }
  std::ranges::sort(all, {}, &Span::begin);
  std::vector<Span> merged;
  for (const Span& hold : all) {
    if (!merged.empty() && hold.begin <= merged.back().end) {
      merged.back().end = std::max(merged.back().end, hold.end);
    } else {
      merged.push_back(hold);
    }
  }
  return merged;
}

// The first moment from `from` on at which no reader is inside.
Time first_without_readers(const std::vector<Span>& with_readers, Time from) {
  const auto span = std::ranges::upper_bound(with_readers, from, {}, &Span::end);
  return span != with_readers.end() && span->begin <= from ? span->end : from;
}

// When a reader may have come in without knowing: the lock is given to all readers that wait when a
// writer leaves, who are still asleep then (a read phase begins: nptl/pthread_rwlock_common.c).
std::vector<std::vector<Span>> possible_stays(const Side& side) {
  std::vector<Time> left;  // by writers
  for (const Use& writer : side.writers) {
    for (const Span& hold : writer.holds) left.push_back(hold.end);
  }
  std::ranges::sort(left);
  std::vector<std::vector<Span>> stays;
  for (const Use& reader : side.readers) {
    std::vector<Span>& own = stays.emplace_back();
    for (std::size_t i = 0; i < reader.holds.size(); ++i) {
      const auto after = std::ranges::upper_bound(left, reader.holds[i].begin);
      Time since = reader.asked[i];
      if (after != left.begin()) since = std::max(since, *(after - 1));
      own.push_back({since, reader.holds[i].end});
    }
  }
  return stays;
}

// When all readers have left who may have been inside at `at`.
Time insiders_gone(const std::vector<std::vector<Span>>& stays, Time at) {
  Time gone = at;
  for (const std::vector<Span>& own : stays) {
    const auto stay = std::ranges::upper_bound(own, at, {}, &Span::end);
    if (stay != own.end() && stay->begin <= at) gone = std::max(gone, stay->end);
  }
  return gone;
}

// The waits of the only writer, in which it had to wait for readers, in the mean.
struct WriterWaits {
  std::uint64_t count = 0;
  double predicted_ms = 0;
  double asleep_ms = 0;
  double awake_ms = 0;  // falling asleep, waking up and getting a CPU: what cannot be resolved
};

WriterWaits writer_waits(const Facts& facts, const Side& side) {
  WriterWaits result;
  if (side.writers.size() != 1) return result;
  const Use& writer = side.writers.front();
  const std::vector<Span> taken = with_readers(side);
  const std::vector<std::vector<Span>> stays = possible_stays(side);
  const auto& intervals = facts.timeline(writer.actor->thread).intervals;
  auto first = intervals.begin();
  for (const Span& wait : writer.waits) {
    const Time until = side.lock == 0 ? first_without_readers(taken, wait.begin)
                                      : insiders_gone(stays, wait.begin);
    Nanos asleep{};
    while (first != intervals.end() && first->end <= wait.begin) ++first;
    for (auto part = first; part != intervals.end() && part->begin < wait.end; ++part) {
      if (part->state != State::kBlocked) continue;
      asleep += std::min(part->end, wait.end) - std::max(part->begin, wait.begin);
    }
    if (until == wait.begin && asleep == Nanos{0}) continue;
    ++result.count;
    result.predicted_ms += static_cast<double>(to_ns(until - wait.begin)) / 1e6;
    result.asleep_ms += static_cast<double>(to_ns(asleep)) / 1e6;
    result.awake_ms += static_cast<double>(to_ns(wait.end - wait.begin - asleep)) / 1e6;
  }
  const auto count = static_cast<double>(std::max<std::uint64_t>(result.count, 1));
  result.predicted_ms /= count;
  result.asleep_ms /= count;
  result.awake_ms /= count;
  return result;
}

Prediction predict_fit(const WorkloadRun& run, const Noise& noise) {
  Expected expected{.name = "values that did not fit",
                    .formula = "0: nobody reads while a writer is inside",
                    .unit = "",
                    .predicted = 0,
                    .measured = run.number("violations")};
  return judge(std::move(expected), noise, {.quiet = false, .lossless = false});
}

Prediction predict_alone(const Facts& facts, const std::vector<Side>& sides, const Noise& noise) {
  Nanos shared{};
  for (const Side& side : sides) shared += beside_writers(side);
  Expected expected{.name = "others beside a writer",
                    .formula = "0, by the markers",
                    .unit = "ms",
                    .predicted = 0,
                    .measured = static_cast<double>(to_ns(shared)) / 1e6};
  return judge(std::move(expected), noise, marker_conditions(facts));
}

Prediction predict_together(const Facts& facts, const WorkloadRun& run,
                            const std::vector<Side>& sides, const Noise& noise) {
  std::size_t most = 0;
  for (const Side& side : sides) most = std::max(most, running_readers(facts, side));
  Expected expected{.name = "readers at once",
                    .formula = "at least 2 run inside of the lock at the same time",
                    .unit = "readers",
                    .predicted = 2,
                    .measured = static_cast<double>(most),
                    .relation = Relation::kAtLeast};
  Conditions conditions = marker_conditions(facts);
  conditions.lossless = true;
  if (run.number("cpus").value_or(0) < 2) conditions.lacking.emplace_back("needs 2 CPUs");
  if (run.actors("reader").size() < 2) conditions.lacking.emplace_back("needs 2 readers");
  return judge(std::move(expected), noise, conditions);
}

Prediction predict_sleep(const Facts& facts, const Side& side, const WriterWaits& waits,
                         const Noise& noise) {
  const bool readers_first = side.lock == 0;
  Expected expected{.name = fmt::format("writer asleep, {} preferred", side.preferred),
                    .formula = readers_first ? "at least until the first moment without a reader"
                                             : "at most until those who were inside have left",
                    .unit = "ms",
                    .predicted = waits.predicted_ms,
                    .measured = waits.asleep_ms,
                    .tolerance = waits.awake_ms,
                    .relation = readers_first ? Relation::kAtLeast : Relation::kAtMost,
                    .note = fmt::format("the mean of {}", wording::count(waits.count, "wait"))};
  Conditions conditions = marker_conditions(facts);
  conditions.quiet = true;
  conditions.samples = waits.count;
  conditions.enough = kEnoughWaits;
  if (side.writers.size() != 1) conditions.lacking.emplace_back("needs one writer: --writers 1");
  return judge(std::move(expected), noise, conditions);
}

std::string milliseconds(double value) {
  return wording::duration(Nanos{static_cast<std::int64_t>(value * 1e6)});
}

}  // namespace

Judgement judge_readers_writers(const Facts& facts, const Noise& noise) {
  const auto run = WorkloadRun::read(facts);
  if (!run) return judgement_without_run(facts, "readers-writers");
  std::vector<Side> sides;
  sides.push_back(read_side(facts, *run, "readers", 0));
  sides.push_back(read_side(facts, *run, "writers", 1));
  std::erase_if(sides, [](const Side& side) { return !side.part; });
  if (sides.empty()) return judgement_without_run(facts, "readers-writers");

  Judgement judgement;
  judgement.workload.ground_truth = run->truth();
  auto& predictions = judgement.workload.predictions;
  predictions.push_back(predict_fit(*run, noise));
  predictions.push_back(predict_alone(facts, sides, noise));
  predictions.push_back(predict_together(facts, *run, sides, noise));
  Finding finding{.id = "readers-writers"};
  std::string waited;
  for (const Side& side : sides) {
    const WriterWaits waits = writer_waits(facts, side);
    predictions.push_back(predict_sleep(facts, side, waits, noise));
    const std::string sentence =
        fmt::format("{} preferred: {}; a writer waited {} asleep (mean)", side.preferred,
                    wording::count(side.operations(), "section"), milliseconds(waits.asleep_ms));
    judgement.workload.headline.push_back(sentence);
    finding.evidence.push_back(fmt::format("{}, and spent {} awake on its way in ({}).", sentence,
                                           milliseconds(waits.awake_ms),
                                           wording::count(waits.count, "wait")));
    waited += fmt::format("{}{} where {} are preferred", waited.empty() ? "" : " and ",
                          milliseconds(waits.asleep_ms), side.preferred);
  }
  finding.verdict = verdict_over(predictions);
  finding.claim = fmt::format("A writer that found readers inside slept for {}.", waited);
  judgement.findings.push_back(std::move(finding));
  return judgement;
}

}  // namespace observe
