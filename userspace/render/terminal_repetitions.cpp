#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/format.h"
#include "base/text.h"
#include "render/repetitions.h"
#include "render/terminal_parts.h"

namespace observe::render {
namespace {

// Columns of the table: what, predicted or median, measured or from-to, verdicts.
constexpr std::size_t kFirst = 20, kSecond = 41, kThird = 62;
constexpr std::size_t kReasons = 3;  // of one prediction; the JSON has them all

std::string value(double number_or_ns, std::string_view unit) {
  if (unit == "ns") {
    constexpr double kMost = 9e18;
    return format::duration(
        Nanos{static_cast<std::int64_t>(std::clamp(number_or_ns, -kMost, kMost))});
  }
  return format::number(number_or_ns);
}

std::string range(const report::Spread& spread, std::string_view unit) {
  if (spread.min == spread.max) return "always the same";
  return fmt::format("{} – {}", value(spread.min, unit), value(spread.max, unit));
}

std::string cell(std::string_view words, std::size_t from, std::size_t to) {
  return text::cut(text::sanitise(words), to - from - 1);
}

std::string median(const std::optional<report::Spread>& spread) {
  return spread ? format::number(spread->median) : "-";
}

std::string spread_words(const std::optional<report::Spread>& spread) {
  return spread && spread->min != spread->max ? range(*spread, "") : "";
}

const char* words(report::PredictionVerdict verdict) {
  switch (verdict) {
    case report::PredictionVerdict::kShown:
      return "shown";
    case report::PredictionVerdict::kRefuted:
      return "refuted";
    case report::PredictionVerdict::kInconclusive:
      return "inconclusive";
    case report::PredictionVerdict::kCannotTell:
      break;
  }
  return "cannot tell";
}

Ink ink_of(const report::VerdictCounts& counts) {
  if (counts.refuted > 0) return Ink::kBad;
  return counts.shown == counts.all() ? Ink::kGood : Ink::kDoubtful;
}

// "shown 5/5"; "shown 3, refuted 1, cannot tell 1".
std::string verdict_counts(const report::VerdictCounts& counts) {
  const std::pair<report::PredictionVerdict, std::uint64_t> all[] = {
      {report::PredictionVerdict::kShown, counts.shown},
      {report::PredictionVerdict::kRefuted, counts.refuted},
      {report::PredictionVerdict::kInconclusive, counts.inconclusive},
      {report::PredictionVerdict::kCannotTell, counts.cannot_tell}};
  for (const auto& [verdict, n] : all) {
    if (n > 0 && n == counts.all()) return fmt::format("{} {}/{}", words(verdict), n, n);
  }
  std::vector<std::string> parts;
  for (const auto& [verdict, n] : all) {
    if (n > 0) parts.push_back(fmt::format("{} {}", words(verdict), n));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

void append_prediction(Lines& lines, const report::RepeatedPrediction& row, std::size_t columns) {
  Line& medians = lines.emplace_back();
  medians.add(cell(row.name, 0, kFirst)).column(kFirst).add(median(row.predicted));
  medians.column(kSecond).add(median(row.measured), Ink::kStrong);
  const std::string verdicts = verdict_counts(row.verdicts);
  const bool beside = kThird + text::width(verdicts) <= columns;
  if (beside) medians.column(kThird).add(verdicts, ink_of(row.verdicts));

  const std::string predicted = spread_words(row.predicted), measured = spread_words(row.measured);
  if (!predicted.empty() || !measured.empty() || !row.unit.empty()) {
    Line& spread = lines.emplace_back();
    spread.add("  ").add(cell(row.unit, 2, kFirst), Ink::kDim);
    spread.column(kFirst).add(cell(predicted, kFirst, kSecond), Ink::kDim);
    spread.column(kSecond).add(cell(measured, kSecond, columns + 1), Ink::kDim);
  }
  if (!beside) lines.emplace_back().column(kFirst).add(verdicts, ink_of(row.verdicts));
  for (std::size_t i = 0; i < row.reasons.size(); ++i) {
    if (i == kReasons) {
      lines.emplace_back().column(kFirst).add(
          fmt::format("+{} more in the JSON", row.reasons.size() - i), Ink::kDim);
      break;
    }
    const report::RepeatedReason& reason = row.reasons[i];
    const std::string sentence =
        fmt::format("{} {}: {}", words(reason.verdict), reason.count, reason.reason);
    for (const std::string& part : text::wrap(text::sanitise(sentence), columns - kFirst)) {
      lines.emplace_back().column(kFirst).add(part);
    }
  }
}

void append_heading(Lines& lines, std::string_view first, std::string_view second,
                    std::string_view third, std::string_view fourth) {
  Line& line = lines.emplace_back();
  line.add(first, Ink::kDim).column(kFirst).add(second, Ink::kDim);
  line.column(kSecond).add(third, Ink::kDim);
  if (!fourth.empty()) line.column(kThird).add(fourth, Ink::kDim);
}

Line count_line(const report::Repetitions& repetitions) {
  const std::size_t made = repetitions.summaries.size();
  const auto used = static_cast<std::size_t>(std::ranges::count(repetitions.counted, true));
  Line line;
  line.add("repetitions", Ink::kDim).column(kFirst).add(std::to_string(made), Ink::kStrong);
  if (made < repetitions.asked) line.add(fmt::format(" of {}", repetitions.asked), Ink::kDoubtful);
  if (used < made) {
    line.add(fmt::format("; {} interrupted, and not in the table", made - used), Ink::kDoubtful);
  }
  return line;
}

Line trust_line(const report::Repetitions& repetitions) {
  std::uint64_t events = 0, lost = 0, checks = 0, passed = 0, incomplete = 0;
  for (const report::Summary& run : repetitions.summaries) {
    events += run.capture.events;
    lost += run.capture.lost;
    incomplete += run.capture.complete ? 0 : 1;
    for (const report::SelfCheck& check : run.self_checks) {
      if (!check.promised || !check.applicable) continue;
      ++checks;
      passed += check.passed ? 1 : 0;
    }
  }
  Line line;
  line.add("trust", Ink::kDim)
      .column(kFirst)
      .add(fmt::format("{} events, ", format::count(events)));
  line.add(fmt::format("{} lost", format::count(lost)), lost == 0 ? Ink::kGood : Ink::kBad);
  line.add(" · self-checks ");
  line.add(fmt::format("{}/{} passed", passed, checks), passed == checks ? Ink::kGood : Ink::kBad);
  if (incomplete > 0) line.add(fmt::format(" · {} incomplete", incomplete), Ink::kBad);
  return line;
}

}  // namespace

std::string terminal_repetitions(const report::Repetitions& repetitions,
                                 const SummaryOptions& options) {
  const std::size_t columns = std::max<std::size_t>(options.style.columns, kThird + 10);
  const auto first = std::ranges::find(repetitions.counted, true);
  const auto at = static_cast<std::size_t>(first - repetitions.counted.begin());
  Lines lines = title_lines(repetitions.summaries.at(at), options);
  lines.push_back(count_line(repetitions));
  if (!repetitions.predictions.empty()) {
    lines.emplace_back();
    append_heading(lines, "prediction", "predicted", "measured", "verdicts");
    for (const auto& row : repetitions.predictions) append_prediction(lines, row, columns);
  }
  lines.emplace_back();
  append_heading(lines, "figure", "median", "from – to", "");
  for (const report::RepeatedMetric& metric : repetitions.metrics) {
    Line& line = lines.emplace_back();
    line.add(metric.name)
        .column(kFirst)
        .add(value(metric.spread.median, metric.unit), Ink::kStrong);
    line.column(kSecond).add(range(metric.spread, metric.unit), Ink::kDim);
  }
  lines.emplace_back();
  lines.push_back(trust_line(repetitions));
  for (std::size_t i = 0; i < options.files.size(); ++i) {
    Line& line = lines.emplace_back();
    line.add(i == 0 ? "files" : "", Ink::kDim).column(kFirst).add(options.files[i]);
  }
  return write_lines(lines, options.style);
}

}  // namespace observe::render
