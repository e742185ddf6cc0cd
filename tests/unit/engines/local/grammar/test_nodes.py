"""How grammars are printed, where the reader of xgrammar's EBNF would go wrong."""

from backburner.engines.local.grammar.nodes import (
    NOTHING,
    Alt,
    Grammar,
    Lit,
    Ref,
    Repeat,
    Seq,
    alt,
    chars,
    ebnf,
    seq,
)


def root(node: object) -> str:
    return ebnf(Grammar(node)).removeprefix("root ::= ").strip()  # type: ignore[arg-type]


def test_quotes_and_backslashes_are_escaped() -> None:
    assert root(Lit('{"a\\b": ')) == '"{\\"a\\\\b\\": "'


def test_a_character_that_would_run_into_a_hexadecimal_digit_becomes_a_class() -> None:
    assert root(Lit("ße")) == '"" [\\u00df] "e"' or root(Lit("ße")) == '[\\u00df] "e"'
    assert root(Lit("grüße an")) == '"grü" [\\u00df] "e an"'
    assert root(Lit("größ")) == '"größ"'
    assert root(Lit("🎉5")).endswith('[\\U0001f389] "5"')


def test_classes_are_numbers_throughout() -> None:
    assert root(chars("_]", ("a", "z"))) == "[\\u005d\\u005f\\u0061-\\u007a]"
    assert root(chars('"', negated=True)) == "[^\\u0022]"


def test_repetition() -> None:
    digit = chars("", ("0", "9"))
    printed = [root(Repeat(digit, *bounds)) for bounds in ((0, None), (1, None), (3, None), (0, 1), (2, 5))]
    assert [one.removeprefix("[\\u0030-\\u0039]") for one in printed] == ["*", "+", "{3,}", "?", "{2,5}"]
    assert root(Repeat(Seq((Lit("a"), digit)), 0, 2)).startswith('("a" [')
    assert root(Repeat(digit, 2, 500, costly=True)).endswith("{2,}")


def test_alternatives_keep_their_brackets() -> None:
    assert root(Alt((Lit("a"), Lit("b")))) == '"a" | "b"'
    assert root(Seq((Alt((Lit("a"), Ref("r"))), Lit("c")))) == '("a" | r) "c"'
    assert root(Alt((Lit("a"), NOTHING))) == '"a" | ""'


def test_literals_that_meet_become_one_and_equal_alternatives_too() -> None:
    assert seq(Lit("a"), Seq((Lit("b"), Ref("r"))), NOTHING, Lit("")) == Seq((Lit("ab"), Ref("r")))
    assert alt([Lit("a"), Lit("a")]) == Lit("a")
