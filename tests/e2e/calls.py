"""What the simulated engine was asked, by its own log: the witness that is outside the service's books."""

import json
from collections import Counter
from pathlib import Path
from typing import Any


class Calls:
    """`tag` is job and ordinal; a call is one try of one request by one server process."""

    def __init__(self, log: Path) -> None:
        lines = log.read_bytes().splitlines() if log.exists() else []
        self.events: list[dict[str, Any]] = [json.loads(line) for line in lines]

    def pids(self) -> list[int]:
        """The server processes in the order of their first call."""
        return list(dict.fromkeys(event["pid"] for event in self.events))

    def started(self, pid: int | None = None) -> list[str]:
        return [e["tag"] for e in self.events if e["event"] == "start" and pid in (None, e["pid"])]

    def answered(self, pid: int | None = None) -> list[str]:
        """Tags in the order in which their answers were ready."""
        return [e["tag"] for e in self.events if e.get("outcome") == "answer" and pid in (None, e["pid"])]

    def in_flight(self, pid: int) -> set[str]:
        """The calls of a killed process that have no end."""
        begun = {(e["n"], e["tag"]) for e in self.events if e["event"] == "start" and e["pid"] == pid}
        over = {(e["n"], e["tag"]) for e in self.events if e["event"] == "end" and e["pid"] == pid}
        return {tag for _, tag in begun - over}

    def repeated(self) -> dict[str, int]:
        """Tags that were called more than once, with how often."""
        return {tag: times for tag, times in Counter(self.started()).items() if times > 1}


def ordinals(tags: list[str]) -> list[int]:
    return [int(tag.rpartition("/")[2]) for tag in tags]
