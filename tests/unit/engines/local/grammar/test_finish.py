"""An answer can always be brought to a good end: from every prefix, within the reserve."""

import json
import random

import jsonschema
import pytest

from backburner.engines.local.grammar.finish import Finisher, Reading
from backburner.engines.local.grammar.nodes import Alt, Grammar, Lit, Ref, Repeat, chars, seq
from backburner.engines.local.grammar.schema import grammar_of
from backburner.engines.local.grammar.unroll import Endless

from .sampling import SCHEMAS, obj, text_of
from .test_schema import satisfies


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_beginning_can_be_ended_within_the_reserve(name: str) -> None:
    schema = SCHEMAS[name]
    finisher = Finisher(grammar_of(schema))
    chance = random.Random(name)
    reserve = finisher.reserve()
    for _ in range(40):
        whole = text_of(finisher.grammar, chance)
        start = whole[: chance.randint(0, len(whole))]
        reading = Reading(finisher.grammar, start)
        assert reading.possible, start
        if not reading.open:
            continue
        ending = finisher.tightened(reading, reserve)
        assert finisher._tokens(ending.root) <= reserve, (start, ending)
        end = text_of(ending, chance)
        satisfies(start + end, schema)
        assert Reading(finisher.grammar, start + end).complete


def test_with_little_room_strings_get_shorter_ends() -> None:
    finisher = Finisher(grammar_of(obj(a={"type": "string"}, b={"type": "string"})))
    reading = Reading(finisher.grammar, '{"a": "once upon')
    lengths = []
    for tokens in (200, 60, 30, 10):
        ending = finisher.tightened(reading, tokens)
        longest = max(len(text_of(ending, random.Random(seed))) for seed in range(50))
        lengths.append(longest)
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] > lengths[-1]
    assert text_of(finisher.tightened(reading, 1), random.Random(0)) == '", "b": ""}'


def test_an_open_array_is_closed_and_optional_properties_are_left_out() -> None:
    schema = {
        **obj(False, a={"type": "array", "items": {"type": "integer"}}, b={"type": "string"}),
        "required": ["a"],
    }
    finisher = Finisher(grammar_of(schema))
    ending = finisher.tightened(Reading(finisher.grammar, '{"a": [1, 2, 3'), 20)
    for seed in range(20):
        assert json.loads('{"a": [1, 2, 3' + text_of(ending, random.Random(seed)))["a"][:2] == [1, 2]
        assert "b" not in text_of(ending, random.Random(seed))


def test_recursion_takes_the_shortest_way_out() -> None:
    schema = SCHEMAS["tree"]
    finisher = Finisher(grammar_of(schema))
    start = '{"value": 1, "children": [{"value": 2, "children": [{"value": '
    end = text_of(finisher.tightened(Reading(finisher.grammar, start), 1000), random.Random(1))
    jsonschema.validate(json.loads(start + end), schema)
    assert end.count("children") == 1


def test_recursion_is_bounded() -> None:
    grammar = Finisher(grammar_of(SCHEMAS["tree"])).grammar
    deep = '{"value": 1, "children": [' * 40
    assert not Reading(grammar, deep).possible
    assert Reading(grammar, '{"value": 1, "children": [' * 9).possible


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"$defs": {"a": obj(a={"$ref": "#/$defs/a"})}, "$ref": "#/$defs/a"},
    ],
)
def test_a_schema_that_requires_itself_is_known_as_endless(schema: dict[str, object]) -> None:
    with pytest.raises(Endless):
        Finisher(grammar_of(schema))


def test_a_schema_that_is_one_of_its_own_alternatives_is_read_all_the_same() -> None:
    grammar = Finisher(grammar_of({"anyOf": [{"$ref": "#"}, {"type": "null"}]})).grammar
    assert Reading(grammar, "null").complete
    assert not Reading(grammar, "1").possible


def test_reading_knows_good_beginnings_from_wrong_texts() -> None:
    grammar = Grammar(
        seq(Lit("<"), Repeat(chars("ab"), 1, 3), Alt((Lit(">"), Ref("end")))), {"end": Lit("!>")}
    )
    assert Reading(grammar, "").possible
    assert Reading(grammar, "<ab").possible
    assert not Reading(grammar, "<ab").complete
    assert Reading(grammar, "<ab>").complete
    assert Reading(grammar, "<aba!>").complete
    assert not Reading(grammar, "<abab").possible
    assert not Reading(grammar, "<>").possible
    assert not Reading(grammar, "<ab>>").possible


def test_a_long_text_is_read_in_little_time() -> None:
    grammar = Finisher(grammar_of(obj(a={"type": "string"}))).grammar
    text = '{"a": "' + "x\\n" * 20_000
    assert Reading(grammar, text).possible
