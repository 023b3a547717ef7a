// What has been decided about objects and is not written yet: it stands before what the object
// source shows, until that shows something newer.
//
//   Get -> the source's object, or what was assumed of it
//   Assume    the source's object --> an assumed one (decided in Reserve)
//   newer object from the source, or Forget (Unreserve, PreBind is done) --> the source's again
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <absl/status/status.h>

#include "base/strings.h"
#include "framework/object_source.h"

namespace berth::plugins::volume_binding {

// Of one resource. It holds no more objects than pods are being bound: who assumes forgets.
// Threads: the engine's executor.
class AssumedObjects {
 public:
  // Both outlive it.
  AssumedObjects(const framework::ObjectSource& source, const api::Resource& resource)
      : source_(source), resource_(resource) {}

  framework::ObjectPtr Get(std::string_view namespace_, std::string_view name) const;
  // What the source shows, whatever is assumed.
  framework::ObjectPtr Shown(std::string_view namespace_, std::string_view name) const;
  // Every object of the source, as Get has it; ordered by namespace, then name.
  void ForEach(const std::function<void(const framework::ObjectPtr&)>& visit) const;

  // `was`: what Get said when `object` was derived from it. FailedPrecondition when it does not
  // say so any more, NotFound when the object is gone.
  absl::Status Assume(const framework::ObjectPtr& was, framework::ObjectPtr object);
  // Nothing happens unless this very object is assumed still.
  void Forget(const framework::ObjectPtr& assumed);
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    framework::ObjectPtr base;  // what the source showed
    framework::ObjectPtr object;
  };
  // The assumed object in place of what the source shows, where it still holds.
  const framework::ObjectPtr& Newest(const framework::ObjectPtr& shown) const;

  const framework::ObjectSource& source_;
  const api::Resource& resource_;
  StringMap<Entry> entries_;  // by "namespace/name"
};

}  // namespace berth::plugins::volume_binding
