#include "plugins/dynamic_resources/verdicts.h"

#include <iterator>

namespace berth::plugins::dynamic_resources {

std::optional<Verdict> Verdicts::Find(const framework::NodeInfo& node, int64_t view,
                                      int64_t version) const {
  const absl::MutexLock lock(&mutex_);
  const auto at = static_cast<size_t>(node.index);
  if (node.index < 0 || at >= entries_.size()) return std::nullopt;
  const Entry& entry = entries_[at];
  if (entry.view == 0 || entry.view != view || entry.version != version) return std::nullopt;
  return entry.verdict;
}

void Verdicts::Set(const framework::NodeInfo& node, int64_t view, int64_t version,
                   Verdict verdict) {
  if (node.index < 0) return;
  const absl::MutexLock lock(&mutex_);
  const auto at = static_cast<size_t>(node.index);
  if (at >= entries_.size()) entries_.resize(at + 1);
  entries_[at] = {view, version, verdict};
}

std::shared_ptr<Verdicts> VerdictCache::For(const std::string& asked) {
  const absl::MutexLock lock(&mutex_);
  if (const auto it = by_asked_.find(asked); it != by_asked_.end()) {
    entries_.splice(entries_.begin(), entries_, it->second);
    return it->second->second;
  }
  entries_.emplace_front(asked, std::make_shared<Verdicts>());
  by_asked_[asked] = entries_.begin();
  if (entries_.size() > kMaxEntries) {
    by_asked_.erase(std::prev(entries_.end())->first);
    entries_.pop_back();
  }
  return entries_.front().second;
}

void VerdictCache::Clear() {
  const absl::MutexLock lock(&mutex_);
  entries_.clear();
  by_asked_.clear();
}

std::string AskedBy(const Prepared& prepared) {
  std::string out;
  for (const PreparedClaim& claim : prepared.claims) {
    const std::string devices = claim.claim->spec().devices().SerializeAsString();
    out += std::to_string(devices.size()) + ":" + devices;
  }
  return out;
}

}  // namespace berth::plugins::dynamic_resources
