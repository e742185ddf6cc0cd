"""A job whose duplicates run once has the results that it would have without, in every dialect."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backburner.core.job import Job
from backburner.core.request import Saved, Usage
from backburner.engines.simulated import SimulatedEngine
from backburner.engines.simulated_options import SimulatedOptions
from tests.doubles.small_house import memory_folder, run_to_end, running
from tests.doubles.virtual_time import VirtualClock, run

OWN = frozenset(("id", "request_id", "responseId"))
ASKED = st.lists(
    st.fixed_dictionaries(
        {
            "text": st.sampled_from("abc"),
            "temperature": st.sampled_from([0, 1]),
            "most": st.sampled_from([1, 9]),
        }
    ),
    min_size=1,
    max_size=12,
)


def gemini(n: int, asked: Any) -> Any:
    config = {"temperature": asked["temperature"], "maxOutputTokens": asked["most"]}
    if n % 2:  # the order of members says nothing
        config = dict(reversed(config.items()))
    request = {"contents": [{"parts": [{"text": f"say {asked['text']} twice"}]}], "generationConfig": config}
    return {"key": f"k{n}", "request": request}


def chat(n: int, asked: Any) -> Any:
    body = {"model": "m", "temperature": asked["temperature"], "max_tokens": asked["most"]}
    body["messages"] = [{"role": "user", "content": f"say {asked['text']} twice"}]
    return {"custom_id": f"k{n}", "method": "POST", "url": "/v1/chat/completions", "body": body}


def message(n: int, asked: Any) -> Any:
    params = {"model": "m", "temperature": asked["temperature"], "max_tokens": asked["most"]}
    params["messages"] = [{"role": "user", "content": f"say {asked['text']} twice"}]
    return {"custom_id": f"k{n}", "params": params}


def shared(asked: list[Any]) -> int:
    """How many need no call: the answers that are cut at one token are nobody else's."""
    whole = [(x["text"], x["most"]) for x in asked if x["temperature"] == 0 and x["most"] > 1]
    return len(whole) - len(set(whole))


def bare(value: Any) -> Any:
    """Without the ids that belong to one request of one job."""
    if isinstance(value, dict):
        return {name: bare(item) for name, item in value.items() if name not in OWN and name != "created"}
    return [bare(item) for item in value] if isinstance(value, list) else value


def ids(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [x for name, item in value.items() for x in ([item] if name in OWN else ids(item))]
    return [x for item in value for x in ids(item)] if isinstance(value, list) else []


def run_both(dialect: str, lines: list[bytes], extras: dict[str, object]) -> list[tuple[Job, Any]]:
    found: list[tuple[Job, Any]] = []

    async def main() -> None:
        with memory_folder() as folder:
            clock = VirtualClock()
            engine = SimulatedEngine("simulated", SimulatedOptions(latency_ms=50, jitter=0.9), clock)
            async with running(folder, engine, clock) as house:
                for reuse in (False, True):
                    draft = {"dialect": dialect, "extras": extras, "reuse_duplicates": reuse}
                    found.append(await run_to_end(house, lines, **draft))

    run(main)
    return found


@pytest.mark.parametrize(
    ("dialect", "line", "extras"),
    [
        ("gemini", gemini, {}),
        ("openai", chat, {"endpoint": "/v1/chat/completions"}),
        ("anthropic", message, {}),
    ],
)
def test_results_are_the_same_whether_duplicates_run_or_not(
    dialect: str, line: Callable[[int, Any], Any], extras: dict[str, object]
) -> None:
    @settings(max_examples=25, deadline=None)
    @given(ASKED)
    def same(asked: list[Any]) -> None:
        lines = [msgspec.json.encode(line(n, x)) for n, x in enumerate(asked)]
        (plain, expected), (reused, results) = run_both(dialect, lines, extras)
        assert bare(results) == bare(expected)
        assert (plain.counts, plain.saved) == (reused.counts, Saved())
        assert reused.saved.calls == shared(asked)
        used = [plain.usage, reused.usage, reused.saved.usage]
        assert used[0] == Usage(used[1].prompt + used[2].prompt, 0, used[1].output + used[2].output)
        everyones = [one for result in results for one in ids(result)]
        assert len(set(everyones)) == len(everyones), "each has ids of its own"

    same()
