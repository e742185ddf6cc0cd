import urllib.request

import msgspec

from tests.doubles.recording_server import RecordingServer


def test_it_serves_tests_without_a_loop() -> None:
    with RecordingServer().in_thread() as server:
        body = msgspec.json.encode(
            {"model": "chat-model", "messages": [{"role": "user", "content": "hello"}]}
        )
        url = f"{server.base_url}/chat/completions"
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=5) as reply:
            answer = msgspec.json.decode(reply.read())
    assert answer["choices"][0]["message"]["content"] == "hello"
    assert [each.raw for each in server.chats] == [body]
