"""Whole replies over libcurl, driven by the event loop: a third of the processor time that a streaming client takes.

libcurl says which sockets and which timer it waits for; the loop says when they are ready. Connections are kept and
used again, within bounds; a call that is cancelled gives up its connection, by which the other side learns of it.
Figures: docs/performance.md.
"""

import asyncio
import ssl
from collections.abc import Iterator, Mapping
from functools import cached_property
from io import BytesIO
from pathlib import Path

import pycurl

from backburner.core.limits import MIB
from backburner.outbound.replies import Lost, NoReply, Reply

_HANDLES = 256  # kept for the next call
_CONNECTING = (
    pycurl.E_COULDNT_CONNECT,
    pycurl.E_COULDNT_RESOLVE_HOST,
    pycurl.E_COULDNT_RESOLVE_PROXY,
    pycurl.E_SSL_CONNECT_ERROR,
    pycurl.E_PEER_FAILED_VERIFICATION,
    pycurl.E_SSL_CACERT_BADFILE,
)


class Headers(Mapping[str, str]):
    """Names in lower case. Taken apart when somebody looks, which for most replies nobody does."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    @cached_property
    def _parsed(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for line in self._raw.decode("iso-8859-1").split("\r\n"):
            name, colon, value = line.partition(":")
            if colon:
                found[name.strip().lower()] = value.strip()
            elif line.startswith("HTTP/"):  # after a 100 Continue the head begins anew
                found.clear()
        return found

    def __getitem__(self, name: str) -> str:
        return self._parsed[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parsed)

    def __len__(self) -> int:
        return len(self._parsed)


class _Body:
    """What libcurl writes to. Takes no more than its bound, which ends the transfer."""

    def __init__(self, most_bytes: int) -> None:
        self._left_bytes = most_bytes
        self._pieces: list[bytes] = []
        self.over = False

    def write(self, piece: bytes) -> int:
        self._left_bytes -= len(piece)
        if self._left_bytes < 0:
            self.over = True
            return -1
        self._pieces.append(piece)
        return len(piece)

    @property
    def whole(self) -> bytes:
        return self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)


class _Transfer:
    """One call under way, on a handle of libcurl's."""

    def __init__(self, handle: pycurl.Curl, body: _Body) -> None:
        self.handle = handle
        self.head: list[bytes] = []
        self.body = body
        self.done: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()


class Transfers:
    """`connections` at once; more wait, inside their deadline. Make it and close it on one event loop."""

    def __init__(
        self,
        *,
        connections: int,
        answer_bytes: int,
        connect_s: float,
        keep_alive_s: float,
        environment_proxies: bool,
        headers: Mapping[str, str],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._answer_bytes = answer_bytes
        self._connect_s = connect_s
        self._keep_alive_s = keep_alive_s
        self._environment_proxies = environment_proxies
        self._headers = dict(headers)
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAX_TOTAL_CONNECTIONS, connections)
        self._multi.setopt(pycurl.M_MAXCONNECTS, connections)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._plan)
        self._timer: asyncio.TimerHandle | None = None
        self._running: dict[pycurl.Curl, _Transfer] = {}
        self._free: list[pycurl.Curl] = []
        self._reading: set[int] = set()
        self._writing: set[int] = set()

    async def request(
        self,
        method: str,
        url: str,
        *,
        deadline_s: float,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """A whole reply within `deadline_s`. Raises NoReply."""
        handle = self._free.pop() if self._free else self._made()
        transfer = _Transfer(handle, _Body(self._answer_bytes))
        handle.setopt(pycurl.URL, url)
        handle.setopt(pycurl.TIMEOUT_MS, max(1, int(deadline_s * 1000)))
        handle.setopt(pycurl.WRITEFUNCTION, transfer.body.write)
        handle.setopt(pycurl.HEADERFUNCTION, transfer.head.append)
        said = {**self._headers, **(headers or {})}
        handle.setopt(pycurl.HTTPHEADER, ["Expect:", *(f"{name}: {value}" for name, value in said.items())])
        if body is None:
            handle.setopt(pycurl.HTTPGET, 1)
        else:
            # Read from us, not handed over: what libcurl cannot read again it does not send again by itself when a
            # connection breaks. Whether a call is made again is policy's decision, and recorded.
            handle.setopt(pycurl.POST, 1)
            handle.setopt(pycurl.POSTFIELDSIZE_LARGE, len(body))
            handle.setopt(pycurl.READFUNCTION, BytesIO(body).read)
        handle.setopt(pycurl.CUSTOMREQUEST, method)
        self._running[handle] = transfer
        self._multi.add_handle(handle)
        try:
            return await transfer.done
        except asyncio.CancelledError:
            if self._running.pop(handle, None) is not None:  # in the middle: the connection is closed with it
                self._multi.remove_handle(handle)
                handle.close()
            raise

    def _made(self) -> pycurl.Curl:
        handle = pycurl.Curl()
        handle.setopt(pycurl.NOSIGNAL, 1)
        handle.setopt(pycurl.USERAGENT, "backburner")
        handle.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        handle.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        handle.setopt(pycurl.FOLLOWLOCATION, 0)
        handle.setopt(pycurl.ACCEPT_ENCODING, "gzip, deflate")
        handle.setopt(pycurl.CONNECTTIMEOUT_MS, int(self._connect_s * 1000))
        handle.setopt(pycurl.MAXAGE_CONN, int(self._keep_alive_s))
        if not self._environment_proxies:
            handle.setopt(pycurl.PROXY, "")
        trusted = (
            ssl.get_default_verify_paths()
        )  # the wheel's own paths are those of the machine it was built on
        if trusted.cafile and Path(trusted.cafile).exists():
            handle.setopt(pycurl.CAINFO, trusted.cafile)
        if trusted.capath and Path(trusted.capath).exists():
            handle.setopt(pycurl.CAPATH, trusted.capath)
        return handle

    # -- what libcurl and the loop tell each other

    def _watch(self, event: int, fd: int, *_: object) -> None:
        """libcurl wants to know when a socket can be read or written, or does not any more (POLL_REMOVE)."""
        reads, writes = bool(event & pycurl.POLL_IN), bool(event & pycurl.POLL_OUT)
        if reads != (fd in self._reading):
            if reads:
                self._reading.add(fd)
                self._loop.add_reader(fd, self._ready, fd, pycurl.CSELECT_IN)
            else:
                self._reading.discard(fd)
                self._loop.remove_reader(fd)
        if writes != (fd in self._writing):
            if writes:
                self._writing.add(fd)
                self._loop.add_writer(fd, self._ready, fd, pycurl.CSELECT_OUT)
            else:
                self._writing.discard(fd)
                self._loop.remove_writer(fd)

    def _plan(self, wait_ms: int) -> None:
        """libcurl wants to be called in so many milliseconds, never with -1. Not from within this callback."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(wait_ms / 1000, self._late) if wait_ms >= 0 else None

    def _late(self) -> None:
        self._timer = None
        self._ready(pycurl.SOCKET_TIMEOUT, 0)

    def _ready(self, fd: int, what: int) -> None:
        self._multi.socket_action(fd, what)
        left = 1
        while left:
            left, good, bad = self._multi.info_read()
            for handle in good:
                self._ended(handle, 0, "")
            for handle, code, words in bad:
                self._ended(handle, code, words)

    def _ended(self, handle: pycurl.Curl, code: int, words: str) -> None:
        transfer = self._running.pop(handle, None)
        if transfer is None:
            return
        self._multi.remove_handle(handle)
        if not transfer.done.done():
            if code:
                transfer.done.set_exception(self._loss(transfer, code, words))
            else:
                status = handle.getinfo(pycurl.RESPONSE_CODE)
                transfer.done.set_result(Reply(status, Headers(b"".join(transfer.head)), transfer.body.whole))
        if len(self._free) < _HANDLES:
            self._free.append(handle)
        else:
            handle.close()

    def _loss(self, transfer: _Transfer, code: int, words: str) -> NoReply:
        """What libcurl calls an error, in the words of this room."""
        if transfer.body.over:
            return NoReply(Lost.TOO_LARGE, f"the answer is over {self._answer_bytes // MIB} MiB")
        connected = transfer.handle.getinfo(pycurl.CONNECT_TIME) > 0
        if code == pycurl.E_OPERATION_TIMEDOUT:
            if not connected and transfer.handle.getinfo(pycurl.TOTAL_TIME) >= self._connect_s:
                return NoReply(Lost.UNREACHABLE, f"no connection within {self._connect_s:g} s")
            return NoReply(Lost.LATE, "no answer in time")
        if code in _CONNECTING:
            return NoReply(Lost.UNREACHABLE, f"cannot connect: {words}")
        why = "before an answer" if code == pycurl.E_SEND_FAIL_REWIND else words
        return NoReply(Lost.CUT, f"the connection was cut ({why})")

    def close(self) -> None:
        for handle, transfer in list(self._running.items()):
            self._multi.remove_handle(handle)
            handle.close()
            if not transfer.done.done():
                transfer.done.set_exception(NoReply(Lost.CUT, "the client was closed"))
        self._running.clear()
        for handle in self._free:
            handle.close()
        self._free.clear()
        self._multi.close()
        if self._timer is not None:
            self._timer.cancel()
