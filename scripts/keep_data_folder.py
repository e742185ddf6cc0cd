"""Keeps a small data folder as this version writes it, for the versions to come: run it before a release, or before
the first change of a schema after one.

    .venv/bin/python scripts/keep_data_folder.py tests/golden/folders/NAME.tar.gz

In it: a job that has ended, one from a file that is half done, a file, cached content, a key; and `told.json`, which
says what must be found. tests/unit/store/test_old_folders.py opens every one that was ever kept.
"""

import json
import re
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

MODEL = "gemini-2.5-flash"
LINES = 80


class Server:
    def __init__(self, data: Path) -> None:
        command = [sys.executable, "-m", "backburner"]
        made = subprocess.run(
            [*command, "keys", "create", "--data", str(data)], capture_output=True, text=True, check=True
        )
        self.key = made.stdout.strip()
        engine = ["--engine", "simulated:latency_ms=300,jitter=1,seed=1", "--data", str(data)]
        self.process = subprocess.Popen(
            [*command, "serve", "--port", "0", *engine], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        found = re.search(r"http://\S+", self.process.stdout.readline())
        assert found is not None
        self.url = found[0]

    def call(self, method: str, path: str, body: bytes | None = None) -> Any:
        headers = {"x-goog-api-key": self.key, "content-type": "application/json"}
        request = urllib.request.Request(self.url + path, body, headers, method=method)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as reply:
            return json.loads(reply.read())

    def batch(self, config: dict[str, Any]) -> str:
        body = json.dumps({"batch": {"displayName": "kept", "inputConfig": config}}).encode()
        return self.call("POST", f"/v1beta/models/{MODEL}:batchGenerateContent", body)["name"]

    def answered(self, job: str) -> int:
        stats = self.call("GET", f"/v1beta/{job}")["metadata"]["batchStats"]
        return int(stats.get("successfulRequestCount", 0))


def asking(text: str) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": text}]}]}


def filled(data: Path) -> dict[str, Any]:
    """What must be found later."""
    server = Server(data)
    done = server.batch({"requests": {"requests": [{"request": asking(f"done {n}")} for n in range(3)]}})
    while server.answered(done) < 3 or "response" not in server.call("GET", f"/v1beta/{done}"):
        time.sleep(0.1)
    cache = json.dumps({"model": f"models/{MODEL}", "ttl": "86400s", **asking("a long prefix")}).encode()
    kept = server.call("POST", "/v1beta/cachedContents", cache)["name"]
    lines = [json.dumps({"key": f"k{n}", "request": asking(f"half {n}")}) for n in range(LINES)]
    content = "\n".join(lines).encode()
    file = server.call("POST", "/upload/v1beta/files?uploadType=media", content)["file"]["name"]
    half = server.batch({"fileName": file})
    while not server.answered(half):
        time.sleep(0.05)
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    return {
        "made_at": time.time(),
        "done": done,
        "half": half,
        "lines": LINES,
        "file": file,
        "cache": kept,
        "key": server.key,
    }


def main() -> None:
    target = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        told = filled(data)
        (data / "told.json").write_text(json.dumps(told, indent=1))
        (data / "owner.lock").unlink()
        for memory in data.rglob("*-shm"):
            memory.unlink()
        with tarfile.open(target, "w:gz") as kept:
            kept.add(data, arcname=".")


if __name__ == "__main__":
    main()
