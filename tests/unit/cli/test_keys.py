import asyncio
from pathlib import Path

import pytest

from backburner.core.clock import SystemClock
from backburner.core.errors import Unauthenticated
from backburner.core.lanes import Lanes
from backburner.service.keys import KeyService
from backburner.store.catalog import Catalog
from backburner.store.keys import Keys
from tests.unit.cli.command import Command


@pytest.fixture
def running(tmp_path: Path) -> KeyService:
    """The key service of a server that runs on the folder while keys are made and revoked."""
    return KeyService(SystemClock(), Keys(Catalog(tmp_path / "data" / "catalog.db")), Lanes.inline())


def tenant(service: KeyService, key: str | None) -> str:
    return asyncio.run(service.asker(key)).tenant


def test_a_running_server_notices_new_and_revoked_keys(
    command: Command, running: KeyService, tmp_path: Path
) -> None:
    data = ("--data", tmp_path / "data")
    assert tenant(running, None) == "default"
    made = command("keys", "create", "--tenant", "research", "--name", "laptop", *data)
    assert made.code == 0
    key = made.out.strip()
    assert running.required
    assert tenant(running, key) == "research"
    with pytest.raises(Unauthenticated):
        tenant(running, None)

    listed = command("keys", "list", *data)
    assert key not in listed.out
    row = listed.out.splitlines()[1].split()
    assert row[1:3] == ["research", "laptop"]
    assert row[-1] == "live"

    revoked = command("keys", "revoke", row[0], *data)
    assert revoked.code == 0
    with pytest.raises(Unauthenticated):
        tenant(running, key)
    assert "revoked" in command("keys", "list", *data).out


def test_revoking_the_last_key_does_not_open_the_door(
    command: Command, running: KeyService, tmp_path: Path
) -> None:
    data = ("--data", tmp_path / "data")
    command("keys", "create", *data)
    start = command("keys", "list", *data).out.splitlines()[1].split()[2]
    assert start.startswith("bb-")
    ran = command("keys", "revoke", start, *data)
    assert "refuses every call" in ran.err
    with pytest.raises(Unauthenticated):
        tenant(running, "anything")


def test_only_the_key_goes_to_stdout(command: Command, tmp_path: Path) -> None:
    ran = command("keys", "create", "--data", tmp_path / "new")
    assert ran.out.startswith("bb-")
    assert ran.out.count("\n") == 1
    assert "shown this once" in ran.err


def test_keys_of_a_folder_that_no_server_used(command: Command, tmp_path: Path) -> None:
    for words in (["list"], ["revoke", "x"]):
        ran = command("keys", *words, "--data", tmp_path / "nothing")
        assert ran.code == 2
        assert str(tmp_path / "nothing") in ran.err
    assert not (tmp_path / "nothing").exists()


def test_an_unknown_key_and_a_bad_tenant_are_refused(command: Command, tmp_path: Path) -> None:
    data = ("--data", tmp_path / "data")
    assert "tenant" in command("keys", "create", "--tenant", "a/b", *data).err
    ran = command("keys", "revoke", "nope", *data)
    assert (ran.code, "nope" in ran.err) == (2, True)
