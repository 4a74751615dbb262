// What the kernel says about the calling thread, read at both ends of its measured phase.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/fd.h"
#include "base/units.h"
#include "trace/run.h"

namespace observe::workloads {

class ThreadAccount {
 public:
  // Opens /proc/thread-self/schedstat, so that the readings below are few system calls.
  ThreadAccount();

  void begin();
  void end();

  Time began_at() const { return first_.at; }
  Time ended_at() const { return last_.at; }
  Nanos cpu_time() const { return last_.cpu - first_.cpu; }
  // cpu_ns, nvcsw, nivcsw; sched_run_ns, sched_delay_ns, sched_slices where the kernel has them;
  // slice_ns where the kernel tells the slice that it grants this fair thread (from 6.12 on).
  void report(std::map<std::string, Fact>& truth) const;

 private:
  struct Reading {
    Time at;
    Nanos cpu{};
    std::int64_t nvcsw = 0;
    std::int64_t nivcsw = 0;
    bool has_schedstat = false;
    std::int64_t run_ns = 0;
    std::int64_t delay_ns = 0;
    std::int64_t slices = 0;
  };
  void read_kernel(Reading& reading) const;

  UniqueFd schedstat_;
  std::int64_t slice_ns_ = 0;
  Reading first_;
  Reading last_;
};

}  // namespace observe::workloads
