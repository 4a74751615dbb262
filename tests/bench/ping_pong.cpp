// ping_pong CPU ROUND_TRIPS FILE: two processes on one CPU pass a byte to and fro through pipes, so
// that every round trip is two context switches and two wake-ups. Writes the nanoseconds per switch
// into FILE, and nothing else: the time that a tracer takes to start and stop is not in it.
#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

void send(int fd) {
  if (::write(fd, "x", 1) != 1) fail("write");
}

void receive(int fd) {
  char byte = 0;
  if (::read(fd, &byte, 1) != 1) fail("read");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: ping_pong CPU ROUND_TRIPS FILE\n", stderr);
    return 2;
  }
  const int cpu = std::atoi(argv[1]);
  const long rounds = std::atol(argv[2]);
  constexpr long kWarmUp = 2'000;
  if (rounds <= 0) fail("ROUND_TRIPS");

  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (::sched_setaffinity(0, sizeof set, &set) != 0) fail("sched_setaffinity");

  std::array<int, 2> there{};
  std::array<int, 2> back{};
  if (::pipe2(there.data(), O_CLOEXEC) != 0 || ::pipe2(back.data(), O_CLOEXEC) != 0) fail("pipe2");
  const pid_t child = ::fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    for (long i = 0; i < kWarmUp + rounds; ++i) {
      receive(there[0]);
      send(back[1]);
    }
    ::_exit(0);
  }
  const auto play = [&](long times) {
    for (long i = 0; i < times; ++i) {
      send(there[1]);
      receive(back[0]);
    }
  };
  play(kWarmUp);
  const auto begin = std::chrono::steady_clock::now();
  play(rounds);
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - begin;
  int status = 0;
  if (::waitpid(child, &status, 0) != child || status != 0) fail("waitpid");

  std::FILE* out = std::fopen(argv[3], "we");
  if (out == nullptr) fail(argv[3]);
  std::fprintf(out, "%.2f\n", taken.count() / (2.0 * static_cast<double>(rounds)));
  return std::fclose(out) == 0 ? 0 : 1;
}
