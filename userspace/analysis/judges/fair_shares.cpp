// Whether threads of different weights got the shares that the kernel's table promises.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cmath>

#include "analysis/judges/judge.h"
#include "analysis/judges/prediction.h"
#include "analysis/judges/together.h"
#include "analysis/wording.h"

namespace observe {
namespace {

// kernel/sched/core.c, sched_prio_to_weight: nice -20 to 19, unchanged since Linux 2.6.23.
constexpr std::array<int, 40> kWeights = {
    88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916, 9548, 7620, 6100, 4904,
    3906,  3121,  2501,  1991,  1586,  1277,  1024,  820,   655,   526,   423,  335,  272,  215,
    172,   137,   110,   87,    70,    56,    45,    36,    29,    23,    18,   15};

std::optional<int> weight_of(const Actor& actor) {
  const auto nice = actor.number("nice");
  if (!nice || !(*nice >= -20 && *nice <= 19)) return std::nullopt;
  return kWeights[static_cast<std::size_t>(*nice + 20)];
}

struct Member {
  int nice = 0;
  int weight = 0;
  double share = 0;  // of the CPU time of all, measured
};

std::string name_of(const std::vector<Member>& members, std::size_t position) {
  std::size_t alike = 0;
  for (const Member& one : members) alike += one.nice == members[position].nice ? 1 : 0;
  std::string name = fmt::format("share of nice {}", members[position].nice);
  if (alike > 1) name += fmt::format(" (thread {})", position);
  return name;
}

}  // namespace

Judgement judge_fair_shares(const Facts& facts, const Noise& noise) {
  const auto run = WorkloadRun::read(facts);
  if (!run || run->actors().size() < 2) return judgement_without_run(facts, "fair-shares");
  std::vector<const Actor*> actors;
  std::vector<Member> members;
  double weights = 0;
  for (const Actor& actor : run->actors()) {
    const auto weight = weight_of(actor);
    if (!weight) return judgement_without_run(facts, "fair-shares");
    actors.push_back(&actor);
    members.push_back({.nice = static_cast<int>(*actor.number("nice")), .weight = *weight});
    weights += *weight;
  }
  const Together all = together(facts, actors);
  for (std::size_t i = 0; i < members.size(); ++i) {
    members[i].share = wording::share(all.ran(i), all.ran());
  }

  Conditions conditions;
  if (run->fact<bool>("nice_refused").value_or(false)) {
    conditions.lacking.emplace_back("needs CAP_SYS_NICE for a negative nice value");
  }
  const auto turn = turn_of(facts, actors.size(), *actors.front());
  if (!turn) conditions.lacking.push_back(why_no_fair_turn(facts.trace.host()));
  if (run->cpus().size() > 1) conditions.doubts.emplace_back("they ran on several CPUs");

  Judgement judgement;
  judgement.workload.ground_truth = facts.trace.workload()->truth;
  auto& predictions = judgement.workload.predictions;
  std::vector<std::string> shares;
  for (std::size_t i = 0; i < members.size(); ++i) {
    Expected share{.name = name_of(members, i),
                   .formula = "weight / Σ weights, to 2 · turn / time",
                   .unit = "%",
                   .predicted = 100 * members[i].weight / weights};
    if (all.ran() > Nanos{0}) share.measured = 100 * members[i].share;
    // At both ends a thread may be a turn ahead of its share, or behind it.
    if (turn && all.ran() > Nanos{0}) {
      share.tolerance = 100 * 2 * milliseconds(turn->turn) / milliseconds(all.ran());
    }
    predictions.push_back(judge(std::move(share), noise, conditions));
    shares.push_back(fmt::format("nice {} had {:.1f} %", members[i].nice, 100 * members[i].share));
  }
  report::Finding finding{.id = "fair-shares", .verdict = verdict_over(predictions)};
  constexpr std::size_t kNamed = 4;
  const bool all_named = shares.size() <= kNamed;
  if (!all_named) shares.resize(kNamed);
  finding.claim =
      fmt::format("Of the CPU time {}{}.", fmt::join(shares, ", "), all_named ? "" : ", and so on");
  finding.claim += not_shown(predictions);
  for (std::size_t i = 0; i < members.size(); ++i) {
    const Conduct& conduct = all.conducts[i];
    finding.evidence.push_back(
        fmt::format("{}: nice {} weighs {}; {} turns, {} running, longest wait {:.1f} ms.",
                    wording::thread(facts, actors[i]->thread), members[i].nice, members[i].weight,
                    conduct.slices.size(), wording::duration(all.ran(i)),
                    quantile(in_milliseconds(conduct.waits), 1)));
  }
  judgement.workload.headline = {
      fmt::format("{}", fmt::join(shares, ", ")),
      fmt::format("{} of CPU time shared by {}", wording::duration(all.ran()),
                  wording::count(members.size(), "thread"))};
  if (judgement.workload.headline.front().size() > 64)
    judgement.workload.headline.erase(judgement.workload.headline.begin());
  judgement.findings.push_back(std::move(finding));
  return judgement;
}

}  // namespace observe
