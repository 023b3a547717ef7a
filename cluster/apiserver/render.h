// Objects and lists of them as a request wants to see them: themselves, tables, metadata only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <absl/time/time.h>

#include "api/resource_table.h"
#include "cluster/apiserver/negotiation.h"
#include "cluster/apiserver/stored_object.h"

namespace berth::apiserver {

// Which part of the object a table's row carries (?includeObject=).
enum class IncludeObject { kMetadata, kNone, kObject };

struct RenderOptions {
  OutputFormat format;
  IncludeObject include = IncludeObject::kMetadata;
  absl::Time now;                    // for ages
  bool column_definitions = true;    // a watch shows them once
};

// `resource` is the row asked for; the object is in the stored form. Without YAML and indentation.
std::string Render(const api::Resource& resource, const ObjectPtr& object,
                   const RenderOptions& options);

struct ListMetadata {
  int64_t revision = 0;
  std::string continue_token;
  int64_t remaining = 0;  // 0: not shown
};
std::string RenderList(const api::Resource& resource, const std::vector<ObjectPtr>& objects,
                       const ListMetadata& metadata, const RenderOptions& options);

// The object as the request's group shows it (events have two forms).
ObjectPtr ViewAs(const api::Resource& resource, ObjectPtr object);

}  // namespace berth::apiserver
