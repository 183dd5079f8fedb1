#pragma once
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

namespace bondsim {

/// A value of which copies are kept for setting back: assigning a copy that is still the same costs nothing. Every call of change() makes
/// the value another one, so what is only looked at must be looked at through the const accessors.
template <class T>
class Tracked {
 public:
  template <class... Args, class = std::enable_if_t<std::is_constructible_v<T, Args...>>>
  explicit Tracked(Args&&... args) : value_(std::forward<Args>(args)...), last_(std::make_shared<std::int64_t>(0)) {}
  Tracked(const Tracked&) = default;
  Tracked(Tracked&&) noexcept = default;
  Tracked& operator=(const Tracked& other) {
    if (this == &other || (version_ == other.version_ && last_ == other.last_)) return *this;
    value_ = other.value_;
    version_ = other.version_;
    last_ = other.last_;
    return *this;
  }
  ~Tracked() = default;

  const T& operator*() const { return value_; }
  const T* operator->() const { return &value_; }
  T& change() {
    version_ = ++*last_;
    return value_;
  }

 private:
  T value_;
  std::int64_t version_ = 0;
  std::shared_ptr<std::int64_t> last_;  ///< shared by all copies: no two states have the same version
};

}  // namespace bondsim
