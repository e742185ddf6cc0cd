import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from backburner.core.exchange import CallKind
from backburner.engines.local import store
from backburner.engines.local.catalogue import CHAT_MODEL, EMBED_MODEL
from backburner.engines.local.engine import LocalEngine

FAKE = (sys.executable, str(Path(__file__).with_name("fake_child.py")))


def install(models_dir: Path, model: str, kind: CallKind) -> store.Manifest:
    """A model folder that holds nothing but a file, which is all a fake child needs."""
    manifest = store.Manifest(
        format=store.FORMAT,
        id=model,
        kind=kind,
        source="made-up==1",
        sha256={},
        made_with={},
        files={},
        context_tokens=100,
    )
    with store.locked(models_dir):
        made = models_dir / f"{store.TEMPORARY}{model}"
        made.mkdir()
        (made / "weights.bin").write_bytes(b"weights")
        return store.publish(made, models_dir, manifest)


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    """A store with both known models in it, as far as anybody can see from outside."""
    install(tmp_path / "models", CHAT_MODEL, CallKind.CHAT)
    install(tmp_path / "models", EMBED_MODEL, CallKind.EMBED)
    return tmp_path / "models"


@pytest.fixture
async def make(models_dir: Path) -> AsyncIterator[Callable[..., LocalEngine]]:
    """Makes engines on fake children, and stops them."""
    made: list[LocalEngine] = []

    def one(**options: Any) -> LocalEngine:
        engine = LocalEngine(models_dir, child_command=FAKE, **options)
        made.append(engine)
        return engine

    yield one
    for engine in made:
        await engine.stop()
