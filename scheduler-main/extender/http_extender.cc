#include "scheduler-main/extender/http_extender.h"

#include <algorithm>
#include <optional>
#include <type_traits>

#include <absl/strings/escaping.h>
#include <fmt/core.h>

#include "api/errors.h"
#include "api/json.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "base/status_macros.h"
#include "client/credentials.h"
#include "client/http_transport.h"
#include "scheduler-main/extender/extender_wire.h"

namespace berth::scheduler {
namespace {

using framework::NodePtr;
using framework::PodInfo;
using framework::PodPtr;

constexpr int kCallsMax = 8;  // at once; a call about 5,000 nodes may hold 20 MB

template <typename Containers>
bool AnyUses(const Containers& containers, const StringSet& managed) {
  const auto uses = [&](const auto& amounts) {
    return std::any_of(amounts.begin(), amounts.end(),
                       [&](const auto& amount) { return managed.contains(amount.first); });
  };
  return std::any_of(containers.begin(), containers.end(), [&](const auto& container) {
    return uses(container.resources().requests()) || uses(container.resources().limits());
  });
}

// What failed on the way, in the words of Go's client.
absl::Status NoAnswer(const std::string& url, const absl::Status& status) {
  const std::string_view why =
      absl::IsDeadlineExceeded(status)
          ? "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
          : ToStd(status.message());
  return absl::Status(status.code(),
                      ToAbsl(fmt::format("Post {}: {}", api::GoQuoted(url), why)));
}

// Makes a task of a parsed answer, for the executor.
template <typename Parse, typename Done>
auto Told(Parse parse, Done done) {
  return [parse = std::move(parse), done = std::move(done)](
             absl::StatusOr<std::string_view> body) mutable -> Task {
    using Result = std::invoke_result_t<Parse, std::string_view>;
    Result result = body.ok() ? parse(*body) : Result(body.status());
    return [done = std::move(done), result = std::move(result)]() mutable {
      done(std::move(result));
    };
  };
}

absl::StatusOr<std::string> Pem(const std::string& data, const std::string& file) {
  if (data.empty()) return file.empty() ? std::string() : client::ReadFile(file);
  std::string pem;
  if (!absl::Base64Unescape(data, &pem)) {
    return absl::InvalidArgumentError("illegal base64 data in an extender's tlsConfig");
  }
  return pem;
}

absl::StatusOr<std::unique_ptr<client::Transport>> OverSockets(const ExtenderSection& section) {
  client::HttpTransportOptions options;
  options.server = section.url_prefix;
  options.max_connections = kCallsMax;
  options.user_agent = "berth-scheduler";
  if (const auto& tls = section.tls_config) {
    options.tls.server_name = tls->server_name;
    options.tls.insecure_skip_verify = tls->insecure;
    BERTH_ASSIGN_OR_RETURN(options.tls.ca_pem, Pem(tls->ca_data, tls->ca_file));
    BERTH_ASSIGN_OR_RETURN(options.tls.certificate_pem, Pem(tls->cert_data, tls->cert_file));
    BERTH_ASSIGN_OR_RETURN(options.tls.key_pem, Pem(tls->key_data, tls->key_file));
  }
  // As upstream: HTTPS without an authority is not verified.
  if (section.enable_https && options.tls.ca_pem.empty()) options.tls.insecure_skip_verify = true;
  BERTH_ASSIGN_OR_RETURN(std::unique_ptr<client::Transport> transport,
                         client::HttpTransport::Create(std::move(options)));
  return transport;
}

}  // namespace

HttpExtender::HttpExtender(ExtenderSection section, std::unique_ptr<client::Transport> transport,
                           Executor& executor)
    : section_(std::move(section)), executor_(executor), transport_(std::move(transport)) {
  for (const ManagedResourceSection& resource : section_.managed_resources) {
    managed_.insert(resource.name);
  }
}

bool HttpExtender::IsInterested(const PodInfo& pod) const {
  if (managed_.empty()) return true;
  const auto& spec = pod.object().spec();
  return AnyUses(spec.containers(), managed_) || AnyUses(spec.init_containers(), managed_);
}

std::string HttpExtender::Args(const PodInfo& pod, const std::vector<NodePtr>& nodes,
                               bool keeps) {
  if (section_.node_cache_capable) return ExtenderArgsByName(pod, nodes);
  most_nodes_ = std::max(most_nodes_, nodes.size());
  if (printed_.size() > 2 * most_nodes_) printed_.clear();  // mostly nodes that went
  if (keeps) {
    for (const NodePtr& node : nodes) {
      auto& [of, text] = printed_[node->metadata().name()];
      if (of == node) continue;
      of = node;
      text.clear();
      api::PrintJson(*node, text);
    }
  }
  std::vector<std::string_view> json;
  std::deque<std::string> others;
  json.reserve(nodes.size());
  for (const NodePtr& node : nodes) {
    const auto held = printed_.find(node->metadata().name());
    if (held != printed_.end() && held->second.first == node) {
      json.push_back(held->second.second);
      continue;
    }
    api::PrintJson(*node, others.emplace_back());
    json.push_back(others.back());
  }
  return ExtenderArgs(pod, json);
}

void HttpExtender::Filter(const PodPtr& pod, std::vector<NodePtr> nodes, bool urgent,
                          FilterDone done) {
  auto asked = std::make_shared<const std::vector<NodePtr>>(std::move(nodes));
  Send({section_.filter_verb,
        [this, pod, asked] { return Args(*pod, *asked, /*keeps=*/true); },
        Told(
            [asked, by_name = section_.node_cache_capable,
             name = section_.url_prefix](std::string_view text) {
              return ParseFilterResult(text, name, by_name, *asked);
            },
            std::move(done)),
        urgent});
}

void HttpExtender::Prioritize(const PodPtr& pod, std::vector<NodePtr> nodes, bool urgent,
                              PrioritizeDone done) {
  auto asked = std::make_shared<const std::vector<NodePtr>>(std::move(nodes));
  Send({section_.prioritize_verb,
        [this, pod, asked] { return Args(*pod, *asked, /*keeps=*/false); },
        Told(&ParseHostPriorities, std::move(done)), urgent});
}

void HttpExtender::Bind(const PodPtr& pod, std::string_view node, BindDone done) {
  Send({section_.bind_verb,
        [pod, node = std::string(node)] { return ExtenderBindingArgs(*pod, node); },
        Told(&ParseBindingResult, std::move(done)), /*urgent=*/true});
}

void HttpExtender::Preempt(const PodPtr& pod,
                           std::vector<framework::PreemptionCandidate> candidates,
                           PreemptDone done) {
  Send({section_.preempt_verb,
        [pod, by_uid = section_.node_cache_capable, candidates = std::move(candidates)] {
          return ExtenderPreemptionArgs(*pod, candidates, by_uid);
        },
        Told(&ParsePreemptionResult, std::move(done)), /*urgent=*/true});
}

void HttpExtender::Send(Call call) {
  if (in_flight_ >= kCallsMax) {
    auto place = waiting_.end();  // the urgent before the others, each in the order they came
    if (call.urgent) {
      place = std::find_if(waiting_.begin(), waiting_.end(),
                           [](const Call& other) { return !other.urgent; });
    }
    waiting_.insert(place, std::move(call));
    return;
  }
  SendNow(std::move(call));
}

void HttpExtender::SendNow(Call call) {
  ++in_flight_;
  std::string prefix = section_.url_prefix;
  while (prefix.ends_with('/')) prefix.pop_back();
  api::HttpRequest request;
  request.method = "POST";
  request.target = "/" + call.verb;
  request.content_type = api::kJsonType;
  request.body = call.body();
  transport_->Do(
      std::move(request), section_.http_timeout,
      [this, alive = lifetime_.Watch(), url = prefix + request.target, verb = call.verb,
       answer = std::move(call.answer)](absl::StatusOr<api::HttpResponse> response) mutable {
        absl::StatusOr<std::string_view> body;
        if (!response.ok()) {
          body = NoAnswer(url, response.status());
        } else if (response->code != 200) {
          body = absl::UnknownError(ToAbsl(fmt::format(
              "failed {} with extender at URL {}, code {}", verb, url, response->code)));
        } else {
          body = response->text();
        }
        executor_.Post([this, alive = std::move(alive), tell = answer(body)]() mutable {
          if (alive.expired()) return;
          --in_flight_;
          tell();
          if (waiting_.empty() || in_flight_ >= kCallsMax) return;
          Call next = std::move(waiting_.front());
          waiting_.pop_front();
          SendNow(std::move(next));
        });
      });
}

absl::StatusOr<framework::Extenders> MakeExtenders(const Configuration& config, Executor& executor,
                                                   const ExtenderTransport& transport) {
  framework::Extenders extenders;
  for (const ExtenderSection& section : config.extenders) {
    auto to = transport ? transport(section) : OverSockets(section);
    if (!to.ok()) {
      return absl::Status(to.status().code(),
                          ToAbsl(fmt::format("extender {}: {}", api::GoQuoted(section.url_prefix),
                                             ToStd(to.status().message()))));
    }
    extenders.push_back(std::make_unique<HttpExtender>(section, *std::move(to), executor));
  }
  std::stable_partition(extenders.begin(), extenders.end(),
                        [](const auto& extender) { return !extender->ignorable(); });
  return extenders;
}

}  // namespace berth::scheduler
