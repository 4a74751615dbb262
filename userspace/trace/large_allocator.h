// Memory for columns of millions of events. Internal to the trace.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <new>

namespace observe::trace_internal {

// From 2 MiB on, memory comes straight from the system in huge pages where it has them: faulting in
// small ones costs more than reading a recording. It goes straight back, too: malloc would keep it.
template <class T>
class LargeAllocator {
 public:
  using value_type = T;

  LargeAllocator() = default;
  template <class U>
  explicit LargeAllocator(const LargeAllocator<U>&) {}

  T* allocate(std::size_t count) {
    if (count > kMost) throw std::bad_alloc();
    const std::size_t bytes = count * sizeof(T);
    if (bytes < kLarge) return static_cast<T*>(::operator new(bytes));
    // One huge page more than needed, of which the parts outside an aligned range are given back.
    const std::size_t size = rounded(bytes);
    void* mapped = ::mmap(nullptr, size + kLarge, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) throw std::bad_alloc();
    char* const start = static_cast<char*>(mapped);
    const std::size_t before = (kLarge - reinterpret_cast<std::size_t>(start) % kLarge) % kLarge;
    if (before > 0) ::munmap(start, before);
    if (before < kLarge) ::munmap(start + before + size, kLarge - before);
    ::madvise(start + before, size, MADV_HUGEPAGE);  // a wish: without it there are more faults
    return reinterpret_cast<T*>(start + before);
  }

  void deallocate(T* memory, std::size_t count) {
    const std::size_t bytes = count * sizeof(T);
    if (bytes < kLarge) {
      ::operator delete(memory);
    } else {
      ::munmap(memory, rounded(bytes));
    }
  }

  bool operator==(const LargeAllocator&) const { return true; }

 private:
  static constexpr std::size_t kLarge = std::size_t{2} << 20;
  static constexpr std::size_t kMost = (std::size_t{1} << 46) / sizeof(T);
  static std::size_t rounded(std::size_t bytes) { return (bytes + kLarge - 1) / kLarge * kLarge; }
};

}  // namespace observe::trace_internal
