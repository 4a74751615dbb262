// Records of one CPU and lane, 48 bytes each, to columns of one or two bytes per field and back.
// A block decodes alone; see README.md in this folder for its layout.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/units.h"
#include "observe/wire.h"

namespace observe {

// One block of encoded records, not yet compressed: what the drain thread hands to the writer
// thread. Movable; its buffer goes back to an encoder through BlockEncoder::recycle().
class EncodedBlock {
 public:
  EncodedBlock();
  EncodedBlock(EncodedBlock&& other) noexcept;
  EncodedBlock& operator=(EncodedBlock&& other) noexcept;
  EncodedBlock(const EncodedBlock&) = delete;
  EncodedBlock& operator=(const EncodedBlock&) = delete;
  ~EncodedBlock();

  bool empty() const { return count_ == 0; }
  Cpu cpu() const { return cpu_; }
  std::uint32_t lane() const { return lane_; }    // enum observe_lane
  std::uint32_t count() const { return count_; }  // records, at most kMaxBlockRecords
  std::uint32_t first_seq() const { return first_seq_; }
  Time first_time() const { return time_at(static_cast<std::int64_t>(first_at_)); }
  Time last_time() const { return time_at(static_cast<std::int64_t>(last_at_)); }

  // The block as decode_block() reads it, appended to `out`.
  void append_to(std::vector<std::byte>& out) const;

 private:
  friend class BlockEncoder;
  struct Buffer;

  Cpu cpu_{};
  std::uint32_t lane_ = 0;
  std::uint32_t count_ = 0;
  std::uint32_t first_seq_ = 0;
  std::uint64_t first_at_ = 0;
  std::uint64_t last_at_ = 0;
  std::unique_ptr<Buffer> buffer_;
};

inline constexpr std::uint32_t kMaxBlockRecords = 16'384;
// The largest block in bytes: a reader refuses anything that claims to be larger.
inline constexpr std::size_t kMaxBlockBytes = std::size_t{256} << 10;

// Turns consecutive records of one CPU and lane into columns. Not thread-safe. Allocates its
// buffer (kMaxBlockBytes, touched as far as it is filled) at the first add() after a take() that
// no recycle() followed, and nothing else after construction.
class BlockEncoder {
 public:
  BlockEncoder(Cpu cpu, std::uint32_t lane);
  BlockEncoder(BlockEncoder&&) noexcept;
  BlockEncoder& operator=(BlockEncoder&&) noexcept;
  ~BlockEncoder();

  // True when the block is full: take() it before the next add(). head.cpu is not looked at;
  // every other byte of the record survives, whatever it is.
  bool add(const observe_record& record);
  bool empty() const;
  std::uint32_t count() const;
  Time first_time() const;  // of the block being filled; meaningless when empty()

  // Moves out what has been added, and starts a new block.
  EncodedBlock take();
  // Gives the buffer of a block that has been written back, so that the next one needs none.
  void recycle(EncodedBlock&& block);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Appends the records of a block to `out` with head.cpu = cpu. False when the bytes are not a whole
// block; `out` then is as it was before.
bool decode_block(std::span<const std::byte> bytes, Cpu cpu, std::vector<observe_record>& out);

}  // namespace observe
