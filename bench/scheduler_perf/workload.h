// A scheduler_perf file: test cases of operations, each with workloads of parameters.
// Format: upstream's test/integration/scheduler_perf, performance-config.yaml. Strict: an unknown
// field, an unknown opcode, a parameter nobody uses and one nobody defines are errors.
// Not yet: opcodes other than those of OpCode and some of their fields: a case that uses them says
// so when it is to be run. featureGates are kept for the report and change nothing.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

namespace berth::bench {

enum class OpCode { kCreateNodes, kCreateNamespaces, kCreatePods, kBarrier, kSleep };

// A number written out, or "$name" of a workload's parameter.
struct Count {
  int64_t value = 0;
  std::string param;  // without the '$'; empty: value
};

struct Op {
  OpCode code = OpCode::kCreateNodes;
  Count count;
  std::string template_path;  // nodes, pods or namespaces; empty: the built-in default
  std::string namespace_name;  // createPods; empty: "namespace-<op index>"
  std::string prefix;          // createNamespaces
  // labelNodePrepareStrategy: values are dealt out round-robin by node index.
  std::string label_key;
  std::vector<std::string> label_values;
  bool collect_metrics = false;
  bool skip_wait = false;
  std::vector<std::string> namespaces;  // barrier; empty: all
  std::string duration;                 // sleep: Go form, or "$name"
};

struct Workload {
  std::string name;
  // Not OK: it uses a part of the format that is not supported yet; it can be named, not run.
  absl::Status supported;
  std::map<std::string, std::string> params;  // as text
  std::vector<std::string> labels;            // the case's and its own
  double threshold = 0;                       // pods/s; 0: none
  std::map<std::string, bool> feature_gates;  // merged with the case's
};

struct TestCase {
  std::string name;
  absl::Status supported;  // as a workload's
  std::vector<Op> ops;
  std::vector<Workload> workloads;
  std::string scheduler_config_path;
  std::string default_pod_template_path;
};

struct WorkloadFile {
  std::string folder;  // paths in the file are relative to it
  std::vector<TestCase> cases;
};

// InvalidArgument names the case, the op and what is wrong.
absl::StatusOr<WorkloadFile> ParseWorkloads(std::string_view yaml, std::string folder);
absl::StatusOr<WorkloadFile> ReadWorkloads(const std::string& path);

// The op's count under a workload's parameters.
absl::StatusOr<int64_t> Resolve(const Count& count, const Workload& workload);

// "a,+b,-c": plain or + must be there, - must not. An empty filter takes all.
bool MatchesLabels(std::string_view filter, const std::vector<std::string>& labels);

}  // namespace berth::bench
