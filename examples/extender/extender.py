#!/usr/bin/env python3
"""A scheduler extender in one file: pods only go to nodes of their team, and rather to cheap ones.

A pod labelled team=NAME fits only nodes labelled team=NAME; nodes labelled cost=N (0 to 10) are
preferred the less they cost. Start it, and point a scheduler at it with config.yaml beside this
file; the protocol is the one of k8s.io/kube-scheduler/extender/v1.

    extender.py [--port 8888] [--tls-cert CERT.pem --tls-key KEY.pem]
"""

import argparse
import http.server
import json
import ssl


def team_of(labels):
    return (labels or {}).get("team")


def labels_of(thing):
    return thing["metadata"].get("labels", {})


def filter_nodes(args):
    """Which of the nodes take the pod; the others, each with the reason users will read."""
    team = team_of(labels_of(args["Pod"]))
    kept, failed = [], {}
    for node in args["Nodes"]["items"]:
        if team in (None, team_of(labels_of(node))):
            kept.append(node)
        else:
            failed[node["metadata"]["name"]] = f"node(s) didn't belong to team {team}"
    return {"Nodes": {"items": kept}, "FailedNodes": failed, "Error": ""}


def prioritize_nodes(args):
    """A score from 0 to 10 for each node."""
    return [
        {"Host": node["metadata"]["name"],
         "Score": max(0, 10 - int(labels_of(node).get("cost", 5)))}
        for node in args["Nodes"]["items"]
    ]


VERBS = {"/filter": filter_nodes, "/prioritize": prioritize_nodes}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        args = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        verb = VERBS.get(self.path)
        body = json.dumps(verb(args) if verb else {"Error": f"no verb {self.path}"}).encode()
        self.send_response(200 if verb else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=8888)
    parser.add_argument("--tls-cert")
    parser.add_argument("--tls-key")
    args = parser.parse_args()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", args.port), Handler)
    if args.tls_cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(args.tls_cert, args.tls_key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    print(f"listening on port {args.port}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
