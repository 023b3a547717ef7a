"""A pod's life as seen by the Python client, which decodes every answer into its own models."""
import time

from kubernetes import client, config, watch
from kubernetes.client.rest import ApiException

config.load_kube_config()
core = client.CoreV1Api()


def pod(name, **labels):
    return client.V1Pod(
        metadata=client.V1ObjectMeta(name=name, labels=labels),
        spec=client.V1PodSpec(containers=[client.V1Container(
            name="c", image="nginx:1.25",
            resources=client.V1ResourceRequirements(requests={"cpu": "100m", "memory": "64Mi"}))]))


def refused(code, call, *args, **more):
    try:
        call(*args, **more)
    except ApiException as error:
        assert error.status == code, error
        return error
    raise AssertionError(f"{call.__name__} was not refused with {code}")


deadline = time.time() + 30
while len([n for n in core.list_node().items
           if any(c.type == "Ready" and c.status == "True" for c in n.status.conditions)]) < 3:
    assert time.time() < deadline, "no three nodes became Ready"
    time.sleep(0.2)

# Create, and watch it become Running.
for name in ("a", "b", "c"):
    made = core.create_namespaced_pod("default", pod(name, app="x"))
    assert made.status.phase == "Pending" and made.metadata.uid, made
refused(409, core.create_namespaced_pod, "default", pod("a"))
refused(422, core.create_namespaced_pod, "default", pod("NO"))
running = set()
for event in watch.Watch().stream(core.list_namespaced_pod, "default", label_selector="app=x",
                                  timeout_seconds=30):
    if event["object"].status.phase == "Running":
        running.add(event["object"].metadata.name)
    if running == {"a", "b", "c"}:
        break
assert running == {"a", "b", "c"}, running

# Lists: selectors, pages of one revision.
assert len(core.list_pod_for_all_namespaces(field_selector="status.phase=Running").items) == 3
assert not core.list_namespaced_pod("default", label_selector="app!=x").items
page = core.list_namespaced_pod("default", limit=2)
assert len(page.items) == 2 and page.metadata.remaining_item_count == 1
rest = core.list_namespaced_pod("default", limit=2, _continue=page.metadata._continue)
assert [p.metadata.name for p in rest.items] == ["c"] and not rest.metadata._continue

# Writes: patch, replace on top of an older state, status.
patched = core.patch_namespaced_pod("a", "default", {"metadata": {"labels": {"tier": "front"}}})
assert {"app": "x", "tier": "front"}.items() <= patched.metadata.labels.items()
settings = core.create_namespaced_config_map("default", client.V1ConfigMap(
    metadata=client.V1ObjectMeta(name="settings"), data={"color": "red"}))
settings.data["color"] = "blue"
newer = core.replace_namespaced_config_map("settings", "default", settings)
assert newer.data == {"color": "blue"}
refused(409, core.replace_namespaced_config_map, "settings", "default", settings)
core.patch_node_status("node-0001", {"status": {"conditions": [
    {"type": "Checked", "status": "True", "reason": "ByHand"}]}})
assert any(c.type == "Checked" for c in core.read_node("node-0001").status.conditions)

# A watch from a revision sees what came after it, and nothing else.
core.delete_namespaced_config_map("settings", "default")
seen = [(e["type"], e["object"].metadata.name) for e in watch.Watch().stream(
    core.list_namespaced_config_map, "default",
    resource_version=newer.metadata.resource_version, timeout_seconds=2)]
assert seen == [("DELETED", "settings")], seen

# The end of a pod: evicted, or deleted with what is left.
core.create_namespaced_pod_eviction("a", "default", client.V1Eviction(
    metadata=client.V1ObjectMeta(name="a"),
    delete_options=client.V1DeleteOptions(grace_period_seconds=0)))
core.delete_collection_namespaced_pod("default", label_selector="app=x", grace_period_seconds=0)
assert not core.list_namespaced_pod("default").items
refused(404, core.read_namespaced_pod, "a", "default")

# Other groups.
coordination = client.CoordinationV1Api()
while len(coordination.list_namespaced_lease("kube-node-lease").items) < 3:
    assert time.time() < deadline + 30, "no three nodes have a lease"
    time.sleep(0.2)
assert coordination.list_namespaced_lease("kube-node-lease").items[0].spec.renew_time
assert client.SchedulingV1Api().read_priority_class("system-node-critical").value == 2000001000
assert any(e.reason == "Scheduled" for e in core.list_namespaced_event("default").items)
assert client.VersionApi().get_code().major == "1"
assert "apps" in [g.name for g in client.ApisApi().get_api_versions().groups]
print("python3-kubernetes: all as expected")
