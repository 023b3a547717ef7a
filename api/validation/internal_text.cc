#include "api/validation/internal_text.h"

#include <initializer_list>
#include <string_view>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/schema/core_v1_event.pb.h"
#include "api/schema/core_v1_pod_spec.pb.h"

namespace berth::api::validation {
namespace {

struct Member {
  std::string_view name;
  std::string text;
};

std::string ObjectText(std::initializer_list<Member> members) {
  std::string out = "{";
  for (const Member& member : members) {
    if (out.size() > 1) out += ",";
    out += fmt::format("\"{}\":{}", member.name, member.text);
  }
  return out + "}";
}

template <typename List, typename Text>
std::string ListText(const List& list, Text text) {
  if (list.empty()) return "null";
  std::string out = "[";
  for (const auto& one : list) {
    if (out.size() > 1) out += ",";
    out += text(one);
  }
  return out + "]";
}

std::string TextOrNull(bool present, std::string_view text) {
  return present ? GoQuoted(text) : "null";
}

std::string BoolOrNull(bool present, bool value) {
  if (!present) return "null";
  return value ? "true" : "false";
}

std::string IntOrNull(bool present, int64_t value) {
  return present ? std::to_string(value) : "null";
}

// SeccompProfile or AppArmorProfile.
template <typename Profile>
std::string ProfileText(const Profile& profile) {
  return ObjectText({{"Type", GoQuoted(profile.type())},
                     {"LocalhostProfile", TextOrNull(profile.has_localhost_profile(),
                                                     profile.localhost_profile())}});
}

std::string CapabilitiesText(const core::Capabilities& capabilities) {
  const auto quoted = [](const std::string& name) { return GoQuoted(name); };
  return ObjectText({{"Add", ListText(capabilities.add(), quoted)},
                     {"Drop", ListText(capabilities.drop(), quoted)}});
}

std::string SeLinuxText(const core::SELinuxOptions& options) {
  return ObjectText({{"User", GoQuoted(options.user())},
                     {"Role", GoQuoted(options.role())},
                     {"Type", GoQuoted(options.type())},
                     {"Level", GoQuoted(options.level())}});
}

std::string WindowsText(const core::WindowsSecurityContextOptions& options) {
  return ObjectText(
      {{"GMSACredentialSpecName", TextOrNull(options.has_gmsa_credential_spec_name(),
                                             options.gmsa_credential_spec_name())},
       {"GMSACredentialSpec",
        TextOrNull(options.has_gmsa_credential_spec(), options.gmsa_credential_spec())},
       {"RunAsUserName", TextOrNull(options.has_run_as_user_name(), options.run_as_user_name())},
       {"HostProcess", BoolOrNull(options.has_host_process(), options.host_process())}});
}

std::string RequirementText(const core::NodeSelectorRequirement& requirement) {
  return ObjectText({{"Key", GoQuoted(requirement.key())},
                     {"Operator", GoQuoted(requirement.operator_())},
                     {"Values", ListText(requirement.values(), GoQuoted)}});
}

}  // namespace

std::string InternalText(const core::EventSource& source) {
  return ObjectText({{"Component", GoQuoted(source.component())},
                     {"Host", GoQuoted(source.host())}});
}

std::string InternalText(const core::NodeSelectorTerm& term) {
  return ObjectText({{"MatchExpressions", ListText(term.match_expressions(), RequirementText)},
                     {"MatchFields", ListText(term.match_fields(), RequirementText)}});
}

std::string InternalText(const google::protobuf::RepeatedPtrField<core::NodeSelectorTerm>& terms) {
  return ListText(terms, [](const core::NodeSelectorTerm& term) { return InternalText(term); });
}

std::string InternalText(const core::ObjectReference& reference) {
  return ObjectText({{"Kind", GoQuoted(reference.kind())},
                     {"Namespace", GoQuoted(reference.namespace_())},
                     {"Name", GoQuoted(reference.name())},
                     {"UID", GoQuoted(reference.uid())},
                     {"APIVersion", GoQuoted(reference.api_version())},
                     {"ResourceVersion", GoQuoted(reference.resource_version())},
                     {"FieldPath", GoQuoted(reference.field_path())}});
}

std::string InternalText(const core::PodResourceClaim& claim) {
  return ObjectText(
      {{"Name", GoQuoted(claim.name())},
       {"ResourceClaimName",
        TextOrNull(claim.has_resource_claim_name(), claim.resource_claim_name())},
       {"ResourceClaimTemplateName", TextOrNull(claim.has_resource_claim_template_name(),
                                                claim.resource_claim_template_name())}});
}

std::string InternalText(const core::SeccompProfile& profile) { return ProfileText(profile); }

std::string InternalText(const core::SecurityContext& c) {
  return ObjectText(
      {{"Capabilities", c.has_capabilities() ? CapabilitiesText(c.capabilities()) : "null"},
       {"Privileged", BoolOrNull(c.has_privileged(), c.privileged())},
       {"SELinuxOptions", c.has_se_linux_options() ? SeLinuxText(c.se_linux_options()) : "null"},
       {"WindowsOptions", c.has_windows_options() ? WindowsText(c.windows_options()) : "null"},
       {"RunAsUser", IntOrNull(c.has_run_as_user(), c.run_as_user())},
       {"RunAsGroup", IntOrNull(c.has_run_as_group(), c.run_as_group())},
       {"RunAsNonRoot", BoolOrNull(c.has_run_as_non_root(), c.run_as_non_root())},
       {"ReadOnlyRootFilesystem",
        BoolOrNull(c.has_read_only_root_filesystem(), c.read_only_root_filesystem())},
       {"AllowPrivilegeEscalation",
        BoolOrNull(c.has_allow_privilege_escalation(), c.allow_privilege_escalation())},
       {"ProcMount", TextOrNull(c.has_proc_mount(), c.proc_mount())},
       {"SeccompProfile", c.has_seccomp_profile() ? ProfileText(c.seccomp_profile()) : "null"},
       {"AppArmorProfile",
        c.has_app_armor_profile() ? ProfileText(c.app_armor_profile()) : "null"}});
}

}  // namespace berth::api::validation
