// The options of a request: its query parameters (and the body of a deletion), parsed and checked.
// Source: apimachinery/pkg/apis/meta/{v1,internalversion}/validation.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "api/fwd.h"
#include "api/wire.h"

namespace berth::apiserver {

// What happens to fields the type does not know and to duplicates.
enum class FieldValidation { kWarn, kIgnore, kStrict };

// Of create, update and patch.
struct WriteOptions {
  bool dry_run = false;
  FieldValidation field_validation = FieldValidation::kWarn;
  std::string field_manager;
};
// `kind`: "CreateOptions", "UpdateOptions" or "PatchOptions", for the messages.
absl::StatusOr<WriteOptions> ParseWriteOptions(const api::Query& query, std::string_view kind);

struct DeletionOptions {
  bool dry_run = false;
  std::optional<int64_t> grace_seconds;
  std::optional<std::string> uid;               // preconditions
  std::optional<std::string> resource_version;
  std::string propagation;                      // "", "Orphan", "Background", "Foreground"
};
// From the query when there is no body, else from the body alone, as upstream does.
absl::StatusOr<DeletionOptions> ParseDeletionOptions(const api::Query& query,
                                                     const api::meta::DeleteOptions* body);

struct ListOptions {
  enum class Match { kUnset, kNotOlderThan, kExact };
  std::string label_selector, field_selector;
  bool bookmarks = false;
  std::optional<bool> send_initial_events;
  std::optional<int64_t> revision;  // nullopt: unset; 0: any
  Match match = Match::kUnset;
  int64_t limit = 0;                // 0: all
  std::string continue_token;
  std::optional<int64_t> timeout_seconds;
};
absl::StatusOr<ListOptions> ParseListOptions(const api::Query& query, bool watch);

// What is sent belongs to another namespace than it is sent to.
absl::Status WrongNamespace();

// "", a number, or the failure upstream reports for it.
absl::StatusOr<std::optional<int64_t>> ParseResourceVersion(std::string_view text);

// A position in a list at one revision, as an opaque text.
struct ContinueToken {
  static constexpr int64_t kNewest = -1;  // the revision is gone: go on with what is there now
  int64_t revision = 0;
  std::string next_key;  // "NAMESPACE/NAME" of the first object still to come
};
std::string EncodeContinue(const ContinueToken& token);
absl::StatusOr<ContinueToken> DecodeContinue(std::string_view text);

}  // namespace berth::apiserver
