// The futex system call: sleeping until a word changes, without spinning first (std::atomic::wait
// yields a few times before it sleeps, which would be seen in the trace).
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <cstdint>

namespace observe::workloads {

using FutexWord = std::atomic<std::uint32_t>;
static_assert(sizeof(FutexWord) == 4 && FutexWord::is_always_lock_free);

// Sleeps while the word has the value; may also return for no reason.
inline void futex_wait(FutexWord& word, std::uint32_t value) {
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
}

inline void futex_wake(FutexWord& word, int threads) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, threads, nullptr, nullptr, 0);
}

inline void futex_wake_all(FutexWord& word) { futex_wake(word, INT_MAX); }

}  // namespace observe::workloads
