#include "bench/scheduler_perf/object_template.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "api/json.h"
#include "api/yaml.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace berth::bench {
namespace {

absl::Status At(const std::string& name, const absl::Status& status) {
  return absl::Status(status.code(), fmt::format("{}: {}", name, ToStd(status.message())));
}

absl::StatusOr<const api::Resource*> ResourceOfYaml(const std::string& name,
                                                    const std::string& yaml) {
  absl::StatusOr<std::vector<std::string>> documents = api::YamlToJson(yaml);
  if (!documents.ok()) return At(name, documents.status());
  if (documents->size() != 1) return absl::InvalidArgumentError(name + ": must be one object");
  api::TypeIdentity type;
  if (absl::Status bad = api::PeekType((*documents)[0], type); !bad.ok()) return At(name, bad);
  auto [group, version] = api::ParseGroupVersion(type.api_version);
  if (group == "resource.k8s.io" && version == "v1beta2") version = "v1";
  const api::Resource* resource = api::FindKind(group, version, type.kind);
  if (resource == nullptr) {
    return absl::UnimplementedError(
        fmt::format("{}: {} {} is not known here", name, type.api_version, type.kind));
  }
  return resource;
}

}  // namespace

std::string TemplatePaths::Find(const std::string& path) const {
  const std::filesystem::path asked = path;
  const std::string first =
      asked.is_absolute() ? path : (folder / asked).lexically_normal().string();
  std::error_code ignored;
  if (templates.empty() || std::filesystem::exists(first, ignored)) return first;
  constexpr std::string_view kFolder = "templates/";
  const size_t at = path.rfind(kFolder);
  const std::string rest = at == path.npos ? path : path.substr(at + kFolder.size());
  std::string second = (std::filesystem::path(templates) / rest).string();
  return std::filesystem::exists(second, ignored) ? second : first;
}

absl::StatusOr<ObjectTemplate> ObjectTemplate::Read(const TemplatePaths& paths,
                                                    const std::string& path,
                                                    const api::Resource* kind) {
  const std::string file = paths.Find(path);
  std::ifstream in(file);
  if (!in) return absl::NotFoundError(fmt::format("{}: cannot be read", file));
  std::ostringstream text;
  text << in.rdbuf();
  return FromText(file, text.str(), kind);
}

absl::StatusOr<ObjectTemplate> ObjectTemplate::FromText(std::string name, std::string_view text,
                                                        const api::Resource* kind) {
  absl::StatusOr<TextTemplate> parsed = TextTemplate::Parse(name, text);
  BERTH_RETURN_IF_ERROR(parsed.status());
  ObjectTemplate out(std::move(name), *std::move(parsed));
  BERTH_ASSIGN_OR_RETURN(const std::string yaml, out.text_.Render(0, 1));
  out.resource_ = kind;
  if (kind == nullptr) {
    BERTH_ASSIGN_OR_RETURN(out.resource_, ResourceOfYaml(out.name_, yaml));
  }
  BERTH_ASSIGN_OR_RETURN(MutableObject first, out.Parse(yaml));
  if (out.text_.constant()) out.constant_ = std::move(first);
  return out;
}

absl::StatusOr<MutableObject> ObjectTemplate::Parse(const std::string& yaml) const {
  MutableObject out = resource_->New();
  api::DecodeReport report;
  absl::Status bad = api::ParseYaml(yaml, *out, {}, &report);
  if (bad.ok()) bad = report.StrictError();
  if (!bad.ok()) return At(name_, absl::InvalidArgumentError(bad.message()));
  if (!report.kind.empty() && report.kind != resource_->kind) {
    return absl::InvalidArgumentError(
        fmt::format("{}: a {} where a {} is needed", name_, report.kind, resource_->kind));
  }
  return out;
}

absl::StatusOr<MutableObject> ObjectTemplate::Make(int64_t index, int64_t count) const {
  if (constant_ != nullptr) {
    MutableObject out = resource_->New();
    out->CopyFrom(*constant_);
    return out;
  }
  BERTH_ASSIGN_OR_RETURN(const std::string yaml, text_.Render(index, count));
  return Parse(yaml);
}

}  // namespace berth::bench
