#include "cluster/node/template.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/json_value.h"
#include "api/quantity.h"
#include "api/yaml.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace berth::node {
namespace {

using api::JsonValue;

constexpr std::string_view kZonesDefault[] = {"zone-1", "zone-2", "zone-3"};

std::map<std::string, std::string> DefaultCapacity() {
  return {{"cpu", "32"}, {"memory", "64Gi"}, {"pods", "110"}, {"ephemeral-storage", "100Gi"}};
}

// Walks the document; every complaint goes to one list and the walk goes on.
class Reader {
 public:
  NodeTemplate Read(const JsonValue& root) {
    NodeTemplate out;
    if (!Fields(root, "", {"pools"})) return out;
    const JsonValue* pools = root.Find("pools");
    if (pools == nullptr || !pools->is_array() || pools->array().empty()) {
      errors_.push_back(api::Required("pools"));
      return out;
    }
    Each(pools, "pools", [&](const JsonValue& pool, const std::string& path) {
      out.pools.push_back(Pool(pool, path));
    });
    for (size_t i = 0; i < out.pools.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        if (out.pools[i].name == out.pools[j].name) {
          errors_.push_back(api::Duplicate(fmt::format("pools[{}].name", i),
                                           api::GoQuoted(out.pools[i].name)));
        }
      }
    }
    return out;
  }
  const api::FieldErrors& errors() const { return errors_; }

 private:
  // Complains about members that are not in `known`. False when it is no object.
  bool Fields(const JsonValue& value, const std::string& path,
              std::initializer_list<std::string_view> known) {
    if (!value.is_object()) {
      Type(path, "an object");
      return false;
    }
    for (const auto& [key, ignored] : value.object()) {
      if (std::find(known.begin(), known.end(), key) == known.end()) {
        errors_.push_back({"FieldValueForbidden", Join(path, key), "unknown field"});
      }
    }
    return true;
  }

  static std::string Join(const std::string& path, const std::string& key) {
    return path.empty() ? key : path + "." + key;
  }
  void Type(const std::string& path, std::string_view want) {
    errors_.push_back({"FieldValueTypeInvalid", path.empty() ? "(file)" : path,
                       fmt::format("Invalid value: must be {}", want)});
  }

  // Numbers and booleans count as the text they are written as: `cpu: 4`, `rack: 12`.
  std::optional<std::string> Text(const JsonValue* value, const std::string& path) {
    if (value == nullptr) return std::nullopt;
    if (value->is_string()) return value->string();
    if (value->is_null() || value->is_array() || value->is_object()) {
      Type(path, "a string");
      return std::nullopt;
    }
    return value->ToText();
  }
  int64_t Count(const JsonValue* value, const std::string& path, int64_t max) {
    if (value == nullptr) return 0;
    if (value->kind() != JsonValue::Kind::kInt || value->int_value() < 1 ||
        value->int_value() > max) {
      errors_.push_back(api::InvalidValue(path, value->ToText(),
                                          fmt::format("must be between 1 and {}", max)));
      return 0;
    }
    return value->int_value();
  }
  bool Bool(const JsonValue* value, const std::string& path) {
    if (value == nullptr) return false;
    if (value->kind() == JsonValue::Kind::kBool) return value->bool_value();
    Type(path, "true or false");
    return false;
  }
  std::map<std::string, std::string> Map(const JsonValue* value, const std::string& path) {
    std::map<std::string, std::string> out;
    if (value == nullptr) return out;
    if (!value->is_object()) {
      Type(path, "an object");
      return out;
    }
    for (const auto& [key, entry] : value->object()) {
      if (auto text = Text(&entry, Join(path, key))) out[key] = *text;
    }
    return out;
  }
  std::map<std::string, std::string> Quantities(const JsonValue* value, const std::string& path,
                                                std::map<std::string, std::string> base) {
    for (const auto& [name, text] : Map(value, path)) {
      const auto canonical = api::CanonicalQuantityText(text);
      const auto quantity = api::Quantity::Parse(text);
      if (!canonical.ok() || !quantity.ok()) {
        errors_.push_back(api::InvalidString(Join(path, name), text,
                                             ToStd(canonical.status().message())));
      } else if (quantity->Sign() < 0) {
        errors_.push_back(api::InvalidString(Join(path, name), text,
                                             "must be greater than or equal to 0"));
      } else {
        base[name] = *canonical;
      }
    }
    return base;
  }
  template <typename F>
  void Each(const JsonValue* value, const std::string& path, F visit) {
    if (value == nullptr) return;
    if (!value->is_array()) return Type(path, "a list");
    for (size_t i = 0; i < value->array().size(); ++i) {
      visit(value->array()[i], fmt::format("{}[{}]", path, i));
    }
  }

  NodePool::Taint Taint(const JsonValue& value, const std::string& path) {
    NodePool::Taint taint;
    if (!Fields(value, path, {"key", "value", "effect"})) return taint;
    taint.key = Text(value.Find("key"), path + ".key").value_or("");
    taint.value = Text(value.Find("value"), path + ".value").value_or("");
    taint.effect = Text(value.Find("effect"), path + ".effect").value_or("");
    if (taint.key.empty()) errors_.push_back(api::Required(path + ".key"));
    const std::vector<std::string> effects{"NoExecute", "NoSchedule", "PreferNoSchedule"};
    if (std::find(effects.begin(), effects.end(), taint.effect) == effects.end()) {
      errors_.push_back(api::NotSupported(path + ".effect", taint.effect, effects));
    }
    return taint;
  }
  NodePool::Image Image(const JsonValue& value, const std::string& path) {
    NodePool::Image image;
    if (!Fields(value, path, {"name", "sizeBytes"})) return image;
    image.name = Text(value.Find("name"), path + ".name").value_or("");
    image.size_bytes = Count(value.Find("sizeBytes"), path + ".sizeBytes", int64_t{1} << 50);
    if (image.name.empty()) errors_.push_back(api::Required(path + ".name"));
    return image;
  }

  NodePool Pool(const JsonValue& value, const std::string& path) {
    NodePool pool;
    pool.capacity = pool.allocatable = DefaultCapacity();
    if (!Fields(value, path, {"name", "count", "capacity", "allocatable", "labels", "zones",
                              "region", "taints", "images", "unschedulable"})) {
      return pool;
    }
    pool.name = Text(value.Find("name"), path + ".name").value_or("node");
    Name(pool.name, path + ".name");
    pool.count = Count(value.Find("count"), path + ".count", kNodesMax);
    pool.capacity = Quantities(value.Find("capacity"), path + ".capacity", pool.capacity);
    pool.allocatable =
        Quantities(value.Find("allocatable"), path + ".allocatable", pool.capacity);
    pool.labels = Map(value.Find("labels"), path + ".labels");
    Each(value.Find("zones"), path + ".zones", [&](const JsonValue& zone, const std::string& at) {
      pool.zones.push_back(Text(&zone, at).value_or(""));
    });
    pool.region = Text(value.Find("region"), path + ".region").value_or("");
    Each(value.Find("taints"), path + ".taints",
         [&](const JsonValue& taint, const std::string& at) {
           pool.taints.push_back(Taint(taint, at));
         });
    Each(value.Find("images"), path + ".images",
         [&](const JsonValue& image, const std::string& at) {
           pool.images.push_back(Image(image, at));
         });
    pool.unschedulable = Bool(value.Find("unschedulable"), path + ".unschedulable");
    return pool;
  }

  void Name(const std::string& name, const std::string& path) {
    const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    const bool ok = !name.empty() && name.size() <= 200 && good(name.front()) &&
                    std::all_of(name.begin(), name.end(), [&](char c) {
                      return good(c) || c == '-' || c == '.';
                    });
    if (!ok) {
      errors_.push_back(api::InvalidString(
          path, name, "must start with a lower case letter or digit, and hold only those, '-' "
                      "and '.'"));
    }
  }

  api::FieldErrors errors_;
};

}  // namespace

NodeTemplate NodeTemplate::BuiltIn() {
  NodePool pool;
  pool.capacity = pool.allocatable = DefaultCapacity();
  pool.region = "region-1";
  for (const std::string_view zone : kZonesDefault) pool.zones.emplace_back(zone);
  return {{pool}};
}

absl::StatusOr<NodeTemplate> NodeTemplate::Parse(std::string_view yaml, std::string_view what) {
  const auto documents = api::YamlToJson(yaml);
  if (!documents.ok()) {
    return absl::InvalidArgumentError(
        fmt::format("{}: {}", what, ToStd(documents.status().message())));
  }
  BERTH_ASSIGN_OR_RETURN(const JsonValue root,
                         JsonValue::Parse(documents->empty() ? "null" : documents->front()));
  Reader reader;
  NodeTemplate out = reader.Read(root);
  if (reader.errors().empty()) return out;
  std::string text = fmt::format("{}: {} error{}", what, reader.errors().size(),
                                 reader.errors().size() == 1 ? "" : "s");
  for (const auto& error : reader.errors()) {
    text += fmt::format("\n{}: {}", error.field, error.text);
  }
  return absl::InvalidArgumentError(text);
}

std::vector<int64_t> PoolCounts(const NodeTemplate& nodes, int64_t count) {
  std::vector<int64_t> out;
  int64_t said = 0, silent = 0;
  for (const NodePool& pool : nodes.pools) {
    out.push_back(count == 0 ? std::max<int64_t>(pool.count, 1) : pool.count);
    said += pool.count;
    silent += pool.count == 0 ? 1 : 0;
  }
  if (count == 0 || nodes.pools.empty()) return out;
  if (silent > 0) {
    int64_t left = std::max<int64_t>(count - said, 0), share = silent;
    for (int64_t& n : out) {
      if (n != 0) continue;
      n = (left + share - 1) / share;
      left -= n;
      --share;
    }
    return out;
  }
  // Largest remainder; equal remainders go to the earlier pool.
  std::vector<std::pair<int64_t, size_t>> remainders;
  int64_t given = 0;
  for (size_t i = 0; i < out.size(); ++i) {
    const int64_t exact = out[i] * count;
    out[i] = exact / said;
    given += out[i];
    remainders.emplace_back(-(exact % said), i);
  }
  std::sort(remainders.begin(), remainders.end());
  for (size_t i = 0; given < count; ++i, ++given) ++out[remainders[i].second];
  return out;
}

std::vector<NodeSeat> Seats(const NodeTemplate& nodes, int64_t count) {
  std::vector<NodeSeat> seats;
  const std::vector<int64_t> counts = PoolCounts(nodes, count);
  for (uint32_t pool = 0; pool < nodes.pools.size(); ++pool) {
    for (uint32_t number = 1; number <= counts[pool]; ++number) {
      seats.push_back({fmt::format("{}-{:04}", nodes.pools[pool].name, number), pool, number});
    }
  }
  return seats;
}

}  // namespace berth::node
