"""Put on PYTHONPATH, this makes `time.sleep` short, so that samples that poll every 30 s can be run as they
are. HURRIED_SLEEP_S says how long a sleep lasts at most."""

import os
import time

_sleep = time.sleep
_LONGEST_S = float(os.environ.get("HURRIED_SLEEP_S", "0.05"))


def sleep(seconds: float) -> None:
    _sleep(min(seconds, _LONGEST_S))


time.sleep = sleep
