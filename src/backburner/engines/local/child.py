"""A child process: one model, one thread, one loop. Started by `supervisor.py`.

    python -m backburner.engines.local.child '{"kind":"chat","model_dir":...}'

It ends when its parent does: by the end of the stream, and on Linux also by a signal from the kernel, so
that a long native call cannot outlive a parent killed with -9. It ignores Ctrl-C, which a terminal sends to
the whole group: the parent drains and then closes the stream.
"""

import ctypes
import os
import signal
import sys

from backburner.core.exchange import CallKind
from backburner.engines.local.setup import Setup, setup_of
from backburner.engines.local.wire import ParentGone, Wire

_PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """Asks Linux to kill this process when its parent dies. Elsewhere the stream's end has to do."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died before we asked
            sys.exit(0)


def run(setup: Setup, wire: Wire) -> None:
    """Serves the model until the parent is gone."""
    if setup.kind is CallKind.CHAT:
        from backburner.engines.local.chat import ChatLoop
        from backburner.engines.local.pipeline import Pipeline

        ChatLoop(setup, wire, Pipeline(setup)).run()
    else:
        from backburner.engines.local.embed import EmbedLoop
        from backburner.engines.local.embedder import Embedder

        EmbedLoop(setup, wire, Embedder(setup)).run()


def main(arguments: list[str]) -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    setup = setup_of(arguments[0])
    die_with(setup.parent)
    try:
        run(setup, Wire(setup.socket))
    except ParentGone:
        # Native threads and pools are still alive; their orderly destruction takes seconds and helps nobody.
        sys.stderr.flush()
        os._exit(0)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
