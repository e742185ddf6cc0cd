"""The runtime's telemetry cannot speak, and a missing extra is said in words."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from backburner.core.errors import Unavailable
from backburner.engines.local import runtime

# Opens the runtime the way children do, goes looking for every way to send, and lists what it found.
LOOK = """
import builtins, socket, sys
opened = []
class Watched(socket.socket):
    def connect(self, address):
        opened.append(address)
    connect_ex = connect
socket.socket = Watched
from backburner.engines.local import runtime
openvino = runtime.load("openvino")
runtime.load("openvino_genai")
try:
    import openvino_telemetry
    print("telemetry can be imported")
except ImportError:
    pass
from openvino.tools.ovc import telemetry_utils, utils
for module in (telemetry_utils, utils):
    if module.tm.__name__ != "openvino.tools.ovc.telemetry_stub":
        print(module.__name__, "speaks through", module.tm.__name__)
telemetry_utils.init_ovc_telemetry()
telemetry_utils.send_conversion_result("success", need_shutdown=True)
print("connected to", opened) if opened else None
print("looked")
"""


@pytest.mark.skipif(bool(runtime.missing()), reason="needs the local extra")
def test_telemetry_is_off(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "CI"} | {
        "HOME": str(tmp_path)
    }
    done = subprocess.run(
        [sys.executable, "-c", LOOK], capture_output=True, text=True, env=environment, check=False
    )
    assert done.stdout == "looked\n", done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []  # no consent file, no client id


def test_silencing_too_late_is_a_bug_that_shows() -> None:
    code = (
        "import sys, types\n"
        "sys.modules['openvino_telemetry'] = types.ModuleType('openvino_telemetry')\n"
        "from backburner.engines.local import runtime\n"
        "runtime.silence_telemetry()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode
    assert "before runtime.silence_telemetry()" in done.stderr


def test_what_is_missing_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "NEEDED", ("sys", "no_such_library"))
    with pytest.raises(Unavailable) as caught:
        runtime.require()
    assert "no_such_library" in caught.value.message
    assert "pip install 'backburner[local]'" in caught.value.message


def test_the_engine_imports_nothing_of_the_runtime() -> None:
    code = (
        "import sys\n"
        "import backburner.engines.local.engine, backburner.engines.local.weights\n"
        f"found = [name for name in {runtime.NEEDED!r} if name in sys.modules]\n"
        "sys.exit(', '.join(found) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
