#include "tests/sim/sim_options.h"

#include <fmt/core.h>

namespace berth::sim {

SimOptions SimOptions::FromSeed(uint64_t seed) {
  // Not the loop's own generator: what a seed plays stays when the code under test changes.
  Random random(seed * 2654435761u + 17);
  SimOptions out;
  out.seed = seed;
  out.agents = static_cast<int>(random.Between(1, 3));
  out.nodes_per_agent = static_cast<int>(random.Between(2, 3));
  out.another_agent = random.Chance(0.4);
  out.node_cpu_milli = random.Between(2, 6) * 1000;
  out.node_pods = random.Between(5, 20);
  out.busy = absl::Seconds(random.Between(15, 45));
  out.operation_gap = absl::Milliseconds(random.Between(80, 400));
  OperationMix& ops = out.operations;
  for (int* each : {&ops.remove, &ops.force_remove, &ops.bind_by_hand, &ops.create_on_node,
                    &ops.label, &ops.cordon, &ops.taint, &ops.remove_node, &ops.shrink_node}) {
    if (random.Chance(0.4)) *each = 0;
  }
  const auto maybe = [&](double& chance, double least, double most) {
    if (random.Chance(0.6)) chance = least + (most - least) * random.Unit();
  };
  FaultOptions& net = out.network;
  maybe(net.delay, 0.1, 0.9);
  net.delay_max = absl::Milliseconds(random.Between(5, 500));
  maybe(net.lose_request, 0.002, 0.04);
  maybe(net.lose_response, 0.002, 0.04);
  maybe(net.repeat_request, 0.002, 0.05);
  maybe(net.cut_stream, 0.001, 0.03);
  const auto sometimes = [&](absl::Duration& period, int least_s, int most_s) {
    if (random.Chance(0.6)) period = absl::Seconds(random.Between(least_s, most_s));
  };
  sometimes(out.crashes.server, 5, 30);
  sometimes(out.crashes.scheduler, 5, 30);
  sometimes(out.crashes.agent, 5, 30);
  sometimes(out.crashes.partition, 5, 30);
  if (random.Chance(0.7)) out.store.delay_max = absl::Milliseconds(random.Between(1, 40));
  if (random.Chance(0.5)) out.history_events_max = static_cast<size_t>(random.Between(4, 60));
  if (random.Chance(0.5)) out.load_page_objects = random.Between(3, 60);
  if (random.Chance(0.3)) out.stream_budget_bytes = random.Between(16, 64) << 10;
  maybe(out.store.lose_watch, 0.0005, 0.01);
  maybe(out.stall_stream, 0.0005, 0.01);
  sometimes(out.compact_period, 2, 10);
  if (random.Chance(0.3)) out.event_ttl = absl::Seconds(5);
  out.verify_evaluations = random.Chance(0.3) ? 1 : 0;
  return out;
}

SimOptions SimOptions::AtSpeed(uint64_t seed, absl::Duration busy) {
  Random random(seed * 2654435761u + 23);
  SimOptions out;
  out.seed = seed;
  out.agents = 3;
  out.witnesses = 0;
  out.calm = absl::Seconds(2);
  out.rest_step = absl::Seconds(5);
  out.nodes_per_agent = 12;
  out.node_cpu_milli = 32'000;
  out.node_pods = 110;
  out.busy = busy;
  out.operation_gap = absl::Microseconds(110);
  out.operations = {.create = 1600, .remove = 80, .force_remove = 8, .bind_by_hand = 16,
                    .create_on_node = 16, .label = 20, .cordon = 30, .taint = 30,
                    .remove_node = 2, .shrink_node = 0};
  out.host_ports = 0.01;
  out.network = {.delay = 0.02, .delay_max = absl::Milliseconds(random.Between(2, 10)),
                 .lose_request = 0.002, .lose_response = 0.002, .repeat_request = 0.005,
                 .cut_stream = 0.0001};
  out.store.delay_max = absl::Microseconds(200);
  out.store.lose_watch = 0.0002;
  out.crashes.scheduler = absl::Milliseconds(random.Between(500, 1500));
  out.crashes.agent = absl::Milliseconds(random.Between(300, 900));
  out.crashes.server = absl::Milliseconds(random.Between(700, 2000));
  out.crashes.down_max = absl::Milliseconds(100);
  out.verify_evaluations = 0.02;
  out.steps_max = 20'000'000;
  return out;
}

std::string SimOptions::ToString() const {
  return fmt::format(
      "seed={} agents={}x{}{} cpu={}m pods={} busy={}s gap={}ms | delay={:.2f}/{}ms lose={:.3f} "
      "lose-answer={:.3f} repeat={:.3f} cut={:.3f} stall={:.4f} | crashes server={} scheduler={} "
      "agent={} partition={} | store={}ms store-watch-lost={:.4f} history={} page={} budget={}K "
      "compact={} event-ttl={}s verify={}",
      seed, agents, nodes_per_agent, another_agent ? "+1" : "", node_cpu_milli, node_pods,
      absl::ToInt64Seconds(busy), absl::ToInt64Milliseconds(operation_gap), network.delay,
      absl::ToInt64Milliseconds(network.delay_max), network.lose_request, network.lose_response,
      network.repeat_request, network.cut_stream, stall_stream,
      absl::FormatDuration(crashes.server), absl::FormatDuration(crashes.scheduler),
      absl::FormatDuration(crashes.agent),
      absl::FormatDuration(crashes.partition), absl::ToInt64Milliseconds(store.delay_max),
      store.lose_watch, history_events_max, load_page_objects, stream_budget_bytes >> 10,
      absl::FormatDuration(compact_period), absl::ToInt64Seconds(event_ttl),
      verify_evaluations);
}

}  // namespace berth::sim
