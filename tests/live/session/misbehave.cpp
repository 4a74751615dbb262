// What programs do that an observer has to bear. Usage: misbehave HOW [N]
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {

// Two threads that hand a byte to and fro.
int switch_often(int rounds) {
  int there[2], back[2];
  if (pipe(there) != 0 || pipe(back) != 0) return 1;
  std::thread other([&] {
    char byte = 0;
    for (int i = 0; i < rounds; ++i) {
      if (read(there[0], &byte, 1) != 1 || write(back[1], &byte, 1) != 1) std::abort();
    }
  });
  char byte = 0;
  for (int i = 0; i < rounds; ++i) {
    if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1) std::abort();
  }
  other.join();
  return 0;
}

int fork_many(int children) {
  for (int i = 0; i < children; ++i) {
    const pid_t child = fork();
    if (child < 0) return 1;
    if (child == 0) _exit(0);
    waitpid(child, nullptr, 0);
  }
  return 0;
}

int hostile_names() {
  for (const char* name : {"\x1b[2J\x1b]0;x\x07", "\xff\xfe\xc0",
                           "\xe2\x80\xae"
                           "exe.txt",
                           "a\nb\tc", "\"},\"x\":{"}) {
    std::thread([name] {
      prctl(PR_SET_NAME, name);
      usleep(20'000);
    }).join();
  }
  return 0;
}

int ignore_signals() {
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) std::signal(number, SIG_IGN);
  std::puts("ignoring");
  std::fflush(stdout);
  for (;;) pause();
}

// The first thread ends, the other goes on for a while.
int leave_the_rest(int milliseconds) {
  std::thread([milliseconds] {
    usleep(static_cast<useconds_t>(milliseconds) * 1000);
    _exit(0);
  }).detach();
  usleep(600'000);
  pthread_exit(nullptr);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string how = argc > 1 ? argv[1] : "";
  const int n = argc > 2 ? std::atoi(argv[2]) : 0;
  if (how == "switch") return switch_often(n);
  if (how == "fork") return fork_many(n);
  if (how == "names") return hostile_names();
  if (how == "leave") return leave_the_rest(n);
  if (how == "ignore") return ignore_signals();
  if (how == "sleep") return usleep(static_cast<useconds_t>(n) * 1000) == 0 ? 0 : 1;
  if (how == "again" && n > 0) {  // exec of itself
    std::string less = std::to_string(n - 1);
    std::thread([&] { execl("/proc/self/exe", argv[0], "again", less.c_str(), nullptr); }).join();
    return 1;
  }
  return how == "again" ? 0 : 2;
}
