// The fields of every section of a configuration file, as upstream names and prints them.
#pragma once

#include "plugins/args_codec.h"
#include "scheduler-main/config.h"

namespace berth::scheduler {

using plugins::Emit;

template <typename V>
void VisitFields(V& visit, PluginSection& plugin) {
  visit("name", plugin.name, Emit::kAlways);
  visit("weight", plugin.weight, Emit::kAlways);
}
template <typename V>
void VisitFields(V& visit, PluginSetSection& set) {
  visit("enabled", set.enabled, Emit::kOmitEmpty);
  visit("disabled", set.disabled, Emit::kOmitEmpty);
}
template <typename V>
void VisitFields(V& visit, PluginsSection& plugins) {
  visit("preEnqueue", plugins.pre_enqueue, Emit::kAlways);
  visit("queueSort", plugins.queue_sort, Emit::kAlways);
  visit("preFilter", plugins.pre_filter, Emit::kAlways);
  visit("filter", plugins.filter, Emit::kAlways);
  visit("postFilter", plugins.post_filter, Emit::kAlways);
  visit("preScore", plugins.pre_score, Emit::kAlways);
  visit("score", plugins.score, Emit::kAlways);
  visit("reserve", plugins.reserve, Emit::kAlways);
  visit("permit", plugins.permit, Emit::kAlways);
  visit("preBind", plugins.pre_bind, Emit::kAlways);
  visit("bind", plugins.bind, Emit::kAlways);
  visit("postBind", plugins.post_bind, Emit::kAlways);
  visit("placementGenerate", plugins.placement_generate, Emit::kAlways);
  visit("placementScore", plugins.placement_score, Emit::kAlways);
  visit("multiPoint", plugins.multi_point, Emit::kAlways);
}
template <typename V>
void VisitFields(V& visit, PluginConfigSection& config) {
  visit("name", config.name, Emit::kAlways);
  visit("args", config.args, Emit::kOmitEmpty);
}
template <typename V>
void VisitFields(V& visit, ProfileSection& profile) {
  visit("schedulerName", profile.scheduler_name, Emit::kOmitEmpty);
  visit("percentageOfNodesToScore", profile.percentage_of_nodes_to_score, Emit::kOmitEmpty);
  visit("plugins", profile.plugins, Emit::kAlways);
  visit("pluginConfig", profile.plugin_config, Emit::kOmitEmpty);
}

template <typename V>
void VisitFields(V& visit, LeaderElectionSection& election) {
  visit("leaderElect", election.leader_elect, Emit::kAlways);
  visit("leaseDuration", election.lease_duration, Emit::kAlways);
  visit("renewDeadline", election.renew_deadline, Emit::kAlways);
  visit("retryPeriod", election.retry_period, Emit::kAlways);
  visit("resourceLock", election.resource_lock, Emit::kAlways);
  visit("resourceName", election.resource_name, Emit::kAlways);
  visit("resourceNamespace", election.resource_namespace, Emit::kAlways);
}
template <typename V>
void VisitFields(V& visit, ClientConnectionSection& client) {
  visit("kubeconfig", client.kubeconfig, Emit::kAlways);
  visit("acceptContentTypes", client.accept_content_types, Emit::kAlways);
  visit("contentType", client.content_type, Emit::kAlways);
  visit("qps", client.qps, Emit::kAlways);
  visit("burst", client.burst, Emit::kAlways);
}

template <typename V>
void VisitFields(V& visit, ExtenderTlsSection& tls) {
  visit("insecure", tls.insecure, Emit::kOmitEmpty);
  visit("serverName", tls.server_name, Emit::kOmitEmpty);
  visit("certFile", tls.cert_file, Emit::kOmitEmpty);
  visit("keyFile", tls.key_file, Emit::kOmitEmpty);
  visit("caFile", tls.ca_file, Emit::kOmitEmpty);
  visit("certData", tls.cert_data, Emit::kOmitEmpty);
  visit("keyData", tls.key_data, Emit::kOmitEmpty);
  visit("caData", tls.ca_data, Emit::kOmitEmpty);
}
template <typename V>
void VisitFields(V& visit, ManagedResourceSection& resource) {
  visit("name", resource.name, Emit::kAlways);
  visit("ignoredByScheduler", resource.ignored_by_scheduler, Emit::kOmitEmpty);
}
template <typename V>
void VisitFields(V& visit, ExtenderSection& extender) {
  visit("urlPrefix", extender.url_prefix, Emit::kAlways);
  visit("filterVerb", extender.filter_verb, Emit::kOmitEmpty);
  visit("preemptVerb", extender.preempt_verb, Emit::kOmitEmpty);
  visit("prioritizeVerb", extender.prioritize_verb, Emit::kOmitEmpty);
  visit("weight", extender.weight, Emit::kOmitEmpty);
  visit("bindVerb", extender.bind_verb, Emit::kOmitEmpty);
  visit("enableHTTPS", extender.enable_https, Emit::kOmitEmpty);
  visit("tlsConfig", extender.tls_config, Emit::kOmitEmpty);
  visit("httpTimeout", extender.http_timeout, Emit::kAlways);
  visit("nodeCacheCapable", extender.node_cache_capable, Emit::kOmitEmpty);
  visit("managedResources", extender.managed_resources, Emit::kOmitEmpty);
  visit("ignorable", extender.ignorable, Emit::kOmitEmpty);
}

template <typename V>
void VisitFields(V& visit, Configuration& config) {
  visit("parallelism", config.parallelism, Emit::kOmitEmpty);
  visit("leaderElection", config.leader_election, Emit::kAlways);
  visit("clientConnection", config.client_connection, Emit::kAlways);
  visit("enableProfiling", config.enable_profiling, Emit::kOmitEmpty);
  visit("enableContentionProfiling", config.enable_contention_profiling, Emit::kOmitEmpty);
  visit("percentageOfNodesToScore", config.percentage_of_nodes_to_score, Emit::kOmitEmpty);
  visit("podInitialBackoffSeconds", config.pod_initial_backoff_seconds, Emit::kOmitEmpty);
  visit("podMaxBackoffSeconds", config.pod_max_backoff_seconds, Emit::kOmitEmpty);
  visit("profiles", config.profiles, Emit::kOmitEmpty);
  visit("extenders", config.extenders, Emit::kOmitEmpty);
  visit("delayCacheUntilActive", config.delay_cache_until_active, Emit::kOmitEmpty);
}

}  // namespace berth::scheduler
