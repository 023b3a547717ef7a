#include "plugins/volume_binding/assumed_objects.h"

#include <utility>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/object.h"
#include "api/resource_table.h"
#include "api/schema/meta_v1.pb.h"

namespace berth::plugins::volume_binding {
namespace {

using framework::ObjectPtr;

std::string EntryKey(const google::protobuf::Message& object) {
  const auto& metadata = api::MetaOf(object);
  return metadata.namespace_() + "/" + metadata.name();
}

// The source may show an object that did not change anew (after a list).
bool SameVersion(const ObjectPtr& a, const ObjectPtr& b) {
  if (a == b) return true;
  const std::string& version = api::MetaOf(*a).resource_version();
  return !version.empty() && version == api::MetaOf(*b).resource_version();
}

}  // namespace

const ObjectPtr& AssumedObjects::Newest(const ObjectPtr& shown) const {
  if (shown == nullptr || entries_.empty()) return shown;
  const auto it = entries_.find(EntryKey(*shown));
  if (it == entries_.end() || !SameVersion(it->second.base, shown)) return shown;
  return it->second.object;
}

ObjectPtr AssumedObjects::Shown(std::string_view namespace_, std::string_view name) const {
  return source_.Get(resource_, namespace_, name);
}

ObjectPtr AssumedObjects::Get(std::string_view namespace_, std::string_view name) const {
  return Newest(Shown(namespace_, name));
}

void AssumedObjects::ForEach(const std::function<void(const ObjectPtr&)>& visit) const {
  source_.ForEach(resource_, {}, [&](const ObjectPtr& shown) { visit(Newest(shown)); });
}

absl::Status AssumedObjects::Assume(const ObjectPtr& was, ObjectPtr object) {
  const auto& metadata = api::MetaOf(*was);
  const ObjectPtr shown = Shown(metadata.namespace_(), metadata.name());
  if (shown == nullptr) return api::NotFound(resource_, metadata.name());
  const ObjectPtr& newest = Newest(shown);
  if (newest != was && (newest != shown || !SameVersion(shown, was))) {
    return absl::FailedPreconditionError(ToAbsl(fmt::format(
        "{} is out of sync (stored: {}, assume: {})", api::GoQuoted(EntryKey(*was)),
        api::MetaOf(*shown).resource_version(), metadata.resource_version())));
  }
  entries_[EntryKey(*was)] = Entry{shown, std::move(object)};
  return absl::OkStatus();
}

void AssumedObjects::Forget(const ObjectPtr& assumed) {
  const auto it = entries_.find(EntryKey(*assumed));
  if (it != entries_.end() && it->second.object == assumed) entries_.erase(it);
}

}  // namespace berth::plugins::volume_binding
