// Names given twice in one JSON object: the tree of api/json_value.h keeps only the last.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace berth::scheduler {

// Paths such as "profiles[0].schedulerName", in document order, each once. json: valid.
std::vector<std::string> DuplicateFields(std::string_view json);

}  // namespace berth::scheduler
