"""The only door to the optional runtime libraries (the `local` extra), opened inside children and conversions.

`openvino` drags in `openvino-telemetry`, whose model converter reports to Google Analytics unless a consent
file says no. We make that package impossible to import before openvino is first imported; openvino then falls
back to its own empty stub. Nothing is written to the user's home, nothing can be sent (design, section 6).
"""

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any

from backburner.core.errors import Unavailable

NEEDED = ("openvino", "openvino_genai", "openvino_tokenizers", "gguf", "tokenizers", "numpy")
MISSING = "the embedded engine is not installed; run: pip install 'backburner[local]'"
TELEMETRY = "openvino_telemetry"


def missing() -> list[str]:
    """The libraries of the `local` extra that this Python does not have. Imports none of them."""
    return [name for name in NEEDED if importlib.util.find_spec(name) is None]


def require() -> None:
    """Raises Unavailable, with the command to run, when the `local` extra is not installed."""
    lacking = missing()
    if lacking:
        raise Unavailable(f"{MISSING} (missing: {', '.join(lacking)})", reason="ENGINE_NOT_INSTALLED")


def silence_telemetry() -> None:
    """Must run before openvino is imported; afterwards `import openvino_telemetry` raises ImportError."""
    loaded = sys.modules.get(TELEMETRY)
    if loaded is not None:
        raise AssertionError("openvino_telemetry was imported before runtime.silence_telemetry()")
    sys.modules[TELEMETRY] = None  # type: ignore[assignment]  # the import system's own way to say "not there"


def load(name: str) -> Any:
    """One of the runtime's modules. Raises Unavailable when the extra is not installed."""
    if name not in sys.modules:
        require()
        silence_telemetry()
    module: ModuleType = importlib.import_module(name)
    return module
