"""OpenAIDialect: what intake, dispatch and publish use of this folder."""

import hashlib

import msgspec

from backburner.core.errors import Code, Violation
from backburner.core.exchange import Answer, Call, Json, Trouble
from backburner.core.job import JobState
from backburner.core.request import CheckedLine, Outcome, OutcomeKind
from backburner.dialects.http_status import http_status
from backburner.dialects.lines import BOM, lines_of
from backburner.dialects.openai.answers import encoded, renamed
from backburner.dialects.openai.bodies import ENDPOINTS
from backburner.dialects.openai.endpoints import CHAT, endpoint_of
from backburner.dialects.openai.errors import error_object
from backburner.dialects.openai.lines import LineCheck, decode_line
from backburner.dialects.protocol import Refusal, Setting, Source, Stamp
from backburner.dialects.report import quoted
from backburner.dialects.trouble import code_of

_UNFINISHED = {
    JobState.CANCELLED: (
        Code.CANCELLED,
        "batch_cancelled",
        "The batch was cancelled before this request was run.",
    ),
    JobState.EXPIRED: (
        Code.DEADLINE_EXCEEDED,
        "batch_expired",
        "This request could not be executed before the completion window expired.",
    ),
    JobState.FAILED: (Code.ABORTED, "batch_failed", "The batch failed before this request was run."),
}
_EMPTY = "the engine's answer holds nothing that answers this request"


class OpenAIDialect:
    @property
    def name(self) -> str:
        return "openai"

    @property
    def unique_keys(self) -> bool:
        return True

    def repeated_key(self, key: str, line: int | None, first_line: int) -> Violation:
        reason = f"{quoted(key)} is the custom_id of line {first_line} too"
        return Violation(
            "custom_id", reason, "Give each request its own", line, key, word="duplicate_custom_id"
        )

    @property
    def errors_apart(self) -> bool:
        return True

    def check_lines(
        self, chunk: bytes, source: Source, first_ordinal: int, first_line: int, offset: int
    ) -> list[CheckedLine]:
        found: list[CheckedLine] = []
        check = LineCheck(source)
        for number, at, line in lines_of(chunk, offset):
            if at == 0 and line.startswith(BOM):
                at, line = len(BOM), line.removeprefix(BOM)
            if line and not line.isspace():
                found.append(check.check(line, first_ordinal + len(found), first_line + number, at))
        return found

    def to_call(self, line: bytes, setting: Setting) -> Call | Refusal:
        endpoint, body = _opened(line)
        return ENDPOINTS[endpoint].call(msgspec.json.decode(body), setting)

    def answered(self, line: bytes, answer: Answer, stamp: Stamp) -> Outcome:
        endpoint, raw = _opened(line)
        # a chat's answer says nothing of its request, whose images may be large
        asked: dict[str, Json] = {} if endpoint == CHAT else msgspec.json.decode(raw)
        body = ENDPOINTS[endpoint].body(answer, asked, stamp)
        if body is None:
            return self.failed(Code.INTERNAL, _EMPTY, stamp)
        return Outcome(
            ordinal=stamp.ordinal,
            kind=OutcomeKind.ANSWER,
            body=_response(200, encoded(body), stamp),
            finish_reason=_finish_reason(answer),
            usage=answer.usage,
            engine=answer.engine,
            model=answer.model,
            at=stamp.created_at,
        )

    def again(self, body: bytes, was: Stamp, now: Stamp) -> bytes:
        head, tail = _around(200, was)
        return _response(200, renamed(body.removeprefix(head).removesuffix(tail), was, now), now)

    def failed(self, code: Code, message: str, stamp: Stamp) -> Outcome:
        """As if the request had been made alone and refused."""
        status = http_status(code)
        error = encoded(error_object(status, message, None, _error_word(code)))
        return _failure(stamp, code, message, _response(status, error, stamp))

    def unfinished(self, state: JobState, stamp: Stamp) -> Outcome:
        """Never made, so without a response."""
        code, word, message = _UNFINISHED[state]
        error = encoded({"code": word, "message": message})
        return _failure(stamp, code, message, b'"response":null,"error":' + error)

    def trouble_code(self, trouble: Trouble) -> Code:
        return code_of(trouble)


def _opened(line: bytes) -> tuple[str, msgspec.Raw]:
    """Endpoint and body of a good line."""
    found = decode_line(line)
    return endpoint_of(msgspec.json.decode(found.url)) or CHAT, found.body


def _response(status: int, body: bytes, stamp: Stamp) -> bytes:
    head, tail = _around(status, stamp)
    return head + body + tail


def _around(status: int, stamp: Stamp) -> tuple[bytes, bytes]:
    head = b'"response":{"status_code":%d,"request_id":"%s","body":' % (status, request_id(stamp).encode())
    return head, b'},"error":null'


def request_id(stamp: Stamp) -> str:
    digest = hashlib.blake2b(f"{stamp.job}/{stamp.ordinal}".encode(), digest_size=16, person=b"request")
    return f"req_{digest.hexdigest()}"


def _error_word(code: Code) -> str | None:
    return "rate_limit_exceeded" if code is Code.RESOURCE_EXHAUSTED else None


def _failure(stamp: Stamp, code: Code, message: str, body: bytes) -> Outcome:
    return Outcome(
        ordinal=stamp.ordinal,
        kind=OutcomeKind.ERROR,
        body=body,
        code=code,
        at=stamp.created_at,
        message=message,
    )


def _finish_reason(answer: Answer) -> str:
    choices = answer.body.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else {}
    return str(first.get("finish_reason") or "") if isinstance(first, dict) else ""
