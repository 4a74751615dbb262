// The least of io_uring: submit reads, wait for them, by system calls alone.
#pragma once

#include <linux/io_uring.h>

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/fd.h"
#include "base/result.h"

namespace observe::workloads {

class Uring {
 public:
  // Room for `entries` reads at once. An Error where the kernel has or allows no io_uring: it may
  // be switched off (kernel.io_uring_disabled), forbidden in a container (seccomp), or need more
  // locked memory than RLIMIT_MEMLOCK (before 5.12).
  static Result<Uring> create(unsigned entries);

  Uring(Uring&&) = default;
  Uring& operator=(Uring&&) = default;

  // Queues a read of `bytes` at the file's place, for the next enter(). At most as many at once as
  // there is room for.
  void read(int fd, void* to, unsigned bytes, std::uint64_t tag);
  // Submits what is queued and sleeps until at least one read is done.
  Result<void> enter();
  struct Done {
    std::uint64_t tag = 0;
    int result = 0;  // bytes, or -errno
  };
  std::optional<Done> next_done();

 private:
  // Memory shared with the kernel.
  class Mapping {
   public:
    Mapping() = default;
    Mapping(int fd, std::size_t bytes, std::uint64_t offset);
    ~Mapping();
    Mapping(Mapping&& other) noexcept;
    Mapping& operator=(Mapping&& other) noexcept;
    explicit operator bool() const { return start_ != nullptr; }
    template <class T>
    T* at(std::size_t offset) const {
      return reinterpret_cast<T*>(start_ + offset);
    }

   private:
    std::byte* start_ = nullptr;
    std::size_t bytes_ = 0;
  };

  Uring() = default;

  UniqueFd fd_;
  io_uring_params parameters_{};
  Mapping submissions_;
  Mapping completions_;
  Mapping entries_;
  unsigned queued_ = 0;
};

}  // namespace observe::workloads
