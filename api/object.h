// What every object and every list has in common, whatever its type: metadata and items.
// A message without the part that is asked for is a programming error (BERTH_CHECK), except where a
// pointer is returned. Cost: two table look-ups, about 10 ns. Threads: as the message.
#pragma once

#include <cstddef>

#include <absl/status/status.h>

#include "api/fwd.h"

namespace berth::api {

// `metadata` of an object. MutableMeta creates it.
const meta::ObjectMeta& MetaOf(const google::protobuf::Message& object);
meta::ObjectMeta& MutableMeta(google::protobuf::Message& object);
// Null when the type has none (a list, an options type).
const meta::ObjectMeta* FindMeta(const google::protobuf::Message& object);

// `metadata` of a list.
const meta::ListMeta& ListMetaOf(const google::protobuf::Message& list);
meta::ListMeta& MutableListMeta(google::protobuf::Message& list);

// `items` of a list.
bool IsList(const google::protobuf::Message& message);
size_t ItemCount(const google::protobuf::Message& list);
const google::protobuf::Message& ItemAt(const google::protobuf::Message& list, size_t index);
google::protobuf::Message& MutableItemAt(google::protobuf::Message& list, size_t index);
google::protobuf::Message& AddItem(google::protobuf::Message& list);
const google::protobuf::Message& ItemPrototype(const google::protobuf::Message& list);

// The form ParseJson gives: zero values of non-pointer fields unset, quantities canonical. For
// objects that came as protobuf: Go writes every non-pointer field, so the same object would have
// other bytes than the one that came as JSON. The error of a quantity that is none, as upstream's
// own Unmarshal says it.
absl::Status Normalize(google::protobuf::Message& message);

// A resourceVersion as a number; 0 when it is none.
int64_t RevisionOf(std::string_view resource_version);

}  // namespace berth::api
