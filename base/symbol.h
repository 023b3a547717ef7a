// Symbol: an interned string, compared and hashed as a 32-bit number.
//
// For label keys and values, resource names, images, node names: texts that are few, live long
// and are compared often. Numbers are given in order of first use, so never order by them where
// the order can be seen: order by text().
#pragma once

#include <cstdint>
#include <string_view>

namespace berth {

// Threads: Intern takes a lock; text() and comparisons do not. Symbols live for the process.
class Symbol {
 public:
  Symbol() = default;  // the empty string
  static Symbol Intern(std::string_view text);
  // The symbol of a text seen before; false when nobody interned it.
  static bool Find(std::string_view text, Symbol* out);

  std::string_view text() const;
  uint32_t id() const { return id_; }
  bool empty() const { return id_ == 0; }
  friend bool operator==(Symbol a, Symbol b) { return a.id_ == b.id_; }
  template <typename H>
  friend H AbslHashValue(H h, Symbol s) {
    return H::combine(std::move(h), s.id_);
  }

 private:
  explicit Symbol(uint32_t id) : id_(id) {}
  uint32_t id_ = 0;
};

}  // namespace berth
