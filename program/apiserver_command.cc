// `berth apiserver`: the store and the API server alone.
#include <cstdio>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "cluster/up/control_plane.h"
#include "cluster/up/kubeconfig_file.h"
#include "program/checks.h"
#include "program/command.h"
#include "program/signals.h"

namespace berth::program {
namespace {

struct ApiserverFlags {
  std::string store = "rocksdb", data_dir, address = "127.0.0.1", kubeconfig;
  std::string binding_check = "on", event_ttl = "1h";
  int64_t first_revision = 1;
  int port = 8080;
};

int Run(const ApiserverFlags& flags) {
  StopSignals signals;
  const auto ttl = DurationOf("--event-ttl", flags.event_ttl, absl::Seconds(1));
  if (!ttl.ok()) return Fail(ttl.status());
  up::ControlPlaneOptions options;
  options.store = *up::ParseStoreKind(flags.store);
  options.data_dir = flags.data_dir;
  options.address = flags.address;
  options.port = flags.port;
  options.binding_check = flags.binding_check == "on";
  options.event_ttl = *ttl;
  options.first_revision = flags.first_revision;
  auto plane = up::ControlPlane::Start(options);
  if (!plane.ok()) return Fail(plane.status());
  if (!flags.kubeconfig.empty()) {
    const absl::Status written = up::WriteKubeconfig(flags.kubeconfig, (*plane)->url());
    if (!written.ok()) return Fail(written);
  }
  fmt::print("serving on {}\n", (*plane)->url());
  if (!flags.kubeconfig.empty()) fmt::print("export KUBECONFIG={}\n", flags.kubeconfig);
  std::fflush(stdout);
  while (!signals.Wait(absl::Hours(1))) {
  }
  fmt::print("stopping\n");
  std::fflush(stdout);
  plane->reset();
  return 0;
}

}  // namespace

void AddApiserver(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("apiserver", "Serves the Kubernetes API from a store");
  command->footer(
      "Examples:\n"
      "  berth apiserver --data-dir /tmp/berth --insecure-port 8001 --kubeconfig /tmp/kubeconfig\n"
      "  berth apiserver --store memory --insecure-port 0      # any free port, nothing kept\n");
  const auto flags = std::make_shared<ApiserverFlags>();
  command->add_option("--store", flags->store, "rocksdb (durable) or memory")
      ->check(Plain(CLI::IsMember({"rocksdb", "memory"})))->capture_default_str();
  command->add_option("--data-dir", flags->data_dir,
                      "Directory of the store; one process at a time. Needed by rocksdb");
  command->add_option("--insecure-port", flags->port, "Plain HTTP, no credentials; 0: any free one")
      ->check(Plain(CLI::Range(0, 65535)))->capture_default_str();
  command->add_option("--insecure-bind-address", flags->address,
                      "Loopback only; anything else is refused")->capture_default_str();
  command->add_option("--kubeconfig", flags->kubeconfig, "Writes one that points here");
  command->add_option("--binding-check", flags->binding_check,
                      "on: a binding that does not fit its node is refused with 409; "
                      "off: upstream's behaviour")
      ->check(Plain(CLI::IsMember({"on", "off"})))->capture_default_str();
  command->add_option("--first-revision", flags->first_revision,
                      "Where a new store begins. After its data was lost, $(date +%s%6N) makes "
                      "clients that are still there list anew")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--event-ttl", flags->event_ttl, "How long Events are kept")
      ->capture_default_str();
  command->callback([flags, &action] { action = [flags] { return Run(*flags); }; });
}

}  // namespace berth::program
