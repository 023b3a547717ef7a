#include "scheduler-main/json_duplicates.h"

#include <algorithm>

#include <simdjson.h>

#include "plugins/args_codec.h"

namespace berth::scheduler {
namespace {

void Walk(simdjson::dom::element element, const std::string& path,
          std::vector<std::string>& found) {
  simdjson::dom::array array;
  simdjson::dom::object object;
  if (element.get(array) == simdjson::SUCCESS) {
    size_t index = 0;
    for (const auto item : array) Walk(item, plugins::codec::Index(path, index++), found);
  } else if (element.get(object) == simdjson::SUCCESS) {
    std::vector<std::string_view> seen;
    for (const auto field : object) {
      const std::string at = plugins::codec::Join(path, field.key);
      if (std::find(seen.begin(), seen.end(), field.key) == seen.end()) {
        seen.push_back(field.key);
      } else if (std::find(found.begin(), found.end(), at) == found.end()) {
        found.push_back(at);
      }
      Walk(field.value, at, found);
    }
  }
}

}  // namespace

std::vector<std::string> DuplicateFields(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  std::vector<std::string> found;
  const simdjson::padded_string text(json);
  if (parser.parse(text).get(root) == simdjson::SUCCESS) Walk(root, "", found);
  return found;
}

}  // namespace berth::scheduler
