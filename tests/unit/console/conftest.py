from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doubles.small_house import memory_folder
from tests.doubles.virtual_time import VirtualClock


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    with memory_folder() as folder:
        yield folder


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()
