#pragma once
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace bondsim {

/// First-in first-out queue with cheap copies, for state of which checkpoints are kept: copies share the elements, and a copy that changes
/// what another one may see takes its own. Appending, taking and copying cost constant time, however many elements wait.
template <class T>
class SharedQueue {
 public:
  bool empty() const { return begin_ == end_; }
  std::size_t size() const { return end_ - begin_; }
  const T& front() const { return (*items_)[begin_]; }
  const T& back() const { return (*items_)[end_ - 1]; }
  const T& operator[](std::size_t i) const { return (*items_)[begin_ + i]; }
  void pop() { ++begin_; }
  void clear() { begin_ = end_; }

  void push_back(T item) {
    insert_before(std::move(item), [](const T&) { return false; });
  }
  /// Inserts `item` before the elements at the end of the queue that come `after` it.
  template <class After>
  void insert_before(T item, After after) {
    std::size_t at = end_;
    while (at > begin_ && after((*items_)[at - 1])) --at;
    const bool appends = items_ != nullptr && at == items_->size();
    const bool has_room = items_ != nullptr && (items_->size() < items_->capacity() || begin_ <= end_ / 2);
    if (!appends || !has_room) at = own(at);
    items_->insert(items_->begin() + static_cast<std::ptrdiff_t>(at), std::move(item));
    ++end_;
  }

 private:
  /// Elements that no other copy sees, without those taken. @return where `at` is now.
  std::size_t own(std::size_t at) {
    auto mine = std::make_shared<std::vector<T>>();
    mine->reserve(2 * size() + 8);
    if (items_ != nullptr) {
      mine->assign(items_->begin() + static_cast<std::ptrdiff_t>(begin_), items_->begin() + static_cast<std::ptrdiff_t>(end_));
    }
    items_ = std::move(mine);
    at -= begin_;
    end_ -= begin_;
    begin_ = 0;
    return at;
  }

  std::shared_ptr<std::vector<T>> items_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace bondsim
