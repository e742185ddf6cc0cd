"""Standard JSON, and words for what is wrong with it: where, what was expected, what was found instead.

What msgspec accepts is accepted; what it refuses is looked at once more, for a person to read.
"""

import re

import msgspec

from backburner.core.exchange import Json

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
