#include "workloads/io/uring.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <utility>

#include "base/check.h"

namespace observe::workloads {
namespace {

unsigned load_acquire(unsigned* word) {
  return std::atomic_ref<unsigned>(*word).load(std::memory_order_acquire);
}
void store_release(unsigned* word, unsigned value) {
  std::atomic_ref<unsigned>(*word).store(value, std::memory_order_release);
}

}  // namespace

Uring::Mapping::Mapping(int fd, std::size_t bytes, std::uint64_t offset) : bytes_(bytes) {
  void* const start = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd,
                           static_cast<off_t>(offset));
  if (start != MAP_FAILED) start_ = static_cast<std::byte*>(start);
}
Uring::Mapping::~Mapping() {
  if (start_ != nullptr) munmap(start_, bytes_);
}
Uring::Mapping::Mapping(Mapping&& other) noexcept
    : start_(std::exchange(other.start_, nullptr)), bytes_(other.bytes_) {}
Uring::Mapping& Uring::Mapping::operator=(Mapping&& other) noexcept {
  std::swap(start_, other.start_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

Result<Uring> Uring::create(unsigned entries) {
  Uring ring;
  const long fd = syscall(SYS_io_uring_setup, entries, &ring.parameters_);
  if (fd < 0) return fail(error_from_errno("set up io_uring", errno));
  ring.fd_.reset(static_cast<int>(fd));
  const io_uring_params& known = ring.parameters_;
  // Separate mappings work on every kernel; from 5.4 on two of them show the same memory.
  ring.submissions_ = Mapping(
      ring.fd_.get(), known.sq_off.array + known.sq_entries * sizeof(unsigned), IORING_OFF_SQ_RING);
  ring.completions_ =
      Mapping(ring.fd_.get(), known.cq_off.cqes + known.cq_entries * sizeof(io_uring_cqe),
              IORING_OFF_CQ_RING);
  ring.entries_ = Mapping(ring.fd_.get(), known.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES);
  if (!ring.submissions_ || !ring.completions_ || !ring.entries_) {
    return fail(error_from_errno("map the rings of io_uring", errno));
  }
  return ring;
}

void Uring::read(int fd, void* to, unsigned bytes, std::uint64_t tag) {
  unsigned* const tail = submissions_.at<unsigned>(parameters_.sq_off.tail);
  const unsigned mask = *submissions_.at<unsigned>(parameters_.sq_off.ring_mask);
  const unsigned position = *tail;  // written by this side only
  OBSERVE_CHECK(position - load_acquire(submissions_.at<unsigned>(parameters_.sq_off.head)) <
                parameters_.sq_entries);
  const unsigned slot = position & mask;
  io_uring_sqe& entry = *entries_.at<io_uring_sqe>(slot * sizeof(io_uring_sqe));
  entry = {};
  entry.opcode = IORING_OP_READ;
  entry.fd = fd;
  entry.off = ~std::uint64_t{0};  // the file's own place
  entry.addr = reinterpret_cast<std::uintptr_t>(to);
  entry.len = bytes;
  entry.user_data = tag;
  submissions_.at<unsigned>(parameters_.sq_off.array)[slot] = slot;
  store_release(tail, position + 1);
  ++queued_;
}

Result<void> Uring::enter() {
  const long taken = syscall(SYS_io_uring_enter, fd_.get(), queued_, 1u, IORING_ENTER_GETEVENTS,
                             nullptr, std::size_t{0});
  if (taken < 0) {
    if (errno == EINTR) return {};
    return fail(error_from_errno("submit to io_uring", errno));
  }
  queued_ -= static_cast<unsigned>(taken);
  return {};
}

std::optional<Uring::Done> Uring::next_done() {
  unsigned* const head = completions_.at<unsigned>(parameters_.cq_off.head);
  const unsigned position = *head;  // written by this side only
  if (position == load_acquire(completions_.at<unsigned>(parameters_.cq_off.tail))) {
    return std::nullopt;
  }
  const unsigned mask = *completions_.at<unsigned>(parameters_.cq_off.ring_mask);
  const io_uring_cqe& entry =
      completions_.at<io_uring_cqe>(parameters_.cq_off.cqes)[position & mask];
  const Done done{.tag = entry.user_data, .result = entry.res};
  store_release(head, position + 1);
  return done;
}

}  // namespace observe::workloads
