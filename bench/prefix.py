"""Eight templates of 600 tokens, shuffled, on the embedded model: in the order of the plan and as submitted.

The same service twice, once with a plan that keeps the input's order: the policy is replaced inside a process of the
bench, so that no such setting need exist. Tokens are those that the engine says it had in its cache.
"""

import random
import time
from pathlib import Path
from typing import Any

from bench.rows import REPO, Row, skipped
from bench.service import asking, folder, job, upload, write_lines
from tests.conftest import MODELS
from tests.e2e.server import Server

from backburner.config import CHAT_MODEL

TEMPLATES, WORDS, TOKENS = 8, 450, 16
VOCABULARY = (
    "river",
    "stone",
    "garden",
    "winter",
    "market",
    "silver",
    "letter",
    "bridge",
    "morning",
    "teacher",
    "window",
)


def lines(each: int, run: int) -> list[dict[str, Any]]:
    chance = random.Random(run)
    made: list[dict[str, Any]] = []
    for template in range(TEMPLATES):
        words = random.Random(f"{run} {template}")
        prefix = " ".join(words.choice(VOCABULARY) for _ in range(WORDS))
        made += [
            asking(
                f"{prefix}\n\nQuestion {n}: which word comes first?", maxOutputTokens=TOKENS, temperature=0
            )
            for n in range(each)
        ]
    chance.shuffle(made)
    return made


def ran(made: Path, each: int, run: int, planned: bool) -> tuple[float, int, int]:
    """Seconds, prompt tokens, and how many of those were cached."""
    options = ("--no-pull",)
    server = Server(made, engine=None, options=options, environment={} if planned else UNPLANNED)
    server.start()
    try:
        warm = write_lines(made / "warm.jsonl", [asking("Hello.", maxOutputTokens=2)])
        _ended(server, upload(server, warm))
        file = upload(server, write_lines(made / "in.jsonl", lines(each, run)))
        begun = time.perf_counter()
        found = _ended(server, file)
        usage = found["usage"]
        return time.perf_counter() - begun, usage["prompt_tokens"], usage["cached_tokens"]
    finally:
        server.kill()


def _ended(server: Server, file: str) -> dict[str, Any]:
    from bench.service import create, ended

    id_ = create(server, file)
    ended(server, id_)
    return job(server, id_)


# A server whose process takes this in at its start runs requests as they were submitted: see bench/unplanned.
UNPLANNED = {"PYTHONPATH": str(REPO / "bench" / "unplanned")}


def measure(quick: bool) -> list[Row]:
    if not (MODELS / CHAT_MODEL).exists():
        return [skipped("prefix", "shared prefixes", "the models are not there: make models")]
    each = 6 if quick else 60
    with folder() as made:
        (made / "plan").mkdir()
        (made / "submitted").mkdir()
        plan_s, prompt, plan_cached = ran(made / "plan", each, 1, planned=True)
        submitted_s, _, submitted_cached = ran(made / "submitted", each, 1, planned=False)
    count = TEMPLATES * each
    how = f"{TEMPLATES} templates of about 600 tokens, {each} requests each, shuffled, {TOKENS} tokens of answer;"
    return [
        Row(
            name="prefix-rate",
            what="answers with shared prefixes, in the order of the plan",
            unit="/s",
            runs=[count / plan_s],
            against="as submitted",
            beside=[count / submitted_s],
            how=how,
        ),
        Row(
            name="prefix-tokens",
            what="prompt tokens really computed, in the order of the plan",
            unit=f"of {prompt:,}",
            runs=[prompt - plan_cached],
            against="as submitted",
            beside=[prompt - submitted_cached],
            how=how,
        ),
    ]
