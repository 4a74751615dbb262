// The drawn part of the terminal summary: a state bar per role, a line per CPU.
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include <fmt/format.h>

#include "base/text.h"
#include "render/format.h"
#include "render/terminal_parts.h"

namespace observe::render {
namespace {

constexpr std::size_t kRoleColumns = 22;
constexpr std::size_t kBarColumns = 32;
constexpr std::size_t kPermille = 1000;  // shares are shown with one digit of per cent

// The states of a bar, in its order. Waking up (between the waker's decision and the run queue)
// and what is unknown are mostly nothing, and then have no column.
enum Part : std::size_t { kRun, kWait, kBlock, kWaking, kUnknown, kParts };
constexpr std::size_t kAlways = kWaking;  // the parts before it
struct PartLook {
  Ink ink;
  std::string_view sign;
  std::string_view name;    // in the legend
  std::string_view column;  // above the shares, six columns wide
};
constexpr std::array<PartLook, kParts> kLooks{{{Ink::kRunning, "█", "run", "   run"},
                                               {Ink::kWaiting, "▒", "wait for CPU", "  wait"},
                                               {Ink::kBlocked, "░", "block", " block"},
                                               {Ink::kPlain, "▪", "waking", "  wake"},
                                               {Ink::kUnknown, "┄", "unknown", "     ?"}}};
constexpr std::size_t kShareColumns = 6;

struct Bar {
  std::string name;
  std::uint64_t threads = 0;
  std::array<std::int64_t, kParts> ns{};
};

Bar bar_of(const report::RoleSummary& role) {
  return {.name = role.role,
          .threads = role.threads,
          .ns = {to_ns(role.run), to_ns(role.wait), to_ns(role.blocked), to_ns(role.wake_delay),
                 to_ns(role.unknown)}};
}

// Who wanted the CPU most comes first: of a whole machine most roles only sleep.
std::vector<Bar> bars_of(const report::Summary& summary, std::size_t rows) {
  std::vector<Bar> bars;
  for (const report::RoleSummary& role : summary.roles) bars.push_back(bar_of(role));
  std::ranges::stable_sort(bars, std::greater{}, [](const Bar& bar) {
    return static_cast<double>(bar.ns[kRun]) + static_cast<double>(bar.ns[kWait]);
  });
  if (bars.size() <= rows) return bars;
  Bar rest{.name = fmt::format("+{} more", bars.size() - (rows - 1))};
  for (std::size_t i = rows - 1; i < bars.size(); ++i) {
    rest.threads += bars[i].threads;
    for (std::size_t part = 0; part < kParts; ++part) {
      rest.ns[part] = saturating_sum(rest.ns[part], bars[i].ns[part]);
    }
  }
  bars.resize(rows - 1);
  bars.push_back(std::move(rest));
  return bars;
}

std::string permille(int value) { return fmt::format("{:5.1f}", value / 10.0); }

// Which parts have a column, and how much room that leaves for the bars.
struct Columns {
  std::array<bool, kParts> shown{};
  std::size_t bar = kBarColumns;
};

Columns columns_of(const std::vector<Bar>& bars) {
  Columns columns;
  for (std::size_t part = 0; part < kParts; ++part) {
    columns.shown[part] =
        part < kAlways || std::any_of(
                              bars.begin(), bars.end(),
                              [part](const Bar& bar) {
                                return apportion(bar.ns, static_cast<int>(kPermille))[part] > 0;
                              });
  }
  // Room for one more than always; a fifth comes out of the bar.
  if (columns.shown[kWaking] && columns.shown[kUnknown]) columns.bar -= kShareColumns;
  return columns;
}

Line bar_line(const Bar& bar, const Columns& columns) {
  Line line;
  const std::string threads = fmt::format(" ×{}", count(bar.threads));
  const std::size_t room = kRoleColumns - 1 - text::width(threads);
  line.add(text::cut(text::sanitise(bar.name.empty() ? "?" : bar.name), room))
      .add(threads, Ink::kDim);
  line.column(kRoleColumns);
  const std::vector<int> cells = apportion(bar.ns, static_cast<int>(columns.bar));
  for (std::size_t part = 0; part < kParts; ++part) {
    std::string signs;
    for (int i = 0; i < cells[part]; ++i) signs += kLooks[part].sign;
    line.add(signs, kLooks[part].ink);
  }
  line.column(kRoleColumns + columns.bar);
  const std::vector<int> shares = apportion(bar.ns, static_cast<int>(kPermille));
  for (std::size_t part = 0; part < kParts; ++part) {
    if (!columns.shown[part]) continue;
    line.add(" ").add(permille(shares[part]), kLooks[part].ink);
  }
  return line.add(" %", Ink::kDim);
}

Line legend_line(const Columns& columns) {
  // Beside the bars while it fits there; with more parts it begins further left.
  const bool more = columns.shown[kWaking] || columns.shown[kUnknown];
  Line line;
  line.add("states", Ink::kDim).column(more ? kTextColumn - 4 : kRoleColumns);
  bool first = true;
  for (std::size_t part = 0; part < kParts; ++part) {
    if (!columns.shown[part]) continue;
    const PartLook& look = kLooks[part];
    if (!first) line.add(more ? " " : "  ");
    first = false;
    line.add(fmt::format("{} {}", look.sign, more && part == kWait ? "wait" : look.name), look.ink);
  }
  line.column(kRoleColumns + columns.bar);
  for (std::size_t part = 0; part < kParts; ++part) {
    if (!columns.shown[part]) continue;
    line.add(fmt::format("{:>{}}", kLooks[part].column, kShareColumns), kLooks[part].ink);
  }
  return line;
}

// Mean of the parts of `series` that fall to each of `cells` equal parts of the window.
std::vector<double> resampled(const std::vector<double>& series, std::size_t cells) {
  std::vector<double> out;
  if (series.empty()) return out;
  for (std::size_t cell = 0; cell < cells; ++cell) {
    const std::size_t begin = cell * series.size() / cells;
    const std::size_t end = std::max(begin + 1, (cell + 1) * series.size() / cells);
    double sum = 0;
    for (std::size_t i = begin; i < end; ++i) sum += std::isfinite(series[i]) ? series[i] : 0;
    out.push_back(sum / static_cast<double>(end - begin));
  }
  return out;
}

std::string_view level(double utilisation) {
  static constexpr std::array<std::string_view, 8> kLevels{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const double inside = std::clamp(std::isfinite(utilisation) ? utilisation : 0.0, 0.0, 1.0);
  return kLevels[std::min<std::size_t>(7, static_cast<std::size_t>(inside * 8))];
}

std::string sparkline(const std::vector<double>& series, std::size_t cells) {
  std::string out;
  for (const double value : resampled(series, cells)) out += level(value);
  return out;
}

double mean(const std::vector<double>& series) {
  const std::vector<double> all = resampled(series, 1);
  return all.empty() ? 0 : all.front();
}

double busy_share(const report::CpuSummary& cpu) {
  const std::int64_t whole = saturating_sum(to_ns(cpu.busy), to_ns(cpu.idle));
  return whole > 0 ? static_cast<double>(to_ns(cpu.busy)) / static_cast<double>(whole) : 0;
}

std::string cpu_numbers(const report::CpuSummary& cpu, bool ours) {
  std::string numbers = fmt::format("busy {:>7}", percent(busy_share(cpu), 1));
  if (ours) numbers += fmt::format("  ours {:>7}", percent(mean(cpu.target_utilisation), 1));
  return numbers +
         fmt::format("  queue {} max {}", number(cpu.queue_mean, 3), count(cpu.queue_max));
}

// One CPU a line: utilisation over time, and the numbers behind it in columns.
Lines wide_cpu_lines(const std::vector<report::CpuSummary>& cpus, std::size_t columns, bool ours) {
  std::size_t widest = 0;
  for (const report::CpuSummary& cpu : cpus) {
    widest = std::max(widest, text::width(cpu_numbers(cpu, ours)));
  }
  constexpr std::size_t kLeastCells = 8;
  const std::size_t taken = kTextColumn + 1 + widest;
  const std::size_t cells = std::max(kLeastCells, columns - std::min(columns, taken));
  Lines lines;
  for (const report::CpuSummary& cpu : cpus) {
    Line& line = lines.emplace_back();
    line.add(fmt::format("cpu {}", cpu.cpu), Ink::kDim).column(kTextColumn);
    line.add(sparkline(cpu.utilisation, cells), Ink::kRunning).column(kTextColumn + cells + 1);
    line.add(cpu_numbers(cpu, ours));
  }
  return lines;
}

void add_cpu_cell(Line& line, const report::CpuSummary& cpu, std::size_t begin,
                  std::size_t columns) {
  constexpr std::size_t kLabel = 9, kShare = 8;
  if (begin > 0) line.column(begin);
  line.add(fmt::format("cpu {}", cpu.cpu), Ink::kDim).column(begin + kLabel);
  const std::size_t cells = columns - kLabel - kShare - 1;
  line.add(sparkline(cpu.utilisation, cells), Ink::kRunning).column(begin + kLabel + cells);
  line.add(fmt::format("{:>7}", percent(busy_share(cpu), 1)));
}

// One sign per CPU, or per so many neighbours as make them fit, and the whole in words.
Lines heat_lines(const std::vector<report::CpuSummary>& cpus, std::size_t columns,
                 std::size_t rows) {
  const std::size_t signs = columns - kTextColumn;
  const std::size_t space = std::max<std::size_t>(1, (rows - 1) * signs);
  const std::size_t group = (cpus.size() + space - 1) / space;
  Lines lines;
  double sum = 0;
  const report::CpuSummary* busiest = &cpus.front();
  for (const report::CpuSummary& cpu : cpus) {
    sum += busy_share(cpu);
    if (busy_share(cpu) > busy_share(*busiest)) busiest = &cpu;
  }
  std::string row;
  std::size_t in_row = 0;
  const auto flush = [&] {
    Line& line = lines.emplace_back();
    if (lines.size() == 1) {
      line.add(group == 1 ? "cpus" : fmt::format("{} cpus", group), Ink::kDim);
    }
    line.column(kTextColumn).add(row, Ink::kRunning);
    row.clear();
    in_row = 0;
  };
  for (std::size_t first = 0; rows > 1 && first < cpus.size(); first += group) {
    const std::size_t end = std::min(cpus.size(), first + group);
    double share = 0;
    for (std::size_t i = first; i < end; ++i) share += busy_share(cpus[i]);
    row += level(share / static_cast<double>(end - first));
    if (++in_row == signs) flush();
  }
  if (in_row > 0) flush();
  Line& words = lines.emplace_back();
  words.column(kTextColumn);
  words.add(fmt::format("{} CPUs busy {} on average, the busiest, cpu {}, {}", cpus.size(),
                        percent(sum, static_cast<double>(cpus.size())), busiest->cpu,
                        percent(busy_share(*busiest), 1)));
  return lines;
}

}  // namespace

Lines role_lines(const report::Summary& summary, std::size_t columns, std::size_t rows) {
  Lines lines;
  if (rows == 0 || columns < kRoleColumns + kBarColumns) return lines;
  const std::vector<Bar> bars = bars_of(summary, rows);
  const Columns parts = columns_of(bars);
  lines.push_back(legend_line(parts));
  for (const Bar& bar : bars) lines.push_back(bar_line(bar, parts));
  return lines;
}

Lines cpu_lines(const report::Summary& summary, std::size_t columns, std::size_t rows) {
  Lines lines;
  const std::vector<report::CpuSummary>& cpus = summary.cpus;
  if (rows == 0 || cpus.empty() || columns <= 2 * kTextColumn) return lines;
  if (cpus.size() <= rows) {
    return wide_cpu_lines(cpus, columns, summary.run.kind != "system");
  }
  if (cpus.size() > 2 * rows || columns < 60) return heat_lines(cpus, columns, rows);
  const std::size_t half = columns / 2;
  const std::size_t used = (cpus.size() + 1) / 2;
  for (std::size_t i = 0; i < used; ++i) {
    Line& line = lines.emplace_back();
    add_cpu_cell(line, cpus[i], 0, half - 1);
    if (used + i < cpus.size()) add_cpu_cell(line, cpus[used + i], half + 1, half - 1);
  }
  return lines;
}

}  // namespace observe::render
