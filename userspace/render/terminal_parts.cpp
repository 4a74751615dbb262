#include "render/terminal_parts.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/text.h"
#include "render/format.h"

namespace observe::render {
namespace {

struct Verdict {
  std::string_view words;
  Ink ink;
};

Verdict verdict_of(report::FindingVerdict verdict) {
  switch (verdict) {
    case report::FindingVerdict::kShown:
      return {"shown", Ink::kGood};
    case report::FindingVerdict::kConsistent:
      return {"consistent", Ink::kStrong};
    case report::FindingVerdict::kCannotTell:
      break;
  }
  return {"cannot tell", Ink::kDoubtful};
}

Verdict verdict_of(report::PredictionVerdict verdict) {
  switch (verdict) {
    case report::PredictionVerdict::kShown:
      return {"shown", Ink::kGood};
    case report::PredictionVerdict::kRefuted:
      return {"refuted", Ink::kBad};
    case report::PredictionVerdict::kInconclusive:
      return {"inconclusive", Ink::kDoubtful};
    case report::PredictionVerdict::kCannotTell:
      break;
  }
  return {"cannot tell", Ink::kDoubtful};
}

// "and 1 switch", "12 switches"
std::string counted(std::uint64_t n, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count(n), n == 1 ? one : many);
}

std::string with_unit(double value, std::string_view unit) {
  return unit.empty() ? number(value) : fmt::format("{} {}", number(value), unit);
}

Line prediction_line(const report::Prediction& prediction, std::string_view label) {
  constexpr std::size_t kNameColumn = kTextColumn + 14;  // behind "inconclusive"
  const Verdict verdict = verdict_of(prediction.verdict);
  Line line;
  line.add(label, Ink::kDim).column(kTextColumn).add(verdict.words, verdict.ink);
  line.column(kNameColumn).add(prediction.name + " ");
  if (prediction.relation == report::Relation::kAtLeast) line.add("≥");
  if (prediction.relation == report::Relation::kAtMost) line.add("≤");
  line.add(prediction.predicted ? number(*prediction.predicted) : "?");
  if (prediction.predicted && prediction.tolerance > 0) {
    line.add(fmt::format(" ±{}", number(prediction.tolerance, 2)));
  }
  return line.add(prediction.measured ? fmt::format(", measured {}", with_unit(*prediction.measured,
                                                                               prediction.unit))
                                      : ", not measured");
}

// Those that need attention come first, so that no refuted one hides behind the room.
std::vector<const report::Prediction*> by_urgency(const report::Workload& workload) {
  std::vector<const report::Prediction*> predictions;
  for (const report::Prediction& prediction : workload.predictions) {
    predictions.push_back(&prediction);
  }
  const auto urgency = [](const report::Prediction* prediction) {
    switch (prediction->verdict) {
      case report::PredictionVerdict::kRefuted:
        return 0;
      case report::PredictionVerdict::kInconclusive:
      case report::PredictionVerdict::kCannotTell:
        return 1;
      case report::PredictionVerdict::kShown:
        break;
    }
    return 2;
  };
  std::ranges::stable_sort(predictions, {}, urgency);
  return predictions;
}

Lines prediction_lines(const report::Workload& workload, std::size_t columns, std::size_t most) {
  constexpr std::size_t kShownPredictions = 3;
  constexpr std::size_t kReasonLines = 2;
  const std::vector<const report::Prediction*> predictions = by_urgency(workload);
  const std::size_t shown = std::min({predictions.size(), kShownPredictions, most});
  Lines lines;
  for (std::size_t i = 0; i < shown; ++i) {
    lines.push_back(prediction_line(*predictions[i], i == 0 ? "predicted" : ""));
    // Why the first is not shown, where there is room; the JSON has the other reasons too.
    if (i > 0 || predictions[i]->verdict == report::PredictionVerdict::kShown) continue;
    const std::string& reason = predictions[i]->reason;
    const std::size_t room = std::min(kReasonLines, most - shown);
    if (reason.empty() || room == 0) continue;
    for (Line& because : labelled("", Ink::kDim, reason, columns, room)) {
      lines.push_back(std::move(because));
    }
  }
  if (shown > 0 && shown < predictions.size()) {
    lines.back().add(fmt::format(", +{} more", predictions.size() - shown), Ink::kDim);
  }
  return lines;
}

std::string title_of(const report::Run& run) {
  if (run.kind == "system") return "the whole machine";
  if (run.kind != "command" || run.command.empty()) return run.name;
  return fmt::format("{}", fmt::join(run.command, " "));
}

std::string how_it_ended(const report::Run& run) {
  std::string text = duration(run.duration);
  if (run.end_reason == "interrupted") text += ", interrupted";
  if (run.exit_status.value_or(0) != 0) text += fmt::format(", exit status {}", *run.exit_status);
  return text;
}

// What fits of the machine, what matters most for scheduling first.
Line host_line(const report::Host& host, std::size_t columns) {
  std::vector<std::string> parts{fmt::format("Linux {}", host.kernel)};
  parts.push_back(counted(host.cpus_online > 0 ? host.cpus_online : 0, "CPU", "CPUs"));
  if (!host.scheduler.empty()) parts.push_back(host.scheduler);
  if (host.slice) parts.back() += fmt::format(" slice {}", duration(*host.slice));
  if (!host.preempt_model.empty()) parts.push_back(fmt::format("preempt {}", host.preempt_model));
  if (host.hz) parts.push_back(fmt::format("HZ {}", *host.hz));
  if (!host.hypervisor.empty() && host.hypervisor != "none") parts.push_back(host.hypervisor);
  Line line;
  for (const std::string& part : parts) {
    const std::string joined = line.empty() ? part : " · " + part;
    if (!line.empty() && line.width() + text::width(text::sanitise(joined)) > columns) break;
    line.add(joined, Ink::kDim);
  }
  return line;
}

Line wait_line(const report::Summary& summary, std::size_t columns) {
  const report::Percentiles& waits = summary.waits;
  Line line;
  line.add("waits", Ink::kDim).column(kTextColumn);
  if (waits.count == 0) return line.add("none for a CPU");
  line.add(count(waits.count), Ink::kWaiting);
  line.add(fmt::format("  p50 {}  p90 {}  p99 {}  max {}", duration(waits.p50), duration(waits.p90),
                       duration(waits.p99), duration(waits.max)));
  line.add(fmt::format(" at {}", duration(waits.max_at)));
  const std::string who = text::sanitise(fmt::format(" {}", summary.worst_waiter));
  if (line.width() + text::width(who) <= columns) line.add(who, Ink::kDim);
  return line;
}

Line switch_line(const report::Totals& totals) {
  Line line;
  line.add("switches", Ink::kDim).column(kTextColumn);
  line.add(fmt::format("{} = {} preempted + {} yielded + {} blocked", count(totals.switches),
                       count(totals.preempted), count(totals.yielded), count(totals.blocked)));
  const std::uint64_t named = totals.preempted + totals.yielded + totals.blocked;
  if (totals.switches > named)
    line.add(fmt::format(" + {} exited", count(totals.switches - named)));
  return line;
}

Line holder_line(const report::Summary& summary, std::size_t columns) {
  Line line;
  line.add("ran instead", Ink::kDim).column(kTextColumn);
  if (summary.holders.empty()) return line.add("nobody");
  for (std::size_t i = 0; i < summary.holders.size(); ++i) {
    const report::Holder& holder = summary.holders[i];
    const std::string text =
        fmt::format("{}{} {}", i == 0 ? "" : ", ", holder.name.empty() ? "?" : holder.name,
                    duration(holder.time));
    const std::string more = fmt::format(", +{} more", summary.holders.size() - i);
    const bool last = i + 1 == summary.holders.size();
    const std::size_t needed =
        line.width() + text::width(text::sanitise(text)) + (last ? 0 : more.size());
    if (i > 0 && needed > columns) return line.add(more, Ink::kDim);
    line.add(text);
  }
  return line;
}

Line loss_line(const report::Capture& capture) {
  Line line;
  line.add("lost", Ink::kBad).column(kTextColumn);
  line.add(fmt::format("{} ({})", counted(capture.lost, "event", "events"),
                       percent(static_cast<double>(capture.lost),
                               static_cast<double>(capture.lost + capture.events))));
  if (!capture.lost_intervals.empty()) {
    const report::LostInterval& first = capture.lost_intervals.front();
    line.add(fmt::format(" in {}, the first on cpu {} at {}",
                         counted(capture.lost_intervals.size(), "place", "places"), first.cpu,
                         duration(first.from)));
  }
  return line;
}

// What is missing and has no place in time; empty when nothing is.
Line damage_line(const report::Capture& capture) {
  std::string what;
  const auto add = [&what](std::uint64_t n, std::string_view one, std::string_view many) {
    if (n > 0) what += fmt::format("{}{}", what.empty() ? "" : ", ", counted(n, one, many));
  };
  add(capture.damaged_blocks, "damaged block", "damaged blocks");
  add(capture.missed_probe_runs, "missed probe run", "missed probe runs");
  add(capture.markers_lost, "lost marker", "lost markers");
  Line line;
  if (!what.empty()) line.add("missing", Ink::kBad).column(kTextColumn).add(what);
  return line;
}

Line cost_line(const report::Summary& summary) {
  const std::optional<Nanos>& observer = summary.capture.observer_cpu;
  const std::optional<Nanos>& probes = summary.capture.probe_cpu;
  Line line;
  line.add("cost", Ink::kDim).column(kTextColumn);
  if (!observer && !probes) return line.add("not known");
  const auto known = [](const std::optional<Nanos>& time) {
    return time ? duration(*time) : std::string("not known");
  };
  line.add(fmt::format("observer {} + probes {} of CPU time", known(observer), known(probes)));
  if (observer && probes && summary.run.duration > Nanos{0}) {
    const std::int64_t cost = saturating_sum(to_ns(*observer), to_ns(*probes));
    line.add(fmt::format(
        ", {} of one CPU",
        percent(static_cast<double>(cost), static_cast<double>(to_ns(summary.run.duration)))));
  }
  return line;
}

Line agreement_line(const report::KernelAgreement& agreement) {
  Line line;
  line.add("checked", Ink::kDim).column(kTextColumn);
  if (agreement.threads == 0) return line.add("no thread: the kernel's account is missing");
  return line.add(fmt::format("{} against the kernel: worst {}, {} of run time",
                              counted(agreement.threads, "thread", "threads"),
                              with_unit(agreement.worst_switches, "switches"),
                              percent(agreement.worst_run_percent, 100)));
}

// Of the observed threads' lives: from here on it is said, for it shows in no rounded number.
constexpr double kUnknownShare = 0.001;

double unknown_share(const report::Summary& summary) {
  double unknown = 0, lifetime = 0;
  for (const report::RoleSummary& role : summary.roles) {
    unknown += static_cast<double>(to_ns(role.unknown));
    lifetime += static_cast<double>(to_ns(role.lifetime));
  }
  return lifetime > 0 ? unknown / lifetime : 0;
}

Lines failed_check_lines(const report::Summary& summary) {
  Lines lines;
  std::size_t failed = 0;
  for (const report::SelfCheck& check : summary.self_checks) {
    if (check.passed || !check.promised || !check.applicable) continue;
    if (++failed > 1) continue;
    Line& line = lines.emplace_back();
    line.add("failed", Ink::kBad).column(kTextColumn);
    line.add(fmt::format("{}: {} of {} exact, worst {}", check.name, count(check.exact),
                         count(check.checked), with_unit(check.worst, check.unit)));
  }
  if (failed > 1) lines.back().add(fmt::format(", +{} more", failed - 1), Ink::kDim);
  return lines;
}

// The end of a path is what tells it apart.
std::string path_end(std::string_view path, std::size_t columns) {
  std::string shown = text::sanitise(path);
  if (text::width(shown) <= columns) return shown;
  std::string_view rest = shown;
  while (text::width(rest) + 1 > columns && !rest.empty()) text::take_code_point(rest);
  return fmt::format("…{}", rest);
}

}  // namespace

Lines labelled(std::string_view label, Ink ink, std::string_view words, std::size_t columns,
               std::size_t most) {
  const std::size_t room = columns > 2 * kTextColumn ? columns - kTextColumn : columns;
  std::vector<std::string> wrapped = text::wrap(text::sanitise(words), room);
  if (wrapped.size() > most) {
    wrapped.resize(most);
    if (most > 0) wrapped.back() = text::cut(wrapped.back() + " …", room);
  }
  Lines lines;
  for (const std::string& text : wrapped) {
    Line& line = lines.emplace_back();
    if (lines.size() == 1) line.add(label, ink);
    line.column(kTextColumn).add(text);
  }
  return lines;
}

Lines title_lines(const report::Summary& summary, const SummaryOptions& options) {
  const std::size_t columns = options.style.columns;
  const auto targets = static_cast<std::uint64_t>(std::count_if(
      summary.threads.begin(), summary.threads.end(), [](const auto& t) { return t.target; }));
  const std::string right =
      fmt::format("{} · {}", counted(targets, "thread", "threads"), how_it_ended(summary.run));
  const std::size_t right_width = text::width(right);
  const std::size_t room = columns > right_width + 2 ? columns - right_width - 2 : columns;

  Lines lines(2);
  lines[0].add(text::cut(text::sanitise(title_of(summary.run)), room), Ink::kStrong);
  const auto add_parameter = [&](std::string_view name, std::string_view value) {
    const std::string text =
        text::sanitise(fmt::format("  {} {}", name, value.empty() ? "-" : value));
    const bool fits = lines[0].width() + text::width(text) <= room;
    if (fits) lines[0].add(text);
    return fits;
  };
  for (const std::string& name : options.parameters) {
    const auto found = summary.run.parameters.find(name);
    if (found == summary.run.parameters.end()) continue;
    if (!add_parameter(name, found->second)) break;
  }
  if (summary.run.kind == "workload") add_parameter("seed", std::to_string(summary.run.seed));
  if (room < columns) lines[0].column(columns - right_width).add(right);
  lines[1] = host_line(summary.host, columns);
  return lines;
}

Lines verdict_lines(const report::Summary& summary, std::size_t columns, std::size_t most) {
  constexpr std::size_t kClaimLines = 3;
  constexpr std::size_t kHeadlines = 2;
  Lines lines;
  if (!summary.capture.complete) {
    lines = labelled("incomplete", Ink::kBad,
                     summary.run.duration > Nanos{0}
                         ? "the observer was ended, or could not write, before it could close the "
                           "recording; what follows is true up to there"
                         : "the recording was cut short before anything can be told",
                     columns, 2);
  }
  if (!summary.findings.empty()) {
    const report::Finding& finding = summary.findings.front();
    const Verdict verdict = verdict_of(finding.verdict);
    for (Line& line : labelled(verdict.words, verdict.ink, finding.claim, columns, kClaimLines)) {
      lines.push_back(std::move(line));
    }
  }
  if (!summary.workload) return lines;
  const std::vector<std::string>& headline = summary.workload->headline;
  for (std::size_t i = 0; i < std::min(headline.size(), kHeadlines); ++i) {
    for (Line& line : labelled(i == 0 ? "result" : "", Ink::kDim, headline[i], columns, 2)) {
      lines.push_back(std::move(line));
    }
  }
  const std::size_t room = most - std::min(most, lines.size());
  for (Line& line : prediction_lines(*summary.workload, columns, room)) {
    lines.push_back(std::move(line));
  }
  return lines;
}

Lines evidence_lines(const report::Summary& summary, std::size_t columns, std::size_t most) {
  Lines lines;
  if (summary.findings.empty()) return lines;
  for (const std::string& sentence : summary.findings.front().evidence) {
    if (lines.size() == most) break;
    for (Line& line : labelled(lines.empty() ? "evidence" : "", Ink::kDim, sentence, columns,
                               most - lines.size())) {
      lines.push_back(std::move(line));
    }
  }
  return lines;
}

Lines number_lines(const report::Summary& summary, std::size_t columns) {
  Lines lines;
  lines.push_back(wait_line(summary, columns));
  lines.push_back(switch_line(summary.totals));
  Line& moves = lines.emplace_back();
  moves.add("migrations", Ink::kDim).column(kTextColumn);
  moves.add(fmt::format("{} · wake-ups {} · parallelism {:.2f} · concurrency {:.2f}",
                        count(summary.totals.migrations), count(summary.totals.wakeups),
                        summary.totals.parallelism_mean, summary.totals.concurrency_mean));
  lines.push_back(holder_line(summary, columns));
  for (Line& line : user_task_lines(summary, columns)) lines.push_back(std::move(line));
  return lines;
}

Lines trust_lines(const report::Summary& summary, const SummaryOptions& options) {
  const std::size_t columns = options.style.columns;
  std::uint64_t promised = 0, passed = 0, excused = 0, not_possible = 0;
  for (const report::SelfCheck& check : summary.self_checks) {
    if (!check.promised && !check.excused) continue;
    if (!check.applicable) {
      ++not_possible;
      continue;
    }
    ++promised;
    if (check.passed) {
      ++passed;
    } else if (check.excused) {
      ++excused;
    }
  }
  Lines lines(1);
  lines[0].add("trust", Ink::kDim).column(kTextColumn);
  lines[0].add(fmt::format("{}, ", counted(summary.capture.events, "event", "events")));
  lines[0].add(fmt::format("{} lost", count(summary.capture.lost)),
               summary.capture.lost == 0 ? Ink::kGood : Ink::kBad);
  lines[0].add(" · self-checks ");
  lines[0].add(fmt::format("{}/{} passed", passed, promised),
               passed + excused == promised ? Ink::kGood : Ink::kBad);
  if (excused > 0) lines[0].add(fmt::format(", {} excused", excused), Ink::kDoubtful);
  if (not_possible > 0) {
    lines[0].add(fmt::format(", {} not possible", not_possible), Ink::kDoubtful);
  }
  lines.push_back(agreement_line(summary.kernel_agreement));
  if (const double unknown = unknown_share(summary); unknown > kUnknownShare) {
    Line& line = lines.emplace_back();
    line.add("unknown", Ink::kDoubtful).column(kTextColumn);
    line.add(fmt::format("{} of the observed threads' lives", percent(unknown, 1)));
  }
  if (summary.capture.lost > 0) lines.push_back(loss_line(summary.capture));
  if (Line damage = damage_line(summary.capture); damage.width() > 0) lines.push_back(damage);
  for (Line& line : failed_check_lines(summary)) lines.push_back(std::move(line));
  const std::vector<std::string>& notes = summary.capture.notes;
  if (!notes.empty()) {
    Line& line = lines.emplace_back();
    line.add("note", Ink::kDoubtful).column(kTextColumn);
    const std::string more =
        notes.size() > 1 ? fmt::format(" (+{} in JSON)", notes.size() - 1) : "";
    const std::size_t room = columns - std::min(columns, kTextColumn + more.size());
    line.add(text::cut(text::sanitise(notes.front()), room)).add(more, Ink::kDim);
  }
  lines.push_back(cost_line(summary));
  if (options.files.empty()) return lines;
  Line& files = lines.emplace_back();
  files.add("files", Ink::kDim).column(kTextColumn);
  const std::string size = fmt::format("  {}", bytes(summary.capture.recording_bytes));
  const std::size_t room =
      (columns - std::min(columns, kTextColumn + size.size())) / options.files.size();
  for (std::size_t i = 0; i < options.files.size(); ++i) {
    files.add(path_end(options.files[i], room > 2 ? room - 2 : room));
    if (i == 0) files.add(size, Ink::kDim);
    if (i + 1 < options.files.size()) files.add(", ");
  }
  return lines;
}

}  // namespace observe::render
