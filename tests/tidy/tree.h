// The repository as the tidy tests read it: every tracked source file with its lines.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace berth::tidy {

struct File {
  std::string path;  // from the repository root
  std::vector<std::string> lines;
  bool is_header() const { return path.ends_with(".h"); }
  bool is_source() const { return path.ends_with(".cc"); }
};

// All .h and .cc files below the folders of the layer table, by path.
const std::vector<File>& SourceFiles();
// The text of any file; empty when it does not exist.
std::string ReadText(std::string_view path);
// The lines of cmake/layers.txt: folder and what it may use, longest folder first.
struct Layer {
  std::string folder;
  std::vector<std::string> uses;
};
const std::vector<Layer>& Layers();
// The layer a path belongs to; null when none does.
const Layer* LayerOf(std::string_view path);

}  // namespace berth::tidy
