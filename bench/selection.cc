#include "bench/selection.h"

#include <filesystem>
#include <utility>

#include <fmt/core.h>

#include "base/status_macros.h"

namespace berth::bench {

std::string Selected::SchedulerConfig(const Options& options) const {
  if (!options.scheduler_config.empty()) return options.scheduler_config;
  if (test_case->scheduler_config_path.empty()) return {};
  return file->folder + "/" + test_case->scheduler_config_path;
}

absl::StatusOr<std::vector<WorkloadFile>> ReadFiles(const Options& options) {
  std::vector<std::string> paths = {options.config};
  std::error_code ignored;
  if (std::filesystem::is_directory(options.config, ignored)) {
    paths = FindWorkloadFiles(options.config);
    if (paths.empty()) {
      return absl::NotFoundError(
          fmt::format("{}: no performance-config.yaml below it", options.config));
    }
  }
  std::vector<WorkloadFile> out;
  for (const std::string& path : paths) {
    BERTH_ASSIGN_OR_RETURN(WorkloadFile file, ReadWorkloads(path));
    if (!options.topic.empty()) file.topic = options.topic;
    out.push_back(std::move(file));
  }
  return out;
}

std::vector<Selected> Select(const std::vector<WorkloadFile>& files, const Options& options) {
  const bool by_default = options.workload.empty() && options.labels.empty();
  const std::string labels = by_default ? "performance" : options.labels;
  std::vector<Selected> out;
  for (const WorkloadFile& file : files) {
    for (const TestCase& test_case : file.cases) {
      for (const Workload& workload : test_case.workloads) {
        const Selected one{&file, &test_case, &workload};
        const bool named = options.workload.empty() || one.Name() == options.workload ||
                           test_case.name == options.workload;
        if (named && MatchesLabels(labels, workload.labels)) out.push_back(one);
      }
    }
  }
  return out;
}

}  // namespace berth::bench
