// What differs from kind to kind in how the verbs behave, and what the server itself puts into
// every new object. What a kind's own fields may and may not do is api/prepare.h's.
// Source: pkg/registry/*/strategy.go, apiserver/pkg/registry/rest/create.go.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <absl/time/time.h>
#include <google/protobuf/message.h>

#include "api/resource_table.h"
#include "base/random.h"

namespace berth::apiserver {

struct KindRules {
  bool unconditional_update = true;  // an update without resourceVersion overwrites
  bool create_on_update = false;     // PUT creates what is not there
  bool returns_deleted = false;      // DELETE answers with the object, not a Status
};
const KindRules& RulesOf(const api::Resource& resource);

// "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx".
std::string NewUid(Random& random);
// generateName plus five characters; the prefix is cut to 58.
std::string GenerateName(std::string_view prefix, Random& random);
void SetTime(api::meta::Time& time, absl::Time value);

// Gives a new object its uid and creationTimestamp, and everything api::PrepareForCreate does.
void PrepareNew(const api::Resource& resource, google::protobuf::Message& object, absl::Time now,
                Random& random);

// What api/prepare.h left to the clock: since when a volume is in its phase and a device is
// tainted. The object is one that was prepared, for its creation or for an update.
void FillTimes(google::protobuf::Message& object, absl::Time now);

// The pod's condition of this type becomes True, with these words; its time moves when it was not.
void SetPodCondition(api::core::Pod& pod, std::string_view type, std::string_view reason,
                     std::string_view message, absl::Time now);

// Equal as stored.
bool SameObject(const google::protobuf::Message& a, const google::protobuf::Message& b);

}  // namespace berth::apiserver
