// The part of Go's text/template that scheduler_perf's templates use: text with `{{ ... }}` actions
// that print one value. A value is `.Index`, `.Count`, a number, a quoted text, or a call of an
// arithmetic function; calls nest in parentheses:
//
//   port: 8{{ Mod .Index 12 }}
//   name: test-claim-{{DivideInt .Index 5}}
//
// Functions: AddFloat, AddInt, SubtractFloat, SubtractInt, MultiplyFloat, MultiplyInt, DivideFloat,
// DivideInt, Mod. The Int ones compute with fractions and cut the result; Mod cuts its operands.
// Everything else of the language (if, range, with, variables, pipes, trimming) is refused by name.
// Threads: immutable after Parse. Source: test/integration/scheduler_perf/operations.go.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

namespace berth::bench {

class TextTemplate {
 public:
  // InvalidArgument `template: <name>:<line>: ...` for what is no template or not supported.
  static absl::StatusOr<TextTemplate> Parse(std::string name, std::string_view text);
  TextTemplate(TextTemplate&&) noexcept;
  TextTemplate& operator=(TextTemplate&&) noexcept;
  ~TextTemplate();

  // True: Render gives the same text whatever it is told.
  bool constant() const { return constant_; }
  // index: of the object, from 0; count: of objects. Errors as Parse's: a division by zero, an
  // operand that is no number.
  absl::StatusOr<std::string> Render(int64_t index, int64_t count) const;

 private:
  struct Piece;  // text, or an action
  TextTemplate();
  std::string name_;
  std::vector<Piece> pieces_;
  bool constant_ = true;
};

}  // namespace berth::bench
