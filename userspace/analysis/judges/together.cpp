#include "analysis/judges/together.h"

#include <fmt/format.h>

#include <algorithm>

namespace observe {
namespace {

// CPU slices in which none of the actors ran.
class Outsiders {
 public:
  Outsiders(const Facts& facts, const std::vector<const Actor*>& actors)
      : facts_(facts), actors_(actors) {}

  // None of them within [begin, end] on that CPU, with the moments themselves.
  bool none_in(Cpu cpu, Time begin, Time end) const {
    if (raw(cpu) >= facts_.timelines.cpus.size()) return false;
    const std::vector<CpuSlice>& slices = facts_.timelines.cpus[raw(cpu)].slices;
    // From the slice that ends at `begin` on: a wait begins where a rival's slice does.
    auto slice = std::ranges::lower_bound(slices, begin, {}, &CpuSlice::end);
    for (; slice != slices.end() && slice->begin <= end; ++slice) {
      if (!is_actor(*slice)) return false;
    }
    return true;
  }

 private:
  bool is_actor(const CpuSlice& slice) const {
    return slice.known && std::ranges::any_of(actors_, [&](const Actor* actor) {
             return actor->thread == slice.thread;
           });
  }

  const Facts& facts_;
  const std::vector<const Actor*>& actors_;
};

}  // namespace

Nanos Together::ran() const {
  Nanos sum{};
  for (const Conduct& conduct : conducts) sum += conduct.in(State::kRunning);
  return sum;
}

Together together(const Facts& facts, const std::vector<const Actor*>& actors) {
  Time begin = facts.trace.begin();
  Time end = facts.trace.end();
  for (const Actor* actor : actors) {
    begin = std::max(begin, actor->begin);
    end = std::min(end, actor->end);
  }
  return together(facts, actors, begin, end);
}

Together together(const Facts& facts, const std::vector<const Actor*>& actors, Time begin,
                  Time end) {
  Together result{.begin = begin, .end = std::max(begin, end)};
  for (const Actor* actor : actors) {
    result.conducts.push_back(conduct_of(facts, actor->thread, result.begin, result.end));
  }
  return result;
}

std::vector<Wait> undisturbed_waits(const Facts& facts, const std::vector<const Actor*>& actors,
                                    const std::vector<Wait>& waits) {
  const Outsiders outsiders(facts, actors);
  std::vector<Wait> kept;
  std::ranges::copy_if(waits, std::back_inserter(kept), [&](const Wait& wait) {
    return wait.parts == 1 && outsiders.none_in(wait.cpu, wait.begin, wait.end);
  });
  return kept;
}

std::vector<RunSlice> undisturbed_slices(const Facts& facts,
                                         const std::vector<const Actor*>& actors,
                                         const std::vector<RunSlice>& slices) {
  const Outsiders outsiders(facts, actors);
  std::vector<RunSlice> kept;
  std::ranges::copy_if(slices, std::back_inserter(kept), [&](const RunSlice& slice) {
    return slice.ended_by == SwitchCause::kPreempted &&
           outsiders.none_in(slice.cpu, slice.begin, slice.end);
  });
  return kept;
}

Conditions undisturbed_conditions(std::size_t undisturbed, std::size_t all, std::uint64_t enough,
                                  std::string_view what) {
  Conditions conditions{.samples = undisturbed, .enough = enough};
  if (undisturbed >= enough || all < enough) return conditions;
  conditions.samples = enough;
  conditions.doubts.push_back(
      fmt::format("threads from outside ran in or beside all but {} of {} {}, and {} are needed",
                  undisturbed, all, what, enough));
  return conditions;
}

std::optional<Nanos> granted_slice(const Actor& actor) {
  constexpr double kLongest = 1e9;  // the kernel grants 100 ms at most
  const auto told = actor.number("slice_ns");
  if (!told || !(*told > 0) || *told > kLongest) return std::nullopt;
  return Nanos{static_cast<std::int64_t>(*told)};
}

std::optional<FairTurn> turn_of(const Facts& facts, std::size_t runnable, const Actor& like) {
  return fair_turn(facts.trace.host(), runnable, granted_slice(like));
}

std::string not_shown(const std::vector<report::Prediction>& predictions) {
  const auto open = std::ranges::find_if(predictions, [](const report::Prediction& one) {
    return one.verdict != report::PredictionVerdict::kShown;
  });
  if (open == predictions.end()) return {};
  return fmt::format(" Not shown: {}{}{}.", open->name, open->reason.empty() ? "" : ": ",
                     open->reason);
}

double milliseconds(Nanos time) { return static_cast<double>(to_ns(time)) / 1e6; }

Nanos from_milliseconds(double value) { return Nanos{static_cast<std::int64_t>(value * 1e6)}; }

std::vector<double> in_milliseconds(const std::vector<Wait>& waits) {
  std::vector<double> values;
  values.reserve(waits.size());
  for (const Wait& wait : waits) values.push_back(milliseconds(wait.length()));
  return values;
}

}  // namespace observe
