// What a thread gets that yields beside one that does not.
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

#include "analysis/judges/judge.h"
#include "analysis/judges/prediction.h"
#include "analysis/judges/together.h"
#include "analysis/judges/yield_rule.h"
#include "analysis/wording.h"

namespace observe {
namespace {

struct Version {
  int major = 0, minor = 0, patch = 0;
};

// "6.18.44-fc-v509"; a missing patch level is 0.
std::optional<Version> version_of(std::string_view release) {
  Version version;
  const char* at = release.data();
  const char* const end = at + release.size();
  bool first = true;
  for (int* part : {&version.major, &version.minor, &version.patch}) {
    if (!first && (at == end || *at != '.'))
      return part == &version.patch ? std::optional(version) : std::nullopt;
    if (!first) ++at;
    const auto [stop, error] = std::from_chars(at, end, *part);
    if (error != std::errc{}) return std::nullopt;
    at = stop;
    first = false;
  }
  return version;
}

}  // namespace

bool yield_forfeits_slice(const HostInfo& host) {
  if (host.scheduler != "EEVDF") return false;
  const auto version = version_of(host.kernel);
  if (!version) return false;
  // Stable kernels that have it too: 6.6.120; 6.12 and 6.18 a release earlier than said here, to be
  // on the safe side.
  struct Row {
    int major, minor, patch;
  };
  constexpr std::array<Row, 3> kStable = {{{6, 6, 120}, {6, 12, 64}, {6, 18, 3}}};
  for (const Row& row : kStable) {
    if (version->major == row.major && version->minor == row.minor) {
      return version->patch >= row.patch;
    }
  }
  return version->major > 6 || (version->major == 6 && version->minor >= 19);
}

YieldShare yield_share(double unit, double slice) {
  const double charged = unit / (unit + slice);
  const double owed = unit * slice / (slice * slice + unit * unit);
  return {.share = (charged + owed) / 2, .spread = std::abs(owed - charged) / 2};
}

namespace {

struct SharedCpu {
  Together all;
  double unit_ms = 0;
  std::optional<FairTurn> turn;
  double share = 0;
};

report::Prediction predict_share(const Facts& facts, const SharedCpu& shared, const Noise& noise) {
  const HostInfo& host = facts.trace.host();
  Conditions conditions;
  Expected share{.name = "share", .formula = "u / (u + s)", .unit = "%"};
  if (shared.all.ran() > Nanos{0}) share.measured = 100 * shared.share;
  if (!yield_forfeits_slice(host)) {
    conditions.lacking.push_back(fmt::format(
        "a yield does not forfeit the slice in this kernel ({}, {}): measured, not judged",
        host.kernel, host.scheduler));
  } else if (!shared.turn) {
    conditions.lacking.push_back(why_no_fair_turn(host));
  } else if (shared.unit_ms > milliseconds(shared.turn->slice)) {
    conditions.lacking.emplace_back(
        "the unit is longer than the slice: it is preempted before it "
        "yields");
  } else {
    const double slice = milliseconds(shared.turn->slice);
    const YieldShare predicted = yield_share(shared.unit_ms, slice);
    share.predicted = 100 * predicted.share;
    // The two bounds; what the work unit may be off; and a turn ahead or behind at both ends.
    share.tolerance = 100 * (predicted.spread + noise_limits::kCalibrationError * predicted.share);
    if (shared.all.ran() > Nanos{0}) {
      share.tolerance += 100 * 2 * milliseconds(shared.turn->turn) / milliseconds(shared.all.ran());
    }
  }
  return judge(std::move(share), noise, conditions);
}

}  // namespace

Judgement judge_yield_vs_spin(const Facts& facts, const Noise& noise) {
  const auto run = WorkloadRun::read(facts);
  if (!run) return judgement_without_run(facts, "yield-vs-spin");
  std::vector<const Actor*> actors = run->actors("yielder");
  const std::vector<const Actor*> spinners = run->actors("spinner");
  const auto unit = run->number("unit_ns");
  if (actors.size() != 1 || spinners.size() != 1 || !unit || !(*unit > 0) || *unit > 1e12) {
    return judgement_without_run(facts, "yield-vs-spin");
  }
  actors.push_back(spinners.front());
  SharedCpu shared{.all = together(facts, actors), .unit_ms = *unit / 1e6};
  shared.turn = turn_of(facts, actors.size(), *actors.front());
  shared.share = wording::share(shared.all.ran(0), shared.all.ran());

  const Conduct& yielder = actors.front()->conduct;
  const std::uint64_t yields = yielder.switches_by(SwitchCause::kYielded);
  const std::uint64_t preemptions = yielder.switches_by(SwitchCause::kPreempted);
  const auto involuntary = actors.front()->number("nivcsw");

  Judgement judgement;
  judgement.workload.ground_truth = facts.trace.workload()->truth;
  auto& predictions = judgement.workload.predictions;
  predictions.push_back(predict_share(facts, shared, noise));
  // The two readings of getrusage lie within the phase; one switch may fall between.
  predictions.push_back(judge({.name = "involuntary",
                               .formula = "yields + preemptions",
                               .unit = "switches",
                               .predicted = static_cast<double>(yields + preemptions),
                               .measured = involuntary,
                               .tolerance = 2},
                              noise, {.quiet = false}));

  report::Finding finding{.id = "yield-vs-spin", .verdict = verdict_over(predictions)};
  finding.claim =
      fmt::format("The thread that yields got {:.1f} % of the CPU, the one that does not {:.1f} %.",
                  100 * shared.share, 100 * (1 - shared.share));
  finding.claim += not_shown(predictions);
  finding.evidence.push_back(fmt::format(
      "The yielder was switched out {} by its own yield and {} by preemption; getrusage calls all "
      "of these involuntary, since the thread stayed runnable.",
      wording::count(yields, "time"), wording::number(preemptions)));
  judgement.workload.headline = {
      fmt::format("yielder {:.2f} %, spinner {:.2f} % of {}", 100 * shared.share,
                  100 * (1 - shared.share), wording::duration(shared.all.ran())),
      fmt::format("{} yields that switched", wording::number(yields))};
  judgement.findings.push_back(std::move(finding));
  return judgement;
}

}  // namespace observe
