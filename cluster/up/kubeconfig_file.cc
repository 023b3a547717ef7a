#include "cluster/up/kubeconfig_file.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <fmt/core.h>

#include "cluster/up/data_dir.h"

namespace berth::up {
namespace {

constexpr std::string_view kMark = "# Written by berth; overwritten at each start.\n";

}  // namespace

std::string KubeconfigText(std::string_view server) {
  return fmt::format(
      "{}apiVersion: v1\n"
      "kind: Config\n"
      "clusters:\n"
      "- name: berth\n"
      "  cluster:\n"
      "    server: {}\n"
      "users:\n"
      "- name: berth\n"
      "  user: {{}}\n"
      "contexts:\n"
      "- name: berth\n"
      "  context:\n"
      "    cluster: berth\n"
      "    user: berth\n"
      "current-context: berth\n",
      kMark, server);
}

absl::Status WriteKubeconfig(const std::string& path, std::string_view server) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    return absl::FailedPreconditionError(fmt::format("{} is a directory, not a file", path));
  }
  if (std::ifstream file(path); file) {
    const std::string old{std::istreambuf_iterator<char>(file), {}};
    if (!old.empty() && !old.starts_with(kMark)) {
      return absl::FailedPreconditionError(fmt::format(
          "{} exists and was not written by berth; choose another --kubeconfig", path));
    }
  }
  const auto parent = std::filesystem::path(path).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, error);
  return WriteFileAtomically(path, KubeconfigText(server), 0600);
}

}  // namespace berth::up
