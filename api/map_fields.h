// Direct access to map fields. Protobuf's public reflection shows a map only as a list of entries
// that it rebuilds and sorts out later; generated accessors do not have that cost. One row per map
// field stands in map_fields.cc; the message table checks that none is missing.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "api/fwd.h"

namespace google::protobuf {
class FieldDescriptor;
}

namespace berth::api {

// One entry. Strings and bytes have `text`, messages have `message`; the other is null.
struct MapEntry {
  const std::string* key;
  const std::string* text;
  const google::protobuf::Message* message;
};

struct MutableMapEntry {
  std::string* text;
  google::protobuf::Message* message;
  bool inserted;  // false: the key was there already
};

// Keys are always strings. Not synchronized: the rules of the message itself apply. The message
// must be of the type the field belongs to.
class MapAccess {
 public:
  virtual ~MapAccess() = default;
  virtual size_t Size(const google::protobuf::Message& message) const = 0;
  // Appends every entry, in no particular order. Valid until the map changes.
  virtual void Collect(const google::protobuf::Message& message,
                       std::vector<MapEntry>& out) const = 0;
  virtual MutableMapEntry Insert(google::protobuf::Message& message, std::string key) const = 0;
  // Null members when the key is absent.
  virtual MapEntry Find(const google::protobuf::Message& message, const std::string& key) const = 0;
  virtual bool Erase(google::protobuf::Message& message, const std::string& key) const = 0;
  virtual void Clear(google::protobuf::Message& message) const = 0;
};

// Null when map_fields.cc has no row for the field.
const MapAccess* FindMapAccess(const google::protobuf::FieldDescriptor& field);

}  // namespace berth::api
