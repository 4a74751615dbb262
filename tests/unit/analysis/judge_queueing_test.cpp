// Judges of workloads in which one thread serves what comes by the clock.
#include <cmath>

#include "server_story.h"

namespace observe {
namespace {

using report::FindingVerdict;
using report::PredictionVerdict;

// Items 200 us apart that take 20 us each, one by one and then in batches of `batch`.
struct BatchingRun {
  std::int64_t batch = 4;
  std::int64_t items = 120;  // of each half
  Nanos more_latency{0};     // that the books claim for the second half
  std::int64_t wakes_for_each =
      0;             // of the second half, this many batches are handed over one by one
  Nanos held_up{0};  // by a foreigner, in every item of the first half

  Judgement judged() {
    ServerStory story(false);
    story.timer_late = 5us;
    double latency[2] = {0, 0};
    for (std::int64_t half = 0; half < 2; ++half) {
      story.phase(static_cast<std::uint64_t>(half));
      const std::int64_t size = half == 0 ? 1 : batch;
      const Nanos first = story.now() + 200us;
      for (std::int64_t item = 0; item < items; item += size) {
        std::vector<Customer> customers;
        for (std::int64_t i = item; i < item + size; ++i) {
          customers.push_back({first + 200us * i, 20us, half == 0 ? held_up : Nanos{0}});
        }
        if (half == 1 && item / size < wakes_for_each) {
          for (const Customer& one : customers)
            add(story.serve(one.arrival, {one}), {one}, latency[1]);
        } else {
          add(story.serve(customers.back().arrival, customers), customers, latency[half]);
        }
      }
    }
    const auto n = static_cast<double>(items);
    return story.judged(
        judge_batching, "consumer",
        {{"batch", batch},
         {"apart_ns", std::int64_t{200'000}},
         {"alone_items", items},
         {"alone_late_batches", std::int64_t{0}},
         {"alone_mean_latency_ns", latency[0] / n},
         {"alone_mean_service_ns", 20'000.0},
         {"alone_mean_lateness_ns", 15'000.0},
         {"batched_items", items},
         {"batched_late_batches", std::int64_t{0}},
         {"batched_mean_latency_ns", latency[1] / n + static_cast<double>(to_ns(more_latency))},
         {"batched_mean_service_ns", 20'000.0},
         {"batched_mean_lateness_ns", 15'000.0}});
  }

 private:
  static void add(const std::vector<Nanos>& ends, const std::vector<Customer>& customers,
                  double& latency) {
    for (std::size_t i = 0; i < ends.size(); ++i) {
      latency += static_cast<double>(to_ns(ends[i] - customers[i].arrival));
    }
  }
};

}  // namespace

TEST_CASE("a batch of four waits one and a half intervals more, and is woken for once") {
  const Judgement judgement = BatchingRun{}.judged();
  const auto& extra = prediction_named(judgement, "extra mean latency");
  CHECK(extra.predicted == 330.0);  // 3 (200 + 20) / 2
  CHECK(std::abs(*extra.measured - 330) < 0.001);
  CHECK(extra.tolerance == 15.0);
  CHECK(extra.verdict == PredictionVerdict::kShown);
  CHECK(prediction_named(judgement, "wake-ups per item").measured == 0.25);
  CHECK(prediction_named(judgement, "wake-ups per item").verdict == PredictionVerdict::kShown);
  CHECK(prediction_named(judgement, "wake-ups, one by one").measured == 1.0);
  CHECK(judgement.findings.front().verdict == FindingVerdict::kShown);
  for (const std::string& line : judgement.workload.headline) CHECK(line.size() <= 76);
}

TEST_CASE("a batch that waited longer, or was woken for more often, is refuted") {
  CHECK(
      prediction_named(BatchingRun{.more_latency = 16us}.judged(), "extra mean latency").verdict ==
      PredictionVerdict::kRefuted);
  const Judgement judgement = BatchingRun{.wakes_for_each = 5}.judged();
  CHECK(prediction_named(judgement, "wake-ups per item").verdict == PredictionVerdict::kRefuted);
  CHECK(judgement.findings.front().verdict == FindingVerdict::kCannotTell);
}

TEST_CASE("what disturbs a batching run is known from its events") {
  // Held up in every item by a stranger: the books and the events agree on how long.
  const Judgement judgement = BatchingRun{.held_up = 30us}.judged();
  const auto& extra = prediction_named(judgement, "extra mean latency");
  CHECK(std::abs(*extra.measured - 300) < 0.001);  // 30 us less than without
  CHECK(extra.tolerance == 45.0);
  CHECK(extra.verdict == PredictionVerdict::kShown);
}

TEST_CASE("a batching run of a few batches is inconclusive") {
  CHECK(prediction_named(BatchingRun{.items = 36}.judged(), "extra mean latency").verdict ==
        PredictionVerdict::kInconclusive);
}

namespace {

// Requests 400 us apart, every third one with 700 us of work and the others with 100 us, so that
// some must queue.
struct OpenLoopRun {
  int requests = 150;
  Nanos timer_late{20us};
  Nanos queued{30us};
  Nanos held_up{0};      // by a spinner, in every fifth request
  Nanos unexplained{0};  // that the books have beyond the events
  int unmarked = 0;      // requests in the books without markers

  Judgement judged() {
    ServerStory story;
    story.timer_late = timer_late;
    story.queued = queued;
    double latency = 0;
    double lindley = 0;
    double work = 0;
    Nanos free{};
    for (int i = 0; i < requests; ++i) {
      const Nanos arrival = 1ms + 400us * i;
      const Nanos service = i % 3 == 0 ? 700us : 100us;
      const auto end = story.serve(arrival, {{arrival, service, i % 5 == 0 ? held_up : Nanos{0}}});
      free = std::max(free, arrival) + service;
      lindley += static_cast<double>(to_ns(free - arrival));
      latency += static_cast<double>(to_ns(end.front() - arrival));
      work += static_cast<double>(to_ns(service));
    }
    const auto n = static_cast<double>(std::max(1, requests));
    return story.judged(judge_open_loop, "server",
                        {{"requests", std::int64_t{requests + unmarked}},
                         {"rho", 0.75},
                         {"service_mean_ns", std::int64_t{300'000}},
                         {"exponential", false},
                         {"mean_latency_ns", latency / n + static_cast<double>(to_ns(unexplained))},
                         {"lindley_mean_ns", lindley / n},
                         {"mean_drawn_ns", work / n},
                         {"mean_service_ns", work / n},
                         {"wake_cost_ns", std::int64_t{5'000}}});
  }
};

}  // namespace

TEST_CASE("latency is Lindley's recursion and what the kernel's events add to it") {
  const Judgement judgement = OpenLoopRun{}.judged();
  const auto& latency = prediction_named(judgement, "mean latency");
  // Of three requests the first wakes the server 50 us late, and the two behind it queue.
  CHECK(std::abs(*latency.predicted - *latency.measured) < 0.001);
  CHECK(latency.tolerance > 0);
  CHECK(latency.tolerance < 20);
  CHECK(latency.verdict == PredictionVerdict::kShown);
  CHECK(prediction_named(judgement, "Little's law").verdict == PredictionVerdict::kShown);
  CHECK(prediction_named(judgement, "utilisation").verdict == PredictionVerdict::kShown);
  CHECK(judgement.findings.front().verdict == FindingVerdict::kShown);
  for (const std::string& line : judgement.workload.headline) CHECK(line.size() <= 76);
}

TEST_CASE("a competitor on the server's CPU is part of what the events explain") {
  const Judgement judgement = OpenLoopRun{.held_up = 300us}.judged();
  const auto& latency = prediction_named(judgement, "mean latency");
  CHECK(*latency.measured > 400);
  CHECK(std::abs(*latency.predicted - *latency.measured) < 0.001);
  CHECK(latency.verdict == PredictionVerdict::kShown);
}

TEST_CASE("latency that no event explains refutes the books") {
  const Judgement judgement = OpenLoopRun{.unexplained = 100us}.judged();
  CHECK(prediction_named(judgement, "mean latency").verdict == PredictionVerdict::kRefuted);
  CHECK(prediction_named(judgement, "Little's law").verdict == PredictionVerdict::kRefuted);
  CHECK(judgement.findings.front().claim.find("do not account") != std::string::npos);
}

TEST_CASE("requests without markers, or too few of them, leave the latency open") {
  const auto verdict = [](OpenLoopRun run) {
    return prediction_named(run.judged(), "mean latency").verdict;
  };
  CHECK(verdict({.unmarked = 3}) == PredictionVerdict::kInconclusive);
  CHECK(verdict({.requests = 60}) == PredictionVerdict::kInconclusive);
  CHECK(verdict({.requests = 0, .unmarked = 200}) == PredictionVerdict::kCannotTell);
}

namespace {

// Customers 100 us apart, 150 us of work each, room for two: every third one finds it full.
struct RoomRun {
  int customers = 300;
  Nanos queued{10us};
  std::int64_t more_lost = 0;  // than there are
  double sampling_error = 0.01;
  double rho = 1.5;
  Nanos held_up{0};

  Judgement judged() {
    ServerStory story(false);
    story.queued = queued;
    std::vector<Nanos> waiting;
    int came = 0;
    std::int64_t lost = 0;
    const auto arrival = [](int i) { return 1ms + 100us * i; };
    while (came < customers || !waiting.empty()) {
      const bool idle_before = waiting.empty();
      if (idle_before) waiting.push_back(arrival(came++));
      const Nanos next = waiting.front();
      waiting.erase(waiting.begin());
      const Nanos end = story.serve(next, {{next, 150us, held_up}}).front();
      for (; came < customers && arrival(came) <= end; ++came) {
        if (waiting.size() + 1 < 2) {
          waiting.push_back(arrival(came));
        } else {
          ++lost;
          story.turn_away(arrival(came));
        }
      }
    }
    return story.judged(judge_waiting_room, "barber",
                        {{"room", std::int64_t{2}},
                         {"offered_rho", rho},
                         {"arrivals", std::int64_t{customers}},
                         {"lost", lost + more_lost},
                         {"replay_lost", lost},
                         {"lost_sampling_error", sampling_error},
                         {"mean_service_ns", 150'000.0},
                         {"service_mean_ns", std::int64_t{150'000}},
                         {"mean_latency_ns", 250'000.0},
                         {"clock_cost_ns", std::int64_t{60}}});
  }
};

}  // namespace

TEST_CASE("a room for two loses the customers that the replay loses") {
  const Judgement judgement = RoomRun{}.judged();
  const auto& replayed = prediction_named(judgement, "lost, replayed");
  CHECK(*replayed.measured > 90);
  CHECK(*replayed.predicted == *replayed.measured);
  CHECK(replayed.tolerance < 4);
  CHECK(replayed.verdict == PredictionVerdict::kShown);
  CHECK(prediction_named(RoomRun{.more_lost = 4}.judged(), "lost, replayed").verdict ==
        PredictionVerdict::kRefuted);
  for (const std::string& line : judgement.workload.headline) CHECK(line.size() <= 76);
}

TEST_CASE("the long run's loss is compared within three errors of sampling") {
  // (1 - 1.5) 1.5^2 / (1 - 1.5^3) = 0.474, and one in three was lost.
  const auto of = [](RoomRun run) { return prediction_named(run.judged(), "lost, M/M/1/K"); };
  const auto far = of({});
  CHECK(std::abs(*far.predicted - 0.47368) < 0.0001);
  CHECK(far.verdict == PredictionVerdict::kRefuted);
  CHECK(of({.sampling_error = 0.06}).verdict == PredictionVerdict::kShown);
  CHECK(std::abs(*of({.rho = 1}).predicted - 1.0 / 3) < 1e-9);
  CHECK(of({.rho = 1}).verdict == PredictionVerdict::kShown);
  CHECK(of({.rho = 1, .held_up = 60us}).verdict == PredictionVerdict::kInconclusive);
  CHECK(of({.customers = 150}).verdict == PredictionVerdict::kInconclusive);
}

TEST_CASE(
    "books that are missing or make no sense leave every judge of requests without a verdict") {
  for (const JudgeFunction judge : {judge_batching, judge_open_loop, judge_waiting_room,
                                    judge_thundering_herd, judge_producer_consumer}) {
    ServerStory story;
    story.serve(1ms, {{1ms, 100us}});
    const Judgement judgement = story.judged(
        judge, "server",
        {{"rho", std::nan("")}, {"requests", std::int64_t{-1}}, {"batch", std::string("x")}});
    CHECK(judgement.workload.predictions.empty());
    REQUIRE(judgement.findings.size() == 1);
    CHECK(judgement.findings.front().verdict == FindingVerdict::kCannotTell);
  }
}

}  // namespace observe
