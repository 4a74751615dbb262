// What is missing from a recording, placed in time: from gaps in the sequence numbers, from damaged
// blocks, and from what the recorder tells. Internal to the reader.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "observe/wire.h"
#include "trace/run.h"

namespace observe::recording {

class LossLedger {
 public:
  // The records of a block, in the order of the file. Sequence numbers of a stream begin with 0.
  void see(std::uint32_t stream, std::span<const observe_record> records);
  // A block that cannot be read.
  void miss(std::uint32_t stream, std::uint32_t first_seq, std::uint32_t count,
            std::uint64_t first_time, std::uint64_t last_time);
  // An interval that the recorder wrote down. It sees the same gaps, and beyond them the records
  // that were dropped after the last one of a stream.
  void told(const LostInterval& lost) { told_.push_back(lost); }

  // All of it, each once, in no order.
  std::vector<LostInterval> settle(Time window_begin) const;

 private:
  struct Stream {
    std::uint32_t next_seq = 0;
    std::optional<Time> last;        // time of the last record
    std::optional<std::size_t> gap;  // its latest, in gaps_
  };
  struct Gap {
    std::optional<Time> from;  // nothing: since the beginning
    LostInterval lost;
  };

  void add_gap(Stream& stream, const Gap& gap);
  void note_gap(std::uint32_t stream_id, Stream& stream, std::uint32_t seq, Time at);

  std::map<std::uint32_t, Stream> streams_;
  std::vector<Gap> gaps_;
  std::vector<LostInterval> told_;
};

}  // namespace observe::recording
