#include "api/scheduling/labels.h"

#include <algorithm>

#include "api/schema/meta_v1.pb.h"

namespace berth::api::scheduling {
namespace {

// Below this a scan beats a binary search.
constexpr size_t kScanMax = 8;

bool KeyBefore(const std::pair<Symbol, Symbol>& pair, Symbol key) {
  return pair.first.id() < key.id();
}

}  // namespace

LabelSet LabelSet::FromMeta(const meta::ObjectMeta& metadata) {
  LabelSet set;
  for (const auto& [key, value] : metadata.labels()) {
    set.Set(Symbol::Intern(key), Symbol::Intern(value));
  }
  return set;
}

void LabelSet::Set(Symbol key, Symbol value) {
  auto it = std::lower_bound(pairs_.begin(), pairs_.end(), key, KeyBefore);
  if (it != pairs_.end() && it->first == key) {
    it->second = value;
  } else {
    pairs_.insert(it, {key, value});
  }
}

bool LabelSet::Get(Symbol key, Symbol* value) const {
  if (pairs_.size() <= kScanMax) {
    for (const auto& pair : pairs_) {
      if (pair.first != key) continue;
      *value = pair.second;
      return true;
    }
    return false;
  }
  auto it = std::lower_bound(pairs_.begin(), pairs_.end(), key, KeyBefore);
  if (it == pairs_.end() || it->first != key) return false;
  *value = it->second;
  return true;
}

}  // namespace berth::api::scheduling
