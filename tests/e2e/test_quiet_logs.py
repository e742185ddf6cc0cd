"""The log never holds a prompt, an answer or a key, however wrong the call: canaries are sent everywhere, then looked
for in all that the server printed, at its most talkative."""

import json
from pathlib import Path

from tests.doubles.receiver import Receiver
from tests.e2e.server import Server

PROMPT, WRONG_KEY, MADE_UP = "CANARY-prompt-7f3a", "bb-CANARY-key-91c2", "CANARY-metadata-55d0"


def batch(**more: object) -> dict[str, object]:
    line = {"request": {"contents": [{"parts": [{"text": PROMPT}]}]}, "metadata": {"key": MADE_UP}}
    return {
        "batch": {"displayName": MADE_UP, "inputConfig": {"requests": {"requests": [line, line]}}, **more}
    }


def test_no_canary_is_in_the_log(tmp_path: Path) -> None:
    (tmp_path / "backburner.toml").write_text(
        'webhook_networks = ["127.0.0.0/8"]\nengine = "simulated:error_rate=0.5,seed=3"\n'
    )
    server = Server(tmp_path, engine=None, options=("--config", "backburner.toml", "--log-level", "debug"))
    key = server.made_key()
    server.start()
    mine, theirs = {"x-goog-api-key": key}, {"x-goog-api-key": WRONG_KEY}
    generate = "/v1beta/models/gemini-2.5-flash"
    plain = {"contents": [{"parts": [{"text": PROMPT}]}]}
    try:
        with Receiver(500).in_thread() as receiver:
            hook = {"uris": [f"{receiver.url}?token={MADE_UP}"], "userMetadata": {"x": MADE_UP}}
            made = server.http("POST", f"{generate}:batchGenerateContent", batch(webhookConfig=hook), mine)
            assert made.status == 200
            assert receiver.arrived.acquire(timeout=60)
        for body in (
            batch(webhookConfig={"uris": [f"http://10.0.0.1/{MADE_UP}"]}),
            batch(after=[MADE_UP]),
            {
                "batch": {
                    "inputConfig": {
                        "requests": {"requests": [{"request": {"contents": PROMPT, "x": PROMPT}}]}
                    }
                }
            },
            f'{{"batch": {PROMPT}'.encode(),
        ):
            assert server.http("POST", f"{generate}:batchGenerateContent", body, mine).status >= 400
        server.http("POST", f"{generate}:generateContent?key={key}", plain)
        server.http("POST", f"{generate}:streamGenerateContent?key={WRONG_KEY}&alt=sse", plain)
        server.http("POST", f"{generate}:generateContent", plain, theirs)
        chat = {"model": "gpt-4o", "messages": [{"role": "user", "content": PROMPT}], "made_up": MADE_UP}
        server.http("POST", "/openai/v1/chat/completions", chat, {"authorization": f"Bearer {key}"})
        message = {"model": "claude-x", "max_tokens": 9, "messages": [{"role": "user", "content": PROMPT}]}
        server.http("POST", "/anthropic/v1/messages", message, {"x-api-key": key})
        native = {"model": "m", "requests": [json.loads(json.dumps(plain))], "display_name": MADE_UP}
        server.http("POST", "/api/v1/jobs", native, mine)
        secret = server.http("GET", "/api/v1/webhooks/secret", headers=mine).json["secret"]
        server.http("GET", f"/api/v1/nothing/{PROMPT}?key={key}")
    finally:
        server.stop()
    words = server.words()
    assert "event=job_state" in words and "event=webhook_tried" in words
    found = [x for x in (PROMPT, WRONG_KEY, MADE_UP, key, secret) if x in words]
    assert found == [], [line for line in words.splitlines() if any(x in line for x in found)][:5]
