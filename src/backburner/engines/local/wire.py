"""The child's end of the pair: frames in without waiting, frames out at once.

The child has one thread, so reading must never stall a running batch: `drain(wait=False)` takes what is
there. The end of the stream means that the parent is gone, and with it every reason to run.
"""

import select
import socket

from backburner.engines.local.frames import ToChild, ToParent, Unpacker, packed

_READ_BYTES = 1 << 20


class ParentGone(Exception):
    """The other end closed, by intention or by death."""


class Wire:
    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._socket.setblocking(True)
        self._unpacker = Unpacker(ToChild)

    def drain(self, *, wait: bool) -> list[ToChild]:
        """The frames that have come; with `wait`, at least one. Raises ParentGone."""
        frames: list[ToChild] = []
        while True:
            blocking = wait and not frames
            if not blocking and not select.select([self._socket], [], [], 0)[0]:
                return frames
            try:
                data = self._socket.recv(_READ_BYTES)
            except ConnectionError as error:
                raise ParentGone from error
            if not data:
                raise ParentGone
            frames += self._unpacker.feed(data)

    def send(self, *frames: ToParent) -> None:
        try:
            self._socket.sendall(b"".join(map(packed, frames)))
        except ConnectionError as error:
            raise ParentGone from error
