"""engine_room: only engines that something leads to are built, and a rule to nowhere is refused."""

import pytest

from backburner.config import EngineSettings, Settings
from backburner.core.clock import SystemClock
from backburner.core.errors import InvalidArgument
from backburner.engine_room import build_engines

VLLM = EngineSettings(kind="openai", base_url="http://127.0.0.1:9/v1")


def names(settings: Settings) -> list[str]:
    return [engine.name for engine in build_engines(settings, SystemClock())[0]]


def test_the_embedded_engine_is_there_unless_told_otherwise() -> None:
    assert names(Settings()) == ["local"]
    assert names(Settings(engines={"vllm": VLLM}, models={"gemini-2.5-*": "vllm/x"})) == ["local", "vllm"]


def test_an_engine_that_takes_every_name_leaves_the_embedded_one_out() -> None:
    assert names(Settings(engines={"vllm": VLLM}, models={"*": "vllm/x"})) == ["vllm"]
    assert names(Settings(engines={"vllm": VLLM}, engine="vllm")) == ["vllm"]
    assert names(Settings(engine="simulated")) == ["simulated"]


def test_the_users_rules_come_before_ours() -> None:
    _, rules = build_engines(
        Settings(engines={"vllm": VLLM}, models={"*embedding*": "vllm/e"}), SystemClock()
    )
    assert [(rule.pattern, rule.engine) for rule in rules][:2] == [
        ("*embedding*", "vllm"),
        ("*embedding*", "local"),
    ]


def test_a_rule_to_an_engine_that_is_not_there_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="vlm"):
        build_engines(Settings(models={"a": "vlm/x"}), SystemClock())
