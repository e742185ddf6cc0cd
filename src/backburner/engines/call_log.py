"""The append-only log of the simulated engine: what was asked, kept outside the service's own books.

One JSON line when a call starts, written before anything is answered, and one when it ends. Each line is
one write to a file opened for appending, so that lines of a killed process are whole and several runs may
share the file. It is not synced: it must survive kill -9, not power loss. `pid` and `n` together name a call.

    {"event":"start","pid":7,"n":1,"tag":"job/0","kind":"chat","model":"m","digest":"sha256..","text":".."}
    {"event":"end","pid":7,"n":1,"tag":"job/0","outcome":"answer"}      or "cancelled", or a trouble's kind
"""

import os
from pathlib import Path

import msgspec

from backburner.core.errors import InvalidArgument
from backburner.core.exchange import Call

_encoder = msgspec.json.Encoder()


class CallLog:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._pid = os.getpid()
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise InvalidArgument(
                f"the call log {path} cannot be opened: {error.strerror}; "
                "give log= a file in a folder that exists"
            ) from None

    def start(self, n: int, call: Call, digest: str, text: str) -> None:
        line = {
            "event": "start",
            "pid": self._pid,
            "n": n,
            "tag": call.tag,
            "kind": call.kind,
            "model": call.model,
            "digest": digest,
            "text": text,
        }
        os.write(self._file, _encoder.encode(line) + b"\n")

    def end(self, n: int, call: Call, outcome: str) -> None:
        line = {"event": "end", "pid": self._pid, "n": n, "tag": call.tag, "outcome": outcome}
        os.write(self._file, _encoder.encode(line) + b"\n")

    def close(self) -> None:
        os.close(self._file)
