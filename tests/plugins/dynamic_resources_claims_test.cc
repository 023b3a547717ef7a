#include <map>
#include <string>

#include <absl/strings/str_split.h>
#include <gtest/gtest.h>

#include "api/resource_table.h"
#include "base/strings.h"
#include "plugins/dynamic_resources/binding_conditions.h"
#include "plugins/dynamic_resources/claims.h"
#include "plugins/dynamic_resources/given_back.h"
#include "plugins/dynamic_resources/queueing_hints.h"
#include "tests/framework/builders.h"
#include "tests/plugins/harness.h"

namespace berth::plugins::dynamic_resources {
namespace {

using api::dra::ResourceClaim;
using framework::QueueingHint;
using framework::testing::MakePod;

std::shared_ptr<ResourceClaim> MakeClaim(std::string_view name) {
  auto claim = std::make_shared<ResourceClaim>();
  claim->mutable_metadata()->set_name(std::string(name));
  claim->mutable_metadata()->set_namespace_("default");
  claim->mutable_metadata()->set_uid(std::string(name));
  return claim;
}

std::shared_ptr<ResourceClaim> Allocated(std::string_view name, std::string_view device) {
  auto claim = MakeClaim(name);
  auto& result =
      *claim->mutable_status()->mutable_allocation()->mutable_devices()->add_results();
  result.set_driver("d");
  result.set_pool("p");
  result.set_device(std::string(device));
  return claim;
}

MakePod With(std::string_view claim) {
  MakePod pod("p");
  auto& entry = *pod.message().mutable_spec()->add_resource_claims();
  entry.set_name("gpu");
  entry.set_resource_claim_name(std::string(claim));
  return pod;
}

// With a claim made from a template: named `claim` in the status, unless empty.
MakePod WithTemplate(std::string_view claim) {
  MakePod pod("p");
  auto& entry = *pod.message().mutable_spec()->add_resource_claims();
  entry.set_name("gpu");
  entry.set_resource_claim_template_name("template");
  if (!claim.empty()) {
    auto& status = *pod.message().mutable_status()->add_resource_claim_statuses();
    status.set_name("gpu");
    status.set_resource_claim_name(std::string(claim));
  }
  return pod;
}

FindClaim Among(std::vector<ClaimPtr> claims) {
  return [claims = std::move(claims)](std::string_view, std::string_view name) -> ClaimPtr {
    for (const ClaimPtr& claim : claims) {
      if (claim->metadata().name() == name) return claim;
    }
    return nullptr;
  };
}

TEST(DynamicResourcesClaimsTest, ClaimsOfAPod) {
  auto leaving = MakeClaim("leaving");
  leaving->mutable_metadata()->mutable_deletion_timestamp()->set_seconds(1);
  auto owned = MakeClaim("owned");
  auto& owner = *owned->mutable_metadata()->add_owner_references();
  owner.set_uid("p");
  owner.set_controller(true);
  const FindClaim find = Among({MakeClaim("there"), leaving, owned});
  MakePod not_needed = WithTemplate("");
  not_needed.message().mutable_status()->add_resource_claim_statuses()->set_name("gpu");
  MakePod neither("p");
  neither.message().mutable_spec()->add_resource_claims()->set_name("gpu");
  const struct {
    std::string_view name;
    MakePod pod;
    size_t claims;
    std::string_view problem;
    std::string_view waits_for = "";
  } cases[] = {
      {"none", MakePod("p"), 0, ""},
      {"named", With("there"), 1, ""},
      {"missing", With("none"), 0, "could not find ResourceClaim \"default/none\"",
       "default/none"},
      {"leaving", With("leaving"), 0, "resourceclaim \"leaving\" is being deleted",
       "default/leaving"},
      {"not generated yet", WithTemplate(""), 0,
       "pod \"default/p\": ResourceClaim not created yet"},
      {"generated", WithTemplate("owned"), 1, ""},
      {"somebody else's", WithTemplate("there"), 0,
       "ResourceClaim default/there was not created for Pod default/p (Pod is not owner)",
       "default/there"},
      {"not needed", not_needed, 0, ""},
      {"neither", neither, 0,
       "pod \"default/p\", spec.resourceClaim \"gpu\": none of the supported fields are set"},
  };
  for (const auto& c : cases) {
    const PodClaims found = ClaimsOf(c.pod.Info()->object(), find);
    EXPECT_EQ(found.claims.size(), c.claims) << c.name;
    EXPECT_EQ(found.problem, c.problem) << c.name;
    EXPECT_EQ(found.waits_for, c.waits_for) << c.name;
  }
}

TEST(DynamicResourcesClaimsTest, GatesOpenWhenTheirClaimChanges) {
  StringSet opened;
  ClaimGates gates([&](std::string_view pod) { opened.emplace(pod); });
  gates.Wait("default/c", "default/p");
  gates.Wait("default/c", "default/p");
  gates.Wait("default/c", "default/q");
  gates.Wait("default/d", "default/r");
  gates.Changed("default/e");
  EXPECT_EQ(opened, StringSet());
  gates.Changed("default/c");
  EXPECT_EQ(opened, StringSet({"default/p", "default/q"}));
  opened.clear();
  gates.Changed("default/c");
  EXPECT_EQ(opened, StringSet()) << "they did not wait anew";
  for (size_t i = 0; i < ClaimGates::kClaimsMax; ++i) {
    gates.Wait("default/never-" + std::to_string(i), "default/s");
  }
  EXPECT_EQ(opened, StringSet({"default/r", "default/s"})) << "too many: all are asked again";
  EXPECT_EQ(gates.size(), 1);
}

TEST(DynamicResourcesClaimsTest, HintsAfterClaimsChange) {
  const auto plain = MakeClaim("c"), other = MakeClaim("other");
  const auto allocated = Allocated("c", "a"), other_allocated = Allocated("other", "a");
  auto relabelled = MakeClaim("c");
  (*relabelled->mutable_metadata()->mutable_labels())["a"] = "b";
  const struct {
    std::string_view name;
    MakePod pod;
    ClaimPtr before, after;
    QueueingHint want;
  } cases[] = {
      {"its claim is new", With("c"), nullptr, plain, QueueingHint::kQueue},
      {"another claim is new", With("c"), nullptr, other, QueueingHint::kSkip},
      {"its claim's status changed", With("c"), plain, allocated, QueueingHint::kQueue},
      {"something else of it changed", With("c"), plain, relabelled, QueueingHint::kSkip},
      {"another claim's status changed", With("c"), other, other_allocated, QueueingHint::kSkip},
      {"another claim gave its devices back", With("c"), other_allocated, other,
       QueueingHint::kQueue},
      {"its claims are not there", With("gone"), other_allocated, other, QueueingHint::kSkip},
  };
  for (const auto& c : cases) {
    const auto hint = AfterClaimChange(*c.pod.Info(), c.before.get(), c.after.get(),
                                       Among({plain, other}));
    EXPECT_EQ(*hint, c.want) << c.name;
  }
  EXPECT_FALSE(AfterClaimChange(*With("c").Info(), nullptr, nullptr, Among({})).ok());
}

TEST(DynamicResourcesClaimsTest, HintsAfterThePodNamesItsClaims) {
  auto owned = MakeClaim("owned");
  auto& owner = *owned->mutable_metadata()->add_owner_references();
  owner.set_uid("p");
  owner.set_controller(true);
  const FindClaim find = Among({owned});
  const auto waiting = WithTemplate("").Info();
  const auto of = [&](MakePod after) {
    return *AfterPodChange(*waiting, nullptr, after.Object().get(), find);
  };
  EXPECT_EQ(of(WithTemplate("owned")), QueueingHint::kQueue);
  EXPECT_EQ(of(WithTemplate("")), QueueingHint::kSkip);
  EXPECT_EQ(of(WithTemplate("owned").Uid("q")), QueueingHint::kSkip);
}

TEST(DynamicResourcesClaimsTest, AnOlderClaimThatGoesDoesNotHideTheNewer) {
  testing::FakeHandle handle;
  const auto& resource = api::ResourceOf<ResourceClaim>();
  ClaimStore store(handle.world, handle.executor());
  store.Track();
  const auto pod = MakePod("p").Object();
  const auto standing = [&](std::string_view name) {
    auto claim = MakeClaim(name);
    (*claim->mutable_metadata()->mutable_annotations())[kExtendedClaimAnnotation] = "true";
    auto& owner = *claim->mutable_metadata()->add_owner_references();
    owner.set_name("p");
    owner.set_uid(pod->metadata().uid());
    owner.set_controller(true);
    return claim;
  };
  handle.world.Put(resource, standing("one"));
  handle.world.Put(resource, standing("two"));
  handle.world.Remove(resource, "default", "one");
  const ClaimPtr left = store.ExtendedClaimOf(*pod);
  ASSERT_NE(left, nullptr);
  EXPECT_EQ(left->metadata().name(), "two");
  handle.world.Remove(resource, "default", "two");
  EXPECT_EQ(store.ExtendedClaimOf(*pod), nullptr);
}

// Devices a and b, each to be ready; what is reported of them: "a:ready b:broken".
Readiness After(std::string_view reported, bool stamped = true, bool allocated = true) {
  auto claim = MakeClaim("c");
  if (!allocated) return ReadinessOf(*claim, absl::FromUnixSeconds(1000), absl::Seconds(600));
  auto& allocation = *claim->mutable_status()->mutable_allocation();
  if (stamped) allocation.mutable_allocation_timestamp()->set_seconds(100);
  for (const char* name : {"a", "b"}) {
    auto& result = *allocation.mutable_devices()->add_results();
    result.set_device(name);
    result.add_binding_conditions("ready");
    result.add_binding_failure_conditions("broken");
  }
  for (const absl::string_view one : absl::StrSplit(ToAbsl(reported), ' ', absl::SkipEmpty())) {
    auto& status = *claim->mutable_status()->add_devices();
    status.set_device(std::string(one.substr(0, 1)));
    auto& condition = *status.add_conditions();
    condition.set_type(std::string(one.substr(2)));
    condition.set_status("True");
  }
  return ReadinessOf(*claim, absl::FromUnixSeconds(700), absl::Seconds(600));
}

TEST(DynamicResourcesClaimsTest, DevicesAreLookedAtInOrder) {
  const std::string_view broken = "failed: condition broken is True";
  EXPECT_TRUE(After("a:ready b:ready").ready);
  EXPECT_FALSE(After("a:ready").ready);
  EXPECT_NE(After("a:ready b:broken").problem.find(broken), std::string::npos);
  EXPECT_NE(After("a:broken b:ready").problem.find(broken), std::string::npos);
  EXPECT_EQ(After("b:broken").problem, "") << "a is not ready yet, and b not looked at";
  EXPECT_EQ(After("b:broken", /*stamped=*/false).problem, "");
  EXPECT_FALSE(After("", true, /*allocated=*/false).ready);
}

TEST(DynamicResourcesClaimsTest, ReservationsThatWereGivenBackAreForgottenWhenSeen) {
  const auto reserved = Allocated("c", "a"), free = Allocated("c", "a");
  reserved->mutable_status()->add_reserved_for()->set_uid("p");
  auto another = Allocated("c", "a");
  another->mutable_metadata()->set_uid("another");
  GivenBack given_back;
  given_back.Add(*reserved, "p");
  given_back.Add(*reserved, "q");
  EXPECT_TRUE(given_back.IsUnanswered(*free, "p"));
  given_back.Seen("default/c", free);
  EXPECT_TRUE(given_back.Has(*free, "p")) << "the server has not answered yet";
  given_back.Answered(*reserved, "p", reserved);
  EXPECT_TRUE(given_back.Has(*free, "p")) << "it is seen with it still";
  EXPECT_FALSE(given_back.IsUnanswered(*free, "p"));
  given_back.Seen("default/other", free);
  given_back.Seen("default/c", free);
  EXPECT_FALSE(given_back.Has(*free, "p"));
  given_back.Answered(*reserved, "q", another);
  EXPECT_FALSE(given_back.Has(*free, "q")) << "the claim is gone";
  given_back.Add(*reserved, "p");
  given_back.Erase(*reserved, "p");
  given_back.Add(*reserved, "p");
  given_back.Answered(*reserved, "p", nullptr);
  EXPECT_EQ(given_back.size(), 0u);
}

TEST(DynamicResourcesClaimsTest, WhatIsInUse) {
  testing::FakeHandle handle;
  const auto& resource = api::ResourceOf<ResourceClaim>();
  ClaimStore store(handle.world, handle.executor());
  store.Track();
  handle.world.Put(resource, Allocated("one", "a"));
  auto admin = Allocated("admin", "b");
  admin->mutable_status()->mutable_allocation()->mutable_devices()->mutable_results(0)
      ->set_admin_access(true);
  handle.world.Put(resource, admin);
  handle.world.Put(resource, MakeClaim("two"));
  const auto names = [&] {
    std::string out = store.InUse().ToText();
    for (size_t at; (at = out.find("d/p/")) != std::string::npos;) out.erase(at, 4);
    std::erase(out, ' ');
    return out;
  };
  EXPECT_EQ(names(), "a");
  const ClaimPtr pending = Allocated("two", "c");
  store.SetPending(pending);
  EXPECT_TRUE(store.IsPending("two"));
  EXPECT_EQ(names(), "ac");
  store.DropPending(Allocated("two", "b"));
  EXPECT_EQ(names(), "ac") << "somebody else's";
  store.DropPending(pending);
  EXPECT_EQ(names(), "a");

  // Written: it counts until the source has it, or something newer.
  auto written = Allocated("two", "c");
  written->mutable_metadata()->set_resource_version("5");
  store.Assume(written);
  EXPECT_EQ(names(), "ac");
  auto newer = MakeClaim("two");
  newer->mutable_metadata()->set_resource_version("6");
  handle.world.Put(resource, newer);
  EXPECT_EQ(names(), "a");
}

}  // namespace
}  // namespace berth::plugins::dynamic_resources
