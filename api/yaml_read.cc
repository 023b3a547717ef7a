#include <algorithm>
#include <cmath>
#include <exception>

#include <fmt/core.h>
#include <yaml-cpp/yaml.h>

#include "api/json_syntax.h"
#include "api/json_writer.h"
#include "api/yaml.h"
#include "api/yaml_scalar.h"
#include "base/status_macros.h"

namespace berth::api {
namespace {

using Kind = YamlScalar::Kind;

constexpr int kYamlDepthMax = 400;
// Anchors may repeat a text, not multiply it.
constexpr size_t kGrowthMax = 20;
constexpr size_t kGrowthFloorBytes = size_t{512} << 10;

absl::Status YamlFault(const YAML::Mark& mark, std::string_view what) {
  if (mark.is_null()) return absl::InvalidArgumentError(fmt::format("yaml: {}", what));
  return absl::InvalidArgumentError(fmt::format("yaml: line {}: {}", mark.line + 1, what));
}

bool IsPlainScalar(const YAML::Node& node) { return node.Tag() == "?" || node.Tag().empty(); }

// Writes a document as JSON. The first failure ends it.
class Converter {
 public:
  explicit Converter(size_t bytes_max) : bytes_max_(bytes_max) {}

  absl::Status Value(const YAML::Node& node, int depth) {
    if (depth > kYamlDepthMax) return YamlFault(node.Mark(), "exceeded max depth");
    if (out_.text().size() > bytes_max_) {
      return YamlFault(node.Mark(), "document contains excessive aliasing");
    }
    switch (node.Type()) {
      case YAML::NodeType::Scalar:
        return Scalar(node);
      case YAML::NodeType::Sequence: {
        out_.Char('[');
        bool first = true;
        for (const YAML::Node& item : node) {
          if (!first) out_.Char(',');
          first = false;
          BERTH_RETURN_IF_ERROR(Value(item, depth + 1));
        }
        out_.Char(']');
        return absl::OkStatus();
      }
      case YAML::NodeType::Map: {
        out_.Char('{');
        bool first = true;
        BERTH_RETURN_IF_ERROR(Members(node, depth, {}, first));
        out_.Char('}');
        return absl::OkStatus();
      }
      default:
        out_.Raw("null");
        return absl::OkStatus();
    }
  }

  std::string Take() {
    std::string text(out_.text());
    out_.Clear(0);
    return text;
  }

 private:
  // `hidden`: keys the maps merging this one have themselves.
  absl::Status Members(const YAML::Node& map, int depth, std::vector<std::string> hidden,
                       bool& first) {
    if (depth > kYamlDepthMax) return YamlFault(map.Mark(), "exceeded max depth");
    const bool merged = !hidden.empty();
    std::vector<YAML::Node> merges;
    std::vector<std::string> own;
    for (const auto& member : map) {
      std::string key;
      bool merge = false;
      BERTH_RETURN_IF_ERROR(Key(member.first, key, merge));
      if (merge) {
        merges.push_back(member.second);
        continue;
      }
      own.push_back(key);
      if (merged && std::find(hidden.begin(), hidden.end(), key) != hidden.end()) continue;
      if (!first) out_.Char(',');
      first = false;
      out_.String(key);
      out_.Char(':');
      BERTH_RETURN_IF_ERROR(Value(member.second, depth + 1));
    }
    hidden.insert(hidden.end(), own.begin(), own.end());
    hidden.emplace_back();  // never empty below: the maps are merged ones
    for (const YAML::Node& from : merges) {
      BERTH_RETURN_IF_ERROR(Merge(from, depth, hidden, first));
    }
    return absl::OkStatus();
  }

  absl::Status Merge(const YAML::Node& from, int depth, const std::vector<std::string>& hidden,
                     bool& first) {
    if (from.IsMap()) return Members(from, depth + 1, hidden, first);
    if (!from.IsSequence()) {
      return YamlFault(from.Mark(), "map merge requires map or sequence of maps as the value");
    }
    for (const YAML::Node& item : from) {
      if (!item.IsMap()) {
        return YamlFault(item.Mark(), "map merge requires map or sequence of maps as the value");
      }
      BERTH_RETURN_IF_ERROR(Members(item, depth + 1, hidden, first));
    }
    return absl::OkStatus();
  }

  static absl::Status Key(const YAML::Node& node, std::string& key, bool& merge) {
    if (!node.IsScalar()) return YamlFault(node.Mark(), "unsupported map key");
    key = node.Scalar();
    if (!IsPlainScalar(node)) return absl::OkStatus();
    const YamlScalar scalar = ResolveYamlScalar(key);
    switch (scalar.kind) {
      case Kind::kMerge:
        merge = true;
        break;
      case Kind::kBool:
        key = scalar.flag ? "true" : "false";
        break;
      case Kind::kInt:
        key = std::to_string(scalar.integer);
        break;
      case Kind::kUint:
        key = std::to_string(scalar.unsigned_integer);
        break;
      case Kind::kNull:
        return YamlFault(node.Mark(), "unsupported map key");
      default:
        break;
    }
    return absl::OkStatus();
  }

  absl::Status Scalar(const YAML::Node& node) {
    const std::string& text = node.Scalar();
    const std::string& tag = node.Tag();
    const bool text_tag = tag == "tag:yaml.org,2002:str" || tag == "tag:yaml.org,2002:binary";
    if (tag == "!" || text_tag) {
      out_.String(text);
      return absl::OkStatus();
    }
    const YamlScalar scalar = ResolveYamlScalar(text);
    switch (scalar.kind) {
      case Kind::kNull:
        out_.Raw("null");
        break;
      case Kind::kBool:
        out_.Raw(scalar.flag ? "true" : "false");
        break;
      case Kind::kInt:
        out_.Int(scalar.integer);
        break;
      case Kind::kUint:
        out_.Raw(std::to_string(scalar.unsigned_integer));
        break;
      case Kind::kDouble:
        if (!std::isfinite(scalar.number)) {
          return YamlFault(node.Mark(), fmt::format("json: unsupported value: {}", text));
        }
        out_.Double(scalar.number);
        break;
      default:
        out_.String(text);
    }
    return absl::OkStatus();
  }

  JsonWriter out_;
  size_t bytes_max_;
};

absl::StatusOr<std::vector<std::string>> ConvertDocuments(std::string_view yaml) {
  std::vector<std::string> documents;
  Converter converter(std::max(kGrowthFloorBytes, yaml.size() * kGrowthMax));
  for (const YAML::Node& document : YAML::LoadAll(std::string(yaml))) {
    if (!document.IsDefined() || document.IsNull()) continue;
    BERTH_RETURN_IF_ERROR(converter.Value(document, 0));
    documents.push_back(converter.Take());
  }
  return documents;
}

bool IsJsonText(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || (text[first] != '{' && text[first] != '[')) return false;
  return DescribeJsonError(text).empty();
}

}  // namespace

absl::StatusOr<std::vector<std::string>> YamlToJson(std::string_view yaml) {
  if (IsJsonText(yaml)) return std::vector<std::string>{std::string(yaml)};
  try {
    return ConvertDocuments(yaml);
  } catch (const YAML::Exception& error) {
    return YamlFault(error.mark, error.msg);
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(fmt::format("yaml: {}", error.what()));
  }
}

absl::Status ParseYaml(std::string_view yaml, google::protobuf::Message& out,
                       const DecodeOptions& options, DecodeReport* report) {
  BERTH_ASSIGN_OR_RETURN(std::vector<std::string> documents, YamlToJson(yaml));
  return ParseJson(documents.empty() ? "null" : documents[0], out, options, report);
}

}  // namespace berth::api
