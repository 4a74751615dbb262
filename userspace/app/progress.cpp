#include "app/progress.h"

#include <unistd.h>

#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "app/terminal_device.h"
#include "base/text.h"

namespace observe::app {
namespace {

constexpr std::string_view kErase = "\r\x1b[K";
constexpr std::size_t kMostColumns = 78;

// A terminal that cannot be written to any more gets no progress, and that is all.
void show(std::string_view text) {
  [[maybe_unused]] const auto written = write_all(STDERR_FILENO, text, "progress");
}

}  // namespace

Progress::Progress(std::string what, bool wanted) : what_(std::move(what)) {
  if (!wanted || !is_terminal(STDERR_FILENO)) return;
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Progress::run(const std::stop_token& stop) {
  using std::chrono::seconds;
  const auto begin = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex_);
  for (seconds next{1};; ++next) {
    if (changed_.wait_until(lock, stop, begin + next, [] { return false; }) ||
        stop.stop_requested()) {
      break;
    }
    const std::string line = fmt::format("{}, {} s", what_, next.count());
    show(fmt::format("{}{}", kErase, text::cut(text::sanitise(line), kMostColumns)));
  }
  if (std::chrono::steady_clock::now() - begin >= seconds{1}) show(kErase);
}

}  // namespace observe::app
