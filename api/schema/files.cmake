# The schema: every .proto file, dependencies first. Compiled into berth_schema.
set(BERTH_SCHEMA_PROTOS
  api/schema/options.proto
  api/schema/meta_v1.proto
  api/schema/admissionregistration_v1_webhook.proto
  api/schema/runtime.proto
  api/schema/meta_v1_status.proto
  api/schema/admissionregistration_v1_policy.proto
  api/schema/quantity.proto
  api/schema/core_v1_selectors.proto
  api/schema/core_v1_volume_plugins.proto
  api/schema/core_v1_persistent_volume.proto
  api/schema/core_v1_affinity.proto
  api/schema/core_v1_resources.proto
  api/schema/core_v1_security.proto
  api/schema/core_v1_volume.proto
  api/schema/intstr.proto
  api/schema/core_v1_container.proto
  api/schema/core_v1_pod_spec.proto
  api/schema/core_v1_pod_template.proto
  api/schema/apps_v1.proto
  api/schema/authentication_v1.proto
  api/schema/authorization_v1.proto
  api/schema/autoscaling_v1.proto
  api/schema/autoscaling_v2.proto
  api/schema/batch_v1.proto
  api/schema/certificates_v1.proto
  api/schema/coordination_v1.proto
  api/schema/core_v1_node.proto
  api/schema/core_v1_container_status.proto
  api/schema/core_v1_pod_status.proto
  api/schema/core_v1_pod.proto
  api/schema/core_v1_service.proto
  api/schema/core_v1_cluster.proto
  api/schema/core_v1_config.proto
  api/schema/core_v1_event.proto
  api/schema/core_v1_namespace.proto
  api/schema/core_v1_options.proto
  api/schema/core_v1_controller.proto
  api/schema/discovery_v1.proto
  api/schema/events_v1.proto
  api/schema/berth_v1.proto
  api/schema/networking_v1.proto
  api/schema/node_v1.proto
  api/schema/meta_v1_options.proto
  api/schema/policy_v1.proto
  api/schema/rbac_v1.proto
  api/schema/resource_v1_device.proto
  api/schema/resource_v1.proto
  api/schema/resource_v1alpha3.proto
  api/schema/scheduling_v1.proto
  api/schema/scheduling_v1alpha2.proto
  api/schema/storage_v1.proto
  api/schema/apiextensions_v1_schema.proto
  api/schema/apiextensions_v1.proto
  api/schema/meta_v1_discovery.proto
  api/schema/meta_v1_table.proto
  api/schema/apidiscovery_v2.proto
)

# Of these, the ones off every hot path.
set(BERTH_COLD_PROTOS admissionregistration_v1_webhook admissionregistration_v1_policy core_v1_volume_plugins
  core_v1_persistent_volume apps_v1 authentication_v1 authorization_v1 autoscaling_v1 autoscaling_v2
  batch_v1 certificates_v1 core_v1_service core_v1_cluster core_v1_config core_v1_controller
  discovery_v1 networking_v1 node_v1 policy_v1 rbac_v1 resource_v1_device resource_v1 resource_v1alpha3
  scheduling_v1
  scheduling_v1alpha2 storage_v1 apiextensions_v1_schema apiextensions_v1 meta_v1_discovery
  apidiscovery_v2)
list(TRANSFORM BERTH_COLD_PROTOS PREPEND api/schema/)
list(TRANSFORM BERTH_COLD_PROTOS APPEND .proto)
