// Upstream's recorded answers to creations: what it refused, with every cause, and what it stored.
// Runs defaults, preparation and validation on the recorded bodies, without a server. The
// recordings are not part of the repository: BERTH_GOLDEN_API_DIR names them; without them the
// test is skipped, loudly.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include <gtest/gtest.h>

#include "api/defaults.h"
#include "api/errors.h"
#include "api/event_conversion.h"
#include "api/json.h"
#include "api/json_value.h"
#include "api/object.h"
#include "api/patch.h"
#include "api/prepare.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_event.pb.h"
#include "api/schema/events_v1.pb.h"
#include "api/schema/meta_v1.pb.h"
#include "api/schema/meta_v1_status.pb.h"
#include "api/validation/validation.h"
#include "base/strings.h"

namespace berth::api {
namespace {

std::string GoldenDir() {
  const char* named = std::getenv("BERTH_GOLDEN_API_DIR");
  return named != nullptr ? named : BERTH_GOLDEN_API_DEFAULT;
}

struct Target {
  const Resource* resource = nullptr;
  std::string namespace_;
  std::string name;         // empty: the collection
  std::string subresource;
};

// "/api/v1/namespaces/a/pods/b/status" -> pods, a, b, status. Null when it is something else.
Target ParseTarget(std::string path) {
  path = path.substr(0, path.find('?'));
  std::vector<std::string> parts;
  std::stringstream stream(path);
  for (std::string part; std::getline(stream, part, '/');) {
    if (!part.empty()) parts.push_back(part);
  }
  Target target;
  if (parts.size() < 3) return target;
  const bool core = parts[0] == "api";
  size_t at = core ? 2 : 3;
  if (parts.size() <= at) return target;
  const std::string group = core ? "" : parts[1];
  const std::string& version = parts[at - 1];
  if (parts[at] == "namespaces" && parts.size() > at + 2 &&
      FindResource(group, version, parts[at + 2]) != nullptr) {
    target.namespace_ = parts[at + 1];
    at += 2;
  }
  target.resource = FindResource(group, version, parts[at]);
  if (parts.size() > at + 1) target.name = parts[at + 1];
  if (parts.size() > at + 2) target.subresource = parts[at + 2];
  return target;
}

std::string Text(const JsonValue& object, std::string_view name) {
  const JsonValue* found = object.Find(name);
  return found != nullptr && found->is_string() ? found->string() : std::string();
}

bool IsAboutAKindThatIsHere(const JsonValue& step) {
  const Target target = ParseTarget(Text(step, "path"));
  const auto is_it = [&](const Resource& row) { return &row == target.resource; };
  return std::any_of(Resources().begin(), Resources().end(), is_it) &&
         (target.subresource.empty() ||
          target.resource->FindSubresource(target.subresource) != nullptr);
}

// Without what the recordings leave out, and what the admission plugins of the server add.
void Forget(JsonValue& object, const JsonValue& want) {
  if (JsonValue* metadata = object.Find("metadata")) {
    for (const char* field : {"uid", "resourceVersion", "creationTimestamp", "managedFields"}) {
      metadata->Erase(field);
    }
    const std::string kind = Text(want, "kind");
    if (kind == "PersistentVolume" || kind == "PersistentVolumeClaim") {
      metadata->Erase("finalizers");
    }
  }
  JsonValue* spec = object.Find("spec");
  const JsonValue* want_spec = want.Find("spec");
  if (spec == nullptr || want_spec == nullptr || !spec->is_object()) return;
  for (const char* field : {"priority", "preemptionPolicy", "priorityClassName"}) {
    spec->Erase(field);
  }
}

// The recordings say "<time>" where the server's clock shows; here there is none.
void ForgetTimes(JsonValue& got, const JsonValue& want) {
  if (want.is_string() && want.string() == "<time>" && got.is_null()) got = want;
  if (want.is_object() && got.is_object()) {
    for (auto& [name, member] : got.object()) {
      if (const JsonValue* other = want.Find(name)) ForgetTimes(member, *other);
    }
  }
  if (want.is_array() && got.is_array()) {
    for (size_t i = 0; i < std::min(got.array().size(), want.array().size()); ++i) {
      ForgetTimes(got.array()[i], want.array()[i]);
    }
  }
}

class Replay {
 public:
  void Run(const std::string& file) {
    std::ifstream stream(file);
    std::stringstream text;
    text << stream.rdbuf();
    const auto conversation = JsonValue::Parse(text.str());
    ASSERT_TRUE(conversation.ok());
    int number = 0;
    const JsonValue::Array& steps = conversation->Find("steps")->array();
    if (file.find("/cluster/") != std::string::npos &&
        !std::all_of(steps.begin(), steps.end(), IsAboutAKindThatIsHere)) {
      return;  // what it shows depends on one that is not
    }
    for (const JsonValue& step : steps) {
      SCOPED_TRACE(file + " step " + std::to_string(number++));
      Step(step);
    }
  }
  int refused() const { return refused_; }
  int accepted() const { return accepted_; }
  int patched() const { return patched_; }

 private:
  void Step(const JsonValue& step) {
    const Target target = ParseTarget(Text(step, "path"));
    const JsonValue* body = step.Find("body");
    const JsonValue& expect = *step.Find("expect");
    const JsonValue* answer = expect.Find("body");
    if (target.resource == nullptr || answer == nullptr || !answer->is_object()) return;
    const int64_t code = expect.Find("code")->int_value();
    if (Text(step, "path").find('?') != std::string::npos) return;
    const std::string key = target.resource->qualified() + "/" + target.namespace_ + "/";
    if (target.subresource == "scale") objects_.erase(key + target.name);  // changed unseen
    if (Text(step, "method") == "POST" && target.name.empty() && body != nullptr &&
        body->is_object() && Text(*body, "kind") == target.resource->kind) {
      Create(target, key, *body, code, *answer);
    } else if (Text(step, "method") == "PATCH" && body != nullptr &&
               objects_.contains(key + target.name)) {
      Patch(target, key + target.name, Text(*step.Find("headers"), "Content-Type"), *body, code,
            *answer);
    } else if (Text(step, "method") == "PUT" && body != nullptr &&
               objects_.contains(key + target.name)) {
      Update(target, key + target.name, *body, code, *answer);
    } else if (Text(step, "method") == "DELETE") {
      objects_.clear();
    }
  }

  void Create(const Target& target, const std::string& key, const JsonValue& body, int64_t code,
              const JsonValue& answer) {
    const Resource& resource = *target.resource;
    auto object = resource.New();
    if (!ParseJson(body.ToText(), *object).ok()) return;  // the codec's business
    meta::ObjectMeta& metadata = MutableMeta(*object);
    if (resource.namespaced && metadata.namespace_().empty()) {
      metadata.set_namespace_(target.namespace_);
    }
    if (metadata.name().empty() && !metadata.generate_name().empty()) {
      metadata.set_name(metadata.generate_name() + "abcde");
    }
    ApplyDefaults(resource, *object);
    PrepareForCreate(resource, *object);
    const FieldErrors errors = ValidateCreate(resource, *object);
    if (code == 422) {
      ++refused_;
      Compare(ToStatusMessage(Invalid(resource, metadata.name(), errors)), answer);
    } else if (code == 201) {
      ++accepted_;
      ASSERT_TRUE(errors.empty()) << errors.front().field << ": " << errors.front().text;
      CompareObject(resource, *object, answer);
      metadata.set_resource_version("1");
      objects_[key + metadata.name()] = std::move(object);
    }
  }

  void Patch(const Target& target, const std::string& key, const std::string& content_type,
             const JsonValue& body, int64_t code, const JsonValue& answer) {
    const Resource& resource = *target.resource;
    const auto& old = *objects_[key];
    std::string before;
    PrintJson(old, before);
    const auto after =
        ApplyPatch(content_type, *resource.prototype->GetDescriptor(), before, body.ToText());
    if (!after.ok()) {
      EXPECT_EQ(HttpCode(after.status()), code);
      if (code == 415) return;
      EXPECT_EQ(ToStd(after.status().message()), Text(answer, "message"));
      return;
    }
    Update(target, key, *JsonValue::Parse(*after), code, answer);
  }

  void Update(const Target& target, const std::string& key, const JsonValue& body, int64_t code,
              const JsonValue& answer) {
    const Resource& resource = *target.resource;
    const auto& old = *objects_[key];
    auto object = resource.New();
    ASSERT_TRUE(ParseJson(body.ToText(), *object).ok());
    // Names, versions and conditions of the update are the server's business.
    if (code == 409 || MetaOf(*object).name() != MetaOf(old).name()) return;
    if (Text(answer, "message").find("resourceVersion") != std::string::npos) return;
    MutableMeta(*object).set_resource_version("1");
    if (resource.namespaced) MutableMeta(*object).set_namespace_(target.namespace_);
    ApplyDefaults(resource, *object);
    PrepareForUpdate(resource, target.subresource, old, *object);
    const FieldErrors errors =
        ValidateSubresourceUpdate(resource, target.subresource, *object, old);
    ++patched_;
    if (code == 422) {
      Compare(ToStatusMessage(Invalid(resource, MetaOf(old).name(), errors)), answer);
    } else if (code == 200) {
      ASSERT_TRUE(errors.empty()) << errors.front().field << ": " << errors.front().text;
      CompareObject(resource, *object, answer);
      objects_[key] = std::move(object);
    }
  }

  // The words of some complaints quote Go values; field and reason never do.
  void Compare(const meta::Status& got, const JsonValue& want) {
    const JsonValue* details = want.Find("details");
    ASSERT_NE(details, nullptr);
    const JsonValue* causes = details->Find("causes");
    ASSERT_NE(causes, nullptr);
    std::string want_text, got_text;
    for (const JsonValue& cause : causes->array()) {
      want_text += Text(cause, "reason") + " " + Text(cause, "field") + " " +
                   Shortened(Text(cause, "message")) + "\n";
    }
    for (const auto& cause : got.details().causes()) {
      got_text +=
          cause.reason() + " " + cause.field() + " " + Shortened(cause.message()) + "\n";
    }
    EXPECT_EQ(got_text, want_text);
    EXPECT_EQ(got.details().kind(), Text(*details, "kind"));
  }

  static std::string Shortened(const std::string& text) {
    return text.substr(0, text.find("\n"));
  }

  void CompareObject(const Resource& resource, const google::protobuf::Message& object,
                     JsonValue want) {
    std::string text;
    PrintJson(object, text, {.api_version = resource.api_version(), .kind = resource.kind});
    JsonValue got = *JsonValue::Parse(text);
    if (want.Find("metadata") != nullptr && want.Find("metadata")->Find("name") != nullptr &&
        MetaOf(object).name().ends_with("abcde")) {
      return;
    }
    Forget(got, want);
    const JsonValue copy = want;
    Forget(want, copy);
    ForgetTimes(got, want);
    EXPECT_EQ(got.ToText(), want.ToText());
  }

  std::map<std::string, std::unique_ptr<google::protobuf::Message>> objects_;
  int refused_ = 0, accepted_ = 0, patched_ = 0;
};

TEST(GoldenRulesTest, CreationsAndPatchesGetUpstreamsAnswers) {
  std::vector<std::string> files;
  for (const char* folder : {"core", "cluster"}) {
    const std::filesystem::path dir = std::filesystem::path(GoldenDir()) / folder;
    if (!std::filesystem::is_directory(dir)) {
      GTEST_SKIP() << "no recordings at " << dir << "; set BERTH_GOLDEN_API_DIR";
    }
    for (const auto& entry : std::filesystem::directory_iterator(dir)) {
      files.push_back(entry.path().string());
    }
  }
  std::sort(files.begin(), files.end());
  int refused = 0, accepted = 0, patched = 0;
  for (const std::string& file : files) {
    Replay replay;
    replay.Run(file);
    refused += replay.refused();
    accepted += replay.accepted();
    patched += replay.patched();
  }
  std::cout << refused << " refused, " << accepted << " accepted, " << patched << " patched\n";
  EXPECT_GT(refused, 70);
  EXPECT_GT(accepted, 50);
  EXPECT_GT(patched, 15);
}

}  // namespace
}  // namespace berth::api
