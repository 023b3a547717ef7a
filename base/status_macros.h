// Early return on failure, for functions returning absl::Status or absl::StatusOr.
//   BERTH_RETURN_IF_ERROR(Write(key));
//   BERTH_ASSIGN_OR_RETURN(auto pod, Parse(text));
#pragma once

#include <utility>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#define BERTH_RETURN_IF_ERROR(expression)                          \
  do {                                                             \
    if (auto berth_status_ = (expression); !berth_status_.ok()) {  \
      return berth_status_;                                        \
    }                                                              \
  } while (false)

#define BERTH_MACRO_CONCAT_INNER_(a, b) a##b
#define BERTH_MACRO_CONCAT_(a, b) BERTH_MACRO_CONCAT_INNER_(a, b)

#define BERTH_ASSIGN_OR_RETURN(declaration, expression) \
  BERTH_ASSIGN_OR_RETURN_(BERTH_MACRO_CONCAT_(berth_or_, __LINE__), declaration, expression)

// NOLINTBEGIN(bugprone-macro-parentheses): a declaration cannot stand in parentheses.
#define BERTH_ASSIGN_OR_RETURN_(result, declaration, expression) \
  auto result = (expression);                                    \
  if (!result.ok()) return std::move(result).status();           \
  declaration = std::move(result).value()
// NOLINTEND(bugprone-macro-parentheses)
