#include "cluster/apiserver/stored_object.h"

#include <utility>

#include <fmt/core.h>

#include "api/envelope.h"
#include "api/schema/meta_v1.pb.h"
#include "cluster/apiserver/codec.h"

namespace berth::apiserver {

using std::string_view_literals::operator""sv;

StoredObject::StoredObject(const api::Resource& resource, std::string key,
                           std::shared_ptr<const google::protobuf::Message> message,
                           store::Revision revision, Bytes stored)
    : resource_(&resource),
      key_(std::move(key)),
      revision_(revision),
      stored_(std::move(stored)),
      message_(std::move(message)),
      metadata_(&MetadataOf(*message_)) {}

StoredObject::~StoredObject() {
  for (auto& encoding : encodings_) delete encoding.load();
}

// In protobuf the store's bytes are nearly the answer: they only lack the version.
std::string StoredObject::MakeEncoding(Media media) const {
  if (media == Media::kProtobuf && stored_ != nullptr) {
    std::string out;
    if (api::AppendWithResourceVersion(*stored_, metadata_->resource_version(), out)) return out;
  }
  return Encode(*message_, TypeNameOf(*resource_), media);
}

const Bytes& StoredObject::Encoded(Media media) const {
  if (media == Media::kYaml) media = Media::kJson;
  std::atomic<const Bytes*>& slot = encodings_[static_cast<size_t>(media)];
  if (const Bytes* made = slot.load(std::memory_order_acquire)) return *made;
  auto bytes = std::make_unique<const Bytes>(MakeBytes(MakeEncoding(media)));
  const Bytes* expected = nullptr;
  if (slot.compare_exchange_strong(expected, bytes.get())) return *bytes.release();
  return *expected;
}

std::string_view StoredObject::ListItem(Media media) const {
  const std::string_view whole = *Encoded(media);
  if (media == Media::kProtobuf) return EnvelopeContent(whole);
  // {"kind":"K","apiVersion":"V",  is followed by "metadata", which is always there.
  const size_t head = R"({"kind":"","apiVersion":"",)"sv.size() + resource_->kind.size() +
                      TypeNameOf(*resource_).api_version.size();
  return whole.substr(head);
}

std::shared_ptr<const StoredObject> StoredObject::At(store::Revision revision) const {
  std::shared_ptr<google::protobuf::Message> copy(message_->New());
  copy->CopyFrom(*message_);
  MutableMetadata(*copy).set_resource_version(std::to_string(revision));
  return std::make_shared<const StoredObject>(*resource_, key_, std::move(copy), revision,
                                              stored_);
}

}  // namespace berth::apiserver
