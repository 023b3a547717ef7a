// What the rules of a kind make of an object given as JSON: complaints, or what is stored.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <google/protobuf/message.h>
#include <gtest/gtest.h>

#include "api/defaults.h"
#include "api/json.h"
#include "api/object.h"
#include "api/patch.h"
#include "api/prepare.h"
#include "api/resource_table.h"
#include "api/schema/meta_v1.pb.h"
#include "api/validation/validation.h"
#include "api/wire.h"
#include "tests/api/pod_with.h"

namespace berth::api {

// One kind, and a valid object of it that cases change by merge patches.
class RulesOf {
 public:
  RulesOf(const Resource& resource, std::string_view base) : resource_(resource), base_(base) {}

  // The object as a new one is stored, before validation.
  std::unique_ptr<google::protobuf::Message> Made(std::string_view patch = "{}") const {
    auto object = Parsed(base_, patch);
    PrepareForCreate(resource_, *object);
    return object;
  }
  std::string Create(std::string_view patch) const {
    return Describe(ValidateCreate(resource_, *Made(patch)));
  }
  // `patch` applied to the object that the base and `before` make; `status`: what the object had
  // become by then.
  std::string Update(std::string_view patch, std::string_view before = "{}",
                     std::string_view status = "{}") const {
    return Change("", patch, before, status);
  }
  std::string UpdateStatus(std::string_view patch, std::string_view before = "{}",
                           std::string_view status = "{}") const {
    return Change("status", patch, before, status);
  }
  // As JSON.
  std::string Stored(std::string_view patch) const { return Printed(*Made(patch)); }
  std::string StoredUpdate(std::string_view subresource, std::string_view patch,
                           std::string_view status = "{}") const {
    const auto old = Old("{}", status);
    return Printed(*Changed(subresource, *old, patch));
  }

 private:
  static std::string Printed(const google::protobuf::Message& object) {
    std::string out;
    PrintJson(object, out);
    return out;
  }

  std::unique_ptr<google::protobuf::Message> Parsed(std::string_view json,
                                                    std::string_view patch) const {
    auto object = resource_.New();
    const auto merged =
        ApplyPatch(kMergePatchType, *object->GetDescriptor(), json, std::string(patch));
    EXPECT_TRUE(merged.ok()) << patch;
    EXPECT_TRUE(ParseJson(*merged, *object).ok()) << patch;
    if (resource_.namespaced) MutableMeta(*object).set_namespace_("n");
    ApplyDefaults(resource_, *object);
    return object;
  }

  std::unique_ptr<google::protobuf::Message> Old(std::string_view before,
                                                 std::string_view status) const {
    auto made = Made(before);
    MutableMeta(*made).set_resource_version("1");
    return Parsed(Printed(*made), status);
  }

  std::unique_ptr<google::protobuf::Message> Changed(std::string_view subresource,
                                                     const google::protobuf::Message& old,
                                                     std::string_view patch) const {
    auto object = Parsed(Printed(old), patch);
    PrepareForUpdate(resource_, subresource, old, *object);
    return object;
  }

  std::string Change(std::string_view subresource, std::string_view patch, std::string_view before,
                     std::string_view status) const {
    const auto old = Old(before, status);
    const auto object = Changed(subresource, *old, patch);
    return Describe(ValidateSubresourceUpdate(resource_, subresource, *object, *old));
  }

  const Resource& resource_;
  std::string base_;
};

}  // namespace berth::api
