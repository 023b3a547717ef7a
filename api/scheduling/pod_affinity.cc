#include "api/scheduling/pod_affinity.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "api/schema/core_v1_affinity.pb.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace berth::api::scheduling {
namespace {

absl::StatusOr<PodAffinityTerm> Compile(const core::PodAffinityTerm& text, Symbol pod_namespace) {
  PodAffinityTerm term;
  term.topology_key = Symbol::Intern(text.topology_key());
  for (const std::string& name : text.namespaces()) {
    term.namespaces.push_back(Symbol::Intern(name));
  }
  if (text.namespaces_size() == 0 && !text.has_namespace_selector()) {
    term.namespaces.push_back(pod_namespace);
  }
  term.selector = CompiledSelector::Nothing();
  if (text.has_label_selector()) {
    BERTH_ASSIGN_OR_RETURN(term.selector, CompileSelector(text.label_selector()));
  }
  term.namespace_selector = CompiledSelector::Nothing();
  if (text.has_namespace_selector()) {
    BERTH_ASSIGN_OR_RETURN(term.namespace_selector, CompileSelector(text.namespace_selector()));
  }
  return term;
}

absl::StatusOr<WeightedPodAffinityTerm> Compile(const core::WeightedPodAffinityTerm& text,
                                                Symbol pod_namespace) {
  WeightedPodAffinityTerm term;
  BERTH_ASSIGN_OR_RETURN(term.term, Compile(text.pod_affinity_term(), pod_namespace));
  term.weight = text.weight();
  return term;
}

// All terms, or none and a problem.
template <typename Texts, typename Term>
void CompileAll(const Texts& texts, Symbol pod_namespace, std::string_view what,
                std::vector<Term>& out, std::vector<std::string>& problems) {
  for (const auto& text : texts) {
    auto term = Compile(text, pod_namespace);
    if (!term.ok()) {
      problems.push_back(fmt::format("{}: {}", what, ToStd(term.status().message())));
      out.clear();
      return;
    }
    out.push_back(*std::move(term));
  }
}

// As upstream aggregates errors: one as it is, several in brackets, each once.
std::string Aggregate(std::vector<std::string> problems) {
  if (problems.empty()) return {};
  if (problems.size() == 1) return problems.front();
  std::string text = "[";
  for (const std::string& problem : problems) text += (text.size() == 1 ? "" : ", ") + problem;
  return text + "]";
}

}  // namespace

bool PodAffinityTerm::Matches(Symbol pod_namespace, const LabelSet& pod_labels,
                              const LabelSet& namespace_labels) const {
  const bool named =
      std::find(namespaces.begin(), namespaces.end(), pod_namespace) != namespaces.end();
  return (named || namespace_selector.Matches(namespace_labels)) && selector.Matches(pod_labels);
}

bool MatchesAll(std::span<const PodAffinityTerm> terms, Symbol pod_namespace,
                const LabelSet& pod_labels) {
  return !terms.empty() && std::all_of(terms.begin(), terms.end(), [&](const auto& term) {
    return term.Matches(pod_namespace, pod_labels, LabelSet());
  });
}

std::shared_ptr<const PodAffinity> CompilePodAffinity(const core::Affinity& affinity,
                                                      Symbol pod_namespace) {
  const auto& near = affinity.pod_affinity();
  const auto& away = affinity.pod_anti_affinity();
  if (near.required_during_scheduling_ignored_during_execution_size() +
          near.preferred_during_scheduling_ignored_during_execution_size() +
          away.required_during_scheduling_ignored_during_execution_size() +
          away.preferred_during_scheduling_ignored_during_execution_size() == 0) {
    return nullptr;
  }
  auto out = std::make_shared<PodAffinity>();
  std::vector<std::string> problems;
  CompileAll(near.required_during_scheduling_ignored_during_execution(), pod_namespace,
             "requiredAffinityTerms", out->required, problems);
  CompileAll(away.required_during_scheduling_ignored_during_execution(), pod_namespace,
             "requiredAntiAffinityTerms", out->required_anti, problems);
  CompileAll(near.preferred_during_scheduling_ignored_during_execution(), pod_namespace,
             "preferredAffinityTerms", out->preferred, problems);
  CompileAll(away.preferred_during_scheduling_ignored_during_execution(), pod_namespace,
             "preferredAntiAffinityTerms", out->preferred_anti, problems);
  out->problem = Aggregate(std::move(problems));
  return out;
}

}  // namespace berth::api::scheduling
