// Label and field selectors, parsed once and matched often.
//
//   BERTH_ASSIGN_OR_RETURN(auto labels, LabelSelector::Parse("app=web,tier in (a,b),!old"));
//   BERTH_ASSIGN_OR_RETURN(auto fields, FieldSelector::Parse(pods, "spec.nodeName=n1"));
//   if (labels.Matches(pod.metadata().labels()) && fields.Matches(pod)) ...
//
// Matching allocates nothing: a hash look-up a requirement, or for selectors beyond a few terms one
// a label or field: what a long selector costs depends on the object, so nobody can send one that
// keeps a server busy. Threads: immutable once built.
// Source: apimachinery/pkg/labels/selector.go, pkg/fields/selector.go; the fields a kind is
// selected by: pkg/apis/*/v1/conversion.go and the kinds' registries.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "api/fwd.h"
#include "base/strings.h"

namespace google::protobuf {
class Descriptor;
class FieldDescriptor;
template <typename K, typename V>
class Map;
}  // namespace google::protobuf

namespace berth::api {

struct Resource;
using Labels = google::protobuf::Map<std::string, std::string>;

enum class SelectorOperator : uint8_t {
  kIn, kNotIn, kEquals, kDoubleEquals, kNotEquals, kExists, kDoesNotExist, kGreaterThan, kLessThan
};

// One term of a label selector.
struct LabelRequirement {
  std::string key;
  SelectorOperator op = SelectorOperator::kExists;
  std::vector<std::string> values;  // sorted, no duplicates
  int64_t bound = 0;                // of kGreaterThan, kLessThan

  // value: that of the key, or nothing when the label is not there.
  bool Accepts(std::optional<std::string_view> value) const;
  std::string ToString() const;
};

class LabelSelector {
 public:
  LabelSelector() = default;  // matches everything
  static LabelSelector Nothing();

  // "a=b,c!=d,e in (x,y),!f,g>1". BadRequest with upstream's text.
  static absl::StatusOr<LabelSelector> Parse(std::string_view text);
  // An empty message matches everything; whoever has an absent one means Nothing().
  // InvalidArgument with upstream's text.
  static absl::StatusOr<LabelSelector> FromMessage(const meta::LabelSelector& message);
  // Exactly these labels, unchecked.
  static LabelSelector FromLabels(const Labels& labels);

  bool Matches(const Labels& labels) const;
  bool MatchesNothing() const { return nothing_; }
  bool MatchesEverything() const { return !nothing_ && requirements_.empty(); }
  // Sorted by key.
  const std::vector<LabelRequirement>& requirements() const { return requirements_; }
  std::string ToString() const;  // "a=b,e in (x,y)", as a Scale's status has it

 private:
  // All that a long selector demands of one label.
  struct KeyRule {
    bool present = false, absent = false;    // both: never true
    bool limited = false;                    // the value must be one of `allowed`
    std::vector<std::string> allowed;        // sorted
    std::vector<std::string> excluded;       // sorted
    std::optional<int64_t> above, below;
    void Add(const LabelRequirement& requirement);
    bool Accepts(std::string_view value) const;
  };

  void Finish();
  bool MatchesByKey(const Labels& labels) const;

  std::vector<LabelRequirement> requirements_;
  std::shared_ptr<const StringMap<KeyRule>> rules_;  // by key; null for short selectors
  size_t demanded_ = 0;                              // rules with `present`
  bool nothing_ = false;
};

class FieldSelector {
 public:
  FieldSelector() = default;  // matches everything

  // "metadata.name=x,spec.nodeName!=y". BadRequest with upstream's text: a term without an
  // operator, a bad escape, a field the kind is not selected by.
  static absl::StatusOr<FieldSelector> Parse(const Resource& resource, std::string_view text);

  // message: of the resource's kind; for events of events.k8s.io also the stored core/v1 form.
  bool Matches(const google::protobuf::Message& message) const;
  bool MatchesEverything() const { return terms_.empty(); }
  // The one value the field must have, when the selector demands one: it names an object or a
  // node, and the reader can use an index.
  std::optional<std::string_view> ExactValue(std::string_view field) const;
  std::string ToString() const;

 private:
  // A field of one message type, reached by a path of singular fields. fallback: read when the
  // value is empty.
  struct Accessor {
    const google::protobuf::Descriptor* type = nullptr;
    std::vector<const google::protobuf::FieldDescriptor*> path;
    std::vector<const google::protobuf::FieldDescriptor*> fallback;
  };
  // All that is demanded of one field.
  struct Term {
    std::string field;
    std::vector<std::string> equal;     // every one of them; no duplicates
    std::vector<std::string> excluded;  // sorted
    std::vector<Accessor> accessors;    // none: the field is selectable but always empty
    bool Accepts(std::string_view value) const;
  };
  Term& TermOf(std::string field);
  static absl::Status AddAccessors(const Resource& resource, Term& term);
  static absl::Status AddTerm(const Resource& resource, std::string_view part,
                              std::string_view whole, FieldSelector& out);

  std::vector<Term> terms_;
  std::string text_;  // all terms, as they were sorted
};

}  // namespace berth::api
