"""A child without a model, run as `python fake_child.py SETUP`: it answers as the text of the last message
says (`die`, `garbage`, `hang`, `fail`, `wrong`, else an echo), and keeps the number of calls it holds in a
file called `held` in its model's folder."""

import array
import os
import sys
from pathlib import Path
from typing import Any

from backburner.core.exchange import CallKind
from backburner.engines.local.frames import (
    Answered,
    Ask,
    Cancel,
    Count,
    Counted,
    Embed,
    Failed,
    Piece,
    Ready,
    ToChild,
    Vectors,
    Wrong,
)
from backburner.engines.local.setup import Setup, setup_of
from backburner.engines.local.wire import ParentGone, Wire


class FakeChild:
    def __init__(self, setup: Setup, wire: Wire) -> None:
        self.setup = setup
        self.wire = wire
        self.held: set[int] = set()
        self.note = Path(setup.model_dir) / "held"

    def run(self) -> None:
        if (Path(self.setup.model_dir) / "stillborn").exists():
            sys.stderr.write("no such model\n")
            sys.exit(3)
        (Path(self.setup.model_dir) / "pid").write_text(str(os.getpid()))
        self.wire.send(Ready(context_tokens=self.setup.context_tokens))
        while True:
            for frame in self.wire.drain(wait=True):
                self.take(frame)
                self.note.with_suffix(".new").write_text(str(len(self.held)))
                self.note.with_suffix(".new").rename(self.note)

    def take(self, frame: ToChild) -> None:
        match frame:
            case Ask():
                self.held.add(frame.id)
                self.answer(frame)
            case Cancel():
                self.held.discard(frame.id)
            case Count():
                self.wire.send(Counted(frame.id, len(last_text(frame.body).split())))
            case Embed():
                rows = [[float(len(text)), float(text.count("e")), 1.0] for text in frame.texts]
                floats = array.array("f", [number for row in rows for number in row])
                self.wire.send(Vectors(frame.id, floats.tobytes(), 3, len(frame.texts)))

    def answer(self, frame: Ask) -> None:
        text = last_text(frame.body)
        match text:
            case "die":
                os.kill(os.getpid(), 9)
            case "garbage":
                self.wire._socket.sendall(b"\x00\x00\x00\x02\xc1\xc1")
            case "hang":
                return
            case "wrong":
                self.wire.send(Wrong(frame.id, "not like this"))
            case "fail":
                self.wire.send(Failed(frame.id, "not this time"))
            case _:
                words = text.split()
                for number, word in enumerate(words) if frame.stream else ():
                    last = number == len(words) - 1
                    delta = {"content": word if last else word + " "}
                    finish = "stop" if last else None
                    self.wire.send(Piece(frame.id, [{"index": 0, "delta": delta, "finish_reason": finish}]))
                message = {"role": "assistant", "content": " ".join(words)}
                choice = {"index": 0, "message": message, "finish_reason": "stop"}
                self.wire.send(Answered(frame.id, {"choices": [choice]}, len(words), len(words)))
        self.held.discard(frame.id)


def last_text(body: dict[str, Any]) -> str:
    return body["messages"][-1]["content"]


if __name__ == "__main__":
    setup = setup_of(sys.argv[1])
    assert setup.kind in (CallKind.CHAT, CallKind.EMBED)
    try:
        FakeChild(setup, Wire(setup.socket)).run()
    except ParentGone:
        sys.exit(0)
