// Two threads that hand a byte back and forth: on one CPU, and across two.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/fd.h"
#include "workloads/frame/clock.h"
#include "workloads/frame/stage.h"
#include "workloads/specs.h"

namespace observe::workloads {
namespace {

constexpr Default kDefaults[] = {{"duration", "600ms"}};

constexpr Role kRoles[] = {{"ping", "sends a byte and waits until it comes back"},
                           {"pong", "waits for a byte and sends it back"}};

constexpr PredictionSpec kPredictions[] = {
    {"switches per round trip", "2 on one CPU", "events were lost, or fewer than 100 round trips"},
    {"round trip across CPUs", "no shorter than on one", "a disturbed machine, or too few of them"},
};

constexpr std::string_view kExplanation =
    R"(THE IDEA. Two tasks that only ever wait for each other have nothing to gain from a
second CPU: never more than one of them has work. What it costs to hand over
decides. On one CPU that is a switch. Across CPUs it is a wake-up of another CPU,
which may be asleep and must first be told.

WHAT IT DOES. Thread `ping` writes a byte into a pipe and waits for it to come back
through another one; `pong` sends it back. For the first half of --duration both
are pinned to the first CPU, for the second half each to its own. With --ops there
are that many round trips in each half. The two phases are marked in the recording.

THE PREDICTION. On one CPU a round trip is exactly two switches: from ping to pong,
and back, whoever wakes or preempts whom. Only a tick of the clock that hits a
thread between sending and waiting can add two, so a few in a thousand round trips
may have four. Across two CPUs a round trip is no shorter than on one, however fast
the second CPU is.

How long a round trip takes is a property of the machine, so it is measured: the
mean of all, under observation, which adds some tenths of a microsecond to every
switch and wake-up. In a virtual machine waking an idle CPU takes a trip through
the hypervisor, and the difference is large.

WHAT TO LOOK FOR
  1. observe --workload ping-pong
     How long is a round trip in each phase? How many CPUs are at work meanwhile?
  2. Look at the waits in the second half: how long from the wake-up to running?
  3. the same with --policy fifo:10
     Real-time threads preempt at once. Are there still two switches?
  4. Write down what a pipeline of two stages would need in order to gain from two
     CPUs. Then run `producer-consumer` with a larger buffer.)";

struct Pipe {
  UniqueFd reader;
  UniqueFd writer;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return fail(error_from_errno("make a pipe", errno));
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

// What the byte says.
enum class Message : std::uint8_t { kBall, kNextPhase, kOver };

Result<void> send(const UniqueFd& writer, Message message) {
  while (write(writer.get(), &message, 1) != 1) {
    if (errno != EINTR) return fail(error_from_errno("write into a pipe", errno));
  }
  return {};
}

Result<Message> receive(const UniqueFd& reader) {
  Message message{};
  while (true) {
    const ssize_t length = read(reader.get(), &message, 1);
    if (length == 1) return message;
    if (length == 0) {
      return fail(Error{.action = "read from a pipe", .reason = "it is closed", .advice = {}});
    }
    if (errno != EINTR) return fail(error_from_errno("read from a pipe", errno));
  }
}

struct Phase {
  std::string_view name;
  Cpu ping{};
  Cpu pong{};
};

class Game {
 public:
  Game(Pipe there, Pipe back, std::vector<Phase> phases, std::optional<Nanos> duration)
      : there_(std::move(there)),
        back_(std::move(back)),
        phases_(std::move(phases)),
        duration_(duration) {}

  Result<void> ping(Worker& worker) {
    for (std::size_t i = 0; i < phases_.size(); ++i) {
      // Both have moved before the phase begins: the first message is answered only then.
      if (auto moved = move_to(std::array{phases_[i].ping}); !moved) {
        return give_up(there_.writer, moved);
      }
      if (auto met = round_trip(Message::kNextPhase); !met) return met;
      worker.mark(MarkerKind::kPhase, i, 0);
      if (auto played = play(worker, phases_[i]); !played) return played;
    }
    worker.mark(MarkerKind::kPhase, phases_.size(), 0);
    return round_trip(Message::kOver);
  }

  Result<void> pong(Worker&) {
    std::size_t phase = 0;
    while (true) {
      const auto message = receive(there_.reader);
      if (!message) return fail(message.error());
      if (*message == Message::kNextPhase) {
        const Cpu own = phases_[phase++].pong;
        if (auto moved = move_to(std::array{own}); !moved) return give_up(back_.writer, moved);
      }
      if (auto sent = send(back_.writer, *message); !sent) return sent;
      if (*message == Message::kOver) return {};
    }
  }

 private:
  Result<void> round_trip(Message message) {
    if (auto sent = send(there_.writer, message); !sent) return sent;
    const auto answer = receive(back_.reader);
    if (!answer) return fail(answer.error());
    return {};
  }

  // Closes this thread's way to the other one, which must not wait for ever.
  static Result<void> give_up(UniqueFd& writer, Result<void> error) {
    writer.reset();
    return error;
  }

  Result<void> play(Worker& worker, const Phase& phase) {
    std::int64_t trips = 0;
    const Time begin = now();
    std::optional<Time> until;
    if (duration_) until = begin + *duration_ / static_cast<std::int64_t>(phases_.size());
    Time last = begin;
    Nanos shortest = Nanos::max();
    while (!worker.stopping()) {
      if (worker.operations() ? trips >= *worker.operations() : last >= *until) break;
      if (auto done = round_trip(Message::kBall); !done) return done;
      const Time end = now();
      shortest = std::min(shortest, end - last);
      last = end;
      ++trips;
    }
    worker.fact(fmt::format("{}_round_trips", phase.name), trips);
    if (trips == 0) return {};
    worker.fact(fmt::format("{}_rtt_ns", phase.name),
                static_cast<double>(to_ns(last - begin)) / static_cast<double>(trips));
    worker.fact(fmt::format("{}_shortest_rtt_ns", phase.name), to_ns(shortest));
    return {};
  }

  Pipe there_;
  Pipe back_;
  const std::vector<Phase> phases_;
  const std::optional<Nanos> duration_;
};

std::int64_t thread_count(const Values&) { return 2; }

Result<void> validate(const Values& values, const Machine&) {
  if (values.integer("threads") != 2) {
    return fail(usage_error("use --threads", "a game of ping-pong has two"));
  }
  if (scheduling_of(values).place == Place::kFree) return {};
  return fail(usage_error("use --place",
                          "this workload places its threads itself: first on one "
                          "CPU, then on two",
                          "choose the CPUs with --cpus"));
}

Result<void> run(const Values& values, Stage& stage) {
  const std::vector<Cpu>& cpus = stage.scheduling().cpus;
  std::vector<Phase> phases{{"one_cpu", cpus.front(), cpus.front()}};
  if (cpus.size() > 1) phases.push_back({"two_cpus", cpus[0], cpus[1]});
  auto there = make_pipe();
  auto back = make_pipe();
  if (!there) return fail(there.error());
  if (!back) return fail(back.error());
  std::optional<Nanos> duration;
  if (!values.has("ops")) duration = values.duration("duration");
  Game game(*std::move(there), *std::move(back), std::move(phases), duration);
  std::vector<ThreadPlan> plans{
      {"ping", [&game](Worker& worker) { return game.ping(worker); }},
      {"pong", [&game](Worker& worker) { return game.pong(worker); }},
  };
  if (auto done = stage.perform(std::move(plans)); !done) return done;
  for (const auto& [name, value] : stage.threads().front().truth) {
    if (name.starts_with("one_cpu_") || name.starts_with("two_cpus_")) stage.fact(name, value);
  }
  return {};
}

}  // namespace

Spec ping_pong() {
  return {.name = "ping-pong",
          .idea = "Concurrency and parallelism",
          .summary = "two threads hand a byte back and forth, on one CPU and across two",
          .explanation = kExplanation,
          .parameters = {},
          .defaults = kDefaults,
          .roles = kRoles,
          .predictions = kPredictions,
          .thread_count = thread_count,
          .rights = nullptr,
          .validate = validate,
          .run = run};
}

}  // namespace observe::workloads
