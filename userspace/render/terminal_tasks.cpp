#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "render/format.h"
#include "render/terminal_parts.h"

namespace observe::render {
namespace {

// The waits matter most, then how often the kernel knew of a switch; the thread's name gives way.
Line task_line(const report::UserTaskThread& thread, std::size_t columns) {
  const std::string waits = thread.waits.count == 0
                                ? std::string("no waits")
                                : fmt::format("waits p50 {}  max {}", duration(thread.waits.p50),
                                              duration(thread.waits.max));
  const std::string switches = fmt::format("{} switches, {} in the kernel; ",
                                           count(thread.switches), count(thread.kernel_switches));
  const std::string short_switches = fmt::format(
      "{} switches, {} by kernel; ", count(thread.switches), count(thread.kernel_switches));
  const std::string who = text::sanitise(fmt::format(" on {}", text::cut(thread.name, 15)));
  Line line;
  line.add("tasks", Ink::kDim).column(kTextColumn);
  for (const std::string& text : {count(thread.tasks) + who + ": " + switches + waits,
                                  count(thread.tasks) + ": " + switches + waits,
                                  count(thread.tasks) + ": " + short_switches + waits}) {
    if (kTextColumn + text::width(text) > columns) continue;
    line.add(text);
    return line;
  }
  line.add(count(thread.tasks) + ": " + waits);
  return line;
}

}  // namespace

Lines user_task_lines(const report::Summary& summary, std::size_t columns) {
  constexpr std::size_t kMost = 2;
  Lines lines;
  if (!summary.user_tasks) return lines;
  const auto& threads = summary.user_tasks->threads;
  for (std::size_t i = 0; i < std::min(threads.size(), kMost); ++i) {
    lines.push_back(task_line(threads[i], columns));
  }
  if (threads.size() > kMost) {
    lines.back().add(fmt::format(", +{} more", threads.size() - kMost), Ink::kDim);
  }
  return lines;
}

}  // namespace observe::render
