// Labels compiled for matching: interned pairs, sorted, compared as numbers.
#pragma once

#include <utility>

#include <absl/container/inlined_vector.h>

#include "api/fwd.h"
#include "base/symbol.h"

namespace google::protobuf {
template <typename K, typename V>
class Map;
}

namespace berth::api::scheduling {

// Threads: immutable once built.
class LabelSet {
 public:
  LabelSet() = default;
  static LabelSet FromMeta(const meta::ObjectMeta& metadata);
  void Set(Symbol key, Symbol value);
  // The value of a key; false when absent.
  bool Get(Symbol key, Symbol* value) const;
  bool Has(Symbol key) const {
    Symbol ignored;
    return Get(key, &ignored);
  }
  size_t size() const { return pairs_.size(); }
  auto begin() const { return pairs_.begin(); }
  auto end() const { return pairs_.end(); }
  friend bool operator==(const LabelSet&, const LabelSet&) = default;

 private:
  absl::InlinedVector<std::pair<Symbol, Symbol>, 4> pairs_;  // by key id
};

}  // namespace berth::api::scheduling
