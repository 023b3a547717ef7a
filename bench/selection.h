// Which workloads of which files are run.
#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "bench/options.h"
#include "bench/scheduler_perf/workload.h"

namespace berth::bench {

struct Selected {
  const WorkloadFile* file;
  const TestCase* test_case;
  const Workload* workload;

  std::string Name() const { return test_case->name + "/" + workload->name; }
  // Of the options, else the case's; empty: defaults.
  std::string SchedulerConfig(const Options& options) const;
};

// Errors: of reading the files; NotFound for a folder without any.
absl::StatusOr<std::vector<WorkloadFile>> ReadFiles(const Options& options);
// The files must outlive them. As upstream's benchmark: what is labelled for it, unless something
// is asked for by name.
std::vector<Selected> Select(const std::vector<WorkloadFile>& files, const Options& options);

}  // namespace berth::bench
