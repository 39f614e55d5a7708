"""Stands in for the `lmdeploy` executable: serves /health, /v1/models and /metrics, or misbehaves as FAKE says."""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

METRICS = """# HELP lmdeploy:num_requests_running running
lmdeploy:num_requests_running{engine="0",model_name="m"} 2.0
lmdeploy:num_requests_waiting{engine="0",model_name="m"} 1.0
lmdeploy:e2e_request_latency_seconds_count 7
"""


class Handler(BaseHTTPRequestHandler):
    key: str | None = None
    model = ""

    def do_GET(self) -> None:
        if self.path == "/health":
            return self.say(200, json.dumps({"status": "healthy"}))
        if self.key and self.headers["Authorization"] != f"Bearer {self.key}":
            return self.say(401, "{}")
        if self.path == "/metrics":
            return self.say(200, METRICS)
        return self.say(200, json.dumps({"object": "list", "data": [{"id": self.model}]}))

    def say(self, code: int, text: str) -> None:
        self.send_response(code)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None: ...


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("serve")
    parser.add_argument("command")
    parser.add_argument("model", nargs="?", default="")
    parser.add_argument("--server-port", type=int)
    parser.add_argument("--api-keys", nargs="*")
    args, _ = parser.parse_known_args()
    does = os.environ.get("FAKE", "").split() if args.command == "api_server" else []
    if "echo" in os.environ.get("FAKE", ""):
        print(json.dumps(sys.argv[1:]))
        return
    print("Loading weights from safetensors:  45%|####", file=sys.stderr, flush=True)
    if "die" in does:
        print(f"RuntimeError: out of memory (key {args.api_keys[0]})", file=sys.stderr, flush=True)
        sys.exit(3)
    if "stubborn" in does:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "child" in does:  # a grandchild in a session of its own, as ray's are
        child = subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True
        )
        print(f"child {child.pid}", flush=True)
    if "slow" in does:
        time.sleep(600)
    Handler.key = args.api_keys[0] if args.api_keys else None
    Handler.model = args.model
    ThreadingHTTPServer(("127.0.0.1", args.server_port), Handler).serve_forever()


if __name__ == "__main__":
    main()
