// Equality as Kubernetes means it: what matters is what the object says, not how it was written.
#pragma once

#include "api/fwd.h"

namespace berth::api {

// Same type required. Absent and empty are the same for lists, maps and everything that is not a
// pointer in upstream's types; quantities are equal by value (1000m and 1). Order matters in lists.
// Source: apimachinery/pkg/api/equality. Threads: pure. Cost: one walk, allocates for maps only.
bool SemanticEqual(const google::protobuf::Message& a, const google::protobuf::Message& b);
// The same for all members of the two but one.
bool SemanticEqualBut(int field_number, const google::protobuf::Message& a,
                      const google::protobuf::Message& b);

}  // namespace berth::api
