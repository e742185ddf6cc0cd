import msgspec

from backburner.core.request import line_of


def test_a_result_line_is_the_echo_and_the_body() -> None:
    line = line_of(b'"key":"a","metadata":{"x":1}', b'"response":{"y":2}')
    assert msgspec.json.decode(line) == {"key": "a", "metadata": {"x": 1}, "response": {"y": 2}}


def test_a_request_without_label_has_a_result_without_label() -> None:
    assert line_of(b"", b'"error":{}') == b'{"error":{}}'
