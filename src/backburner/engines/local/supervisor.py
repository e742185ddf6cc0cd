"""Keeps one child process alive and speaks with it.

A child that dies takes only its calls in flight with it: each of them ends as Died, and a new child is
started, at once after the first death and later after a growing pause. Calls that come meanwhile wait.
"""

import asyncio
import contextlib
import logging
import os
import socket
import sys
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from enum import StrEnum

import msgspec

from backburner.core.clock import Clock
from backburner.engines.local.frames import Cancel, Piece, Ready, Reply, ToChild, ToParent, Unpacker, packed
from backburner.engines.local.setup import Setup, argument_of

CHILD_COMMAND = (sys.executable, "-m", "backburner.engines.local.child")
PAUSES_S = (0.0, 0.5, 2.0, 5.0, 15.0, 30.0)
STARTS_FAILED_MAX = 2  # in a row, before callers are told instead of kept waiting
EXIT_S = 0.5  # for a child that closed its stream to exit by itself
STEADY_S = 60.0  # a child that lived this long has paid for earlier deaths
_READ_BYTES = 1 << 18
_STDERR_BYTES = 4096

log = logging.getLogger("backburner")


class Died(msgspec.Struct, frozen=True):
    """What a call in flight gets when its child is gone."""

    reason: str


class NotUp(Exception):
    """The child cannot be asked now; the text says why."""


class Unsendable(Exception):
    """The frame cannot be written: what it holds is not what it should be."""


Sink = Callable[[Reply | Piece | Died], None]


class ChildState(StrEnum):
    IDLE = "idle"
    STARTING = "starting"
    UP = "up"
    DOWN = "down"  # between a death and the next start
    STOPPED = "stopped"


class Supervisor:
    """One model's child. `setup_of` is given the child's socket and completes what the child is told."""

    def __init__(
        self,
        name: str,
        setup_of: Callable[[int], Setup],
        clock: Clock,
        command: Sequence[str] = CHILD_COMMAND,
    ) -> None:
        self.name = name
        self.state = ChildState.IDLE
        self.reason = ""
        self.pid: int | None = None
        self._setup_of = setup_of
        self._clock = clock
        self._command = tuple(command)
        self._sinks: dict[int, Sink] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._gate = asyncio.Event()  # open: the child is up, or hopeless
        self._task: asyncio.Task[None] | None = None
        self._last_id = 0
        self._said = b""

    def start(self) -> None:
        """Starts the child unless it runs already; returns at once."""
        if self._task is None and self.state is not ChildState.STOPPED:
            self.state = ChildState.STARTING
            self._task = asyncio.create_task(self._supervise(), name=f"child {self.name}")

    async def wait_ready(self) -> None:
        """Returns once the child can be asked. Raises NotUp when it dies again and again before that."""
        self.start()
        await self._gate.wait()
        if self.state is not ChildState.UP:
            raise NotUp(self.reason)

    async def stop(self) -> None:
        """Ends the child; calls in flight get Died."""
        self.state = ChildState.STOPPED
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    # -- calls --------------------------------------------------------------------------------------

    async def ask(self, frame_of: Callable[[int], ToChild]) -> Reply | Died:
        """One frame out, one reply back. Cancelled, it tells the child to give up. Raises NotUp."""
        await self.wait_ready()
        answer: asyncio.Future[Reply | Died] = asyncio.get_running_loop().create_future()

        def settle(reply: Reply | Piece | Died) -> None:
            if not isinstance(reply, Piece) and not answer.done():
                answer.set_result(reply)

        with self._call(frame_of, settle):
            return await answer

    async def follow(self, frame_of: Callable[[int], ToChild]) -> AsyncGenerator[Reply | Piece | Died, None]:
        """The same with the pieces on the way; the last one is no Piece. Raises NotUp."""
        await self.wait_ready()
        replies: asyncio.Queue[Reply | Piece | Died] = asyncio.Queue()
        with self._call(frame_of, replies.put_nowait):
            while True:
                reply = await replies.get()
                yield reply
                if not isinstance(reply, Piece):
                    return

    @contextlib.contextmanager
    def _call(self, frame_of: Callable[[int], ToChild], sink: Sink) -> Generator[None]:
        self._last_id += 1
        call = self._last_id
        try:
            first = packed(frame_of(call))
        except (TypeError, ValueError, OverflowError) as error:
            raise Unsendable(str(error)) from error
        self._sinks[call] = sink
        try:
            self._write(first)
            yield
        finally:
            if self._sinks.pop(call, None) is not None:  # no reply came: given up
                self._write(packed(Cancel(call)))

    def _write(self, data: bytes) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(data)

    # -- the child ----------------------------------------------------------------------------------

    async def _supervise(self) -> None:
        deaths = 0
        starts_failed = 0
        try:
            while True:
                started_at = self._clock.monotonic()
                if not starts_failed:
                    self.state = ChildState.STARTING
                await self._one_life()
                starts_failed = 0 if self.state is ChildState.UP else starts_failed + 1
                if self._clock.monotonic() - started_at > STEADY_S:
                    deaths = 0
                self.state = ChildState.DOWN
                log.warning("event=child_down model=%s reason=%s", self.name, self.reason)
                if starts_failed >= STARTS_FAILED_MAX:
                    self._gate.set()
                await self._clock.sleep(PAUSES_S[min(deaths, len(PAUSES_S) - 1)])
                deaths += 1
        finally:
            self.state = ChildState.STOPPED
            self._bury("the engine was stopped")
            self._gate.set()

    async def _one_life(self) -> None:
        """From the start of a child to its end, however it ends."""
        ours, theirs = socket.socketpair()
        try:
            child = await self._spawn(theirs)
        except OSError as error:
            ours.close()
            self._bury(f"the process of {self.name} could not be started: {error}")
            return
        finally:
            theirs.close()
        self.pid = child.pid
        reader, self._writer = await asyncio.open_connection(sock=ours)
        listening = asyncio.create_task(self._listen(child.stderr))
        try:
            if await self._read(reader):  # on its way out: its own last words are worth a moment
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(child.wait(), EXIT_S)
        finally:
            self._writer.close()
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            status = await asyncio.shield(child.wait())
            await asyncio.wait([listening], timeout=1.0)
            listening.cancel()
            self._bury(self._epitaph(status))

    async def _spawn(self, theirs: socket.socket) -> asyncio.subprocess.Process:
        self._said = b""
        return await asyncio.create_subprocess_exec(
            *self._command,
            argument_of(self._setup_of(theirs.fileno())),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            pass_fds=(theirs.fileno(),),
            start_new_session=True,  # Ctrl-C in a terminal is for the parent, which drains first
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )

    async def _read(self, reader: asyncio.StreamReader) -> bool:
        """Takes frames until the child closes its end (True) or writes what is no frame (False)."""
        unpacker = Unpacker(ToParent)
        while True:
            try:
                data = await reader.read(_READ_BYTES)
            except ConnectionError:
                return True
            if not data:
                return True
            try:
                frames = unpacker.feed(data)
            except ValueError as error:  # msgspec's errors are ValueErrors too
                log.error("event=child_unreadable model=%s reason=%s", self.name, error)
                return False
            for frame in frames:
                self._take(frame)

    def _take(self, frame: ToParent) -> None:
        if isinstance(frame, Ready):
            self.state = ChildState.UP
            self.reason = ""
            log.info("event=child_up model=%s pid=%s", self.name, self.pid)
            self._gate.set()
            return
        last = not isinstance(frame, Piece)
        sink = self._sinks.pop(frame.id, None) if last else self._sinks.get(frame.id)
        if sink is not None:  # None: cancelled meanwhile
            sink(frame)

    async def _listen(self, stream: asyncio.StreamReader | None) -> None:
        """Keeps the child's last words; native libraries write there too, so nothing of it is an error."""
        assert stream is not None
        while data := await stream.read(_STDERR_BYTES):
            self._said = (self._said + data)[-_STDERR_BYTES:]

    def _epitaph(self, status: int) -> str:
        cause = f"by signal {-status}" if status < 0 else f"with status {status}"
        lines = self._said.decode("utf-8", errors="replace").strip().splitlines()
        last = f": {lines[-1]}" if lines and status > 0 else ""
        return f"the process of {self.name} ended {cause}{last}"

    def _bury(self, reason: str) -> None:
        self._gate.clear()
        self._writer = None
        self.pid = None
        self.reason = reason
        sinks, self._sinks = self._sinks, {}
        for sink in sinks.values():
            sink(Died(reason))
