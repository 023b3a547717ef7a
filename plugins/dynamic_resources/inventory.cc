#include "plugins/dynamic_resources/inventory.h"

#include <utility>

#include "api/resource_table.h"

namespace berth::plugins::dynamic_resources {

using api::dra::DeviceClass;
using api::dra::ResourceSlice;
using api::dra_alpha::DeviceTaintRule;
using framework::NodeInfo;
using framework::ObjectEvent;

std::shared_ptr<Inventory> Inventory::Of(framework::Handle& handle) {
  std::shared_ptr<framework::SharedPart>& part = handle.Shared("devices");
  if (part == nullptr) part = std::make_shared<Inventory>(handle);
  return std::static_pointer_cast<Inventory>(part);
}

Inventory::Inventory(framework::Handle& handle)
    : objects_(handle.objects()),
      follows_taint_rules_(handle.device_features().taint_rules),
      claims_(handle.objects(), handle.executor()) {
  objects_.Subscribe(api::ResourceOf<DeviceClass>(),
                     [this, alive = alive_.Watch()](const ObjectEvent& event) {
                       if (!alive.expired()) OnClass(event);
                     });
}

void Inventory::Track() {
  if (tracks_) return;
  tracks_ = true;
  claims_.Track();
  if (follows_taint_rules_) {
    objects_.Subscribe(api::ResourceOf<DeviceTaintRule>(),
                       [this, alive = alive_.Watch()](const ObjectEvent& event) {
                         if (!alive.expired()) OnTaintRule(event);
                       });
  }
  objects_.Subscribe(api::ResourceOf<ResourceSlice>(),
                     [this, alive = alive_.Watch()](const ObjectEvent& event) {
                       if (!alive.expired()) OnSlice(event);
                     });
}

void Inventory::OnClass(const ObjectEvent& event) {
  verdicts_.Clear();
  const bool changed =
      event.new_object == nullptr
          ? classes_.Remove(static_cast<const DeviceClass&>(*event.old_object).metadata().name())
          : classes_.Put(std::static_pointer_cast<const DeviceClass>(event.new_object));
  if (!changed) return;
  std::erase_if(listeners_, [](const Listener& one) { return one.alive.expired(); });
  for (const Listener& listener : listeners_) listener.tell();
}

void Inventory::OnSlice(const ObjectEvent& event) {
  if (event.new_object == nullptr) {
    const auto& name = static_cast<const ResourceSlice&>(*event.old_object).metadata().name();
    published_.erase(name);
    return slices_.Remove(name);
  }
  const auto slice = std::static_pointer_cast<const ResourceSlice>(event.new_object);
  if (follows_taint_rules_) published_[slice->metadata().name()] = slice;
  slices_.Put(taint_rules_.Applied(slice));
}

void Inventory::OnTaintRule(const ObjectEvent& event) {
  const auto before = std::static_pointer_cast<const DeviceTaintRule>(event.old_object);
  const auto after = std::static_pointer_cast<const DeviceTaintRule>(event.new_object);
  if (after != nullptr) {
    taint_rules_.Put(after);
  } else {
    taint_rules_.Remove(before->metadata().name());
  }
  for (const auto& [name, slice] : published_) {
    const bool concerned = (before != nullptr && Concerns(*before, *slice)) ||
                           (after != nullptr && Concerns(*after, *slice));
    if (concerned) slices_.Put(taint_rules_.Applied(slice));
  }
}

void Inventory::WhenOffersChange(Lifetime::Watcher alive, std::function<void()> tell) {
  listeners_.push_back({std::move(alive), std::move(tell)});
}

std::shared_ptr<const NodeView> Inventory::ViewOf(const NodeInfo& node) {
  const absl::MutexLock lock(&views_mutex_);
  const auto make = [&] {
    return std::make_shared<const NodeView>(slices_.Gather(node, claims_.MutableInUse()),
                                            ++views_made_);
  };
  if (node.index < 0) return make();
  const auto at = static_cast<size_t>(node.index);
  if (at >= views_.size()) views_.resize(at + 1);
  Kept& kept = views_[at];
  const int64_t generation = slices_.GenerationFor(node.name());
  const bool fresh = kept.view != nullptr && kept.node == node.name_symbol() &&
                     kept.generation == generation &&
                     (!slices_.LookAtLabels() || kept.object == node.shared_node());
  if (!fresh) kept = {node.name_symbol(), node.shared_node(), generation, make()};
  return kept.view;
}

DeviceTotals Inventory::TotalsOf(Symbol resource, const NodeInfo& node) {
  const ClassPtr device_class = classes_.Offering(resource);
  if (device_class == nullptr || !tracks_) return {};
  return ViewOf(node)->TotalsOf(device_class, selectors_);
}

}  // namespace berth::plugins::dynamic_resources
