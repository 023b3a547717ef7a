// What `berth bench` is asked for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <absl/status/status.h>

namespace berth::bench {

struct Options {
  std::string config;  // a workload file, or a folder of them
  std::string templates;
  std::string topic;
  std::string workload;
  std::string labels;
  std::string target = "engine";
  bool null_scheduler = false;
  std::string kubeconfig;
  std::string store = "rocksdb";
  std::string scheduler_config;
  std::string data_items;
  std::string output = "table";
  std::string directory;
  std::string svg;
  bool histograms = false;
  int clients = 32;
  std::optional<double> client_qps;
  int repeat = 1;
  std::optional<int64_t> measure_pods;
  double min_seconds = 0;
  std::vector<double> rates;  // pods/s
  double rate_seconds = 10;
  double sample_interval_s = 1;
  int wait_limit_s = 600;
};

void AddOptions(CLI::App& app, Options& options);
// InvalidArgument: options that do not go together.
absl::Status CheckOptions(const Options& options);

}  // namespace berth::bench
