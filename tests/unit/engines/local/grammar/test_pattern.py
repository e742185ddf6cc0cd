import json
import random
import re

import pytest

from backburner.engines.local.grammar.finish import Reading
from backburner.engines.local.grammar.nodes import Grammar
from backburner.engines.local.grammar.pattern import FORMATS, WrongPattern, of_pattern

from .sampling import text_of

PATTERNS = [
    r"^[A-Z]{3}-\d{2,4}$",
    r"^(?:red|green|blue)( \w+)?$",
    r"a.b|c*?|d+",
    r"^[^a-f]{4}$",
    r"\W\D\S",
    r"^[\W\d]+$",
    r'^"[\\/]"$',
    r"^\.\*\+\?\(\)\[\]\{\}\^\$$",
    r"^(a(b(c)?)?)?$",
    r"^[äöü☃]+$",
    r"^(?P<year>\d{4})$",
    *FORMATS.values(),
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_what_the_grammar_allows_the_expression_matches(pattern: str) -> None:
    grammar = Grammar(of_pattern(pattern))
    chance = random.Random(pattern)
    for _ in range(100):
        inside = text_of(grammar, chance)
        text = json.loads(f'"{inside}"')  # what stands between the quotes is good JSON
        assert re.search(pattern, text), (pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text", "good"),
    [
        (r"^\d{3}$", "123", True),
        (r"^\d{3}$", "12", False),
        (r"^a|b$", "b", True),
        (r"^[^\s]+$", "ab", True),
        (r"^[^\s]+$", "a b", False),
        (r"^x{2,}$", "xxxxx", True),
        (r"^x{2,}$", "x", False),
        (r'^"$', '\\"', True),
    ],
)
def test_a_whole_string_is_matched(pattern: str, text: str, good: bool) -> None:
    assert Reading(Grammar(of_pattern(pattern)), text).complete is good


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (r"(?=x)", "ASSERT"),
        (r"(?<!x)y", "ASSERT_NOT"),
        (r"\bword\b", "AT_BOUNDARY"),
        (r"(x)\1", "GROUPREF"),
        (r"(?i:x)", "flags"),
        (r"x{2000}", "more than 512"),
        (r"[\n\t]", "escapes"),
        (r"[^\D]", "brackets"),
        (r"*", "not a regular expression"),
    ],
)
def test_what_no_grammar_can_hold_is_refused(pattern: str, words: str) -> None:
    with pytest.raises(WrongPattern) as caught:
        of_pattern(pattern)
    assert words in str(caught.value)
