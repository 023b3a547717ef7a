// One version of one object, as the store has it: decoded once, encoded at most once per media
// type, shared by every answer, list and watcher that shows it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>

#include <google/protobuf/message.h>

#include "api/resource_table.h"
#include "base/bytes.h"
#include "cluster/apiserver/negotiation.h"
#include "cluster/store/store.h"

namespace berth::apiserver {

// Threads: immutable; every method may be called from any thread. Two threads that ask for the
// same encoding at once may both make it; one is kept.
class StoredObject {
 public:
  // `resource` is the row whose message the store keeps. The message must carry its
  // resourceVersion, and is not changed any more. `stored`: its bytes in the store (EncodeStored),
  // which the store keeps too; null when it was never there.
  StoredObject(const api::Resource& resource, std::string key,
               std::shared_ptr<const google::protobuf::Message> message, store::Revision revision,
               Bytes stored = nullptr);
  ~StoredObject();
  StoredObject(const StoredObject&) = delete;
  StoredObject& operator=(const StoredObject&) = delete;

  const api::Resource& resource() const { return *resource_; }
  // "NAMESPACE/NAME" or "NAME".
  const std::string& key() const { return key_; }
  store::Revision revision() const { return revision_; }
  // Of its encoding in the store; decoded it takes several times that. 0: it was never there.
  int64_t stored_bytes() const { return stored_ ? std::ssize(*stored_) : 0; }
  const google::protobuf::Message& message() const { return *message_; }
  template <typename T>
  const T& As() const {
    return static_cast<const T&>(*message_);
  }
  const api::meta::ObjectMeta& metadata() const { return *metadata_; }

  // The whole object in JSON ({"kind":..,"apiVersion":..,...}) or in the protobuf envelope; for
  // YAML the JSON it is made from.
  const Bytes& Encoded(Media media) const;
  // Without kind and apiVersion, as the items of a list are: a part of Encoded.
  std::string_view ListItem(Media media) const;

  // The same object with another resourceVersion: what a deletion shows.
  std::shared_ptr<const StoredObject> At(store::Revision revision) const;

 private:
  std::string MakeEncoding(Media media) const;

  const api::Resource* resource_;
  std::string key_;
  store::Revision revision_;
  Bytes stored_;
  std::shared_ptr<const google::protobuf::Message> message_;
  const api::meta::ObjectMeta* metadata_;
  mutable std::array<std::atomic<const Bytes*>, kMediaCount> encodings_{};
};
using ObjectPtr = std::shared_ptr<const StoredObject>;

}  // namespace berth::apiserver
