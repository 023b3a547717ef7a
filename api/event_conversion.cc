#include "api/event_conversion.h"

#include "api/schema/core_v1_event.pb.h"
#include "api/schema/events_v1.pb.h"

namespace berth::api {

events::Event ToEventsV1(const core::Event& event) {
  events::Event out;
  if (event.has_metadata()) *out.mutable_metadata() = event.metadata();
  if (event.has_event_time()) *out.mutable_event_time() = event.event_time();
  if (event.has_series()) {
    out.mutable_series()->set_count(event.series().count());
    *out.mutable_series()->mutable_last_observed_time() = event.series().last_observed_time();
  }
  if (event.has_reporting_component()) {
    out.set_reporting_controller(event.reporting_component());
  }
  if (event.has_reporting_instance()) out.set_reporting_instance(event.reporting_instance());
  if (event.has_action()) out.set_action(event.action());
  if (event.has_reason()) out.set_reason(event.reason());
  if (event.has_involved_object()) *out.mutable_regarding() = event.involved_object();
  if (event.has_related()) *out.mutable_related() = event.related();
  if (event.has_message()) out.set_note(event.message());
  if (event.has_type()) out.set_type(event.type());
  if (event.has_source()) *out.mutable_deprecated_source() = event.source();
  if (event.has_first_timestamp()) {
    *out.mutable_deprecated_first_timestamp() = event.first_timestamp();
  }
  if (event.has_last_timestamp()) {
    *out.mutable_deprecated_last_timestamp() = event.last_timestamp();
  }
  if (event.has_count()) out.set_deprecated_count(event.count());
  return out;
}

core::Event ToCoreV1(const events::Event& event) {
  core::Event out;
  if (event.has_metadata()) *out.mutable_metadata() = event.metadata();
  if (event.has_event_time()) *out.mutable_event_time() = event.event_time();
  if (event.has_series()) {
    out.mutable_series()->set_count(event.series().count());
    *out.mutable_series()->mutable_last_observed_time() = event.series().last_observed_time();
  }
  if (event.has_reporting_controller()) {
    out.set_reporting_component(event.reporting_controller());
  }
  if (event.has_reporting_instance()) out.set_reporting_instance(event.reporting_instance());
  if (event.has_action()) out.set_action(event.action());
  if (event.has_reason()) out.set_reason(event.reason());
  if (event.has_regarding()) *out.mutable_involved_object() = event.regarding();
  if (event.has_related()) *out.mutable_related() = event.related();
  if (event.has_note()) out.set_message(event.note());
  if (event.has_type()) out.set_type(event.type());
  if (event.has_deprecated_source()) *out.mutable_source() = event.deprecated_source();
  if (event.has_deprecated_first_timestamp()) {
    *out.mutable_first_timestamp() = event.deprecated_first_timestamp();
  }
  if (event.has_deprecated_last_timestamp()) {
    *out.mutable_last_timestamp() = event.deprecated_last_timestamp();
  }
  if (event.has_deprecated_count()) out.set_count(event.deprecated_count());
  return out;
}

}  // namespace berth::api
