"""The words after `--engine`: `simulated[:latency_ms=..,jitter=..,error_rate=..,seed=..,log=PATH]`.

latency_ms   how long a call takes on the average; 0 answers at once
jitter       how much of that varies, as a fraction: a call takes latency_ms * (1 + jitter * u) with u
             drawn evenly from -1..1, and never less than 0; so 0.5 means between half and one and a half
error_rate   the fraction of tries that end in transient trouble, 0..1; a repeated try draws again
seed         what latencies, errors, embeddings and made-up JSON are drawn from
log          the file to which every call is appended (call_log.py); not truncated at start
"""

import difflib
import re
from collections.abc import Callable
from pathlib import Path

import msgspec

from backburner.core.errors import InvalidArgument

KIND = "simulated"
_OPTION = re.compile(r",(?=[A-Za-z_]+=)")  # a comma inside the log's path stays in the path


class SimulatedOptions(msgspec.Struct, frozen=True, kw_only=True):
    latency_ms: float = 0.0
    jitter: float = 0.0
    error_rate: float = 0.0
    seed: int = 0
    log: Path | None = None


def parse_simulated(spec: str) -> SimulatedOptions:
    """The options in an engine spec. Raises InvalidArgument naming the option and what it takes."""
    kind, _, rest = spec.partition(":")
    if kind != KIND:
        raise InvalidArgument(f"engine {spec!r}: expected {KIND} or {KIND}:option=value,...")
    found: dict[str, object] = {}
    for item in _OPTION.split(rest) if rest else []:
        option, separator, value = item.partition("=")
        option = option.strip()
        if option not in _READERS:
            raise InvalidArgument(f"engine {spec!r}: {_unknown(option)}")
        if not separator or not value.strip():
            raise InvalidArgument(f"engine {spec!r}: {option} has no value; write {option}=...")
        if option in found:
            raise InvalidArgument(f"engine {spec!r}: {option} is given twice")
        expected, read = _READERS[option]
        try:
            found[option] = read(value.strip())
        except ValueError:
            raise InvalidArgument(
                f"engine {spec!r}: {option} takes {expected}, found {value.strip()!r}"
            ) from None
    return msgspec.convert(found, SimulatedOptions)


def _unknown(option: str) -> str:
    near = difflib.get_close_matches(option, _READERS, n=1)
    guess = f"; did you mean {near[0]}?" if near else ""
    return f"{option!r} is no option of the simulated engine{guess} The options are {', '.join(_READERS)}"


def _number(lowest: float, highest: float) -> Callable[[str], object]:
    def read(text: str) -> object:
        number = float(text)
        if not lowest <= number <= highest:  # refuses nan too
            raise ValueError
        return number

    return read


_READERS: dict[str, tuple[str, Callable[[str], object]]] = {
    "latency_ms": ("milliseconds from 0 to 3600000", _number(0.0, 3_600_000.0)),
    "jitter": ("a fraction of latency_ms from 0 up (0.5 varies it by half)", _number(0.0, 1_000.0)),
    "error_rate": ("a fraction from 0 to 1", _number(0.0, 1.0)),
    "seed": ("a whole number", int),
    "log": ("the path of a file", Path),
}
