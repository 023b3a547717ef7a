#include <utility>

#include "api/patch.h"

namespace berth::api {
namespace {

// Members that are null say "delete"; in something new there is nothing to delete.
JsonValue WithoutNulls(const JsonValue& value) {
  if (value.is_array()) {
    JsonValue out = JsonValue::EmptyArray();
    for (const JsonValue& item : value.array()) out.array().push_back(WithoutNulls(item));
    return out;
  }
  if (!value.is_object()) return value;
  JsonValue out = JsonValue::EmptyObject();
  for (const auto& [name, member] : value.object()) {
    if (!member.is_null()) out.Set(name, WithoutNulls(member));
  }
  return out;
}

}  // namespace

void ApplyMergePatch(const JsonValue& patch, JsonValue& document) {
  if (!patch.is_object() || !document.is_object()) {
    document = WithoutNulls(patch);
    return;
  }
  for (const auto& [name, change] : patch.object()) {
    if (change.is_null()) {
      document.Erase(name);
    } else if (JsonValue* member = document.Find(name)) {
      ApplyMergePatch(change, *member);
    } else {
      document.Set(name, WithoutNulls(change));
    }
  }
}

JsonValue MakeMergePatch(const JsonValue& from, const JsonValue& to) {
  if (!from.is_object() || !to.is_object()) return to;
  JsonValue patch = JsonValue::EmptyObject();
  for (const auto& [name, member] : from.object()) {
    if (to.Find(name) == nullptr) patch.Set(name, JsonValue());
  }
  for (const auto& [name, member] : to.object()) {
    const JsonValue* old = from.Find(name);
    if (old == nullptr) {
      patch.Set(name, member);
    } else if (!(*old == member)) {
      patch.Set(name, MakeMergePatch(*old, member));
    }
  }
  return patch;
}

}  // namespace berth::api
