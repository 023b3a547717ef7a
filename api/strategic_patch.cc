#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

#include <absl/container/flat_hash_map.h>
#include <fmt/core.h>

#include "api/errors.h"
#include "api/message_table.h"
#include "api/patch.h"
#include "base/status_macros.h"

namespace berth::api {
namespace {

constexpr std::string_view kDirective = "$patch";
constexpr std::string_view kRetainKeys = "$retainKeys";
constexpr std::string_view kOrderPrefix = "$setElementOrder/";
constexpr std::string_view kDeletePrefix = "$deleteFromPrimitiveList/";

// What the facts of a field say about patching it, and what its own members are.
struct PatchSchema {
  const MessageTable* table = nullptr;  // of the object or of a list's items; null: not known
  bool keys_are_data = false;           // a map: member names are not fields
  bool merge = false;                   // patchStrategy merge
  bool replace = false;                 // patchStrategy replace
  std::string_view merge_key = {};
};

using Array = JsonValue::Array;

std::string_view GoTypeName(const JsonValue& value) {
  switch (value.kind()) {
    case JsonValue::Kind::kNull: return "%!s(<nil>)";
    case JsonValue::Kind::kBool: return "bool";
    case JsonValue::Kind::kInt: return "int64";
    case JsonValue::Kind::kDouble: return "float64";
    case JsonValue::Kind::kString: return "string";
    case JsonValue::Kind::kArray: return "[]interface {}";
    case JsonValue::Kind::kObject: return "map[string]interface {}";
  }
  return "";
}

absl::Status NoMergeKey(const JsonValue& item, std::string_view key) {
  return PlainError(fmt::format("map: {} does not contain declared merge key: {}",
                                item.ToGoText(), key));
}

absl::Status WrongType(std::string_view expected, const JsonValue& actual) {
  return PlainError(
      fmt::format("expected a {}, but received a {}", expected, GoTypeName(actual)));
}

absl::Status UnknownDirective(const JsonValue& directive, const JsonValue& in) {
  return PlainError(fmt::format("unknown patch type: {} in map: {}", directive.ToGoText(),
                                in.ToGoText()));
}

absl::Status BadOrderList() { return BadRequest("invalid patch format of setElementOrder list"); }

// Looks up how `name`, a member of an object described by `schema`, is patched.
absl::StatusOr<PatchSchema> SchemaOf(const PatchSchema& schema, std::string_view name) {
  if (schema.keys_are_data) return PatchSchema{schema.table};
  if (schema.table == nullptr || schema.table->form() != JSON_OBJECT) return PatchSchema{};
  const FieldInfo* field = schema.table->Find(name);
  if (field == nullptr) {
    return PlainError(fmt::format("unable to find api field in struct {} for the json tag \"{}\"",
                                  schema.table->descriptor().name(), name));
  }
  PatchSchema out{field->table, field->is_map};
  const std::string& strategy = field->facts->patch_strategy();
  out.merge = strategy.starts_with("merge") || strategy.ends_with(",merge");
  out.replace = strategy.starts_with("replace") || strategy.ends_with(",replace");
  out.merge_key = field->facts->patch_merge_key();
  return out;
}

void DropNulls(JsonValue& value) {
  if (value.is_array()) {
    for (JsonValue& item : value.array()) DropNulls(item);
  } else if (value.is_object()) {
    std::erase_if(value.object(), [](const auto& member) { return member.second.is_null(); });
    for (auto& [name, member] : value.object()) DropNulls(member);
  }
}

// False: the value is itself a directive and must not be kept.
bool DropDirectives(JsonValue& value) {
  if (value.is_array()) {
    Array kept;
    for (JsonValue& item : value.array()) {
      if (DropDirectives(item)) kept.push_back(std::move(item));
    }
    value.array() = std::move(kept);
  } else if (value.is_object()) {
    if (value.Find(kDirective) != nullptr) return false;
    JsonValue::Object& members = value.object();
    for (auto it = members.begin(); it != members.end();) {
      it = DropDirectives(it->second) ? std::next(it) : members.erase(it);
    }
  }
  return true;
}

// Takes a value that has no counterpart in the document.
void Adopt(JsonValue& document, const std::string& name, JsonValue value) {
  DropNulls(value);
  if (DropDirectives(value)) {
    document.Set(name, std::move(value));
  } else {
    document.Erase(name);
  }
}

// One item of a list as ordering sees it: the value of its merge key, or itself.
absl::StatusOr<const JsonValue*> IdentityOf(const JsonValue& item, std::string_view merge_key) {
  if (merge_key.empty()) return &item;
  if (!item.is_object()) return WrongType("map[string]interface {}", item);
  const JsonValue* key = item.Find(merge_key);
  if (key == nullptr) return NoMergeKey(item, merge_key);
  return key;
}

// Where each item of a list stands, by its text, which is the same for 1 and 1.0; of equal ones the
// first counts.
class Places {
 public:
  static absl::StatusOr<Places> Of(const Array& items, std::string_view merge_key) {
    Places out;
    for (const JsonValue& item : items) {
      BERTH_ASSIGN_OR_RETURN(const JsonValue* identity, IdentityOf(item, merge_key));
      out.Add(*identity);
    }
    return out;
  }

  // The place of an item equal to `identity`; -1: none.
  int64_t Find(const JsonValue& identity) const {
    const auto it = places_.find(TextOf(identity));
    return it == places_.end() ? -1 : it->second;
  }
  // Appends. False when an equal one is there already.
  bool Add(const JsonValue& identity) {
    return places_.emplace(TextOf(identity), next_++).second;
  }
  // An item that equals nothing.
  void AddOther() { ++next_; }

 private:
  static std::string TextOf(const JsonValue& identity) {
    return identity.is_string() ? "\"" + identity.string() : identity.ToText();
  }

  absl::flat_hash_map<std::string, int64_t> places_;
  int64_t next_ = 0;
};

struct RankedItem {
  JsonValue value;
  int64_t patch_rank = -1;   // its place in the patch's order; -1: the server's alone
  int64_t server_rank = -1;  // its place in the list as it was
};

// Items the patch names take the patch's order, the others keep theirs; both sequences are then
// interleaved by where the items stood before.
absl::StatusOr<Array> Reorder(Array items, const Places& patch_order, const Places& server_order,
                              std::string_view merge_key) {
  std::vector<RankedItem> patched, others;
  for (JsonValue& item : items) {
    BERTH_ASSIGN_OR_RETURN(const JsonValue* identity, IdentityOf(item, merge_key));
    RankedItem ranked;
    ranked.patch_rank = patch_order.Find(*identity);
    ranked.server_rank = server_order.Find(*identity);
    ranked.value = std::move(item);
    (ranked.patch_rank >= 0 ? patched : others).push_back(std::move(ranked));
  }
  std::stable_sort(patched.begin(), patched.end(), [](const RankedItem& a, const RankedItem& b) {
    return a.patch_rank < b.patch_rank;
  });
  Array out;
  size_t i = 0;
  for (RankedItem& item : patched) {
    while (i < others.size() && others[i].server_rank >= 0 && item.server_rank >= 0 &&
           others[i].server_rank < item.server_rank) {
      out.push_back(std::move(others[i++].value));
    }
    out.push_back(std::move(item.value));
  }
  while (i < others.size()) out.push_back(std::move(others[i++].value));
  return out;
}

absl::Status CheckSameTypes(const Array& original, const Array& patch) {
  const JsonValue* first = nullptr;
  for (const Array* list : {&original, &patch}) {
    for (const JsonValue& item : *list) {
      if (item.is_array()) return GenericInvalid();  // lists of lists are not supported
      if (first == nullptr) first = &item;
      if (GoTypeName(*first) == GoTypeName(item)) continue;
      return PlainError(fmt::format("list element types are not identical: [{} {}]",
                                    JsonValue(original).ToGoText(), JsonValue(patch).ToGoText()));
    }
  }
  return absl::OkStatus();
}

// Obeys and removes the items of a patch list that are directives: deletions, and "replace", after
// which only what the patch itself says is left.
absl::Status ObeyListDirectives(Array& original, Array& patch, std::string_view merge_key) {
  Array plain;
  Places deleted;
  bool replace = false;
  for (JsonValue& item : patch) {
    const JsonValue* directive = item.Find(kDirective);
    if (directive == nullptr) {
      plain.push_back(std::move(item));
    } else if (*directive == JsonValue("delete")) {
      const JsonValue* identity = item.Find(merge_key);
      if (identity == nullptr) return NoMergeKey(item, merge_key);
      deleted.Add(*identity);
    } else if (*directive == JsonValue("replace")) {
      replace = true;
    } else if (*directive == JsonValue("merge")) {
      return PlainError("merging lists cannot yet be specified in the patch");
    } else {
      return UnknownDirective(*directive, item);
    }
  }
  std::erase_if(original, [&](const JsonValue& item) {
    const JsonValue* key = item.Find(merge_key);
    return key != nullptr && deleted.Find(*key) >= 0;
  });
  if (replace) {
    original = std::move(plain);
    patch.clear();
  } else {
    patch = std::move(plain);
  }
  return absl::OkStatus();
}

absl::Status MergeObject(JsonValue& document, JsonValue patch, const PatchSchema& schema);

absl::Status MergeItems(Array& merged, Array& patch, const PatchSchema& schema) {
  Places places;
  for (const JsonValue& item : merged) {
    const JsonValue* key = item.Find(schema.merge_key);
    if (key == nullptr) {
      places.AddOther();
    } else {
      places.Add(*key);
    }
  }
  for (JsonValue& item : patch) {
    const JsonValue* identity = item.Find(schema.merge_key);
    if (identity == nullptr) return NoMergeKey(item, schema.merge_key);
    const int64_t place = places.Find(*identity);
    if (place < 0) {
      places.Add(*identity);
      merged.push_back(std::move(item));
    } else {
      BERTH_RETURN_IF_ERROR(MergeObject(merged[static_cast<size_t>(place)], std::move(item),
                                        PatchSchema{schema.table}));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Array> MergePrimitives(Array original, const Array& patch, bool delete_items) {
  BERTH_ASSIGN_OR_RETURN(const Places patch_order, Places::Of(patch, {}));
  if (delete_items) {
    std::erase_if(original, [&](const JsonValue& item) { return patch_order.Find(item) >= 0; });
    return original;
  }
  Array merged;
  Places seen;
  for (const Array& list : {std::cref(original), std::cref(patch)}) {
    for (const JsonValue& item : list) {
      if (seen.Add(item)) merged.push_back(item);
    }
  }
  BERTH_ASSIGN_OR_RETURN(const Places server_order, Places::Of(original, {}));
  return Reorder(std::move(merged), patch_order, server_order, {});
}

absl::StatusOr<Array> MergeList(Array original, Array patch, const PatchSchema& schema,
                                bool delete_items) {
  if (original.empty() && patch.empty()) return original;
  BERTH_RETURN_IF_ERROR(CheckSameTypes(original, patch));
  const bool objects = original.empty() ? patch[0].is_object() : original[0].is_object();
  if (!objects) return MergePrimitives(std::move(original), patch, delete_items);
  if (schema.merge_key.empty()) {
    return PlainError(fmt::format(
        "cannot merge lists without merge key for {}",
        schema.table == nullptr ? std::string() : schema.table->descriptor().name()));
  }
  BERTH_RETURN_IF_ERROR(ObeyListDirectives(original, patch, schema.merge_key));
  BERTH_ASSIGN_OR_RETURN(const Places server_order, Places::Of(original, schema.merge_key));
  BERTH_ASSIGN_OR_RETURN(const Places patch_order, Places::Of(patch, schema.merge_key));
  Array merged = std::move(original);
  BERTH_RETURN_IF_ERROR(MergeItems(merged, patch, schema));
  return Reorder(std::move(merged), patch_order, server_order, schema.merge_key);
}

absl::Status ObeyRetainKeys(JsonValue& document, JsonValue& patch) {
  if (patch.Find(kRetainKeys) == nullptr) return absl::OkStatus();
  const JsonValue keep = patch.Take(kRetainKeys);
  absl::Status bad = BadRequest("invalid patch format of retainKeys");
  if (!keep.is_array()) return bad;
  BERTH_ASSIGN_OR_RETURN(const Places places, Places::Of(keep.array(), {}));
  const auto kept = [&](const std::string& name) { return places.Find(JsonValue(name)) >= 0; };
  for (const auto& [name, value] : patch.object()) {
    const bool directive = name.starts_with(kDeletePrefix) || name.starts_with(kOrderPrefix);
    if (!value.is_null() && !directive && !kept(name)) return bad;
  }
  std::erase_if(document.object(), [&](const auto& member) { return !kept(member.first); });
  return absl::OkStatus();
}

// The items of a patch that are not directives must stand in the order list, in the same order.
absl::Status CheckOrderList(const Array& items, const Array& order, std::string_view merge_key) {
  if (items.empty() || order.empty()) return absl::OkStatus();
  size_t next = 0;
  for (const JsonValue& item : items) {
    if (item.is_object() && item.Find(kDirective) != nullptr) continue;
    BERTH_ASSIGN_OR_RETURN(const JsonValue* identity, IdentityOf(item, merge_key));
    bool found = false;
    while (!found && next < order.size()) {
      BERTH_ASSIGN_OR_RETURN(const JsonValue* listed, IdentityOf(order[next++], merge_key));
      found = *listed == *identity;
    }
    if (!found) {
      return PlainError(fmt::format(
          "The order in patch list:\n{}\n doesn't match $setElementOrder list:\n{}\n",
          JsonValue(items).ToGoText(), JsonValue(order).ToGoText()));
    }
  }
  return absl::OkStatus();
}

absl::Status ApplyOrder(JsonValue& document, JsonValue& patch, const std::string& name,
                        const JsonValue& order, const PatchSchema& parent) {
  if (!order.is_array()) return WrongType("[]interface {}", order);
  const JsonValue* original = document.Find(name);
  JsonValue* change = patch.Find(name);
  if (original != nullptr && !original->is_array()) return WrongType("[]interface {}", *original);
  if (change != nullptr && !change->is_array()) return WrongType("[]interface {}", *change);
  BERTH_ASSIGN_OR_RETURN(const PatchSchema schema, SchemaOf(parent, name));
  if (change != nullptr) {
    BERTH_RETURN_IF_ERROR(CheckOrderList(change->array(), order.array(), schema.merge_key));
  }
  if (original == nullptr && change == nullptr) return absl::OkStatus();
  const Array before = original == nullptr ? Array() : original->array();
  Array merged = before;
  if (change != nullptr && original == nullptr) {
    DropDirectives(*change);
    merged = std::move(change->array());
  } else if (change != nullptr && schema.merge) {
    BERTH_ASSIGN_OR_RETURN(merged, MergeList(before, std::move(change->array()), schema, false));
  } else if (change != nullptr) {
    merged = std::move(change->array());
  }
  BERTH_ASSIGN_OR_RETURN(const Places server_order, Places::Of(before, schema.merge_key));
  BERTH_ASSIGN_OR_RETURN(const Places patch_order, Places::Of(order.array(), schema.merge_key));
  BERTH_ASSIGN_OR_RETURN(
      Array ordered, Reorder(std::move(merged), patch_order, server_order, schema.merge_key));
  document.Set(name, JsonValue(std::move(ordered)));
  patch.Erase(name);
  return absl::OkStatus();
}

absl::Status ApplyOrders(JsonValue& document, JsonValue& patch, const PatchSchema& schema) {
  std::vector<std::string> names;
  for (const auto& [name, value] : patch.object()) {
    if (name.starts_with(kOrderPrefix)) names.push_back(name);
    else if (name == kOrderPrefix.substr(0, kOrderPrefix.size() - 1)) return BadOrderList();
  }
  for (const std::string& name : names) {
    const JsonValue order = patch.Take(name);
    BERTH_RETURN_IF_ERROR(
        ApplyOrder(document, patch, name.substr(kOrderPrefix.size()), order, schema));
  }
  return absl::OkStatus();
}

absl::Status MergeMember(JsonValue& document, std::string name, JsonValue change,
                         const PatchSchema& parent) {
  const bool delete_items = name.starts_with(kDeletePrefix);
  if (delete_items) name = name.substr(kDeletePrefix.size());
  if (change.is_null()) {
    document.Erase(name);
    return absl::OkStatus();
  }
  JsonValue* member = document.Find(name);
  if (member == nullptr || member->kind() != change.kind()) {
    if (!delete_items) Adopt(document, name, std::move(change));
    return absl::OkStatus();
  }
  if (!member->is_object() && !member->is_array()) {
    *member = std::move(change);
    return absl::OkStatus();
  }
  BERTH_ASSIGN_OR_RETURN(const PatchSchema schema, SchemaOf(parent, name));
  if (member->is_object()) {
    if (!schema.replace) return MergeObject(*member, std::move(change), schema);
    *member = std::move(change);
    return absl::OkStatus();
  }
  if (!schema.merge && !delete_items) {
    *member = std::move(change);
    return absl::OkStatus();
  }
  BERTH_ASSIGN_OR_RETURN(Array merged,
                         MergeList(std::move(member->array()), std::move(change.array()), schema,
                                   delete_items));
  *member = JsonValue(std::move(merged));
  return absl::OkStatus();
}

absl::Status MergeObject(JsonValue& document, JsonValue patch, const PatchSchema& schema) {
  if (const JsonValue* directive = patch.Find(kDirective)) {
    if (*directive == JsonValue("replace")) {
      patch.Erase(kDirective);
      document = std::move(patch);
    } else if (*directive == JsonValue("delete")) {
      document = JsonValue::EmptyObject();
    } else {
      return UnknownDirective(*directive, patch);
    }
    return absl::OkStatus();
  }
  BERTH_RETURN_IF_ERROR(ObeyRetainKeys(document, patch));
  BERTH_RETURN_IF_ERROR(ApplyOrders(document, patch, schema));
  for (auto& [name, change] : patch.object()) {
    BERTH_RETURN_IF_ERROR(MergeMember(document, name, std::move(change), schema));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ApplyStrategicPatch(const google::protobuf::Descriptor& type, JsonValue patch,
                                 JsonValue& document) {
  if (!patch.is_object() || !document.is_object()) return BadRequest("invalid JSON document");
  return MergeObject(document, std::move(patch), PatchSchema{&MessageTable::Of(type)});
}

}  // namespace berth::api
