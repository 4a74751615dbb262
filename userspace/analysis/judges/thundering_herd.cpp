// How many waiters were woken for one token, by the kernel's events.
#include <fmt/format.h>

#include <algorithm>

#include "analysis/judges/judge.h"
#include "analysis/judges/prediction.h"
#include "analysis/judges/requests.h"
#include "analysis/judges/wakeups.h"
#include "analysis/judges/workload_run.h"
#include "analysis/wording.h"

namespace observe {
namespace {

using report::Finding;
using wording::decimal;
using wording::duration;

constexpr std::uint64_t kEnoughTokens = 30;

// One half of the run: what the waiters did in it.
struct Half {
  double tokens = 0;
  double wakeups = 0;
  double switches = 0;
  double unknown = 0;  // times at which the recording does not say what a waiter did
  Nanos running{};

  double per_token(double value) const { return value / tokens; }
  Nanos cpu_per_token() const { return running / static_cast<std::int64_t>(tokens); }
};

std::optional<Half> read_half(const Facts& facts, const WorkloadRun& run, const Actor& giver,
                              const char* tokens, std::uint64_t number) {
  const auto given = run.number(tokens);
  const auto part = part_of(facts, giver, number);
  if (!given || *given < 1 || *given > 1e12 || !part) return std::nullopt;
  Half half{.tokens = *given};
  for (const Actor* waiter : run.actors("waiter")) {
    const Conduct conduct = conduct_of(facts, waiter->thread, part->begin, part->end);
    half.wakeups +=
        static_cast<double>(times_woken(facts.timeline(waiter->thread), part->begin, part->end));
    for (const std::uint64_t switches : conduct.switches) {
      half.switches += static_cast<double>(switches);
    }
    half.running += conduct.in(State::kRunning);
    half.unknown +=
        static_cast<double>(times_unknown(facts.timeline(waiter->thread), part->begin, part->end));
  }
  return half;
}

report::Prediction predict_wakeups(const char* name, const char* formula, const Half& half,
                                   double woken, double sleepless, const Noise& noise) {
  // A waiter that the kernel had not yet put to sleep takes its token without a wake-up; the last
  // sleep of each may lie on the edge of the half; and what the recording does not tell may hide
  // one.
  return judge({.name = name,
                .formula = formula,
                .predicted = woken,
                .measured = half.per_token(half.wakeups),
                .tolerance = (sleepless + woken + half.unknown) / half.tokens},
               noise,
               {.quiet = false,
                .samples = static_cast<std::uint64_t>(half.tokens),
                .enough = kEnoughTokens});
}

std::string cost(const Half& half) {
  return fmt::format("{} wake-ups, {} switches and {} of CPU time",
                     decimal(half.per_token(half.wakeups)), decimal(half.per_token(half.switches)),
                     duration(half.cpu_per_token()));
}

Finding verdict(const std::optional<Half>& one, const std::optional<Half>& all, double waiters,
                const std::vector<report::Prediction>& predictions) {
  Finding finding{.id = "thundering-herd", .verdict = verdict_over(predictions)};
  if (one && all) {
    finding.claim = fmt::format(
        "A token that woke all of {:.0f} waiters cost them {}; one that woke one cost {}.", waiters,
        duration(all->cpu_per_token()), duration(one->cpu_per_token()));
  } else {
    finding.claim = fmt::format("A token that woke {} cost {}.",
                                all ? fmt::format("all of {:.0f} waiters", waiters) : "one waiter",
                                cost(all ? *all : *one));
  }
  if (one) finding.evidence.push_back(fmt::format("Notify one: {} per token.", cost(*one)));
  if (all) finding.evidence.push_back(fmt::format("Notify all: {} per token.", cost(*all)));
  return finding;
}

}  // namespace

Judgement judge_thundering_herd(const Facts& facts, const Noise& noise) {
  const auto run = WorkloadRun::read(facts);
  const auto waiters = run ? run->number("waiters") : std::nullopt;
  const auto taken = run ? run->number("taken") : std::nullopt;
  const auto sleepless = run ? run->number("sleepless") : std::nullopt;
  const auto givers = run ? run->actors("giver") : std::vector<const Actor*>{};
  if (!waiters || !taken || !sleepless || givers.empty() || *waiters < 1 || *sleepless < 0 ||
      static_cast<double>(run->actors("waiter").size()) != *waiters) {
    return judgement_without_run(facts, "thundering-herd");
  }
  const auto one = read_half(facts, *run, *givers.front(), "tokens_to_one", 0);
  const auto all = read_half(facts, *run, *givers.front(), "tokens_to_all", 1);
  if (!one && !all) return judgement_without_run(facts, "thundering-herd");

  Judgement judgement;
  judgement.workload.ground_truth = run->truth();
  auto& predictions = judgement.workload.predictions;
  auto& headline = judgement.workload.headline;
  if (one) {
    predictions.push_back(
        predict_wakeups("wake-ups per token, one", "1", *one, 1, *sleepless, noise));
    headline.push_back(fmt::format("notify one: {} wake-ups, {} of CPU a token",
                                   decimal(one->per_token(one->wakeups)),
                                   duration(one->cpu_per_token())));
  }
  if (all) {
    predictions.push_back(
        predict_wakeups("wake-ups per token, all", "n", *all, *waiters, *sleepless, noise));
    headline.push_back(fmt::format("notify all: {} wake-ups, {} of CPU a token",
                                   decimal(all->per_token(all->wakeups)),
                                   duration(all->cpu_per_token())));
  }
  const double given = (one ? one->tokens : 0) + (all ? all->tokens : 0);
  predictions.push_back(judge({.name = "tokens taken",
                               .formula = "each token once",
                               .predicted = given - run->number("left_over").value_or(0),
                               .measured = taken},
                              noise, {.quiet = false, .lossless = false}));
  judgement.findings.push_back(verdict(one, all, *waiters, predictions));
  return judgement;
}

}  // namespace observe
