// Random objects in the codec's normal form: what ParseJson would have produced. Same seed, same
// object.
#pragma once

#include <cstdint>

#include <google/protobuf/message.h>

namespace berth::api {

// Fills an empty message, at most `depth` messages deep; about half of the fields are set.
void FillRandomly(google::protobuf::Message& message, uint64_t seed, int depth);

}  // namespace berth::api
