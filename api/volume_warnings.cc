// Warnings of the volumes of a pod.
#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <optional>
#include <vector>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/pod_warnings.h"
#include "api/schema/core_v1_persistent_volume.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/core_v1_volume.pb.h"

namespace berth::api {
namespace {

using validation::FieldPath;

// One file of a volume, and what it comes from where a volume has several sources.
struct VolumePath {
  std::string_view path;
  std::string source;

  std::string Shown() const {
    return source.empty() ? GoQuoted(path) : fmt::format("{} ({})", GoQuoted(path), source);
  }
};
using VolumePaths = std::vector<VolumePath>;

// Which earlier files of a volume a file hides: the same one, directories above it, files below
// it. In upstream every pair is compared; here the paths are sorted, so that those below one
// follow it and those above it are its ancestors in a tree.
class HiddenPaths {
 public:
  explicit HiddenPaths(const VolumePaths& paths) : group_of_(paths.size(), -1) {
    for (const VolumePath& path : paths) {
      if (!path.path.empty()) groups_.push_back({std::string(path.path) + '/'});
    }
    const auto by_text = [](const Group& a, const Group& b) { return a.text < b.text; };
    const auto same = [](const Group& a, const Group& b) { return a.text == b.text; };
    std::sort(groups_.begin(), groups_.end(), by_text);
    groups_.erase(std::unique(groups_.begin(), groups_.end(), same), groups_.end());
    BuildTree();
    for (size_t i = 0; i < paths.size(); ++i) {
      if (paths[i].path.empty()) continue;
      const Group wanted{std::string(paths[i].path) + '/'};
      group_of_[i] = static_cast<int>(
          std::lower_bound(groups_.begin(), groups_.end(), wanted, by_text) - groups_.begin());
    }
  }

  // Indices of the earlier paths, ascending. To be asked of each path in order.
  std::vector<size_t> HiddenBy(size_t index) {
    std::vector<size_t> out;
    const int group = group_of_[index];
    if (group < 0) return out;  // of an empty path
    const auto append = [&](const std::vector<size_t>& more) {
      out.insert(out.end(), more.begin(), more.end());
    };
    const int below_end = At(group).below_end;
    for (auto it = seen_.lower_bound(group); it != seen_.end() && it->first < below_end; ++it) {
      append(it->second);
    }
    for (int above = At(group).above; above >= 0; above = At(above).above) {
      if (const auto it = seen_.find(above); it != seen_.end()) append(it->second);
    }
    seen_[group].push_back(index);
    std::sort(out.begin(), out.end());
    return out;
  }

 private:
  struct Group {
    std::string text;   // with a '/' at the end, so that what is below begins with it
    int above = -1;     // the nearest
    int below_end = 0;  // one past the last below it
  };

  Group& At(int group) { return groups_[static_cast<size_t>(group)]; }

  void BuildTree() {
    std::vector<int> open;
    const int count = static_cast<int>(groups_.size());
    for (int i = 0; i < count; ++i) {
      while (!open.empty() && !At(i).text.starts_with(At(open.back()).text)) {
        At(open.back()).below_end = i;
        open.pop_back();
      }
      if (!open.empty()) At(i).above = open.back();
      open.push_back(i);
    }
    for (const int group : open) At(group).below_end = count;
  }

  std::vector<Group> groups_;
  std::vector<int> group_of_;                // of each path
  std::map<int, std::vector<size_t>> seen_;  // group -> paths asked about
};

std::string_view WithoutEndSlashes(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

// KeyToPath or DownwardAPIVolumeFile.
template <typename Items>
VolumePaths PathsOf(const Items& items, std::string_view source) {
  VolumePaths out;
  out.reserve(static_cast<size_t>(items.size()));
  for (const auto& item : items) {
    out.push_back({WithoutEndSlashes(item.path()), std::string(source)});
  }
  return out;
}

// What a source of a projected volume brings. Nothing when that depends on the object it names.
VolumePaths PathsOf(const core::VolumeProjection& source) {
  const auto named = [](std::string_view kind, std::string_view name) {
    return fmt::format("{} {}", kind, GoQuoted(name));
  };
  if (!source.config_map().items().empty()) {
    const core::ConfigMapProjection& of = source.config_map();
    return PathsOf(of.items(), named("ConfigMap", of.local_object_reference().name()));
  }
  if (!source.secret().items().empty()) {
    const core::SecretProjection& of = source.secret();
    return PathsOf(of.items(), named("Secret", of.local_object_reference().name()));
  }
  if (!source.downward_api().items().empty()) {
    return PathsOf(source.downward_api().items(), "DownwardAPI");
  }
  if (source.has_service_account_token()) {
    const std::string& path = source.service_account_token().path();
    return {{WithoutEndSlashes(path), "ServiceAccountToken"}};
  }
  if (source.has_cluster_trust_bundle()) {
    const core::ClusterTrustBundleProjection& of = source.cluster_trust_bundle();
    const std::string& name = of.has_name() ? of.name() : of.signer_name();
    return {{WithoutEndSlashes(of.path()), named("ClusterTrustBundle", name)}};
  }
  VolumePaths out;
  const core::PodCertificateProjection& of = source.pod_certificate();
  const auto add = [&](std::string_view path, std::string_view what) {
    if (!path.empty()) out.push_back({WithoutEndSlashes(path), std::string(what)});
  };
  add(of.certificate_chain_path(), "PodCertificate chain");
  add(of.key_path(), "PodCertificate key");
  add(of.credential_bundle_path(), "PodCertificate credential bundle");
  return out;
}

bool IsEmpty(const core::VolumeProjection& source) {
  return !source.has_config_map() && !source.has_secret() && !source.has_downward_api() &&
         !source.has_service_account_token() && !source.has_cluster_trust_bundle() &&
         !source.has_pod_certificate();
}

// start: 'volume "v" (Secret "s")'. gap: before which path there is a source without anything.
void WarnOfOverlaps(const VolumePaths& paths, std::string_view start, std::optional<size_t> gap,
                    WarningList& warnings) {
  if (paths.size() < 2 && !gap.has_value()) return;
  HiddenPaths hidden(paths);
  for (size_t i = 0; i <= paths.size() && !warnings.full(); ++i) {
    if (gap == i) warnings.Add(fmt::format("{} has no sources provided", start));
    if (i == paths.size()) break;
    for (const size_t earlier : hidden.HiddenBy(i)) {
      warnings.Add(fmt::format("{}: overlapping paths: {} with {}", start, paths[i].Shown(),
                               paths[earlier].Shown()));
    }
  }
}

// A config map, secret or downward API without items.
bool NamesNoPaths(const core::VolumeProjection& source) {
  return source.config_map().items().empty() && source.secret().items().empty() &&
         source.downward_api().items().empty() && !source.has_service_account_token() &&
         !source.has_cluster_trust_bundle() && !source.has_pod_certificate();
}

// A source that names no paths is taken to bring those of the source before it again, as in
// upstream; a second such source in a row would say nothing new.
void WarnOfProjected(const core::ProjectedVolumeSource& projected, std::string_view start,
                     WarningList& warnings) {
  VolumePaths paths;
  size_t last_begin = 0;  // of the paths of the source before
  std::optional<size_t> gap;
  for (const core::VolumeProjection& source : projected.sources()) {
    if (IsEmpty(source)) {
      if (!gap.has_value()) gap = paths.size();
      continue;
    }
    VolumePaths more;
    if (!NamesNoPaths(source)) {
      more = PathsOf(source);
      last_begin = paths.size();
    } else {
      more.assign(paths.begin() + static_cast<std::ptrdiff_t>(last_begin), paths.end());
      last_begin = paths.size() + more.size();
    }
    std::move(more.begin(), more.end(), std::back_inserter(paths));
  }
  WarnOfOverlaps(paths, start, gap, warnings);
}

void WarnOfFiles(const core::Volume& volume, WarningList& warnings) {
  const core::VolumeSource& source = volume.volume_source();
  const auto start = [&](std::string_view kind) {
    return fmt::format("volume {} ({})", GoQuoted(volume.name()), kind);
  };
  if (!source.config_map().items().empty()) {
    const std::string& name = source.config_map().local_object_reference().name();
    WarnOfOverlaps(PathsOf(source.config_map().items(), {}),
                   start(fmt::format("ConfigMap {}", GoQuoted(name))), {}, warnings);
  }
  if (!source.secret().items().empty()) {
    WarnOfOverlaps(PathsOf(source.secret().items(), {}),
                   start(fmt::format("Secret {}", GoQuoted(source.secret().secret_name()))),
                   {}, warnings);
  }
  if (!source.downward_api().items().empty()) {
    WarnOfOverlaps(PathsOf(source.downward_api().items(), {}), start("DownwardAPI"), {}, warnings);
  }
  if (source.has_projected()) WarnOfProjected(source.projected(), start("Projected"), warnings);
}

void WarnOfClaim(const core::PersistentVolumeClaimSpec& claim, const FieldPath& path,
                 WarningList& warnings) {
  WarnOfFraction(claim.resources().requests(), "storage", path.Child("resources.requests"),
                 warnings);
  WarnOfFraction(claim.resources().limits(), "storage", path.Child("resources.limits"), warnings);
}

// Back ends that are no more, or will not be.
void WarnOfBackEnds(const core::VolumeSource& source, const FieldPath& path,
                    WarningList& warnings) {
  const auto warn = [&](bool has, std::string_view name, std::string_view text) {
    if (has) warnings.Add(path.Child(name), text);
  };
  warn(source.has_photon_persistent_disk(), "photonPersistentDisk",
       "deprecated in v1.11, non-functional in v1.16+");
  warn(source.has_git_repo(), "gitRepo", "deprecated in v1.11, and disabled by default in v1.33+");
  warn(source.has_scale_io(), "scaleIO", "deprecated in v1.16, non-functional in v1.22+");
  warn(source.has_flocker(), "flocker", "deprecated in v1.22, non-functional in v1.25+");
  warn(source.has_storageos(), "storageOS", "deprecated in v1.22, non-functional in v1.25+");
  warn(source.has_quobyte(), "quobyte", "deprecated in v1.22, non-functional in v1.25+");
  warn(source.has_glusterfs(), "glusterfs", "deprecated in v1.25, non-functional in v1.26+");
  if (source.ephemeral().has_volume_claim_template()) {
    WarnOfClaim(source.ephemeral().volume_claim_template().spec(),
                path.Child("ephemeral.volumeClaimTemplate.spec"), warnings);
  }
  warn(source.has_cephfs(), "cephfs", "deprecated in v1.28, non-functional in v1.31+");
  warn(source.has_rbd(), "rbd", "deprecated in v1.28, non-functional in v1.31+");
}

}  // namespace

void WarnOfVolumes(const core::PodSpec& spec, const FieldPath& path, WarningList& warnings) {
  for (int i = 0; i < spec.volumes_size(); ++i) {
    WarnOfBackEnds(spec.volumes(i).volume_source(), path.Child("volumes", i), warnings);
  }
  for (const core::Volume& volume : spec.volumes()) WarnOfFiles(volume, warnings);
}

}  // namespace berth::api
