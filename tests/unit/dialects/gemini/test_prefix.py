"""Plan keys: equal prefixes are neighbours, and a key says nothing past the end of its prompt."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backburner.dialects.prefix import CUTS, EMPTY, Prefix

from .lines import check


def shared(one: bytes, two: bytes) -> int:
    """Leading hashes that two keys have in common; a zero is nothing."""
    count = 0
    for at in range(0, len(one), 4):
        if one[at : at + 4] != two[at : at + 4] or one[at : at + 4] == bytes(4):
            return count
        count += 1
    return count


def key_of(**request: Any) -> bytes:
    found = check({"key": "k", "request": request})
    assert not found.violations
    assert len(found.plan_key) == 64
    return found.plan_key


def text(words: str) -> list[dict[str, Any]]:
    return [{"parts": [{"text": words}]}]


@given(st.binary(max_size=3000), st.binary(max_size=3000), st.binary(max_size=3000))
def test_keys_agree_exactly_as_far_as_the_prompts(start: bytes, one: bytes, two: bytes) -> None:
    left, right = Prefix(start).key(one), Prefix(start).key(two)
    whole_one, whole_two = start + one, start + two
    for at, cut in enumerate(CUTS):
        here = slice(4 * at, 4 * at + 4)
        if cut > len(whole_one):
            assert left[here] == bytes(4)
        else:
            assert left[here] != bytes(4)
            same = cut <= len(whole_two) and whole_one[:cut] == whole_two[:cut]
            assert (left[here] == right[here]) == same


@given(st.binary(max_size=5000), st.integers(0, 5000))
def test_where_the_start_ends_makes_no_difference(prompt: bytes, at: int) -> None:
    assert Prefix(prompt[:at]).key(prompt[at:]) == Prefix().key(prompt)


def test_short_prompts_share_one_key() -> None:
    assert key_of(contents=text("a")) == key_of(contents=text("b")) == EMPTY


def test_a_shared_system_instruction_makes_neighbours() -> None:
    system = {"parts": [{"text": "rule " * 300}]}
    one = key_of(contents=text("a" * 900), systemInstruction=system)
    two = key_of(contents=text("b" * 900), system_instruction=system)
    other = key_of(contents=text("a" * 900), systemInstruction={"parts": [{"text": "law " * 300}]})
    assert shared(one, two) == 3  # 256, 512 and 1,024 of the 1,500 bytes they share
    assert shared(one, other) == 0
    assert sorted([one, other, two]) in (
        [one, two, other],
        [two, one, other],
        [other, one, two],
        [other, two, one],
    )


def test_images_count_by_their_content() -> None:
    def with_image(data: str, question: str) -> bytes:
        image = {"inlineData": {"mimeType": "image/png", "data": data}}
        return key_of(contents=[{"parts": [{"text": "look " * 60}, image, {"text": question}]}])

    question = "what is it? " * 20
    one, same = with_image("A" * 4000, question + "q" * 900), with_image("A" * 4000, question + "r" * 900)
    other = with_image("B" * 4000, question + "q" * 900)
    assert shared(one, same) == 2
    assert shared(one, other) == 1


def test_the_tools_and_the_cache_stand_in_the_prefix() -> None:
    tools = [{"functionDeclarations": [{"name": "f", "description": "d" * 600}]}]
    assert shared(key_of(contents=text("a"), tools=tools), key_of(contents=text("b"), tools=tools)) == 2
    cached = key_of(contents=text("a" * 600), cachedContent="cachedContents/x")
    assert shared(cached, key_of(contents=text("a" * 600), cachedContent="cachedContents/y")) == 0


def test_the_same_request_in_both_spellings_has_the_same_key() -> None:
    long = "word " * 200
    image = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    snake = {"inline_data": {"mime_type": "image/png", "data": "AAAA"}}
    assert key_of(contents=[{"parts": [image, {"text": long}]}]) == key_of(
        contents=[{"parts": [snake, {"text": long}]}]
    )
    assert json.dumps(image) != json.dumps(snake)
