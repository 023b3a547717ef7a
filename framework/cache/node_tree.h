// NodeTree: node names by zone, listed so that neighbours sit in different zones.
// Source: kube-scheduler backend/cache/node_tree.go; framework.md section 3.5.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/fwd.h"
#include "base/symbol.h"

namespace berth::framework {

// Region and zone from the node's labels (failure-domain.beta.kubernetes.io first); "" for none.
std::string ZoneKey(const api::core::Node& node);

class NodeTree {
 public:
  // The node must not be there: who changes a node's zone removes it first, and it goes to the
  // new zone's end.
  void Add(Symbol name, std::string_view zone);
  // An emptied zone goes; the order of the others stays. False when the node is not there.
  bool Remove(Symbol name, std::string_view zone);
  // Rounds over the zones, each giving its next node: A[a1,a2,a3], B[b1], C[c1,c2] give
  // a1 b1 c1 a2 c2 a3.
  std::vector<Symbol> List() const;
  size_t size() const { return size_; }

 private:
  struct Zone {
    std::string key;
    std::vector<Symbol> nodes;
  };
  std::vector<Zone> zones_;
  size_t size_ = 0;
};

}  // namespace berth::framework
