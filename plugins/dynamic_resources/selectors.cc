#include "plugins/dynamic_resources/selectors.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "api/quantity.h"
#include "api/schema/resource_v1_device.pb.h"
#include "plugins/dynamic_resources/semver.h"

namespace berth::plugins::dynamic_resources {
namespace {

using expression::Answer;
using expression::Problem;
using expression::Value;

// isLessThan, isGreaterThan and compareTo for whatever has an order.
template <typename T>
class Ordered : public expression::Object {
 public:
  Ordered(std::string_view type, T value) : type_(type), value_(std::move(value)) {}
  std::string_view TypeName() const override { return type_; }
  bool Equals(const expression::Object& other) const override {
    const auto* same = dynamic_cast<const Ordered*>(&other);
    return same != nullptr && same->value_ == value_;
  }
  Answer Call(std::string_view method, std::span<const Value> arguments) const override {
    const expression::Object* object =
        arguments.size() == 1 ? arguments[0].AsObject() : nullptr;
    const auto* other = dynamic_cast<const Ordered*>(object);
    if (other != nullptr) {
      const auto order = value_ <=> other->value_;
      if (method == "isLessThan") return Answer::Of(Value::Bool(order < 0));
      if (method == "isGreaterThan") return Answer::Of(Value::Bool(order > 0));
      if (method == "compareTo") {
        return Answer::Of(Value::Int(order < 0 ? -1 : order > 0 ? 1 : 0));
      }
    }
    if (arguments.empty()) {
      if (std::optional<Value> part = Part(method)) return Answer::Of(*std::move(part));
    }
    return Answer::Failed(fmt::format("no such overload: {}.{}()", type_, method));
  }

 protected:
  virtual std::optional<Value> Part(std::string_view method) const = 0;
  const T& value() const { return value_; }

 private:
  const std::string_view type_;
  const T value_;
};

class QuantityObject final : public Ordered<api::Quantity> {
 public:
  explicit QuantityObject(api::Quantity value) : Ordered("quantity", value) {}

 protected:
  std::optional<Value> Part(std::string_view method) const override {
    if (method == "sign") return Value::Int(value().Sign());
    if (method == "asApproximateFloat") return Value::Double(value().AsDouble());
    const bool whole = api::Quantity::FromInt(value().Value()) == value();
    if (method == "isInteger") return Value::Bool(whole);
    if (method == "asInteger" && whole) return Value::Int(value().Value());
    return std::nullopt;
  }
};

class VersionObject final : public Ordered<Semver> {
 public:
  explicit VersionObject(Semver value) : Ordered("semver", std::move(value)) {}

 protected:
  std::optional<Value> Part(std::string_view method) const override {
    const Semver& held = value();
    if (method == "major") return Value::Int(static_cast<int64_t>(held.major));
    if (method == "minor") return Value::Int(static_cast<int64_t>(held.minor));
    if (method == "patch") return Value::Int(static_cast<int64_t>(held.patch));
    return std::nullopt;
  }
};

Value OfQuantity(api::Quantity quantity) {
  return Value::OfObject(std::make_shared<QuantityObject>(quantity));
}
Value OfVersion(Semver version) {
  return Value::OfObject(std::make_shared<VersionObject>(std::move(version)));
}

// nullopt: of a type that is not supported.
std::optional<Value> ValueOf(const api::dra::DeviceAttribute& attribute) {
  if (attribute.has_int_()) return Value::Int(attribute.int_());
  if (attribute.has_bool_()) return Value::Bool(attribute.bool_());
  if (attribute.has_string()) return Value::String(attribute.string());
  if (!attribute.has_version()) return std::nullopt;
  std::optional<Semver> version = Semver::Parse(attribute.version());
  if (!version) return std::nullopt;
  return OfVersion(*std::move(version));
}
std::optional<Value> ValueOf(const api::dra::DeviceCapacity& capacity) {
  return OfQuantity(api::ToQuantity(capacity.value()));
}

struct QualifiedName {
  std::string_view domain, id;
};
QualifiedName Split(std::string_view name, std::string_view driver) {
  const size_t slash = name.find('/');
  if (slash == std::string_view::npos) return {driver, name};
  return {name.substr(0, slash), name.substr(slash + 1)};
}

// The attributes (or capacities) of a device in one domain. Refers to the device.
template <typename Fields>
class DomainMap final : public expression::Map {
 public:
  DomainMap(std::string_view driver, std::string domain, const Fields& fields)
      : driver_(driver), domain_(std::move(domain)), fields_(fields) {}
  std::optional<Value> Find(const Value& key) const override {
    const std::string* id = key.AsString();
    if (id == nullptr) return std::nullopt;
    auto it = fields_.find(domain_ + "/" + *id);
    if (it == fields_.end() && domain_ == driver_ && id->find('/') == std::string::npos) {
      it = fields_.find(*id);
    }
    if (it == fields_.end()) return std::nullopt;
    return ValueOf(it->second);
  }
  size_t size() const override { return Keys().size(); }
  std::vector<Value> Keys() const override {
    std::vector<std::string> ids;
    for (const auto& [name, value] : fields_) {
      const QualifiedName split = Split(name, driver_);
      if (split.domain == domain_) ids.emplace_back(split.id);
    }
    SortUnique(ids);
    std::vector<Value> out;
    for (std::string& id : ids) out.push_back(Value::String(std::move(id)));
    return out;
  }

 private:
  const std::string_view driver_;
  const std::string domain_;
  const Fields& fields_;
};

// By domain. Any domain can be looked up, but only those that the device has are `in` it.
template <typename Fields>
class FieldsMap final : public expression::Map {
 public:
  FieldsMap(std::string_view driver, const Fields& fields) : driver_(driver), fields_(fields) {}
  std::optional<Value> Find(const Value& key) const override {
    const std::string* domain = key.AsString();
    if (domain == nullptr) return std::nullopt;
    return Value::OfMap(std::make_shared<DomainMap<Fields>>(driver_, *domain, fields_));
  }
  bool Contains(const Value& key) const override {
    const std::string* domain = key.AsString();
    return domain != nullptr &&
           std::any_of(fields_.begin(), fields_.end(), [&](const auto& field) {
             return Split(field.first, driver_).domain == *domain;
           });
  }
  size_t size() const override { return Keys().size(); }
  std::vector<Value> Keys() const override {
    std::vector<std::string> domains;
    for (const auto& [name, value] : fields_) {
      domains.emplace_back(Split(name, driver_).domain);
    }
    SortUnique(domains);
    std::vector<Value> out;
    for (std::string& domain : domains) out.push_back(Value::String(std::move(domain)));
    return out;
  }

 private:
  const std::string_view driver_;
  const Fields& fields_;
};

class DeviceMap final : public expression::Map {
 public:
  DeviceMap(std::string_view driver, const api::dra::Device& device)
      : driver_(driver), device_(device) {}
  std::optional<Value> Find(const Value& key) const override {
    const std::string* name = key.AsString();
    if (name == nullptr) return std::nullopt;
    if (*name == "driver") return Value::String(std::string(driver_));
    if (*name == "allowMultipleAllocations") {
      return Value::Bool(device_.allow_multiple_allocations());
    }
    if (*name == "attributes") return Fields(device_.attributes());
    if (*name == "capacity") return Fields(device_.capacity());
    return std::nullopt;
  }
  size_t size() const override { return Keys().size(); }
  std::vector<Value> Keys() const override {
    return {Value::String("allowMultipleAllocations"), Value::String("attributes"),
            Value::String("capacity"), Value::String("driver")};
  }

 private:
  template <typename T>
  Value Fields(const T& fields) const {
    return Value::OfMap(std::make_shared<FieldsMap<T>>(driver_, fields));
  }
  const std::string_view driver_;
  const api::dra::Device& device_;
};

class DeviceEnvironment final : public expression::Environment {
 public:
  DeviceEnvironment(std::string_view driver, const api::dra::Device& device)
      : device_(Value::OfMap(std::make_shared<DeviceMap>(driver, device))) {}
  Value Root(std::string_view) const override { return device_; }
  Answer Call(std::string_view function, std::span<const Value> arguments) const override {
    const std::string* text = arguments.size() == 1 ? arguments[0].AsString() : nullptr;
    if (text == nullptr) {
      return Answer::Failed(fmt::format("no such overload: {}() takes a string", function));
    }
    const bool asks = function.starts_with("is");
    if (function.ends_with("uantity")) {
      const auto quantity = api::Quantity::Parse(*text);
      if (asks) return Answer::Of(Value::Bool(quantity.ok()));
      if (quantity.ok()) return Answer::Of(OfQuantity(*quantity));
      return Answer::Failed(std::string(quantity.status().message()));
    }
    std::optional<Semver> version = Semver::Parse(*text);
    if (asks) return Answer::Of(Value::Bool(version.has_value()));
    if (version) return Answer::Of(OfVersion(*std::move(version)));
    return Answer::Failed(fmt::format("no semantic version: \"{}\"", *text));
  }

 private:
  const Value device_;
};

const expression::Names& SelectorNames() {
  static const expression::Names* const kNames = new expression::Names{
      {"device"},
      {"quantity", "isQuantity", "semver", "isSemver"},
      {"isLessThan", "isGreaterThan", "compareTo", "sign", "isInteger", "asInteger",
       "asApproximateFloat", "major", "minor", "patch"}};
  return *kNames;
}

}  // namespace

Selector::Selector(std::string_view expression) {
  auto parsed = expression::Program::Parse(expression, SelectorNames());
  if (const Problem* problem = expression::ProblemOf(parsed)) {
    problem_ = problem->ToText();
    return;
  }
  program_ = std::make_shared<const expression::Program>(
      std::get<expression::Program>(std::move(parsed)));
}

Selector::Match Selector::Matches(std::string_view driver, const api::dra::Device& device) const {
  if (program_ == nullptr) return {false, problem_};
  for (const auto& [name, attribute] : device.attributes()) {
    if (!ValueOf(attribute)) {
      return {false, fmt::format("attribute {}: unsupported attribute value", name)};
    }
  }
  const auto result = program_->Evaluate(DeviceEnvironment(driver, device));
  if (const Problem* problem = expression::ProblemOf(result)) return {false, problem->text};
  const Value& value = std::get<Value>(result);
  if (const bool* matches = value.AsBool()) return {*matches, {}};
  return {false, fmt::format("CEL result of type {} could not be converted to bool",
                             value.TypeName())};
}

std::shared_ptr<const Selector> SelectorCache::Get(const std::string& expression) {
  const absl::MutexLock lock(&mutex_);
  if (const auto it = entries_.find(expression); it != entries_.end()) return it->second;
  if (entries_.size() >= kMaxEntries) entries_.clear();
  auto selector = std::make_shared<const Selector>(expression);
  entries_.emplace(expression, selector);
  return selector;
}

}  // namespace berth::plugins::dynamic_resources
