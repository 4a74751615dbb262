// One line on a terminal that says that something still goes on; it goes away by itself.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace observe::app {

// Appears after a second, counts the seconds, and is erased by the destructor. Does nothing when
// standard error is no terminal. Has a thread: construct after everything has been forked.
class Progress {
 public:
  Progress(std::string what, bool wanted);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

 private:
  void run(const std::stop_token& stop);

  std::string what_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::jthread thread_;  // last: stops first
};

}  // namespace observe::app
