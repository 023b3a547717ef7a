#include "tests/tidy/tree.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace berth::tidy {
namespace {

namespace fs = std::filesystem;

std::vector<File> ReadAll() {
  std::vector<File> files;
  for (const Layer& layer : Layers()) {
    const fs::path root = fs::path(BERTH_SOURCE_DIR) / layer.folder;
    if (!fs::exists(root)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
      const std::string path = fs::relative(entry.path(), BERTH_SOURCE_DIR).string();
      if (!path.ends_with(".h") && !path.ends_with(".cc")) continue;
      File file{path, {}};
      std::ifstream in(entry.path());
      for (std::string line; std::getline(in, line);) file.lines.push_back(line);
      files.push_back(std::move(file));
    }
  }
  std::sort(files.begin(), files.end(), [](auto& a, auto& b) { return a.path < b.path; });
  return files;
}

std::vector<Layer> ReadLayers() {
  std::vector<Layer> layers;
  std::istringstream in(ReadText("cmake/layers.txt"));
  for (std::string line; std::getline(in, line);) {
    const size_t colon = line.find(':');
    if (line.starts_with('#') || colon == std::string::npos) continue;
    Layer layer{line.substr(0, colon), {}};
    std::istringstream uses(line.substr(colon + 1));
    for (std::string used; uses >> used;) layer.uses.push_back(used);
    layers.push_back(std::move(layer));
  }
  std::sort(layers.begin(), layers.end(),
            [](auto& a, auto& b) { return a.folder.size() > b.folder.size(); });
  return layers;
}

}  // namespace

std::string ReadText(std::string_view path) {
  std::ifstream in(fs::path(BERTH_SOURCE_DIR) / path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

const std::vector<Layer>& Layers() {
  static const auto* const layers = new std::vector<Layer>(ReadLayers());
  return *layers;
}

const std::vector<File>& SourceFiles() {
  static const auto* const files = new std::vector<File>(ReadAll());
  return *files;
}

const Layer* LayerOf(std::string_view path) {
  for (const Layer& layer : Layers()) {
    if (path.size() > layer.folder.size() && path.starts_with(layer.folder) &&
        path[layer.folder.size()] == '/') {
      return &layer;
    }
  }
  return nullptr;
}

}  // namespace berth::tidy
