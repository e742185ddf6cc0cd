"""What every test may ask for. Rooms of tests have their own conftest beside this one."""

import os
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]
MODELS = Path(os.environ.get("BACKBURNER_TEST_MODELS") or REPO / ".cache" / "models")


@pytest.fixture(scope="session")
def models_folder() -> Path:
    """Where the embedded models lie; `make models` fetches them."""
    if not MODELS.is_dir():
        pytest.fail(f"no embedded models in {MODELS}: run `make models`")
    return MODELS
