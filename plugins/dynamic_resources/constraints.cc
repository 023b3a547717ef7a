#include "plugins/dynamic_resources/constraints.h"

#include <algorithm>

#include <fmt/core.h>

namespace berth::plugins::dynamic_resources {
namespace {

std::string TextOf(const api::dra::DeviceAttribute& attribute) {
  if (attribute.has_string()) return "string " + attribute.string();
  if (attribute.has_int_()) return fmt::format("int {}", attribute.int_());
  if (attribute.has_bool_()) return attribute.bool_() ? "bool true" : "bool false";
  if (attribute.has_version()) return "version " + attribute.version();
  return {};
}

bool Tolerates(const api::dra::DeviceToleration& toleration, const api::dra::DeviceTaint& taint) {
  if (!toleration.effect().empty() && toleration.effect() != taint.effect()) return false;
  if (!toleration.key().empty() && toleration.key() != taint.key()) return false;
  if (toleration.operator_() == "Exists") return true;
  return (toleration.operator_().empty() || toleration.operator_() == "Equal") &&
         toleration.value() == taint.value();
}

}  // namespace

Constraint::Constraint(const api::dra::DeviceConstraint& spec)
    : distinct_(!spec.has_match_attribute()),
      attribute_(distinct_ ? spec.distinct_attribute() : spec.match_attribute()),
      requests_(spec.requests().begin(), spec.requests().end()) {}

bool Constraint::Concerns(const Request& request) const {
  return requests_.empty() || requests_.contains(request.BaseName()) ||
         (!request.parent.empty() && requests_.contains(request.FullName()));
}

bool Constraint::Add(const Request& request, const Candidate& candidate) {
  if (!Concerns(request)) return true;
  std::string value = AttributeText(candidate, attribute_);
  if (value.empty()) return false;
  if (!values_.empty()) {
    const bool known = std::find(values_.begin(), values_.end(), value) != values_.end();
    if (known == distinct_) return false;
  }
  values_.push_back(std::move(value));
  return true;
}

void Constraint::Remove(const Request& request, const Candidate&) {
  if (Concerns(request)) values_.pop_back();
}

std::string AttributeText(const Candidate& candidate, std::string_view qualified_name) {
  const auto& attributes = candidate.device->attributes();
  auto it = attributes.find(std::string(qualified_name));
  if (it == attributes.end()) {
    const size_t slash = qualified_name.find('/');
    if (slash == std::string_view::npos ||
        qualified_name.substr(0, slash) != candidate.id.driver) {
      return {};
    }
    it = attributes.find(std::string(qualified_name.substr(slash + 1)));
  }
  return it == attributes.end() ? std::string() : TextOf(it->second);
}

bool TaintsForbid(const api::dra::Device& device, const Request& request) {
  return std::any_of(device.taints().begin(), device.taints().end(), [&](const auto& taint) {
    if (taint.effect() != "NoSchedule" && taint.effect() != "NoExecute") return false;
    return std::none_of(
        request.tolerations->begin(), request.tolerations->end(),
        [&](const auto& toleration) { return Tolerates(toleration, taint); });
  });
}

}  // namespace berth::plugins::dynamic_resources
