"""JSON as Google's parser takes it: strict first; then single quotes, bare keys, trailing commas (contract 0.5).

The documentation's own shell commands put single-quoted JSON on the wire, and one of them an unquoted
`files/123456` after file_name. The lenient reading is linear in the body and bounded in size and depth;
everything else is refused with line, column, what was expected and what was found.
"""

import re

import msgspec

from backburner.core.exchange import Json
from backburner.dialects.report import quoted
from backburner.dialects.strict_json import JsonError, decode_strict

LENIENT_BYTES = 1024 * 1024  # a body written by hand is smaller; larger ones must be strict JSON
MOST_NESTED = 100

_BLANK = re.compile(r"[ \t\r\n]*")
_PLAIN = {"'": re.compile(r"[^'\\\n]*"), '"': re.compile(r'[^"\\\n]*')}
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,300})(?:\.\d{1,300})?(?:[eE][+-]?\d{1,4})?(?![\w.])")
_WORD = re.compile(r"[A-Za-z_$][\w$]*")
_FILE = re.compile(r"(?:https?://[^\s'\",{}\[\]]+|files/[\w./:-]+)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "/": "/", "\\": "\\", '"': '"', "'": "'"}
_HEX = re.compile(r"[0-9A-Fa-f]{4}")
_WORDS = {"true": True, "false": False, "null": None}
_FILE_KEYS = frozenset(("file_name", "fileName"))


def decode(body: bytes) -> Json:
    """The value of a request body. Raises JsonError."""
    try:
        return decode_strict(body)
    except JsonError as strict:
        if len(body) > LENIENT_BYTES:
            raise
        try:
            text = body.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise strict from None
        return _Reader(text).whole()


class _Reader:
    """Recursive descent over one text; every step moves forward."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def whole(self) -> Json:
        value = self.value(0, "")
        self.blank()
        if self.at < len(self.text):
            raise self.wrong("the end of the body")
        return value

    def blank(self) -> str:
        match = _BLANK.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.text[self.at : self.at + 1]

    def wrong(self, expected: str, instead: str = "") -> JsonError:
        before = self.text[: self.at]
        column = self.at - (before.rfind("\n") + 1) + 1
        found = self.text[self.at : self.at + 1]
        return JsonError(
            before.count("\n") + 1, column, expected, repr(found) if found else "the end", instead
        )

    def value(self, depth: int, key: str) -> Json:
        if depth > MOST_NESTED:
            raise self.wrong(f"at most {MOST_NESTED} levels of nesting")
        first = self.blank()
        if first == "{":
            return self.members(depth)
        if first == "[":
            return self.entries(depth)
        if first in ("'", '"'):
            return self.string(first)
        number = _NUMBER.match(self.text, self.at)
        return self.number(number.group()) if number else self.word(key)

    def number(self, digits: str) -> Json:
        try:
            found = msgspec.json.decode(digits.encode())
        except msgspec.DecodeError:
            raise self.wrong("a number that fits 64 bits") from None
        self.at += len(digits)
        return found

    def word(self, key: str) -> Json:
        if key in _FILE_KEYS:
            file = _FILE.match(self.text, self.at)
            if file:
                self.at = file.end()
                return file.group()
        word = _WORD.match(self.text, self.at)
        if word and word.group() in _WORDS:
            self.at = word.end()
            return _WORDS[word.group()]
        raise self.wrong("a value", "Put strings into double quotes" if word else "")

    def members(self, depth: int) -> Json:
        self.at += 1
        out: dict[str, Json] = {}
        while True:
            first = self.blank()
            if first == "}":
                self.at += 1
                return out
            key = self.key(first)
            if self.blank() != ":":
                raise self.wrong(f"':' after {quoted(key)}")
            self.at += 1
            out[key] = self.value(depth + 1, key)
            if self.blank() == ",":
                self.at += 1
            elif self.blank() != "}":
                raise self.wrong("',' or '}'")

    def key(self, first: str) -> str:
        if first in ("'", '"'):
            return self.string(first)
        word = _WORD.match(self.text, self.at)
        if not word:
            raise self.wrong("a member's name or '}'")
        self.at = word.end()
        return word.group()

    def entries(self, depth: int) -> Json:
        self.at += 1
        out: list[Json] = []
        while True:
            if self.blank() == "]":
                self.at += 1
                return out
            out.append(self.value(depth + 1, ""))
            if self.blank() == ",":
                self.at += 1
            elif self.blank() != "]":
                raise self.wrong("',' or ']'")

    def string(self, quote: str) -> str:
        self.at += 1
        pieces: list[str] = []
        while True:
            plain = _PLAIN[quote].match(self.text, self.at)
            if plain:
                pieces.append(plain.group())
                self.at = plain.end()
            char = self.text[self.at : self.at + 1]
            if char == quote:
                self.at += 1
                return self.whole_string(pieces)
            if char != "\\":
                raise self.wrong(f"the closing {quote}")
            pieces.append(self.escape())

    def escape(self) -> str:
        char = self.text[self.at + 1 : self.at + 2]
        if char == "u" and _HEX.match(self.text, self.at + 2):
            code = int(self.text[self.at + 2 : self.at + 6], 16)
            self.at += 6
            return chr(code)
        if char not in _ESCAPES:
            raise self.wrong("an escape such as \\n or \\u0041")
        self.at += 2
        return _ESCAPES[char]

    def whole_string(self, pieces: list[str]) -> str:
        text = "".join(pieces)
        if not text.isascii():
            try:
                return text.encode("utf-16", "surrogatepass").decode("utf-16")
            except UnicodeDecodeError:
                raise self.wrong("a whole surrogate pair (\\ud83d\\ude00)") from None
        return text
