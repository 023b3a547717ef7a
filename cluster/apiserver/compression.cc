#include "cluster/apiserver/compression.h"

#include <zlib.h>

#include <algorithm>

#include <absl/strings/ascii.h>
#include <absl/strings/str_split.h>

#include "base/check.h"
#include "base/strings.h"

namespace berth::apiserver {

bool AcceptsGzip(std::string_view accept_encoding) {
  if (accept_encoding.empty()) return false;
  for (const absl::string_view coding : absl::StrSplit(ToAbsl(accept_encoding), ',')) {
    if (absl::StripAsciiWhitespace(coding) == "gzip") return true;
  }
  return false;
}

std::string Gzip(std::string_view text) {
  constexpr int kLevel = 1, kGzipWindow = 15 + 16, kMemory = 8;
  // zlib counts in 32 bits.
  constexpr size_t kPieceMax = 1 << 30;
  z_stream stream = {};
  BERTH_CHECK(deflateInit2(&stream, kLevel, Z_DEFLATED, kGzipWindow, kMemory,
                           Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(text.size() / 4 + 256, '\0');
  size_t made = 0;
  int result = Z_OK;
  while (result != Z_STREAM_END) {
    const std::string_view piece = text.substr(0, kPieceMax);
    const bool last = piece.size() == text.size();
    // zlib reads what it is not allowed to say that it only reads.
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
    stream.avail_in = static_cast<uInt>(piece.size());
    if (made == out.size()) out.resize(out.size() * 2);
    const size_t room = std::min(out.size() - made, kPieceMax);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + made);
    stream.avail_out = static_cast<uInt>(room);
    result = deflate(&stream, last ? Z_FINISH : Z_NO_FLUSH);
    BERTH_CHECK(result != Z_STREAM_ERROR);
    made += room - stream.avail_out;
    text.remove_prefix(piece.size() - stream.avail_in);
  }
  deflateEnd(&stream);
  out.resize(made);
  return out;
}

}  // namespace berth::apiserver
