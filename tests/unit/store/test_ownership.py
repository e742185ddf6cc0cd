import os
import subprocess
import sys
from pathlib import Path

import pytest

from backburner.core.errors import Unavailable
from backburner.store.ownership import Ownership
from backburner.store.stores import Stores

TAKE = "import sys; from pathlib import Path; from backburner.store.ownership import Ownership; "


def test_a_second_owner_is_refused_in_words_that_name_the_first(tmp_path: Path) -> None:
    first = Ownership(tmp_path)
    with pytest.raises(Unavailable) as refused:
        Ownership(tmp_path)
    assert f"in use by process {os.getpid()}" in refused.value.message
    assert "--data" in refused.value.message
    first.release()
    Ownership(tmp_path).release()


def test_a_second_process_is_refused_and_one_that_was_killed_owns_nothing(tmp_path: Path) -> None:
    hold = TAKE + "held = Ownership(Path(sys.argv[1])); print('mine', flush=True); sys.stdin.read()"
    first = subprocess.Popen(
        [sys.executable, "-c", hold, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"mine\n"
        with pytest.raises(Unavailable, match=f"process {first.pid}"):
            Ownership(tmp_path)
        first.kill()
        first.wait()
    Ownership(tmp_path).release()


def test_the_stores_own_their_folder(tmp_path: Path) -> None:
    stores = Stores(tmp_path / "new" / "data")
    with pytest.raises(Unavailable):
        Stores(tmp_path / "new" / "data")
    stores.close()
    Stores(tmp_path / "new" / "data").close()
