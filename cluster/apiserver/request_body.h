// The body of a write as a message, decoded before the server's executor sees the request: it is a
// third of what a write costs, needs nothing but the bytes, and what a hostile body costs must not
// hold up everybody else.
//
//   HTTP loop --small--> decoded there ----------------------> executor
//             --large--> encoder: decoded behind other large --> executor
//
// Threads: pure functions of the call.
#pragma once

#include "cluster/apiserver/call.h"

namespace berth::apiserver {

// Fills in `call.body`, from the type that the verb and the subresource call for, and lets go of
// the bytes. A patch stays text, because it means something only beside its object; so does the
// body of a read, which nobody looks at.
void DecodeRequestBody(Call& call);

}  // namespace berth::apiserver
