#include "api/scheduling/host_ports.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "api/schema/core_v1_pod.pb.h"

namespace berth::api::scheduling {
namespace {

HostPort Port(std::string_view ip, std::string_view protocol, int32_t port) {
  return {Symbol::Intern(ip), Symbol::Intern(protocol), port};
}

TEST(HostPortTest, Conflicts) {
  const struct {
    std::string_view name;
    HostPort a, b;
    bool want;
  } cases[] = {
      {"equal", Port("1.1.1.1", "TCP", 80), Port("1.1.1.1", "TCP", 80), true},
      {"other address", Port("1.1.1.1", "TCP", 80), Port("1.1.1.2", "TCP", 80), false},
      {"any address", Port("1.1.1.1", "TCP", 80), Port("0.0.0.0", "TCP", 80), true},
      {"any address first", Port("0.0.0.0", "TCP", 80), Port("1.1.1.1", "TCP", 80), true},
      {"other protocol", Port("0.0.0.0", "TCP", 80), Port("0.0.0.0", "UDP", 80), false},
      {"other port", Port("0.0.0.0", "TCP", 80), Port("0.0.0.0", "TCP", 81), false},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(c.a.ConflictsWith(c.b), c.want);
    UsedHostPorts used;
    used.Add(c.b);
    EXPECT_EQ(used.ConflictsAny({c.a}), c.want);
  }
}

TEST(HostPortTest, CollectsContainersAndSidecarsOnly) {
  core::Pod pod;
  core::ContainerPort* port = pod.mutable_spec()->add_containers()->add_ports();
  port->set_host_port(80);
  pod.mutable_spec()->mutable_containers(0)->add_ports()->set_container_port(81);
  pod.mutable_spec()->add_init_containers()->add_ports()->set_host_port(82);
  core::Container* sidecar = pod.mutable_spec()->add_init_containers();
  sidecar->set_restart_policy("Always");
  core::ContainerPort* second = sidecar->add_ports();
  second->set_host_port(83);
  second->set_host_ip("10.0.0.1");
  second->set_protocol("UDP");
  const HostPortList got = PodHostPorts(pod);
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(got[0], Port("0.0.0.0", "TCP", 80));
  EXPECT_EQ(got[1], Port("10.0.0.1", "UDP", 83));
}

TEST(UsedHostPortsTest, HeldTwiceIsFreedByTheSecondRemoval) {
  UsedHostPorts used;
  const HostPort port = Port("0.0.0.0", "TCP", 80);
  used.Remove(port);
  used.Add(port);
  used.Add(port);
  used.Remove(port);
  EXPECT_TRUE(used.Conflicts(port));
  used.Remove(port);
  EXPECT_FALSE(used.Conflicts(port));
  EXPECT_TRUE(used.empty());
}

}  // namespace
}  // namespace berth::api::scheduling
