#include "cluster/node/template.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include <fmt/core.h>
#include <yaml-cpp/yaml.h>

#include "api/errors.h"
#include "api/quantity.h"

namespace berth::node {
namespace {

constexpr std::string_view kZonesDefault[] = {"zone-1", "zone-2", "zone-3"};

std::map<std::string, std::string> DefaultCapacity() {
  return {{"cpu", "32"}, {"memory", "64Gi"}, {"pods", "110"}, {"ephemeral-storage", "100Gi"}};
}

// Walks the YAML; every complaint goes to one list and the walk goes on.
class Reader {
 public:
  NodeTemplate Read(const YAML::Node& root) {
    NodeTemplate out;
    Fields(root, "", {"pools"});
    const YAML::Node pools = Child(root, "pools");
    if (!pools || !pools.IsSequence() || pools.size() == 0) {
      errors_.push_back(api::Required("pools"));
      return out;
    }
    for (size_t i = 0; i < pools.size(); ++i) {
      out.pools.push_back(Pool(pools[i], fmt::format("pools[{}]", i)));
    }
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
  static YAML::Node Child(const YAML::Node& node, const std::string& key) {
    return node.IsMap() ? node[key] : YAML::Node(YAML::NodeType::Undefined);
  }

  // Complains about keys that are not in `known`. False when it is no map.
  bool Fields(const YAML::Node& node, const std::string& path,
              std::initializer_list<std::string_view> known) {
    if (!node.IsMap()) {
      Type(path, "an object");
      return false;
    }
    for (const auto& entry : node) {
      const std::string key = entry.first.Scalar();
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

  std::optional<std::string> Text(const YAML::Node& node, const std::string& path) {
    if (!node) return std::nullopt;
    if (!node.IsScalar()) {
      Type(path, "a string");
      return std::nullopt;
    }
    return node.Scalar();
  }
  int64_t Count(const YAML::Node& node, const std::string& path, int64_t max) {
    const auto text = Text(node, path);
    int64_t value = 0;
    if (!text) return 0;
    if (!YAML::convert<int64_t>::decode(node, value) || value < 1 || value > max) {
      errors_.push_back(api::InvalidValue(path, api::GoQuoted(*text),
                                          fmt::format("must be between 1 and {}", max)));
      return 0;
    }
    return value;
  }
  bool Bool(const YAML::Node& node, const std::string& path) {
    bool value = false;
    if (node && !(node.IsScalar() && YAML::convert<bool>::decode(node, value))) {
      Type(path, "true or false");
    }
    return value;
  }
  std::map<std::string, std::string> Map(const YAML::Node& node, const std::string& path) {
    std::map<std::string, std::string> out;
    if (!node) return out;
    if (!node.IsMap()) {
      Type(path, "an object");
      return out;
    }
    for (const auto& entry : node) {
      const std::string key = entry.first.Scalar();
      if (auto value = Text(entry.second, Join(path, key))) out[key] = *value;
    }
    return out;
  }
  std::map<std::string, std::string> Quantities(const YAML::Node& node, const std::string& path,
                                                std::map<std::string, std::string> base) {
    for (const auto& [name, text] : Map(node, path)) {
      const auto canonical = api::CanonicalQuantityText(text);
      const auto value = api::Quantity::Parse(text);
      if (!canonical.ok() || !value.ok()) {
        errors_.push_back(api::InvalidString(
            Join(path, name), text, std::string(canonical.status().message())));
      } else if (value->Sign() < 0) {
        errors_.push_back(api::InvalidString(Join(path, name), text,
                                             "must be greater than or equal to 0"));
      } else {
        base[name] = *canonical;
      }
    }
    return base;
  }
  template <typename F>
  void Each(const YAML::Node& node, const std::string& path, F visit) {
    if (!node) return;
    if (!node.IsSequence()) return Type(path, "a list");
    for (size_t i = 0; i < node.size(); ++i) visit(node[i], fmt::format("{}[{}]", path, i));
  }

  NodePool::Taint Taint(const YAML::Node& node, const std::string& path) {
    NodePool::Taint taint;
    if (!Fields(node, path, {"key", "value", "effect"})) return taint;
    taint.key = Text(Child(node, "key"), path + ".key").value_or("");
    taint.value = Text(Child(node, "value"), path + ".value").value_or("");
    taint.effect = Text(Child(node, "effect"), path + ".effect").value_or("");
    if (taint.key.empty()) errors_.push_back(api::Required(path + ".key"));
    const std::vector<std::string> effects{"NoExecute", "NoSchedule", "PreferNoSchedule"};
    if (std::find(effects.begin(), effects.end(), taint.effect) == effects.end()) {
      errors_.push_back(api::NotSupported(path + ".effect", taint.effect, effects));
    }
    return taint;
  }
  NodePool::Image Image(const YAML::Node& node, const std::string& path) {
    NodePool::Image image;
    if (!Fields(node, path, {"name", "sizeBytes"})) return image;
    image.name = Text(Child(node, "name"), path + ".name").value_or("");
    image.size_bytes = Count(Child(node, "sizeBytes"), path + ".sizeBytes", int64_t{1} << 50);
    if (image.name.empty()) errors_.push_back(api::Required(path + ".name"));
    return image;
  }

  NodePool Pool(const YAML::Node& node, const std::string& path) {
    NodePool pool;
    pool.capacity = pool.allocatable = DefaultCapacity();
    if (!Fields(node, path, {"name", "count", "capacity", "allocatable", "labels", "zones",
                             "region", "taints", "images", "unschedulable"})) {
      return pool;
    }
    pool.name = Text(Child(node, "name"), path + ".name").value_or("node");
    Name(pool.name, path + ".name");
    pool.count = Count(Child(node, "count"), path + ".count", kNodesMax);
    pool.capacity = Quantities(Child(node, "capacity"), path + ".capacity", pool.capacity);
    pool.allocatable =
        Quantities(Child(node, "allocatable"), path + ".allocatable", pool.capacity);
    pool.labels = Map(Child(node, "labels"), path + ".labels");
    Each(Child(node, "zones"), path + ".zones", [&](const YAML::Node& zone, std::string where) {
      pool.zones.push_back(Text(zone, where).value_or(""));
    });
    pool.region = Text(Child(node, "region"), path + ".region").value_or("");
    Each(Child(node, "taints"), path + ".taints", [&](const YAML::Node& taint, std::string where) {
      pool.taints.push_back(Taint(taint, where));
    });
    Each(Child(node, "images"), path + ".images", [&](const YAML::Node& image, std::string where) {
      pool.images.push_back(Image(image, where));
    });
    pool.unschedulable = Bool(Child(node, "unschedulable"), path + ".unschedulable");
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
  YAML::Node root;
  try {
    root = YAML::Load(std::string(yaml));
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(fmt::format("{}: {}", what, error.what()));
  }
  Reader reader;
  NodeTemplate out;
  try {
    out = reader.Read(root);
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(fmt::format("{}: {}", what, error.what()));
  }
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
