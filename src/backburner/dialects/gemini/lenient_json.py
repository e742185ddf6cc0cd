"""JSON as Google's parser takes it: strict first; then single quotes, bare keys, trailing commas (contract 0.5).

The documentation's own shell commands put single-quoted JSON on the wire, and one of them an unquoted
`files/123456` after file_name. The lenient reading is linear in the body and bounded in size and depth;
everything else is refused with line, column, what was expected and what was found.
"""

import re

import msgspec

from backburner.core.exchange import Json
from backburner.dialects.gemini.report import quoted

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
_HUGE = re.compile(rb"-?(?:\d{300,}|\d+(?:\.\d+)?[eE]\+?\d{3,})")
_BYTE = re.compile(r"\(byte (\d+)\)")


class JsonError(Exception):
    """`line` and `column` are 1-based, in characters."""

    def __init__(self, line: int, column: int, expected: str, found: str, instead: str = "") -> None:
        self.line, self.column = line, column
        self.expected, self.found, self.instead = expected, found, instead
        super().__init__(self.sentence())

    def sentence(self) -> str:
        where = f"line {self.line}, column {self.column}" if self.line > 1 else f"column {self.column}"
        return f"not valid JSON: {where}: expected {self.expected}, found {self.found}"


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


def decode_strict(body: bytes | msgspec.Raw) -> Json:
    """A value of standard JSON. Raises JsonError."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise explained(bytes(body), error) from None


def explained(body: bytes, error: Exception) -> JsonError:
    """A decoder's complaint about `body`, with the place and what stands there."""
    words = str(error)
    if isinstance(error, UnicodeDecodeError):
        return _not_utf8(body)
    if isinstance(error, RecursionError):
        return JsonError(1, 1, "at most a few hundred levels of nesting", "more")
    if "truncated" in words:
        return _at(body, len(body), "the rest of the JSON value", "the end")
    if "out of range" in words:
        number = _HUGE.search(body)
        return _at(
            body, number.start() if number else 0, "a number that fits 64 bits", "a number out of range"
        )
    match = _BYTE.search(words)
    place = min(int(match.group(1)), len(body)) if match else 0
    expected = words.removeprefix("JSON is malformed: ").partition(" (byte")[0]
    return _malformed(body, place, expected)


def _malformed(body: bytes, place: int, complaint: str) -> JsonError:
    found = _char_at(body, place)
    if body.startswith(b"\xef\xbb\xbf"):
        return JsonError(1, 1, "JSON", "a byte order mark", "Save the file as UTF-8 without BOM")
    if body[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in body[:4]:
        return JsonError(1, 1, "UTF-8 text", "what looks like UTF-16", "Save the file as UTF-8")
    if found == "'":
        return _at(body, place, "a double quote", "'", "Write it with json.dumps(...), not str(...)")
    if body[place : place + 3] in (b"NaN", b"Inf", b"-In"):
        return _at(
            body, place, "a JSON value", body[place : place + 3].decode(), "JSON knows no NaN or Infinity"
        )
    if body[place : place + 4] in (b"None", b"True", b"Fals"):
        instead = "Write it with json.dumps(...), not str(...)"
        return _at(body, place, "a JSON value", body[place : place + 4].decode(), instead)
    if "surrogate" in complaint or ("escape" in complaint and "invalid escape" not in complaint):
        return _at(body, place, "a whole \\u escape, of both halves of a surrogate pair", found)
    expected = complaint.removeprefix("expected ")
    if "invalid character" in complaint:
        expected = "a JSON value" if not _inside_string(body, place) else "an escaped control character"
    elif "trailing characters" in complaint:
        expected = "the end of the line after one JSON object"
    elif "trailing comma" in complaint:
        expected = "another member after the comma"
    elif not complaint.startswith("expected "):
        expected = f"JSON ({complaint})"
    return _at(body, place, expected, found)


def _inside_string(body: bytes, place: int) -> bool:
    return place < len(body) and body[place] < 0x20 and body[:place].count(b'"') % 2 == 1


def _char_at(body: bytes, place: int) -> str:
    rest = body[place : place + 4].decode("utf-8", "replace")
    return rest[:1] if rest else ""


def _at(body: bytes, place: int, expected: str, found: str, instead: str = "") -> JsonError:
    before = body[:place]
    line = before.count(b"\n") + 1
    column = len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1
    words = repr(found) if len(found) == 1 else found or "the end"
    return JsonError(line, column, expected, words, instead)


def _not_utf8(body: bytes) -> JsonError:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return JsonError(1, 1, "UTF-8 text", "what looks like UTF-16", "Save the file as UTF-8")
        return _at(
            body, error.start, "UTF-8 text", f"the byte 0x{body[error.start]:02x}", "Save the file as UTF-8"
        )
    return JsonError(1, 1, "UTF-8 text", "something else")


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
