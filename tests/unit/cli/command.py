"""Runs one command in this process: what a test of the command line needs of it."""

from typing import NamedTuple

import pytest

from backburner.cli.entry import outcome


class Ran(NamedTuple):
    code: int
    out: str
    err: str


class Command:
    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    def __call__(self, *words: object) -> Ran:
        code = outcome([str(word) for word in words])
        out, err = self._capture.readouterr()
        return Ran(code, out, err)
