"""A dialect that one can read aloud: a line is `key|text`.

    a|hello                a request with the key `a`
    a|hello @file:x        one that needs the file x; @cache:y likewise
    a|!!                   a wrong line, with two things wrong in it
    a|~p hello             one of those whose prompts begin with a long text called p
    a|?                    a line that the dialect refuses to translate
    a|=hello               one whose answer is determined: all that say `=hello` are to have the same

A result is `{"key":"a","response":"hello"}`, `{"key":"a","response":"=hello for a"}` where the answer is
determined, or `{"key":"a","error":{"code":..,"message":".."}}`.
"""

import hashlib
import re

import msgspec

from backburner.core.errors import Code, Violation
from backburner.core.exchange import Answer, Call, CallKind, Trouble, TroubleKind
from backburner.core.job import JobState
from backburner.core.request import CheckedLine, Outcome, OutcomeKind
from backburner.dialects.protocol import Refusal, Setting, Source, Stamp

PLAN_KEY_BYTES = 64
NEEDS = re.compile(rb"@(file|cache):(\S+)")


class PlainDialect:
    name = "plain"

    def __init__(self, *, unique_keys: bool = False, errors_apart: bool = False) -> None:
        self.unique_keys = unique_keys
        self.errors_apart = errors_apart

    def repeated_key(self, key: str, line: int | None, first_line: int) -> Violation:
        return Violation("key", f"{key} is on line {first_line} too", line=line, key=key)

    def check_lines(
        self, chunk: bytes, source: Source, first_ordinal: int, first_line: int, offset: int
    ) -> list[CheckedLine]:
        found: list[CheckedLine] = []
        for number, raw in enumerate(chunk.split(b"\n")):
            line = raw.removesuffix(b"\r")
            if line.strip():
                found.append(
                    self._check(line, source, first_ordinal + len(found), first_line + number, offset)
                )
            offset += len(raw) + 1
        return found

    def _check(self, line: bytes, source: Source, ordinal: int, number: int, offset: int) -> CheckedLine:
        key, _, text = line.partition(b"|")
        wrong = len(text) - len(text.lstrip(b"!"))
        told = number if source.name else None
        needs = [(kind, name.decode()) for kind, name in NEEDS.findall(text)]
        return CheckedLine(
            ordinal,
            number,
            offset,
            len(line),
            key.decode(),
            b'"key":' + msgspec.json.encode(key.decode()),
            plan_key(text),
            text if text.startswith(b"=") else b"",
            tuple(Violation(f"wrong[{n}]", "is wrong", "Mend it", told, key.decode()) for n in range(wrong)),
            (),
            tuple(name for kind, name in needs if kind == b"file"),
            tuple(name for kind, name in needs if kind == b"cache"),
        )

    def to_call(self, line: bytes, setting: Setting) -> Call | Refusal:
        text = line.partition(b"|")[2].decode()
        if text == "?":
            return Refusal(Code.UNIMPLEMENTED, "this cannot be translated")
        for name in re.findall(r"@cache:(\S+)", text):
            cached = setting.cached(name)
            if cached is None:
                return Refusal(Code.NOT_FOUND, f"cache {name} is gone")
            text = f"{cached['text']} {text}"
        body = {"messages": [{"role": "user", "content": text}]}
        return Call(kind=CallKind.CHAT, model=setting.model, body=body)

    def answered(self, line: bytes, answer: Answer, stamp: Stamp) -> Outcome:
        text = answer.body["choices"][0]["message"]["content"]
        return Outcome(
            ordinal=stamp.ordinal,
            kind=OutcomeKind.ANSWER,
            body=b'"response":' + msgspec.json.encode(f"{text} for {stamp.key}" if text[0] == "=" else text),
            finish_reason="STOP",
            usage=answer.usage,
            engine=answer.engine,
            model=answer.model,
        )

    def again(self, body: bytes, was: Stamp, now: Stamp) -> bytes:
        text = msgspec.json.decode(body.removeprefix(b'"response":'))
        return b'"response":' + msgspec.json.encode(text.removesuffix(f" for {was.key}") + f" for {now.key}")

    def failed(self, code: Code, message: str, stamp: Stamp) -> Outcome:
        body = b'"error":' + msgspec.json.encode({"code": int(code), "message": message})
        return Outcome(ordinal=stamp.ordinal, kind=OutcomeKind.ERROR, body=body, code=code, message=message)

    def unfinished(self, state: JobState, stamp: Stamp) -> Outcome:
        return self.failed(Code.CANCELLED, f"unfinished: {state}", stamp)

    def trouble_code(self, trouble: Trouble) -> Code:
        return Code.INVALID_ARGUMENT if trouble.kind is TroubleKind.REQUEST else Code.UNAVAILABLE


def plan_key(text: bytes) -> bytes:
    """Shared down to the cut after 1,024 bytes by all texts of one prefix."""
    if not text.startswith(b"~"):
        return bytes(PLAN_KEY_BYTES)
    name = hashlib.sha256(text.split()[0]).digest()[:4]
    return (name * 3).ljust(PLAN_KEY_BYTES, b"\0")
