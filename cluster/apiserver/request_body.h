// The body of a write as a message, decoded before the server's executor sees the request: it is a
// third of what a write costs, needs nothing but the bytes, and what a hostile body costs must not
// hold up everybody else.
//
//   HTTP loop --light--> decoded there ------------------> executor
//             --heavy--> HeavyLane --> encoder: decoded --> executor
//
// Threads: pure functions of the call.
#pragma once

#include "cluster/apiserver/call.h"

namespace berth::apiserver {

// A write whose body takes the better part of a millisecond: a long one, or a JSON patch of more
// than a few operations, whose cost is their number times the length of what they move. Never a
// read, which may last for hours: nobody looks at its body.
bool IsHeavy(const RequestInfo& info, const api::HttpRequest& request);

using MessagePtr = std::shared_ptr<google::protobuf::Message>;
// The same message, freed on the executor, whoever lets go of it last: that takes long, too, when
// the message is large. The executor must outlive it.
MessagePtr FreedOn(Executor& executor, MessagePtr message);

// Fills in `call.body`, from the type that the verb and the subresource call for, and lets go of
// the bytes. A patch stays text, because it means something only beside its object.
void DecodeRequestBody(Call& call);

}  // namespace berth::apiserver
