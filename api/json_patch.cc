#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/patch.h"
#include "base/status_macros.h"

namespace berth::api {
namespace {

using Tokens = std::vector<std::string>;

// "/a/b~1c" -> {"a", "b/c"}; "" is the whole document.
std::optional<Tokens> ParsePointer(std::string_view pointer) {
  Tokens tokens;
  if (pointer.empty()) return tokens;
  if (pointer[0] != '/') return std::nullopt;
  for (const char c : pointer) {
    if (c == '/') {
      tokens.emplace_back();
    } else {
      tokens.back().push_back(c);
    }
  }
  for (std::string& token : tokens) {
    size_t kept = 0;
    for (size_t at = 0; at < token.size(); ++at) {
      const bool escape = token[at] == '~' && at + 1 < token.size() &&
                          (token[at + 1] == '0' || token[at + 1] == '1');
      token[kept++] = !escape ? token[at] : token[at + 1] == '1' ? '/' : '~';
      if (escape) ++at;
    }
    token.resize(kept);
  }
  return tokens;
}

// An index into an array of `size` items; negative ones count from the end.
std::optional<size_t> ParseIndex(std::string_view token, size_t size, bool may_append) {
  int64_t index = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), index);
  if (error != std::errc() || end != token.data() + token.size()) return std::nullopt;
  const auto limit = static_cast<int64_t>(size) + (may_append ? 1 : 0);
  if (index < 0) index += limit;
  if (index < 0 || index >= limit) return std::nullopt;
  return static_cast<size_t>(index);
}

JsonValue* Child(JsonValue& parent, const std::string& token) {
  if (parent.is_object()) return parent.Find(token);
  if (!parent.is_array()) return nullptr;
  const auto index = ParseIndex(token, parent.array().size(), false);
  return index.has_value() ? &parent.array()[*index] : nullptr;
}

// The container of the last token; null when the path leads nowhere.
JsonValue* ParentOf(JsonValue& document, const Tokens& tokens) {
  JsonValue* at = &document;
  for (size_t i = 0; i + 1 < tokens.size() && at != nullptr; ++i) at = Child(*at, tokens[i]);
  return at;
}

JsonValue* Locate(JsonValue& document, const Tokens& tokens) {
  if (tokens.empty()) return &document;
  JsonValue* parent = ParentOf(document, tokens);
  return parent == nullptr ? nullptr : Child(*parent, tokens.back());
}

// Levels of nesting; a value as parsed has kJsonNestingMax at most, and it stays so. `steps` grows
// by the number of values looked at.
size_t DepthOf(const JsonValue& value, int64_t& steps) {
  ++steps;
  size_t deepest = 0;
  if (value.is_array()) {
    for (const JsonValue& item : value.array()) deepest = std::max(deepest, DepthOf(item, steps));
  } else if (value.is_object()) {
    for (const auto& [key, member] : value.object()) {
      deepest = std::max(deepest, DepthOf(member, steps));
    }
  } else {
    return 0;
  }
  return deepest + 1;
}

// Copies of copies would nest deeper than any text that is read, and than the stack holds.
bool NestsWithin(const Tokens& path, const JsonValue& value, int64_t& steps) {
  return path.size() + DepthOf(value, steps) <= kJsonNestingMax;
}

bool AddAt(JsonValue& document, const Tokens& tokens, JsonValue value, int64_t& steps) {
  if (!NestsWithin(tokens, value, steps)) return false;
  if (tokens.empty()) {
    document = std::move(value);
    return true;
  }
  JsonValue* parent = ParentOf(document, tokens);
  if (parent == nullptr) return false;
  if (parent->is_object()) {
    parent->Set(tokens.back(), std::move(value));
    return true;
  }
  if (!parent->is_array()) return false;
  JsonValue::Array& array = parent->array();
  if (tokens.back() == "-") {
    array.push_back(std::move(value));
    return true;
  }
  const auto index = ParseIndex(tokens.back(), array.size(), true);
  if (!index.has_value()) return false;
  steps += static_cast<int64_t>(array.size() - *index);
  array.insert(array.begin() + static_cast<int64_t>(*index), std::move(value));
  return true;
}

bool RemoveAt(JsonValue& document, const Tokens& tokens, int64_t& steps) {
  if (tokens.empty()) return false;
  JsonValue* parent = ParentOf(document, tokens);
  if (parent == nullptr) return false;
  if (parent->is_object()) return parent->Erase(tokens.back());
  if (!parent->is_array()) return false;
  const auto index = ParseIndex(tokens.back(), parent->array().size(), false);
  if (!index.has_value()) return false;
  steps += static_cast<int64_t>(parent->array().size() - *index);
  parent->array().erase(parent->array().begin() + static_cast<int64_t>(*index));
  return true;
}

const std::string* TextMember(const JsonValue& operation, std::string_view name) {
  const JsonValue* found = operation.Find(name);
  return found != nullptr && found->is_string() ? &found->string() : nullptr;
}

// Upstream answers every operation that does not apply alike, and does not say which it was.
class JsonPatcher {
 public:
  explicit JsonPatcher(JsonValue& document) : document_(document) {}

  absl::Status Apply(const JsonValue& operation) {
    if (steps_ > kStepsMax) {
      return RequestEntityTooLarge("the operations of the JSON patch move too many values");
    }
    const std::string* op = TextMember(operation, "op");
    const std::string* pointer = TextMember(operation, "path");
    if (op == nullptr || pointer == nullptr) return GenericInvalid();
    const auto path = ParsePointer(*pointer);
    if (!path.has_value()) return GenericInvalid();
    const JsonValue* value = operation.Find("value");
    if (*op == "add" && value != nullptr) {
      return Check(AddAt(document_, *path, *value, steps_));
    }
    if (*op == "remove") return Check(RemoveAt(document_, *path, steps_));
    if (*op == "replace" && value != nullptr) return Replace(*path, *value);
    if (*op == "test") return Test(*path, value);
    if (*op != "move" && *op != "copy") return GenericInvalid();
    const std::string* from_pointer = TextMember(operation, "from");
    const auto from = from_pointer == nullptr ? std::nullopt : ParsePointer(*from_pointer);
    if (!from.has_value()) return GenericInvalid();
    return Transfer(*from, *path, *op == "move");
  }

 private:
  static absl::Status Check(bool applied) { return applied ? absl::OkStatus() : GenericInvalid(); }

  absl::Status Replace(const Tokens& path, const JsonValue& value) {
    JsonValue* target = Locate(document_, path);
    if (target == nullptr || !NestsWithin(path, value, steps_)) return GenericInvalid();
    *target = value;
    return absl::OkStatus();
  }

  // A missing member equals null.
  absl::Status Test(const Tokens& path, const JsonValue* value) {
    const JsonValue* target = Locate(document_, path);
    const JsonValue missing;
    return Check((target == nullptr ? missing : *target) == (value == nullptr ? missing : *value));
  }

  absl::Status Transfer(const Tokens& from, const Tokens& to, bool move) {
    JsonValue* source = Locate(document_, from);
    if (source == nullptr) return GenericInvalid();
    JsonValue value;
    if (move) {
      value = std::move(*source);
      if (!RemoveAt(document_, from, steps_)) return GenericInvalid();
    } else {
      value = *source;
      copied_bytes_ += static_cast<int64_t>(value.ToText().size());
      if (copied_bytes_ > kJsonPatchCopiedBytesMax) {
        return RequestEntityTooLarge(fmt::format(
            "Unable to complete the copy, the accumulated size increase of copy is {}, exceeding "
            "the limit {}",
            copied_bytes_, kJsonPatchCopiedBytesMax));
      }
    }
    return Check(AddAt(document_, to, std::move(value), steps_));
  }

  // Values shifted or walked over by all operations together: about a second's work. Upstream has
  // no such limit.
  static constexpr int64_t kStepsMax = 10'000'000;

  JsonValue& document_;
  int64_t steps_ = 0;
  int64_t copied_bytes_ = 0;
};

}  // namespace

absl::Status ApplyJsonPatch(const JsonValue& operations, JsonValue& document) {
  if (!operations.is_array()) {
    return BadRequest(
        "error decoding patch: json: cannot unmarshal object into Go value of type "
        "jsonpatch.Patch");
  }
  if (operations.array().size() > kJsonPatchOperationsMax) {
    return RequestEntityTooLarge(
        fmt::format("The allowed maximum operations in a JSON patch is {}, got {}",
                    kJsonPatchOperationsMax, operations.array().size()));
  }
  JsonPatcher patcher(document);
  for (const JsonValue& operation : operations.array()) {
    if (!operation.is_object()) {
      return BadRequest(
          "error decoding patch: json: cannot unmarshal into Go value of type "
          "jsonpatch.Operation");
    }
    BERTH_RETURN_IF_ERROR(patcher.Apply(operation));
  }
  return absl::OkStatus();
}

}  // namespace berth::api
