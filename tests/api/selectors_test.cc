#include "api/selectors.h"

#include <algorithm>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "api/event_conversion.h"
#include "api/resource_table.h"
#include "api/schema/coordination_v1.pb.h"
#include "api/schema/core_v1_event.pb.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/events_v1.pb.h"
#include "base/random.h"
#include "base/strings.h"

namespace berth::api {
namespace {

Labels MakeLabels(std::initializer_list<std::pair<std::string, std::string>> pairs) {
  Labels out;
  for (const auto& [key, value] : pairs) out[key] = value;
  return out;
}

TEST(LabelSelectorTest, Matches) {
  const Labels web = MakeLabels({{"app", "web"}, {"tier", "a"}, {"i", "5"}, {"e", ""}});
  const struct { std::string_view text; bool want; } cases[] = {
      {"", true}, {"app=web", true}, {"app==web", true}, {"app=db", false}, {"app!=db", true},
      {"app!=web", false}, {"nope!=x", true}, {"nope=x", false}, {"app in (web,db)", true},
      {"app in (db)", false}, {"app notin (db)", true}, {"nope notin (db)", true}, {"app", true},
      {"nope", false}, {"!nope", true}, {"!app", false}, {"i>4", true}, {"i>5", false},
      {"i<6", true}, {"app>1", false}, {"nope>1", false}, {"e=", true}, {"e in ()", true},
      {"e in (,x)", true}, {"app=web,tier=a", true}, {"app=web,tier=b", false},
      {" app = web , tier in ( a , b ) ", true}, {"app in (in,notin,web)", true},
      {"e,app=web", true}, {"app=,e", false},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.text);
    const auto selector = LabelSelector::Parse(c.text);
    ASSERT_TRUE(selector.ok()) << selector.status();
    EXPECT_EQ(selector->Matches(web), c.want);
  }
}

TEST(LabelSelectorTest, ParseErrorsAreUpstreams) {
  const std::string key_complaint =
      "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end "
      "with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
      "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
  const struct { std::string_view text; std::string want; } cases[] = {
      {"k in", "unable to parse requirement: found '' expected: '('"},
      {"===", "found '==', expected: !, identifier, or 'end of string'"},
      {"i gt 2",
       "unable to parse requirement: found 'gt', expected: in, notin, =, ==, !=, gt, lt"},
      {"a=b,", "found '', expected: identifier after ','"},
      {"a=b c", "found 'c', expected: ',' or 'end of string'"},
      {"!", "unable to parse requirement: found '', expected: identifier"},
      {"a=(", "unable to parse requirement: found '(', expected: identifier"},
      {"-a=b", "unable to parse requirement: <nil>: Invalid value: \"-a\": " + key_complaint},
      {"a>x",
       "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, "
       "the value must be an integer"},
      {"a in (b", "unable to parse requirement: found '', expected: ',' or ')'"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.text);
    const auto selector = LabelSelector::Parse(c.text);
    ASSERT_FALSE(selector.ok());
    EXPECT_EQ(ToStd(selector.status().message()), c.want);
  }
}

TEST(LabelSelectorTest, FromMessageAndToString) {
  meta::LabelSelector message;
  EXPECT_TRUE(LabelSelector::FromMessage(message)->MatchesEverything());
  (*message.mutable_match_labels())["b"] = "1";
  auto& in = *message.add_match_expressions();
  in.set_key("a");
  in.set_operator_("In");
  in.add_values("y");
  in.add_values("x");
  auto& absent = *message.add_match_expressions();
  absent.set_key("c");
  absent.set_operator_("DoesNotExist");
  const auto selector = LabelSelector::FromMessage(message);
  ASSERT_TRUE(selector.ok());
  EXPECT_EQ(selector->ToString(), "a in (x,y),b=1,!c");
  EXPECT_TRUE(selector->Matches(MakeLabels({{"a", "x"}, {"b", "1"}})));
  EXPECT_FALSE(selector->Matches(MakeLabels({{"a", "x"}, {"b", "1"}, {"c", ""}})));
  EXPECT_FALSE(LabelSelector::Nothing().Matches(MakeLabels({})));
  absent.set_operator_("Near");
  EXPECT_EQ(ToStd(LabelSelector::FromMessage(message).status().message()),
            "\"Near\" is not a valid label selector operator");
}

// Parse(ToString(s)) selects the same label sets as s, and each operator agrees with its negation.
TEST(LabelSelectorTest, PrintedSelectorsParseToTheSame) {
  Random random(7);
  const auto pick = [&](std::initializer_list<std::string_view> from) {
    return std::string(*(from.begin() + random.Next() % from.size()));
  };
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (unsigned term = 0; term < 1 + random.Next() % 3; ++term) {
      const std::string key = pick({"a", "b", "x.io/c"});
      if (!text.empty()) text += ",";
      switch (random.Next() % 4) {
        case 0: text += pick({"", "!"}) + key; break;
        case 1: text += key + pick({"=", "!=", "=="}) + pick({"1", "2", ""}); break;
        case 2: text += key + pick({" in ", " notin "}) + pick({"(1,2)", "()", "(,3)"}); break;
        default: text += key + pick({"<", ">"}) + pick({"1", "2", "03"});
      }
    }
    SCOPED_TRACE(text);
    const auto first = LabelSelector::Parse(text);
    ASSERT_TRUE(first.ok()) << first.status();
    const auto second = LabelSelector::Parse(first->ToString());
    ASSERT_TRUE(second.ok()) << second.status();
    EXPECT_EQ(first->ToString(), second->ToString());
    for (int sample = 0; sample < 10; ++sample) {
      Labels labels;
      for (const char* key : {"a", "b", "x.io/c"}) {
        if (random.Next() % 2 == 0) labels[key] = pick({"1", "2", "", "3"});
      }
      EXPECT_EQ(first->Matches(labels), second->Matches(labels));
    }
  }
}

// A long selector is matched another way, and means its terms all the same.
TEST(LabelSelectorTest, LongSelectorsAreAllOfTheirTerms) {
  Random random(13);
  const auto pick = [&](std::initializer_list<std::string_view> from) {
    return std::string(*(from.begin() + random.Next() % from.size()));
  };
  int matched = 0;
  for (int round = 0; round < 3000; ++round) {
    Labels labels;
    for (const char* key : {"a", "b", "c", "d"}) {
      if (random.Next() % 3 != 0) labels[key] = pick({"1", "2", "", "3", "x"});
    }
    std::string text;
    bool want = true;
    while (std::count(text.begin(), text.end(), ';') < 12) {
      const std::string key = pick({"a", "b", "c", "d", "e", "f"});
      std::string term;
      switch (random.Next() % 4) {
        case 0: term = pick({"", "!"}) + key; break;
        case 1: term = key + pick({"=", "!=", "!="}) + pick({"1", "2", ""}); break;
        case 2:
          term = key + pick({" in ", " notin "}) + pick({"(1,2,3,x)", "(,1,2)", "(,3)"});
          break;
        default: term = key + pick({"<", ">"}) + pick({"0", "2", "9"});
      }
      const bool accepts = LabelSelector::Parse(term)->Matches(labels);
      if (!accepts && random.Next() % 200 != 0) continue;  // or nothing ever matched
      want = want && accepts;
      text += (text.empty() ? "" : ";") + term;
    }
    std::replace(text.begin(), text.end(), ';', ',');
    const auto selector = LabelSelector::Parse(text);
    ASSERT_TRUE(selector.ok()) << selector.status();
    EXPECT_EQ(selector->Matches(labels), want) << text;
    if (want) ++matched;
  }
  EXPECT_GT(matched, 500);
  EXPECT_LT(matched, 2900);
}

// What it costs depends on the labels: a million look-ups an object would take minutes here.
TEST(LabelSelectorTest, ALongSelectorIsCheap) {
  std::string absent, other_values, listed = "app in (zz";
  for (int i = 0; i < 5000; ++i) {
    absent += fmt::format("!k{},", i);
    other_values += fmt::format("app!=v{},", i);
    listed += fmt::format(",v{}", i);
  }
  absent.pop_back();
  other_values.pop_back();
  const Labels labels = MakeLabels({{"app", "zz"}, {"tier", "a"}});
  for (const std::string& text : {absent, other_values, listed + ")"}) {
    const auto selector = LabelSelector::Parse(text);
    ASSERT_TRUE(selector.ok());
    for (int i = 0; i < 100'000; ++i) ASSERT_TRUE(selector->Matches(labels));
  }
}

// No text crashes the parser or loops it.
TEST(LabelSelectorTest, AnyTextIsParsedOrRefused) {
  Random random(11);
  constexpr std::string_view kAlphabet = "ab1=!<>(), in\tnotin-./";
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (uint64_t i = random.Below(12); i > 0; --i) {
      text += kAlphabet[random.Below(kAlphabet.size())];
    }
    const auto labels = LabelSelector::Parse(text);
    if (labels.ok()) {
      EXPECT_TRUE(LabelSelector::Parse(labels->ToString()).ok()) << text;
    }
    (void)FieldSelector::Parse(ResourceOf<core::Pod>(), text);
  }
}

core::Pod MakePod() {
  core::Pod pod;
  pod.mutable_metadata()->set_name("p");
  pod.mutable_metadata()->set_namespace_("ns");
  pod.mutable_spec()->set_node_name("n1");
  pod.mutable_status()->set_phase("Running");
  return pod;
}

TEST(FieldSelectorTest, Matches) {
  const core::Pod pod = MakePod();
  const struct { std::string_view text; bool want; } cases[] = {
      {"", true}, {"metadata.name=p", true}, {"metadata.name==p", true},
      {"metadata.name!=p", false}, {"spec.nodeName=n1,status.phase!=Failed", true},
      {"spec.nodeName=n1,status.phase=Failed", false}, {"spec.host=n1", true},
      {"spec.hostNetwork=false", true}, {"spec.hostNetwork=true", false},
      {"status.nominatedNodeName=", true}, {"status.podIPs=1.1.1.1", false},
      {"status.podIPs=", true}, {"metadata.namespace=ns,,", true},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.text);
    const auto selector = FieldSelector::Parse(ResourceOf<core::Pod>(), c.text);
    ASSERT_TRUE(selector.ok()) << selector.status();
    EXPECT_EQ(selector->Matches(pod), c.want);
  }
}

// One term a field is what is asked of an object, however many were written.
TEST(FieldSelectorTest, ManyTermsOfOneField) {
  const core::Pod pod = MakePod();
  std::string others;
  for (int i = 0; i < 5000; ++i) others += fmt::format("metadata.name!=q{},", i);
  const auto parse = [](const std::string& text) {
    return FieldSelector::Parse(ResourceOf<core::Pod>(), text).value();
  };
  const FieldSelector many = parse(others + "metadata.name=p");
  for (int i = 0; i < 100'000; ++i) ASSERT_TRUE(many.Matches(pod));
  EXPECT_EQ(many.ExactValue("metadata.name"), "p");
  EXPECT_FALSE(parse(others + "metadata.name!=p").Matches(pod));
  EXPECT_FALSE(parse("metadata.name=p,metadata.name=q").Matches(pod));
  EXPECT_TRUE(parse("metadata.name=p,metadata.name==p,spec.nodeName!=n2").Matches(pod));
  EXPECT_FALSE(parse("spec.nodeName=n1,spec.host=n2").Matches(pod));
}

TEST(FieldSelectorTest, ErrorsAreUpstreams) {
  const Resource& pods = ResourceOf<core::Pod>();
  const Resource& leases = ResourceOf<coordination::Lease>();
  const struct { const Resource& of; std::string_view text, want; } cases[] = {
      {pods, "spec.foo=x", "field label not supported: spec.foo"},
      {pods, "abc", "invalid selector: 'abc'; can't understand 'abc'"},
      {pods, "metadata.name=a\\b", "invalid field selector: invalid escape sequence: \\b"},
      {pods, "metadata.name=a=b", "invalid field selector: unescaped character in value: 61"},
      {leases, "spec.x=y",
       "\"spec.x\" is not a known field selector: only \"metadata.name\", "
       "\"metadata.namespace\""},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.text);
    EXPECT_EQ(ToStd(FieldSelector::Parse(c.of, c.text).status().message()), c.want);
  }
}

TEST(FieldSelectorTest, ExactValuesAreForIndexes) {
  const Resource& pods = ResourceOf<core::Pod>();
  const auto selector = FieldSelector::Parse(pods, "spec.nodeName=n\\,1,metadata.name!=x");
  ASSERT_TRUE(selector.ok());
  EXPECT_EQ(selector->ExactValue("spec.nodeName"), "n,1");
  EXPECT_EQ(selector->ExactValue("metadata.name"), std::nullopt);
  EXPECT_EQ(selector->ToString(), "metadata.name!=x,spec.nodeName=n\\,1");
}

TEST(FieldSelectorTest, EventsMatchInEitherForm) {
  core::Event event;
  event.mutable_involved_object()->set_name("p");
  event.set_reporting_component("sched");
  const events::Event other = ToEventsV1(event);
  const auto by_group = FieldSelector::Parse(ResourceOf<events::Event>(),
                                             "regarding.name=p,reportingController=sched");
  ASSERT_TRUE(by_group.ok()) << by_group.status();
  EXPECT_TRUE(by_group->Matches(event));
  EXPECT_TRUE(by_group->Matches(other));
  const auto by_source =
      FieldSelector::Parse(ResourceOf<core::Event>(), "involvedObject.name=p,source=sched");
  ASSERT_TRUE(by_source.ok());
  EXPECT_TRUE(by_source->Matches(event));
  EXPECT_EQ(ToCoreV1(other).SerializeAsString(), event.SerializeAsString());
}

}  // namespace
}  // namespace berth::api
