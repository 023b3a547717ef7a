#include "cluster/apiserver/strategy.h"

#include <fmt/core.h>

#include "api/fwd_alpha.h"
#include "api/prepare.h"
#include "api/schema/core_v1_persistent_volume.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/resource_v1.pb.h"
#include "api/schema/resource_v1alpha3.pb.h"
#include "api/time_text.h"
#include "cluster/apiserver/codec.h"

namespace berth::apiserver {
namespace {

constexpr KindRules kPlain = {};

struct RulesRow {
  std::string_view storage_prefix;
  KindRules rules;
};
constexpr RulesRow kRules[] = {
    {"csidrivers", {.unconditional_update = false, .returns_deleted = true}},
    {"csinodes", {.unconditional_update = false, .returns_deleted = true}},
    {"csistoragecapacities", {.unconditional_update = false, .returns_deleted = true}},
    {"deviceclasses", {.returns_deleted = true}},
    {"devicetaintrules", {.returns_deleted = true}},
    {"events", {.create_on_update = true}},
    {"leases", {.unconditional_update = false, .create_on_update = true}},
    {"persistentvolumeclaims", {.returns_deleted = true}},
    {"persistentvolumes", {.returns_deleted = true}},
    {"poddisruptionbudgets", {.unconditional_update = false}},
    {"pods", {.returns_deleted = true}},
    {"resourceclaims", {.returns_deleted = true}},
    {"resourceclaimtemplates", {.returns_deleted = true}},
    {"resourceslices", {.returns_deleted = true}},
    {"services/specs", {.create_on_update = true, .returns_deleted = true}},
    {"storageclasses", {.returns_deleted = true}},
    {"volumeattachments", {.unconditional_update = false, .returns_deleted = true}},
};

template <typename T>
T* As(google::protobuf::Message& object) {
  return object.GetDescriptor() == T::descriptor() ? &static_cast<T&>(object) : nullptr;
}

void FillTime(api::meta::Time& time, absl::Time now) {
  if (api::IsZeroTime(time)) SetTime(time, now);
}

}  // namespace

const KindRules& RulesOf(const api::Resource& resource) {
  for (const RulesRow& row : kRules) {
    if (row.storage_prefix == resource.storage_prefix) return row.rules;
  }
  return kPlain;
}

std::string NewUid(Random& random) {
  const uint64_t high = (random.Next() & ~0xf000ull) | 0x4000;
  const uint64_t low = (random.Next() & ~(0xc0ull << 56)) | (0x80ull << 56);
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xffff,
                     high & 0xffff, low >> 48, low & 0xffffffffffff);
}

std::string GenerateName(std::string_view prefix, Random& random) {
  // No vowels and nothing that looks like one: no words by accident.
  constexpr std::string_view kAlphabet = "bcdfghjklmnpqrstvwxz2456789";
  std::string name(prefix.substr(0, 58));
  for (int i = 0; i < 5; ++i) name += kAlphabet[random.Below(kAlphabet.size())];
  return name;
}

void SetTime(api::meta::Time& time, absl::Time value) {
  time.set_seconds(absl::ToUnixSeconds(value));
  time.set_nanos(0);
}

void PrepareNew(const api::Resource& resource, google::protobuf::Message& object, absl::Time now,
                Random& random) {
  api::meta::ObjectMeta& metadata = MutableMetadata(object);
  metadata.clear_generation();
  metadata.clear_managed_fields();
  metadata.set_uid(NewUid(random));
  SetTime(*metadata.mutable_creation_timestamp(), now);
  api::PrepareForCreate(resource, object);
  FillTimes(object, now);
  auto* pod = As<api::core::Pod>(object);
  if (pod == nullptr) return;
  for (api::core::PodCondition& condition : *pod->mutable_status()->mutable_conditions()) {
    if (!condition.has_last_transition_time()) {
      SetTime(*condition.mutable_last_transition_time(), now);
    }
  }
}

void FillTimes(google::protobuf::Message& object, absl::Time now) {
  if (auto* volume = As<api::core::PersistentVolume>(object)) {
    api::core::PersistentVolumeStatus& status = *volume->mutable_status();
    if (status.has_last_phase_transition_time()) {
      FillTime(*status.mutable_last_phase_transition_time(), now);
    }
  } else if (auto* slice = As<api::dra::ResourceSlice>(object)) {
    for (auto& device : *slice->mutable_spec()->mutable_devices()) {
      for (auto& taint : *device.mutable_taints()) FillTime(*taint.mutable_time_added(), now);
    }
  } else if (auto* rule = As<api::dra_alpha::DeviceTaintRule>(object)) {
    FillTime(*rule->mutable_spec()->mutable_taint()->mutable_time_added(), now);
  }
}

void SetPodCondition(api::core::Pod& pod, std::string_view type, std::string_view reason,
                     std::string_view message, absl::Time now) {
  api::core::PodCondition* condition = nullptr;
  for (api::core::PodCondition& each : *pod.mutable_status()->mutable_conditions()) {
    if (each.type() == type) condition = &each;
  }
  if (condition == nullptr) {
    condition = pod.mutable_status()->add_conditions();
    condition->set_type(std::string(type));
  }
  if (condition->status() != "True") SetTime(*condition->mutable_last_transition_time(), now);
  condition->set_status("True");
  condition->clear_reason();
  condition->clear_message();
  if (!reason.empty()) condition->set_reason(std::string(reason));
  if (!message.empty()) condition->set_message(std::string(message));
}

bool SameObject(const google::protobuf::Message& a, const google::protobuf::Message& b) {
  return a.ByteSizeLong() == b.ByteSizeLong() && StableBytes(a) == StableBytes(b);
}

}  // namespace berth::apiserver
