// Upstream's recorded conversations, step by step, each against a fresh server. The recordings are
// not part of the repository: BERTH_GOLDEN_API_DIR names them; without them the test is skipped,
// loudly. What is compared is what the recordings' own description says: everything but uids,
// revisions, times, ages and continue tokens.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <absl/strings/ascii.h>
#include <fmt/core.h>
#include <gtest/gtest.h>

#include "api/resource_table.h"
#include "cluster/apiserver/router.h"
#include "tests/apiserver/server_fixture.h"

namespace berth::apiserver {
namespace {

using api::JsonValue;
namespace fs = std::filesystem;

// Steps that are answered otherwise, for a reason that docs/parity.md gives.
const std::set<std::string>& KnownDifferences() {
  static const auto* const kKnown = new std::set<std::string>{
      "routing/1",  // GET /api names the recording server's own address
  };
  return *kKnown;
}

fs::path RecordingsDir(std::string_view folder) {
  const char* named = std::getenv("BERTH_GOLDEN_API_DIR");
  return fs::path(named != nullptr ? named : BERTH_GOLDEN_API_DEFAULT) / folder;
}

// Every step is about a kind that is here.
bool IsServed(const JsonValue& conversation) {
  const Router router(api::Resources());
  for (const JsonValue& step : conversation.Find("steps")->array()) {
    const std::string path = At(step, "path");
    const RequestInfo info =
        router.Route(At(step, "method"), path.substr(0, path.find('?')));
    if (info.kind != RequestInfo::Kind::kResource) return false;
  }
  return true;
}

// --- what is compared --------------------------------------------------------------------------

bool IsVolatile(std::string_view name) {
  static const auto* const kNames = new std::set<std::string_view>{
      "uid", "resourceVersion", "creationTimestamp", "managedFields", "selfLink",
      "deletionTimestamp"};
  return kNames->contains(name);
}

bool IsTimeText(std::string_view text) {
  constexpr std::string_view kForm = "dddd-dd-ddT";
  if (text.size() < kForm.size()) return false;
  for (size_t i = 0; i < kForm.size(); ++i) {
    const bool digit = absl::ascii_isdigit(static_cast<unsigned char>(text[i]));
    if (kForm[i] == 'd' ? !digit : text[i] != kForm[i]) return false;
  }
  return true;
}

bool IsUidAt(std::string_view text, size_t at) {
  constexpr std::string_view kForm = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  if (text.size() - at < kForm.size()) return false;
  for (size_t i = 0; i < kForm.size(); ++i) {
    const char c = text[at + i];
    const bool hex = absl::ascii_isdigit(static_cast<unsigned char>(c)) || (c >= 'a' && c <= 'f');
    if (kForm[i] == 'x' ? !hex : c != '-') return false;
  }
  return true;
}

std::string WithoutUids(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    if (IsUidAt(text, i)) {
      out += "<uid>";
      i += 36;
    } else {
      out += text[i++];
    }
  }
  return out;
}

// Ages go, and so do the columns' descriptions.
void BluntTable(JsonValue& table) {
  JsonValue* columns = table.Find("columnDefinitions");
  if (columns == nullptr || !columns->is_array()) return;
  std::vector<size_t> ages;
  for (size_t i = 0; i < columns->array().size(); ++i) {
    JsonValue& column = columns->array()[i];
    column.Erase("description");
    const std::string name = At(column, "name");
    if (name == "Age" || name == "First Seen" || name == "Last Seen" || name == "Created At") {
      ages.push_back(i);
    }
  }
  JsonValue* rows = table.Find("rows");
  if (rows == nullptr || !rows->is_array()) return;
  for (JsonValue& row : rows->array()) {
    for (const size_t age : ages) {
      row.Find("cells")->array()[age] = JsonValue("<age>");
    }
  }
}

JsonValue Normalised(JsonValue value, std::string_view parent = {}) {
  if (value.is_string()) return JsonValue(WithoutUids(value.string()));
  if (value.is_array()) {
    for (JsonValue& item : value.array()) item = Normalised(std::move(item), parent);
    return value;
  }
  if (!value.is_object()) return value;
  if (At(value, "kind") == "Table") BluntTable(value);
  JsonValue::Object out;
  for (auto& [name, member] : value.object()) {
    const bool meta = parent == "metadata";
    if (IsVolatile(name) && (meta || parent == "details" || name == "managedFields")) continue;
    if (name == "remainingItemCount" && meta) continue;
    if (name == "continue" && meta && member != JsonValue("")) member = JsonValue("<continue>");
    if (name.ends_with("Time") && member.is_string() && IsTimeText(member.string()) &&
        (parent == "conditions" || parent == "status")) {
      member = JsonValue("<time>");
    }
    out.emplace(name, Normalised(std::move(member), name));
  }
  return JsonValue(std::move(out));
}

// Of a Status, when the words do not matter: code, reason, and which fields are blamed.
JsonValue Loosened(const JsonValue& body) {
  if (!body.is_object() || At(body, "kind") != "Status") return body;
  std::set<std::string> fields;
  const JsonValue* details = body.Find("details");
  const JsonValue* causes =
      details != nullptr && details->is_object() ? details->Find("causes") : nullptr;
  if (causes != nullptr && causes->is_array()) {
    for (const JsonValue& cause : causes->array()) {
      const JsonValue* field = cause.Find("field");
      fields.insert(field == nullptr ? "" : field->string());
    }
  }
  JsonValue out = JsonValue::EmptyObject();
  out.Set("code", JsonValue(At(body, "code")));
  out.Set("reason", JsonValue(At(body, "reason")));
  std::string blamed;
  for (const std::string& field : fields) blamed += field + "\n";
  out.Set("fields", JsonValue(blamed));
  return out;
}

// --- one conversation --------------------------------------------------------------------------

class FreshServer final : public ServerFixture {
 public:
  void TestBody() override {}
};

class Conversation {
 public:
  explicit Conversation(JsonValue recorded) : recorded_(std::move(recorded)) {}

  // Counts its steps; complains about each that is answered otherwise.
  void Run(int& steps) {
    int number = 0;
    for (const JsonValue& step : recorded_.Find("steps")->array()) {
      ++steps;
      const std::string name = fmt::format("{}/{}", At(recorded_, "name"), ++number);
      const std::string difference = Compare(step);
      if (KnownDifferences().contains(name)) {
        EXPECT_NE(difference, "") << name << " is answered as recorded now: no longer known";
      } else {
        EXPECT_EQ(difference, "") << name << ": " << At(step, "method") << " "
                                  << At(step, "path");
      }
    }
  }

 private:
  std::string Substituted(std::string text) const {
    for (const auto& [name, value] : saved_) {
      const std::string pattern = "${" + name + "}";
      for (size_t at = text.find(pattern); at != text.npos;
           at = text.find(pattern, at + value.size())) {
        text.replace(at, pattern.size(), value);
      }
    }
    return text;
  }

  // "": as recorded.
  std::string Compare(const JsonValue& step) {
    const Answer answer = Send(step);
    const JsonValue body = BodyOf(answer);
    if (const JsonValue* save = step.Find("save")) {
      for (const auto& [name, pointer] : save->object()) {
        const std::string value = At(body, pointer.string());
        if (value != "<absent>") saved_[name] = value;
      }
    }
    if (step.Find("anyCode") != nullptr) return "";
    const JsonValue& expect = *step.Find("expect");
    if (std::to_string(answer.code) != At(expect, "code")) {
      return fmt::format("code {}, recorded {}: {}", answer.code, At(expect, "code"), answer.body);
    }
    if (step.Find("codeOnly") != nullptr) return "";
    const JsonValue* recorded_body = expect.Find("body");
    JsonValue got = Normalised(body);
    JsonValue want = recorded_body == nullptr ? JsonValue() : Normalised(*recorded_body);
    if (step.Find("loose") != nullptr) {
      got = Loosened(got);
      want = Loosened(want);
    }
    if (got == want) return "";
    return fmt::format("answered {}\nrecorded {}", got.ToText(), want.ToText());
  }

  Answer Send(const JsonValue& step) {
    std::string body, type = "application/json", accept = "application/json";
    api::Headers headers;
    const JsonValue* given = step.Find("body");
    const JsonValue* raw = step.Find("raw");
    if (raw != nullptr) {
      body = Substituted(raw->string());
    } else if (given != nullptr && !given->is_null()) {
      body = Substituted(given->ToText());
    } else {
      type.clear();
    }
    if (const JsonValue* named = step.Find("headers")) {
      for (const auto& [name, value] : named->object()) {
        const std::string text = Substituted(value.string());
        if (absl::AsciiStrToLower(name) == "accept") {
          accept = text;
        } else if (absl::AsciiStrToLower(name) == "content-type") {
          type = text;
        } else {
          headers.emplace_back(name, text);
        }
      }
    }
    const OpenStream stream = server_.Send(At(step, "method"), Substituted(At(step, "path")), body,
                                           type, accept, headers);
    // In small steps: ages of a second and more would show.
    for (int step_ms = 0; step_ms < 60'000 && !stream.answer().closed; ++step_ms) {
      server_.Run(absl::Milliseconds(1));
    }
    return stream.answer();
  }

  // JSON, or one JSON value a line, or a text.
  static JsonValue BodyOf(const Answer& answer) {
    if (auto whole = JsonValue::Parse(answer.body); whole.ok()) return *std::move(whole);
    JsonValue::Array lines;
    std::istringstream text(answer.body);
    for (std::string line; std::getline(text, line);) {
      auto value = JsonValue::Parse(line);
      if (!value.ok()) return JsonValue(answer.body);
      lines.push_back(*std::move(value));
    }
    return lines.empty() ? JsonValue(answer.body) : JsonValue(std::move(lines));
  }

  const JsonValue recorded_;
  FreshServer server_;
  std::map<std::string, std::string> saved_;
};

struct Replayed {
  int conversations = 0, steps = 0;
};

// Replays the conversations of a folder: all, or those about kinds that are here.
Replayed Replay(const fs::path& dir, bool all) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(dir)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  Replayed replayed;
  for (const fs::path& file : files) {
    std::stringstream text;
    text << std::ifstream(file).rdbuf();
    auto recorded = JsonValue::Parse(text.str());
    EXPECT_TRUE(recorded.ok()) << file;
    if (!recorded.ok() || (!all && !IsServed(*recorded))) continue;
    Conversation(*std::move(recorded)).Run(replayed.steps);
    ++replayed.conversations;
  }
  return replayed;
}

TEST(ConversationTest, EveryStepIsAnsweredAsRecorded) {
  const fs::path dir = RecordingsDir("core");
  if (!fs::is_directory(dir)) {
    GTEST_SKIP() << "no recordings at " << dir << "; set BERTH_GOLDEN_API_DIR";
  }
  EXPECT_GT(Replay(dir, true).steps, 300);
}

// Those that were recorded of controllers' kinds, as far as these are here.
TEST(ConversationTest, EveryStepOfAKindThatIsHereIsAnsweredAsRecorded) {
  const fs::path dir = RecordingsDir("cluster");
  if (!fs::is_directory(dir)) {
    GTEST_SKIP() << "no recordings at " << dir << "; set BERTH_GOLDEN_API_DIR";
  }
  const Replayed replayed = Replay(dir, false);
  EXPECT_GE(replayed.conversations, 36);
  EXPECT_GT(replayed.steps, 100);
}

// A few of our own, which are always there.
TEST(ConversationTest, OurOwn) {
  const fs::path dir = fs::path(BERTH_SOURCE_DIR) / "tests/apiserver/conversations";
  EXPECT_GT(Replay(dir, true).steps, 20);
}

}  // namespace
}  // namespace berth::apiserver
