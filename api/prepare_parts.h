// What the strategies of several kinds have in common (see api/prepare.h).
#pragma once

#include <string_view>

#include "api/equality.h"
#include "api/fwd.h"
#include "api/schema/meta_v1.pb.h"

namespace berth::api {

// Kinds of a spec that users write and a status that controllers write.
template <typename T>
void CreateSpecAndStatus(T& object) {
  object.clear_status();
  object.mutable_status();
  object.mutable_metadata()->set_generation(1);
}

// Raises the generation when the spec changed.
template <typename T>
void CountSpecChange(const T& old, T& object) {
  if (SemanticEqual(old.spec(), object.spec())) return;
  object.mutable_metadata()->set_generation(old.metadata().generation() + 1);
}

// Each of the two is written by its own requests. Kinds that count changes of the spec call
// CountSpecChange besides.
template <typename T>
void KeepSpecOrStatus(std::string_view subresource, const T& old, T& object) {
  if (subresource == "status") {
    *object.mutable_spec() = old.spec();
  } else {
    *object.mutable_status() = old.status();
  }
}

template <typename T>
void UpdateSpecOrStatus(std::string_view subresource, const T& old, T& object) {
  KeepSpecOrStatus(subresource, old, object);
  CountSpecChange(old, object);
}

// Newer kinds: who writes the status writes no labels, annotations, finalizers or owners.
inline void KeepUsersMetadata(const meta::ObjectMeta& old, meta::ObjectMeta& metadata) {
  *metadata.mutable_labels() = old.labels();
  *metadata.mutable_annotations() = old.annotations();
  *metadata.mutable_finalizers() = old.finalizers();
  *metadata.mutable_owner_references() = old.owner_references();
}

}  // namespace berth::api
