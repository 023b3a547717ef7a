#include "cluster/apiserver/metrics.h"

#include <map>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <absl/strings/ascii.h>
#include <absl/synchronization/mutex.h>
#include <fmt/core.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace berth::apiserver {
namespace {

using prometheus::Counter;
using prometheus::Gauge;
using prometheus::Histogram;

const std::vector<double> kRequestSeconds = {0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8,
                                             1.0,   1.25,  1.5,  2,   3,   4,   5,   6,
                                             8,     10,    15,   20,  30,  45,  60};
const std::vector<double> kCommitSeconds = {0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
                                            0.01,    0.025,  0.05,    0.1,    0.25,  0.5,    1};

}  // namespace

struct Metrics::Registry {
  prometheus::Registry registry;
  prometheus::Family<Counter>& requests =
      prometheus::BuildCounter()
          .Name("apiserver_request_total")
          .Help("Requests answered, by verb, resource, scope and code.")
          .Register(registry);
  prometheus::Family<Histogram>& durations =
      prometheus::BuildHistogram()
          .Name("apiserver_request_duration_seconds")
          .Help("Time from a request's arrival to its answer, by verb, resource and scope.")
          .Register(registry);
  prometheus::Family<Gauge>& long_running =
      prometheus::BuildGauge()
          .Name("apiserver_longrunning_requests")
          .Help("Watches that are open, by resource.")
          .Register(registry);
  prometheus::Family<Gauge>& objects = prometheus::BuildGauge()
                                           .Name("apiserver_resource_objects")
                                           .Help("Objects in the watch cache, by resource.")
                                           .Register(registry);
  Histogram& commits = prometheus::BuildHistogram()
                           .Name("berth_store_commit_duration_seconds")
                           .Help("Time from sending a transaction to its completion.")
                           .Register(registry)
                           .Add({}, kCommitSeconds);
  Gauge& revision = prometheus::BuildGauge()
                        .Name("berth_watch_cache_revision")
                        .Help("The store revision the watch caches have reached.")
                        .Register(registry)
                        .Add({});

  // A request's two instruments, found without building label maps.
  struct Instruments {
    Counter* total;
    Histogram* duration;
  };
  using Key = std::tuple<std::string, std::string, std::string, std::string, std::string, int>;
  // std::less<> of tuples of unlike types is beyond clang 14.
  struct Before {
    using is_transparent = void;
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return Views(a) < Views(b);
    }
  };
  using KeyViews = std::tuple<std::string_view, std::string_view, std::string_view,
                              std::string_view, std::string_view, int>;
  template <typename T>
  static KeyViews Views(const T& key) {
    return std::apply([](const auto&... parts) { return KeyViews(parts...); }, key);
  }
  absl::Mutex mutex;
  std::map<Key, Instruments, Before> by_request ABSL_GUARDED_BY(mutex);
};

Metrics::Metrics() : registry_(std::make_unique<Registry>()) {}
Metrics::~Metrics() = default;

void Metrics::Answered(const RequestFacts& facts, absl::Duration took) {
  const Registry::KeyViews key(
      facts.verb, facts.group, facts.resource, facts.subresource, facts.scope, facts.code);
  Registry::Instruments instruments;
  {
    absl::MutexLock lock(&registry_->mutex);
    auto it = registry_->by_request.find(key);
    if (it == registry_->by_request.end()) {
      const std::string verb = absl::AsciiStrToUpper(std::string(facts.verb));
      const std::map<std::string, std::string> labels = {
          {"verb", verb == "CREATE" ? "POST" : verb == "UPDATE" ? "PUT" : verb},
          {"group", std::string(facts.group)},
          {"version", facts.resource.empty() ? "" : "v1"},
          {"resource", std::string(facts.resource)},
          {"subresource", std::string(facts.subresource)},
          {"scope", std::string(facts.scope)},
          {"component", "apiserver"}};
      auto with_code = labels;
      with_code["code"] = std::to_string(facts.code);
      it = registry_->by_request
               .emplace(Registry::Key(key), Registry::Instruments{
                                                &registry_->requests.Add(with_code),
                                                &registry_->durations.Add(labels,
                                                                          kRequestSeconds)})
               .first;
    }
    instruments = it->second;
  }
  instruments.total->Increment();
  instruments.duration->Observe(absl::ToDoubleSeconds(took));
}

void Metrics::Committed(absl::Duration took) {
  registry_->commits.Observe(absl::ToDoubleSeconds(took));
}

void Metrics::SetWatchers(std::string_view group, std::string_view resource, double count) {
  registry_->long_running
      .Add({{"verb", "WATCH"},
            {"group", std::string(group)},
            {"version", "v1"},
            {"resource", std::string(resource)},
            {"component", "apiserver"}})
      .Set(count);
}

void Metrics::SetObjects(std::string_view resource, double count) {
  registry_->objects.Add({{"resource", std::string(resource)}}).Set(count);
}

void Metrics::SetRevision(double revision) { registry_->revision.Set(revision); }

std::string Metrics::Text() const {
  return prometheus::TextSerializer().Serialize(registry_->registry.Collect());
}

}  // namespace berth::apiserver
