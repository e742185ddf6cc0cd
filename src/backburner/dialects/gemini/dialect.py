"""GeminiDialect: what intake, dispatch and publish use of this folder."""

import msgspec

from backburner.core.errors import Code, Violation
from backburner.core.exchange import Answer, Call, Json, Trouble
from backburner.core.job import JobKind, JobState
from backburner.core.request import CheckedLine, Outcome, OutcomeKind
from backburner.dialects.gemini.answers import response, response_id, wish_of_line
from backburner.dialects.gemini.check import canonical
from backburner.dialects.gemini.embed import embed_call, embedding_body
from backburner.dialects.gemini.lines import LineCheck
from backburner.dialects.gemini.translate import generate_call
from backburner.dialects.lines import BOM, lines_of
from backburner.dialects.protocol import Refusal, Setting, Source, Stamp
from backburner.dialects.strict_json import JsonError, decode_strict
from backburner.dialects.trouble import code_of

_UNFINISHED = {
    JobState.CANCELLED: (Code.CANCELLED, "the job was cancelled before this request had its answer"),
    JobState.EXPIRED: (Code.DEADLINE_EXCEEDED, "the job expired before this request had its answer"),
    JobState.FAILED: (Code.ABORTED, "the job failed before this request had its answer"),
}


class GeminiDialect:
    @property
    def name(self) -> str:
        return "gemini"

    @property
    def unique_keys(self) -> bool:
        return False

    def repeated_key(self, key: str, line: int | None, first_line: int) -> Violation:
        return Violation("key", f"is the key of line {first_line} too", "", line, key)

    @property
    def errors_apart(self) -> bool:
        return False

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
        try:
            request = request_of(line, setting.kind)
        except JsonError as error:
            return Refusal(Code.INVALID_ARGUMENT, error.sentence())
        if setting.kind is JobKind.EMBED:
            return embed_call([request], setting)
        return generate_call(request, setting)

    def answered(self, line: bytes, answer: Answer, stamp: Stamp) -> Outcome:
        if "data" in answer.body and "choices" not in answer.body:
            body = embedding_body(answer)
            if body is None:
                return self.failed(Code.INTERNAL, "The engine's answer holds no vector.", stamp)
            return _outcome(body, "STOP", answer, stamp)
        found = response(answer, wish_of_line(line.removeprefix(BOM)), stamp)
        if found is None:
            return self.failed(Code.INTERNAL, "The engine's answer holds no candidate.", stamp)
        reason = found["candidates"][0]["finishReason"]
        return _outcome(msgspec.json.encode(found), reason, answer, stamp)

    def again(self, body: bytes, was: Stamp, now: Stamp) -> bytes:
        """The id is what a response ends with; an embedding has none."""
        before, after = (f'"responseId":"{response_id(stamp)}"}}'.encode() for stamp in (was, now))
        return body.removesuffix(before) + after if body.endswith(before) else body

    def failed(self, code: Code, message: str, stamp: Stamp) -> Outcome:
        body = msgspec.json.encode({"code": int(code), "message": message})
        return Outcome(
            ordinal=stamp.ordinal,
            kind=OutcomeKind.ERROR,
            body=b'"error":' + body,
            code=code,
            at=stamp.created_at,
            message=message,
        )

    def unfinished(self, state: JobState, stamp: Stamp) -> Outcome:
        return self.failed(*_UNFINISHED[state], stamp)

    def trouble_code(self, trouble: Trouble) -> Code:
        return code_of(trouble)


def request_of(line: bytes, kind: JobKind) -> dict[str, Json]:
    """The request of a good line, in canonical spelling. Raises JsonError."""
    value = decode_strict(line.removeprefix(BOM))
    if isinstance(value, dict) and "request" in value:
        value = value["request"]
    return canonical(kind, value)


def _outcome(body: bytes, reason: str, answer: Answer, stamp: Stamp) -> Outcome:
    return Outcome(
        ordinal=stamp.ordinal,
        kind=OutcomeKind.ANSWER,
        body=b'"response":' + body,
        finish_reason=reason,
        usage=answer.usage,
        engine=answer.engine,
        model=answer.model,
        at=stamp.created_at,
    )
