// A recorded run of a workload as its judge reads it: facts by name and type, and what the kernel's
// events say of each of its threads within that thread's measured phase. A recording may come from
// anywhere: a fact may be missing or make no sense, and then it is nothing.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/latency.h"
#include "analysis/timelines.h"

namespace observe {

// The fact of that name, if it is of that type.
template <class T>
std::optional<T> fact_of(const std::map<std::string, Fact>& truth, std::string_view name) {
  const auto found = truth.find(std::string(name));
  if (found == truth.end()) return std::nullopt;
  const T* value = std::get_if<T>(&found->second);
  return value != nullptr ? std::optional<T>(*value) : std::nullopt;
}

// A fact of either number type; nothing where it is not finite.
std::optional<double> number_of(const std::map<std::string, Fact>& truth, std::string_view name);

struct RunSlice {
  Time begin;
  Time end;
  Cpu cpu{};
  SwitchCause ended_by = SwitchCause::kPreempted;
  Nanos length() const { return end - begin; }
};

// What a thread did within its phase. Times are clipped to the phase; waits and slices are those
// that lie in it whole.
struct Conduct {
  std::array<Nanos, kStates> by_state{};
  std::array<std::uint64_t, kSwitchCauses> switches{};
  std::uint64_t wakeups = 0;  // waits that began with a wake-up
  std::uint64_t migrations = 0;
  std::vector<Cpu> cpus;  // that it ran on, sorted
  std::vector<Wait> waits;
  std::vector<RunSlice> slices;

  Nanos in(State state) const { return by_state[raw(state)]; }
  std::uint64_t switches_by(SwitchCause cause) const { return switches[raw(cause)]; }
};

struct Actor {
  ThreadRef thread = kNoThread;
  std::uint16_t lane = 0;  // of its markers
  Time begin;              // of its phase
  Time end;
  std::string_view role;
  const std::map<std::string, Fact>* truth = nullptr;
  Conduct conduct;

  Nanos phase() const { return end - begin; }
  std::optional<double> number(std::string_view name) const { return number_of(*truth, name); }
};

// What the thread did from `begin` to `end`, for judges of workloads with several phases.
Conduct conduct_of(const Facts& facts, ThreadRef thread, Time begin, Time end);

// The threads that ran at the same time, for two or more of them, from `begin` to `end`.
Nanos time_together(const Facts& facts, const std::vector<Actor>& actors, Time begin, Time end);

class WorkloadRun {
 public:
  // Nothing when the workload told no results, or one of its threads is not in the recording.
  static std::optional<WorkloadRun> read(const Facts& facts);

  const std::vector<Actor>& actors() const { return actors_; }  // by lane
  std::vector<const Actor*> actors(std::string_view role) const;
  const std::map<std::string, Fact>& truth() const { return *truth_; }
  std::optional<double> number(std::string_view name) const { return number_of(*truth_, name); }
  template <class T>
  std::optional<T> fact(std::string_view name) const {
    return fact_of<T>(*truth_, name);
  }
  Time begin() const { return begin_; }  // the gate opened
  Time end() const { return end_; }      // all were told to stop

  // Over all actors.
  std::uint64_t switches_by(SwitchCause cause) const;
  Nanos in(State state) const;
  std::uint64_t migrations() const;
  std::vector<Cpu> cpus() const;  // that they ran on, sorted

 private:
  std::vector<Actor> actors_;
  const std::map<std::string, Fact>* truth_ = nullptr;
  Time begin_;
  Time end_;
};

// The thread that had this tid in its phase: tids are used again. kNoThread: not in the recording.
ThreadRef thread_of(const Facts& facts, const WorkloadThread& told);

// Markers of one thread in time order, of one kind or of all.
std::vector<Marker> markers_of(const Facts& facts, const Actor& actor,
                               std::optional<MarkerKind> kind = std::nullopt);

// By nearest rank, `share` from 0 to 1; 0 for no values. Sorts a copy.
double quantile(std::vector<double> values, double share);
double mean(const std::vector<double>& values);  // 0 for none

}  // namespace observe
