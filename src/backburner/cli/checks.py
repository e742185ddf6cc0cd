"""What doctor looks at in the machine, the config and the engines. Each check looks only; none repairs."""

import platform
import sys
from enum import StrEnum
from pathlib import Path

import msgspec

from backburner.cli.pull import lacking, models_dir, routes_of
from backburner.cli.say import size
from backburner.cli.verbs import settings_of
from backburner.config import Settings
from backburner.core.errors import Refused
from backburner.core.limits import GIB
from backburner.engines.local import runtime, store

PYTHON = (3, 11)
MEMORY_BYTES = 2 * GIB  # what the chat model takes with its cache, and the service beside it
USEFUL_FLAGS = ("avx2", "avx512f", "amx_tile")
PULL = "backburner models pull"


class Level(StrEnum):
    OK = "ok"
    WARN = "warn"
    MISSING = "missing"


class Finding(msgspec.Struct, frozen=True):
    """`mend` is the command, or the setting, that makes it better."""

    level: Level
    what: str
    words: str
    mend: str = ""


def config_findings(file: Path | None, data: str | None) -> tuple[Settings | None, list[Finding]]:
    """The settings, where they can be read."""
    try:
        settings = settings_of(file, data=data).settings
        routes_of(settings)
    except Refused as error:
        return None, [
            Finding(Level.MISSING, "config", error.message, "backburner config shows what is in force")
        ]
    return settings, [Finding(Level.OK, "config", str(file) if file else "defaults and environment")]


def machine_findings() -> list[Finding]:
    return [python_finding(sys.version_info[:3]), cpu_finding(cpu_flags()), cores_finding(), memory_finding()]


def python_finding(version: tuple[int, ...]) -> Finding:
    words = ".".join(map(str, version))
    if version[:2] < PYTHON:
        wanted = ".".join(map(str, PYTHON))
        return Finding(
            Level.MISSING, "python", f"{words}; {wanted} or newer is needed", f"install Python {wanted}"
        )
    return Finding(Level.OK, "python", words)


def cpu_flags(source: Path = Path("/proc/cpuinfo")) -> set[str] | None:
    """What the processor can do; None where the system does not tell."""
    try:
        lines = source.read_text().splitlines()
    except OSError:
        return None
    return next((set(line.partition(":")[2].split()) for line in lines if line.startswith("flags")), None)


def cpu_finding(flags: set[str] | None) -> Finding:
    if flags is None:
        return Finding(Level.OK, "cpu", platform.machine() or "unknown")
    found = [flag for flag in USEFUL_FLAGS if flag in flags]
    if "avx2" not in flags:
        return Finding(
            Level.WARN,
            "cpu",
            "no AVX2: the embedded model will be slow",
            "use another server: [engines] in the config",
        )
    return Finding(Level.OK, "cpu", f"{platform.machine()} with {', '.join(found)}")


def cores_finding() -> Finding:
    from backburner.engines.local.engine import cpu_count

    count = cpu_count()
    if count < 2:
        return Finding(Level.WARN, "cores", "1: the model and the service share it", "give it two")
    return Finding(Level.OK, "cores", str(count))


def memory_finding(root: Path = Path("/")) -> Finding:
    """Of the machine, or of the container where that is less."""
    available = memory_bytes(root)
    if available is None:
        return Finding(Level.OK, "memory", "unknown")
    if available < MEMORY_BYTES:
        words = f"{size(available)} free; the embedded chat model wants {size(MEMORY_BYTES)}"
        return Finding(
            Level.WARN, "memory", words, "free some, or use another server: [engines] in the config"
        )
    return Finding(Level.OK, "memory", f"{size(available)} free")


def memory_bytes(root: Path) -> int | None:
    found: list[int] = []
    try:
        for line in (root / "proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                found.append(int(line.split()[1]) * 1024)
        limit = (root / "sys/fs/cgroup/memory.max").read_text().strip()
        used = (root / "sys/fs/cgroup/memory.current").read_text().strip()
        if limit != "max":
            found.append(int(limit) - int(used))
    except OSError:  # no Linux, or no container limits
        pass
    return min(found) if found else None


def engine_findings(settings: Settings) -> list[Finding]:
    """The runtime and the models of the embedded engine, and what the other engines say."""
    try:
        routes = routes_of(settings)
        wanted = lacking(settings)
    except Refused as error:
        return [Finding(Level.MISSING, "engines", error.message)]
    led_to = {rule.engine for rule in routes.rules}
    found = [*runtime_findings("local" in led_to), *model_findings(settings, wanted)]
    others = [engine.name for engine in routes.engines.values() if engine.name != "local"]
    return [*found, *(Finding(Level.OK, "engine", f"{name} is configured") for name in others)]


def runtime_findings(used: bool) -> list[Finding]:
    missing = runtime.missing()
    if missing:
        level = Level.MISSING if used else Level.OK
        words = f"not installed ({', '.join(missing)})" + ("" if used else "; no model is mapped to it")
        return [Finding(level, "local", words, "pip install 'backburner[local]'" if used else "")]
    return [Finding(Level.OK, "local", "the embedded engine is installed")]


def model_findings(settings: Settings, wanted: list[str]) -> list[Finding]:
    folder = models_dir(settings)
    found = [
        Finding(Level.OK, "model", f"{one.id}, {size(sum(one.files.values()))}, intact")
        for one in store.installed(folder)
    ]
    for name in wanted:
        state = "damaged" if (folder / name).exists() else "not fetched"
        found.append(Finding(Level.MISSING, "model", f"{name} is {state}", PULL))
    return found
