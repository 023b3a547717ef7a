#include "plugins/dynamic_resources/node_view.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace berth::plugins::dynamic_resources {

int64_t NodeView::UseVersion() const {
  int64_t sum = 0;  // each only grows
  for (const Pool& pool : gathered_.pools) sum += pool.use->version;
  return sum;
}

std::optional<bool> NodeView::Answer(const std::shared_ptr<const Selector>& selector,
                                     size_t device) const {
  const absl::MutexLock lock(&mutex_);
  const auto it = answers_.find(selector);
  if (it == answers_.end() || device >= it->second.size() || it->second[device] < 0) {
    return std::nullopt;
  }
  return it->second[device] > 0;
}

void NodeView::Remember(const std::shared_ptr<const Selector>& selector, size_t device,
                        bool matches) const {
  const absl::MutexLock lock(&mutex_);
  if (answers_.size() >= kMaxKept && !answers_.contains(selector)) answers_.clear();
  Answers& answers = answers_[selector];
  if (device >= answers.size()) answers.resize(device + 1, -1);
  answers[device] = matches ? 1 : 0;
}

void NodeView::FindDevices(OfClass& out, SelectorCache& selectors) const {
  const auto& wanted = out.device_class->spec().selectors();
  for (const ListedDevice& listed : gathered_.listed) {
    bool all = true;
    for (const auto& from : wanted) {
      const auto selector = selectors.Get(from.cel().expression());
      const Selector::Match match =
          selector->Matches(listed.slice->spec().driver(), *listed.device);
      if (!match.problem.empty()) {
        BERTH_LOG(kError, "cannot count devices class={} device={} err=\"{}\"",
                  out.device_class->metadata().name(), listed.device->name(), match.problem);
        out.devices.clear();
        return;
      }
      all = all && match.matches;
    }
    if (all) out.devices.push_back(&listed);
  }
}

DeviceTotals NodeView::TotalsOf(const ClassPtr& device_class, SelectorCache& selectors) const {
  int64_t version = 0;
  for (const ListedDevice& listed : gathered_.listed) version += listed.use->version;
  const absl::MutexLock lock(&mutex_);
  if (classes_.size() >= kMaxKept && !classes_.contains(device_class.get())) classes_.clear();
  OfClass& kept = classes_[device_class.get()];
  if (kept.device_class == nullptr) {
    kept.device_class = device_class;
    FindDevices(kept, selectors);
    kept.totals.devices = std::ssize(kept.devices);
  }
  if (kept.counted_at != version) {
    kept.counted_at = version;
    kept.totals.in_use =
        std::count_if(kept.devices.begin(), kept.devices.end(), [](const ListedDevice* listed) {
          return listed->use->Find(listed->device->name()) != nullptr;
        });
  }
  return kept.totals;
}

}  // namespace berth::plugins::dynamic_resources
