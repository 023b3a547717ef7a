#include "api/errors.h"

#include <gtest/gtest.h>

#include "api/resource_table.h"
#include "api/schema/apps_v1.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/meta_v1_status.pb.h"

namespace berth::api {
namespace {

TEST(ErrorsTest, TextsCodesAndReasonsAreUpstreams) {
  const Resource& pods = ResourceOf<core::Pod>();
  const Resource& sets = ResourceOf<apps::ReplicaSet>();
  const struct {
    absl::Status status;
    int code;
    std::string_view reason, message, kind;
  } cases[] = {
      {NotFound(pods, "web-1"), 404, "NotFound", "pods \"web-1\" not found", "pods"},
      {NotFound(sets, "r"), 404, "NotFound", "replicasets.apps \"r\" not found", "replicasets"},
      {AlreadyExists(pods, "a"), 409, "AlreadyExists", "pods \"a\" already exists", "pods"},
      {Conflict(pods, "a", "why"), 409, "Conflict",
       "Operation cannot be fulfilled on pods \"a\": why", "pods"},
      {Conflict(pods, "a", "why", "binding"), 409, "Conflict",
       "Operation cannot be fulfilled on pods/binding \"a\": why", "pods/binding"},
      {Forbidden(pods, "y", "no"), 403, "Forbidden", "pods \"y\" is forbidden: no", "pods"},
      {Forbidden(pods, "", "no"), 403, "Forbidden", "pods is forbidden: no", "pods"},
      {Invalid(pods, "x", {Required("spec.containers")}), 422, "Invalid",
       "Pod \"x\" is invalid: spec.containers: Required value", "Pod"},
      {Invalid(sets, "x", {Required("a"), InvalidInt("b", -1, "bad")}), 422, "Invalid",
       "ReplicaSet.apps \"x\" is invalid: [a: Required value, b: Invalid value: -1: bad]",
       "ReplicaSet"},
      {Invalid(pods, "x", {Required("a"), Required("a")}), 422, "Invalid",
       "Pod \"x\" is invalid: a: Required value", "Pod"},
      {InvalidKind("meta.k8s.io", "ListOptions", "", {ForbiddenField("f", "why")}), 422, "Invalid",
       "ListOptions.meta.k8s.io \"\" is invalid: f: Forbidden: why", "ListOptions"},
      {TooLargeResourceVersion(133, 99, 1), 504, "Timeout",
       "Timeout: Too large resource version: 99, current: 133", ""},
      {ResourceExpired("old"), 410, "Expired", "old", ""},
      {PlainError("target.name: Required value"), 500, "", "target.name: Required value", ""},
      {InternalError("boom"), 500, "InternalError", "Internal error occurred: boom", ""},
      {GenericNotFound(), 404, "NotFound", "the server could not find the requested resource", ""},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.message);
    EXPECT_EQ(HttpCode(c.status), c.code);
    EXPECT_EQ(Reason(c.status), c.reason);
    const meta::Status message = ToStatusMessage(c.status);
    EXPECT_EQ(message.message(), c.message);
    EXPECT_EQ(message.details().kind(), c.kind);
    EXPECT_EQ(ToStatusMessage(FromStatusMessage(message)).SerializeAsString(),
              message.SerializeAsString());
  }
}

TEST(ErrorsTest, EveryComplaintIsACauseEvenWhenTheTextNamesItOnce) {
  const auto status = Invalid(ResourceOf<core::Pod>(), "x", {Required("a"), Required("a")});
  const meta::Status message = ToStatusMessage(status);
  ASSERT_EQ(message.details().causes_size(), 2);
  EXPECT_EQ(message.details().causes(0).reason(), "FieldValueRequired");
  EXPECT_EQ(message.details().causes(0).message(), "Required value");
  EXPECT_EQ(message.details().causes(0).field(), "a");
}

TEST(ErrorsTest, FieldErrorTexts) {
  EXPECT_EQ(NotSupported("f", "x", {"A", "B"}).text,
            "Unsupported value: \"x\": supported values: \"A\", \"B\"");
  EXPECT_EQ(Duplicate("f", "\"x\"").text, "Duplicate value: \"x\"");
  EXPECT_EQ(NotFoundField("f", "v").text, "Not found: \"v\"");
  EXPECT_EQ(TooLong("f", "x", 10).text, "Too long: may not be more than 10 bytes");
  EXPECT_EQ(TooMany("f", 5, 1).text, "Too many: 5: must have at most 1 item");
  EXPECT_EQ(GoQuoted("a\"\\\n\x01\xff\xc3\xa9"), "\"a\\\"\\\\\\n\\x01\\xff\xc3\xa9\"");
}

TEST(ErrorsTest, FailuresWithoutAPayloadGetACode) {
  EXPECT_EQ(HttpCode(absl::InvalidArgumentError("x")), 400);
  EXPECT_EQ(HttpCode(absl::NotFoundError("x")), 404);
  EXPECT_EQ(HttpCode(absl::UnknownError("x")), 500);
  EXPECT_EQ(ToStatusMessage(absl::UnknownError("x")).reason(), "");
  EXPECT_TRUE(FromStatusMessage(ToStatusMessage(absl::OkStatus())).ok());
}

}  // namespace
}  // namespace berth::api
