#include <algorithm>
#include <cmath>
#include <exception>
#include <optional>
#include <set>
#include <sstream>
#include <utility>

#include <fmt/core.h>
#include <simdjson.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include "api/json_syntax.h"
#include "api/json_writer.h"
#include "api/yaml.h"
#include "api/yaml_scalar.h"
#include "base/status_macros.h"

namespace berth::api {
namespace {

using Kind = YamlScalar::Kind;

constexpr size_t kYamlDepthMax = 400;
// Anchors may repeat a text, not multiply it.
constexpr size_t kGrowthMax = 20;
constexpr size_t kGrowthFloorBytes = size_t{512} << 10;

absl::Status YamlFault(const YAML::Mark& mark, std::string_view what) {
  if (mark.is_null()) return absl::InvalidArgumentError(fmt::format("yaml: {}", what));
  return absl::InvalidArgumentError(fmt::format("yaml: line {}: {}", mark.line + 1, what));
}

// Ends the parse; caught by YamlToJson.
[[noreturn]] void Refuse(const YAML::Mark& mark, const std::string& what) {
  throw YAML::ParserException(mark, what);
}

// A scalar as the key of a map; nullopt when it cannot be one, `merge` when it is a plain "<<".
std::optional<std::string> KeyOf(const std::string& text, bool plain, bool& merge) {
  merge = false;
  if (!plain) return text;
  const YamlScalar scalar = ResolveYamlScalar(text);
  switch (scalar.kind) {
    case Kind::kMerge:
      merge = true;
      return text;
    case Kind::kBool:
      return scalar.flag ? "true" : "false";
    case Kind::kInt:
      return std::to_string(scalar.integer);
    case Kind::kUint:
      return std::to_string(scalar.unsigned_integer);
    case Kind::kNull:
      return std::nullopt;
    default:
      return text;
  }
}

void WriteScalar(const YAML::Mark& mark, const std::string& tag, const std::string& text,
                 JsonWriter& out) {
  const bool text_tag = tag == "tag:yaml.org,2002:str" || tag == "tag:yaml.org,2002:binary";
  if (tag == "!" || text_tag) return out.String(text);
  const YamlScalar scalar = ResolveYamlScalar(text);
  switch (scalar.kind) {
    case Kind::kNull:
      return out.Raw("null");
    case Kind::kBool:
      return out.Raw(scalar.flag ? "true" : "false");
    case Kind::kInt:
      return out.Int(scalar.integer);
    case Kind::kUint:
      return out.Raw(std::to_string(scalar.unsigned_integer));
    case Kind::kDouble:
      if (!std::isfinite(scalar.number)) {
        Refuse(mark, fmt::format("json: unsupported value: {}", text));
      }
      return out.Double(scalar.number);
    default:
      return out.String(text);
  }
}

// Writes a document as JSON while it is parsed; no tree is built. An anchor's text is kept for its
// aliases. What `<<` brings in is taken out of the text again, and added when its map ends.
class Converter : public YAML::EventHandler {
 public:
  explicit Converter(size_t bytes_max) : bytes_max_(bytes_max) {}

  // Empty when the document is.
  std::string Take() {
    std::string text(out_.text());
    out_.Clear(0);
    if (text == "null") text.clear();
    return text;
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    // After some nonsense yaml-cpp 0.7 gives documents without end and without reading on.
    if (started_at_ == mark.pos) Refuse(mark, "did not find expected <document start>");
    started_at_ = mark.pos;
    frames_.clear();
    anchors_.clear();
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (KeyIsNext()) Refuse(mark, "unsupported map key");
    BeginValue(mark);
    const size_t start = out_.text().size();
    out_.Raw("null");
    EndValue(mark, start, anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    const bool plain = tag == "?" || tag.empty();
    if (KeyIsNext()) {
      Key(mark, text, plain);
      if (anchor == 0) return;
      JsonWriter json;
      WriteScalar(mark, tag, text, json);
      Remember(mark, anchor, {std::string(json.text()), Plainness{text, plain}});
      return;
    }
    BeginValue(mark);
    const size_t start = out_.text().size();
    WriteScalar(mark, tag, text, out_);
    EndValue(mark, start, anchor, Plainness{text, plain});
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (anchor >= anchors_.size() || !anchors_[anchor].has_value()) {
      Refuse(mark, "an anchor's value contains itself");
    }
    const Anchored& anchored = *anchors_[anchor];
    if (KeyIsNext()) {
      if (!anchored.scalar.has_value()) Refuse(mark, "unsupported map key");
      return Key(mark, anchored.scalar->text, anchored.scalar->plain);
    }
    BeginValue(mark);
    const size_t start = out_.text().size();
    Spend(mark, anchored.json.size());
    out_.Raw(anchored.json);
    EndValue(mark, start, 0);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(mark, anchor, false);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(mark, anchor, true);
  }

  void OnSequenceEnd() override { Close(']'); }
  void OnMapEnd() override {
    if (!frames_.back().merges.empty()) AddMerges(frames_.back());
    Close('}');
  }

 private:
  struct Plainness {  // a scalar as it was written, should it become a key
    std::string text;
    bool plain = false;
  };
  struct Anchored {
    std::string json;
    std::optional<Plainness> scalar;
  };
  struct Frame {
    YAML::Mark mark;
    size_t start = 0;  // where its text begins
    YAML::anchor_t anchor = 0;
    bool is_map = false;
    bool has_key = false;  // of a map: a value is next
    bool first = true;
    bool merging = false;             // of a map: the value is one to merge
    std::vector<std::string> merges;  // the texts of those
  };

  bool KeyIsNext() const {
    return !frames_.empty() && frames_.back().is_map && !frames_.back().has_key;
  }

  // Counts what aliases copy and anchors keep against what a text may grow to.
  void Spend(const YAML::Mark& mark, size_t bytes) {
    spent_bytes_ += bytes;
    if (spent_bytes_ > bytes_max_) Refuse(mark, "document contains excessive aliasing");
  }

  void Key(const YAML::Mark& mark, const std::string& text, bool plain) {
    Frame& map = frames_.back();
    const std::optional<std::string> key = KeyOf(text, plain, map.merging);
    if (!key.has_value()) Refuse(mark, "unsupported map key");
    map.has_key = true;
    if (!map.merging) WriteKey(map, *key);
  }

  void WriteKey(Frame& map, const std::string& key) {
    if (!std::exchange(map.first, false)) out_.Char(',');
    out_.String(key);
    out_.Char(':');
  }

  void BeginValue(const YAML::Mark& mark) {
    if (frames_.size() > kYamlDepthMax) Refuse(mark, "exceeded max depth");
    if (frames_.empty() || frames_.back().is_map) return;
    if (!std::exchange(frames_.back().first, false)) out_.Char(',');
  }

  void EndValue(const YAML::Mark& mark, size_t start, YAML::anchor_t anchor,
                std::optional<Plainness> scalar = std::nullopt) {
    const std::string_view json = out_.text().substr(start);
    if (anchor != 0) Remember(mark, anchor, {std::string(json), std::move(scalar)});
    if (frames_.empty() || !frames_.back().is_map) return;
    Frame& map = frames_.back();
    map.has_key = false;
    if (!std::exchange(map.merging, false)) return;
    if (json[0] != '{' && json[0] != '[') {
      Refuse(mark, "map merge requires map or sequence of maps as the value");
    }
    map.merges.emplace_back(json);
    out_.Truncate(start);
  }

  void Remember(const YAML::Mark& mark, YAML::anchor_t anchor, Anchored value) {
    Spend(mark, value.json.size());
    if (anchors_.size() <= anchor) anchors_.resize(anchor + 1);
    anchors_[anchor] = std::move(value);
  }

  void Open(const YAML::Mark& mark, YAML::anchor_t anchor, bool is_map) {
    if (KeyIsNext()) Refuse(mark, "unsupported map key");
    BeginValue(mark);
    Frame frame;
    frame.mark = mark;
    frame.start = out_.text().size();
    frame.anchor = anchor;
    frame.is_map = is_map;
    frames_.push_back(std::move(frame));
    out_.Char(is_map ? '{' : '[');
  }

  void Close(char bracket) {
    out_.Char(bracket);
    const Frame frame = std::move(frames_.back());
    frames_.pop_back();
    EndValue(frame.mark, frame.start, frame.anchor);
  }

  // The map's own members win over merged ones, and earlier merged maps over later ones.
  void AddMerges(Frame& map) {
    std::set<std::string, std::less<>> present;
    simdjson::dom::parser parser;
    const std::string own = std::string(out_.text().substr(map.start)) + "}";
    for (const auto& member : simdjson::dom::object(ParseOwn(map, own, parser))) {
      present.emplace(member.key);
    }
    const auto add = [&](simdjson::dom::element from) {
      if (!from.is_object()) {
        Refuse(map.mark, "map merge requires map or sequence of maps as the value");
      }
      for (const auto& member : simdjson::dom::object(from)) {
        if (!present.emplace(member.key).second) continue;
        WriteKey(map, std::string(member.key));
        out_.Raw(simdjson::minify(member.value));
      }
    };
    for (const std::string& text : std::exchange(map.merges, {})) {
      const simdjson::dom::element from = ParseOwn(map, text, parser);
      if (!from.is_array()) {
        add(from);
        continue;
      }
      for (simdjson::dom::element item : simdjson::dom::array(from)) add(item);
    }
  }

  // The parser keeps what it gives until it is used again.
  simdjson::dom::element ParseOwn(const Frame& map, const std::string& json,
                                  simdjson::dom::parser& parser) {
    Spend(map.mark, json.size());
    simdjson::dom::element value;
    const auto error = parser.parse(json).get(value);
    if (error != simdjson::SUCCESS) Refuse(map.mark, simdjson::error_message(error));
    return value;
  }

  JsonWriter out_;
  std::vector<Frame> frames_;
  std::vector<std::optional<Anchored>> anchors_;  // by number
  size_t bytes_max_;
  size_t spent_bytes_ = 0;
  std::optional<int> started_at_;  // the last document
};

std::vector<std::string> ConvertDocuments(std::string_view yaml) {
  std::vector<std::string> documents;
  std::istringstream text{std::string(yaml)};
  YAML::Parser parser(text);
  Converter converter(std::max(kGrowthFloorBytes, yaml.size() * kGrowthMax));
  while (parser.HandleNextDocument(converter)) {
    std::string document = converter.Take();
    if (!document.empty()) documents.push_back(std::move(document));
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
