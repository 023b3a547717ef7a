#include "api/validation/event.h"

#include <fmt/core.h>

#include "api/equality.h"
#include "api/schema/core_v1_event.pb.h"
#include "api/validation/internal_text.h"
#include "api/validation/metadata.h"

namespace berth::api::validation {
namespace {

bool IsZero(const meta::Time& time) { return time.seconds() == 0 && time.nanos() == 0; }
bool IsZero(const meta::MicroTime& time) { return time.seconds() == 0 && time.nanos() == 0; }

constexpr std::string_view kOtherNamespace = "does not match event.namespace";

void ValidateText(std::string_view field, const std::string& text, size_t max, bool required,
                  Errors& errors) {
  const FieldPath path(field);
  if (required && text.empty()) errors.Required(path);
  if (text.size() > max) {
    errors.Invalid(path, "",
                   std::string_view(fmt::format("can have at most {} characters", max)));
  }
}

void ValidateSeries(const core::Event& event, Errors& errors) {
  if (!event.has_series()) return;
  if (event.series().count() < 2) {
    errors.Invalid(FieldPath("series.count"), "", "should be at least 2");
  }
  if (IsZero(event.series().last_observed_time())) {
    errors.Required(FieldPath("series.lastObservedTime"));
  }
}

void ValidateImmutable(const std::string& now, const std::string& before, std::string_view field,
                       Errors& errors) {
  if (now != before) errors.Invalid(FieldPath(field), now, kImmutableText);
}

void ValidateImmutable(const google::protobuf::Message& now,
                       const google::protobuf::Message& before, std::string_view field,
                       Errors& errors) {
  if (SemanticEqual(now, before)) return;
  errors.InvalidShown(FieldPath(field), ToJsonText(now), kImmutableText);
}

// ObjectReference or EventSource.
template <typename Message>
void ValidateInternal(const Message& now, const Message& before, std::string_view field,
                      Errors& errors) {
  if (SemanticEqual(now, before)) return;
  errors.InvalidShown(FieldPath(field), InternalText(now), kImmutableText);
}

// Upstream names the controller's field as the group that was asked does.
void ValidateAnyEvent(const core::Event& event, std::string_view controller_field,
                      Errors& errors) {
  const FieldPath involved("involvedObject.namespace");
  const std::string& of_object = event.involved_object().namespace_();
  const std::string& own = event.metadata().namespace_();
  if (IsZero(event.event_time())) {
    const bool agree = of_object.empty() ? own.empty() || own == "default" : own == of_object;
    if (!agree) errors.Invalid(involved, of_object, kOtherNamespace);
  } else {
    if (of_object.empty() && own != "default" && own != "kube-system") {
      errors.Invalid(involved, of_object, kOtherNamespace);
    }
    const FieldPath controller(controller_field);
    const std::string& name = event.reporting_component();
    if (name.empty()) errors.Required(controller);
    errors.Invalid(controller, name, IsQualifiedName(name));
    ValidateText("reportingInstance", event.reporting_instance(), 128, true, errors);
    ValidateText("action", event.action(), 128, true, errors);
    ValidateText("reason", event.reason(), 128, true, errors);
    ValidateText("message", event.message(), 1024, false, errors);
  }
  errors.Invalid(FieldPath("namespace"), own, IsDns1123Subdomain(own));
}

}  // namespace

void ValidateLegacyEvent(const core::Event& event, Errors& errors) {
  ValidateAnyEvent(event, "reportingComponent", errors);
}

void ValidateNewEvent(const core::Event& event, Errors& errors) {
  ValidateAnyEvent(event, "reportingController", errors);
  ValidateCoreObjectMeta(event.metadata(), true, IsDns1123Subdomain, FieldPath("metadata"),
                         errors);
  ValidateSeries(event, errors);
  if (IsZero(event.event_time())) errors.Required(FieldPath("eventTime"));
  if (event.type() != "Normal" && event.type() != "Warning") {
    errors.Invalid(FieldPath("type"), "",
                   std::string_view(fmt::format("has invalid value: {}", event.type())));
  }
  const auto unset = [&](bool set, std::string_view field) {
    if (set) errors.Invalid(FieldPath(field), "", "needs to be unset");
  };
  unset(!IsZero(event.first_timestamp()), "firstTimestamp");
  unset(!IsZero(event.last_timestamp()), "lastTimestamp");
  unset(event.count() != 0, "count");
  unset(!event.source().component().empty() || !event.source().host().empty(), "source");
}

void ValidateNewEventUpdate(const core::Event& event, const core::Event& old, Errors& errors) {
  ValidateAnyEvent(event, "reportingController", errors);
  ValidateCoreObjectMetaUpdate(event.metadata(), old.metadata(), FieldPath("metadata"), errors);
  if (event.has_series() != old.has_series() || !SemanticEqual(event.series(), old.series())) {
    ValidateSeries(event, errors);
  }
  ValidateInternal(event.involved_object(), old.involved_object(), "involvedObject", errors);
  ValidateImmutable(event.reason(), old.reason(), "reason", errors);
  ValidateImmutable(event.message(), old.message(), "message", errors);
  ValidateInternal(event.source(), old.source(), "source", errors);
  ValidateImmutable(event.first_timestamp(), old.first_timestamp(), "firstTimestamp", errors);
  ValidateImmutable(event.last_timestamp(), old.last_timestamp(), "lastTimestamp", errors);
  if (event.count() != old.count()) {
    errors.InvalidInt(FieldPath("count"), event.count(), kImmutableText);
  }
  ValidateImmutable(event.type(), old.type(), "type", errors);
  ValidateImmutable(event.event_time(), old.event_time(), "eventTime", errors);
  ValidateImmutable(event.action(), old.action(), "action", errors);
  if (event.has_related() || !old.has_related()) {
    ValidateInternal(event.related(), old.related(), "related", errors);
  } else {
    errors.InvalidShown(FieldPath("related"), "null", kImmutableText);
  }
  ValidateImmutable(event.reporting_component(), old.reporting_component(), "reportingController",
                    errors);
  ValidateImmutable(event.reporting_instance(), old.reporting_instance(), "reportingInstance",
                    errors);
}

}  // namespace berth::api::validation
