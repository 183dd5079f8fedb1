#include "mapping/emit/weight_stream.hpp"

#include <algorithm>
#include <utility>

namespace bondsim {
namespace {

/// One is computed while the next one comes.
constexpr std::size_t always_ahead = 2;

}  // namespace

WeightStream::WeightStream(std::vector<WeightPiece> pieces, std::int64_t room, double bytes_a_second)
    : pieces_(std::move(pieces)), before_{0}, room_(room), bytes_a_second_(bytes_a_second) {
  for (const WeightPiece& p : pieces_) before_.push_back(before_.back() + p.bytes);
}

std::int64_t WeightStream::frees(std::size_t i) const {
  // The first piece that may still be there when this one comes.
  const auto first = std::lower_bound(before_.begin(), before_.end(), before_[i + 1] - room_) - before_.begin();
  const auto always = static_cast<std::int64_t>(i) + 1 - static_cast<std::int64_t>(always_ahead);
  return std::max<std::int64_t>(std::min<std::int64_t>(first, always), 0) - 1;
}

bool WeightStream::has_room(std::size_t i) const { return frees(i) < static_cast<std::int64_t>(next()); }

WeightStream::Fetch WeightStream::need() {
  Fetch fetch{fetched_, fetched_};
  while (fetched_ < pieces_.size() && fetched_ < next() + always_ahead && has_room(fetched_)) {
    credit_ = std::max(0.0, credit_ - static_cast<double>(pieces_[fetched_++].bytes));
  }
  fetch.last = fetched_;
  return fetch;
}

WeightStream::Fetch WeightStream::beside(double seconds) {
  Fetch fetch{fetched_, fetched_};
  credit_ += seconds * bytes_a_second_;
  while (fetched_ < pieces_.size() && credit_ > 0 && has_room(fetched_)) credit_ -= static_cast<double>(pieces_[fetched_++].bytes);
  if (fetched_ < pieces_.size() && credit_ > 0) credit_ = 0;  // no room
  fetch.last = fetched_;
  return fetch;
}

}  // namespace bondsim
