// Names, types, labels and buckets against a table of what kube-scheduler 1.36 serves, and the text
// they are served as.
#include "scheduler-main/metrics.h"

#include <gtest/gtest.h>

#include "scheduler-main/client_metrics.h"
#include "scheduler-main/resource_metrics.h"
#include "tests/framework/builders.h"

namespace berth::scheduler {
namespace {

constexpr char kSeconds12[] =
    "0.0001 0.0002 0.0004 0.0008 0.0016 0.0032 0.0064 0.0128 0.0256 0.0512 0.1024 0.2048";
constexpr char kSeconds15[] =
    "0.001 0.002 0.004 0.008 0.016 0.032 0.064 0.128 0.256 0.512 1.024 2.048 4.096 8.192 16.384";
constexpr char kPlugin20[] =
    "1e-05 1.5000000000000002e-05 2.2500000000000005e-05 3.375000000000001e-05 "
    "5.062500000000001e-05 7.593750000000002e-05 0.00011390625000000003 0.00017085937500000006 "
    "0.0002562890625000001 0.00038443359375000017 0.0005766503906250003 0.0008649755859375004 "
    "0.0012974633789062506 0.0019461950683593758 0.0029192926025390638 0.004378938903808595 "
    "0.006568408355712893 0.009852612533569338 0.014778918800354007 0.02216837820053101";
constexpr char kFromTenMs20[] =
    "0.01 0.02 0.04 0.08 0.16 0.32 0.64 1.28 2.56 5.12 10.24 20.48 40.96 81.92 163.84 327.68 "
    "655.36 1310.72 2621.44 5242.88";

struct Row {
  std::string_view name, type, labels, buckets;
};
// Ordered by name.
constexpr Row kTable[] = {
    {"berth_evaluation_checks_total", "counter", "result", ""},
    {"berth_queue_violations_total", "counter", "kind", ""},
    {"berth_reused_total", "counter", "extension_point profile", ""},
    {"berth_scheduler_bind_conflicts_total", "counter", "profile", ""},
    {"berth_scheduler_decisions_total", "counter", "how", ""},
    {"berth_scheduler_evaluation_cache_bytes", "gauge", "", ""},
    {"berth_scheduler_evaluation_cache_entries", "gauge", "", ""},
    {"berth_scheduler_nodes_evaluated_total", "counter", "", ""},
    {"leader_election_master_status", "gauge", "name", ""},
    {"scheduler_cache_size", "gauge", "type", ""},
    {"scheduler_dra_bindingconditions_allocations_total", "counter", "profile driver status", ""},
    {"scheduler_dra_bindingconditions_wait_duration_seconds", "histogram",
     "profile driver status",
     "0.1 0.2 0.4 0.8 1.6 3.2 6.4 12.8 25.6 51.2 102.4 204.8 409.6 819.2"},
    {"scheduler_event_handling_duration_seconds", "histogram", "event", kSeconds12},
    {"scheduler_framework_extension_point_duration_seconds", "histogram",
     "extension_point status profile", kSeconds12},
    {"scheduler_goroutines", "gauge", "operation", ""},
    {"scheduler_inflight_events", "gauge", "event", ""},
    {"scheduler_pending_pods", "gauge", "queue", ""},
    {"scheduler_permit_wait_duration_seconds", "histogram", "result", kSeconds15},
    {"scheduler_plugin_evaluation_total", "counter", "plugin extension_point profile", ""},
    {"scheduler_plugin_execution_duration_seconds", "histogram", "plugin extension_point status",
     kPlugin20},
    {"scheduler_pod_scheduled_after_flush_total", "counter", "", ""},
    {"scheduler_pod_scheduling_attempts", "histogram", "", "1 2 4 8 16"},
    {"scheduler_pod_scheduling_sli_duration_seconds", "histogram", "attempts", kFromTenMs20},
    {"scheduler_preemption_attempts_total", "counter", "", ""},
    {"scheduler_preemption_goroutines_duration_seconds", "histogram", "result", kFromTenMs20},
    {"scheduler_preemption_goroutines_execution_total", "counter", "result", ""},
    {"scheduler_preemption_victims", "histogram", "", "1 2 4 8 16 32 64"},
    {"scheduler_queue_incoming_pods_total", "counter", "queue event", ""},
    {"scheduler_queueing_hint_execution_duration_seconds", "histogram", "plugin event hint",
     kPlugin20},
    {"scheduler_schedule_attempts_total", "counter", "result profile", ""},
    {"scheduler_scheduling_algorithm_duration_seconds", "histogram", "", kSeconds15},
    {"scheduler_scheduling_attempt_duration_seconds", "histogram", "result profile", kSeconds15},
    {"scheduler_unschedulable_pods", "gauge", "plugin profile", ""},
    {"scheduler_volume_scheduling_stage_error_total", "counter", "operation", ""},
};

std::string Joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

TEST(MetricsTest, NamesTypesLabelsAndBuckets) {
  const PrometheusMetrics metrics;
  std::vector<std::string> got, want;
  for (const auto& [name, family] : metrics.registry().families()) {
    std::vector<std::string> labels, buckets;
    for (std::string_view label : family->label_names()) labels.emplace_back(label);
    for (double bound : family->buckets()) buckets.push_back(GoFloat(bound));
    got.push_back(fmt::format("{} {} [{}] [{}]", name, family->type(), Joined(labels),
                              Joined(buckets)));
  }
  for (const Row& row : kTable) {
    want.push_back(fmt::format("{} {} [{}] [{}]", row.name, row.type, row.labels, row.buckets));
  }
  EXPECT_EQ(got, want);
}

TEST(MetricsTest, WhatHasNoLabelsIsShownFromTheStart) {
  const PrometheusMetrics metrics;
  const std::string text = metrics.Text();
  EXPECT_NE(text.find("\nscheduler_preemption_attempts_total 0\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\nscheduler_preemption_victims_bucket{le=\"64\"} 0\n"), std::string::npos);
  EXPECT_EQ(text.find("scheduler_pending_pods"), std::string::npos) << "nothing to show of it yet";
}

TEST(MetricsTest, TextOfAHistogram) {
  MetricRegistry registry;
  HistogramFamily<2> family{registry, "waits", "How long.", {"b", "a"}, {0.5, 2, 1048576}};
  HistogramCell& cell = family.At({"say \"x\"\n", "1\\2"});
  for (double value : {0.5, 0.75, 2.5, 3e6}) cell.Observe(value);
  family.At({"x", "0"}).Observe(1e-7);
  EXPECT_EQ(registry.Text(),
            "# HELP waits How long.\n"
            "# TYPE waits histogram\n"
            "waits_bucket{a=\"0\",b=\"x\",le=\"0.5\"} 1\n"
            "waits_bucket{a=\"0\",b=\"x\",le=\"2\"} 1\n"
            "waits_bucket{a=\"0\",b=\"x\",le=\"1.048576e+06\"} 1\n"
            "waits_bucket{a=\"0\",b=\"x\",le=\"+Inf\"} 1\n"
            "waits_sum{a=\"0\",b=\"x\"} 1e-07\n"
            "waits_count{a=\"0\",b=\"x\"} 1\n"
            "waits_bucket{a=\"1\\\\2\",b=\"say \\\"x\\\"\\n\",le=\"0.5\"} 1\n"
            "waits_bucket{a=\"1\\\\2\",b=\"say \\\"x\\\"\\n\",le=\"2\"} 2\n"
            "waits_bucket{a=\"1\\\\2\",b=\"say \\\"x\\\"\\n\",le=\"1.048576e+06\"} 3\n"
            "waits_bucket{a=\"1\\\\2\",b=\"say \\\"x\\\"\\n\",le=\"+Inf\"} 4\n"
            "waits_sum{a=\"1\\\\2\",b=\"say \\\"x\\\"\\n\"} 3.00000375e+06\n"
            "waits_count{a=\"1\\\\2\",b=\"say \\\"x\\\"\\n\"} 4\n");
}

TEST(MetricsTest, TalliesAreWhatIsShown) {
  PrometheusMetrics metrics;
  Tally* filter = metrics.PluginEvaluations("NodeName", "Filter", "p");
  ASSERT_EQ(metrics.PluginEvaluations("NodeName", "Filter", "p"), filter);
  filter->Add(41);
  filter->Add();
  metrics.Leading("kube-scheduler", true);
  const std::string text = metrics.Text();
  EXPECT_NE(text.find("scheduler_plugin_evaluation_total{extension_point=\"Filter\",plugin="
                      "\"NodeName\",profile=\"p\"} 42\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("leader_election_master_status{name=\"kube-scheduler\"} 1\n"),
            std::string::npos);
  filter->Add(1'234'525);  // a counter is a double in Go's client, and shown as one
  EXPECT_NE(metrics.Text().find("plugin=\"NodeName\",profile=\"p\"} 1.234567e+06\n"),
            std::string::npos);
}

TEST(MetricsTest, RequestsAndLimitsOfPods) {
  using framework::testing::MakePod;
  const auto limit = [](const std::shared_ptr<const api::core::Pod>& pod, const char* resource,
                        const char* amount) {
    auto copy = std::make_shared<api::core::Pod>(*pod);
    auto& limits = *copy->mutable_spec()->mutable_containers(0)->mutable_resources();
    (*limits.mutable_limits())[resource].set_string(amount);
    return copy;
  };
  auto bound = limit(MakePod("bound").Node("n1").Req("250m", "1Gi").Priority(7).Object(), "cpu",
                     "1500m");
  (*bound->mutable_spec()->mutable_overhead())["cpu"].set_string("50m");
  auto over = std::make_shared<api::core::Pod>(*MakePod("over").Node("n1").Req("1").Object());
  over->mutable_status()->set_phase("Succeeded");
  auto waiting = limit(MakePod("waiting").Req("0").Object(), "example.com/gpu", "2");
  waiting->mutable_spec()->clear_priority();
  const std::string text = ResourceMetricsText({bound, over, waiting});
  const std::string of_bound =
      "{namespace=\"default\",node=\"n1\",pod=\"bound\",priority=\"7\",resource=\"";
  const std::string scheduler = "\",scheduler=\"default-scheduler\",unit=\"";
  EXPECT_NE(text.find("kube_pod_resource_request" + of_bound + "cpu" + scheduler +
                      "cores\"} 0.3\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("kube_pod_resource_request" + of_bound + "memory" + scheduler +
                      "bytes\"} 1.073741824e+09\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("kube_pod_resource_limit" + of_bound + "cpu" + scheduler +
                      "cores\"} 1.55\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("kube_pod_resource_limit{namespace=\"default\",node=\"\",pod=\"waiting\","
                      "priority=\"\",resource=\"example.com/gpu\",scheduler=\"default-scheduler\","
                      "unit=\"\"} 2\n"),
            std::string::npos)
      << text;
  EXPECT_EQ(text.find("over"), std::string::npos) << "it is over";
  EXPECT_EQ(text.find("resource=\"cpu\",scheduler=\"default-scheduler\",unit=\"cores\"} 0\n"),
            std::string::npos)
      << "zeros are left out";
  EXPECT_EQ(ResourceMetricsText({}), "");
}

}  // namespace
}  // namespace berth::scheduler
