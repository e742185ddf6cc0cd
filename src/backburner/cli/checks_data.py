"""What doctor looks at in the data folder, its disk, and what the system lets a server open."""

import os
import resource
import shutil
import socket
import statistics
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

import msgspec

from backburner.cli.checks import Finding, Level
from backburner.cli.say import size
from backburner.core.clock import Clock
from backburner.core.errors import Unavailable
from backburner.core.limits import GIB
from backburner.service.health import Readiness
from backburner.store.ownership import Ownership

FREE_BYTES = 5 * GIB  # an upload of the largest size, its results, and room to work
FSYNCS = 15
FSYNC_S = 0.02  # every acknowledged change waits for one
OPEN_FILES = 1024
READY_S = 10.0
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def data_findings(folder: Path, clock: Clock) -> list[Finding]:
    there = nearest(folder)
    if not os.access(there, os.W_OK | os.X_OK):
        return [
            Finding(Level.MISSING, "data", f"{there} cannot be written", "name a folder with --data"),
            files(),
        ]
    return [owner(folder), disk(there), fsync(there, clock), files()]


def nearest(folder: Path) -> Path:
    """The folder, or the one above it that exists: doctor makes none."""
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.is_dir())


def owner(folder: Path) -> Finding:
    if not (folder / "owner.lock").exists():
        return Finding(Level.OK, "data", f"{folder} (new)")
    try:
        Ownership(folder).release()
    except Unavailable:
        return Finding(Level.OK, "data", f"{folder}, a server is running on it")
    return Finding(Level.OK, "data", str(folder))


def disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    if free < FREE_BYTES:
        words = f"{size(free)} free; less than {size(FREE_BYTES)} is little for large jobs"
        return Finding(Level.WARN, "disk", words, "free some, or name a folder on another disk with --data")
    return Finding(Level.OK, "disk", f"{size(free)} free")


def fsync(folder: Path, clock: Clock) -> Finding:
    times: list[float] = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(FSYNCS):
            began = clock.monotonic()
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
            times.append(clock.monotonic() - began)
    middle_s = statistics.median(times)
    words = f"{middle_s * 1000:.1f} ms"
    if middle_s > FSYNC_S:
        mend = "name a folder on a faster disk with --data"
        return Finding(Level.WARN, "fsync", f"{words}; every acknowledged change waits for it", mend)
    return Finding(Level.OK, "fsync", words)


def files() -> Finding:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < OPEN_FILES:
        return Finding(Level.WARN, "open files", f"at most {soft}", f"ulimit -n {4 * OPEN_FILES}")
    return Finding(
        Level.OK, "open files", "unlimited" if soft == resource.RLIM_INFINITY else f"at most {soft:,}"
    )


def readiness(host: str, port: int) -> Finding | None:
    """What a server that runs there says of itself; None where none of ours answers."""
    address = f"[{host}]" if ":" in host else "127.0.0.1" if host == "0.0.0.0" else host
    try:
        with _direct.open(f"http://{address}:{port}/readyz", timeout=READY_S) as answer:
            content = answer.read()
    except urllib.error.HTTPError as error:
        content = error.read()
    except OSError:
        return None
    try:
        found = msgspec.json.decode(content, type=Readiness)
    except msgspec.DecodeError:
        return None
    engines = ", ".join(f"{name} {health}" for name, health in found.engines.items())
    words = f"{host}:{port}: a server runs; loops {found.loops}, store {found.store}, engines: {engines}"
    if found.ready:
        return Finding(Level.OK, "server", words)
    return Finding(Level.WARN, "server", words, "its log says more")


def port_findings(host: str, port: int) -> list[Finding]:
    """Whether serve could listen there. A server that runs already is no fault, so it is a warning."""
    where = f"{host}:{port}"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            if (ready := readiness(host, port)) is not None:
                return [ready]
            words = f"{where}: {error.strerror}"
            return [Finding(Level.WARN, "port", words, "backburner serve --port 0 takes a free one")]
    return [Finding(Level.OK, "port", f"{where} is free")]
