"""AnthropicDialect: what intake, dispatch and publish use of this folder."""

import msgspec

from backburner.core.errors import Code, Violation
from backburner.core.exchange import Answer, Call, Trouble
from backburner.core.job import JobState
from backburner.core.request import CheckedLine, Outcome, OutcomeKind
from backburner.dialects.anthropic.answers import Failure, message, message_id, wish_of_line
from backburner.dialects.anthropic.errors import outcome_error
from backburner.dialects.anthropic.lines import check_all
from backburner.dialects.anthropic.translate import message_call
from backburner.dialects.lines import BOM
from backburner.dialects.protocol import Refusal, Setting, Source, Stamp
from backburner.dialects.report import quoted
from backburner.dialects.strict_json import JsonError, decode_strict
from backburner.dialects.trouble import code_of

_SUCCEEDED = b'"result":{"type":"succeeded","message":'
_BARE = {
    JobState.CANCELLED: (Code.CANCELLED, b'"result":{"type":"canceled"}'),
    JobState.EXPIRED: (Code.DEADLINE_EXCEEDED, b'"result":{"type":"expired"}'),
}


class AnthropicDialect:
    @property
    def name(self) -> str:
        return "anthropic"

    @property
    def unique_keys(self) -> bool:
        return True

    def repeated_key(self, key: str, line: int | None, first_line: int) -> Violation:
        """The lines of a creation are its requests, so the line before names the place."""
        words = f"{quoted(key, 64)} is the custom_id of requests.{first_line - 1} too; each must be unique"
        at = "" if line is None else f"requests[{line - 1}]."
        return Violation(f"{at}custom_id", words, "", line, key)

    @property
    def errors_apart(self) -> bool:
        return False

    def check_lines(
        self, chunk: bytes, source: Source, first_ordinal: int, first_line: int, offset: int
    ) -> list[CheckedLine]:
        return check_all(chunk, source, first_ordinal, first_line, offset)

    def to_call(self, line: bytes, setting: Setting) -> Call | Refusal:
        try:
            return message_call(decode_strict(line.removeprefix(BOM))["params"], setting)
        except JsonError as error:
            return Refusal(Code.INVALID_ARGUMENT, error.sentence())

    def answered(self, line: bytes, answer: Answer, stamp: Stamp) -> Outcome:
        found = message(answer, wish_of_line(line.removeprefix(BOM)), stamp)
        if isinstance(found, Failure):
            return self.failed(Code.INTERNAL, found.message, stamp)
        return Outcome(
            ordinal=stamp.ordinal,
            kind=OutcomeKind.ANSWER,
            body=_SUCCEEDED + msgspec.json.encode(found) + b"}",
            finish_reason=found["stop_reason"],
            usage=answer.usage,
            engine=answer.engine,
            model=answer.model,
            at=stamp.created_at,
        )

    def again(self, body: bytes, was: Stamp, now: Stamp) -> bytes:
        """The id is what a message begins with."""
        beginning = _SUCCEEDED + b'{"id":"%s"'
        rest = body.removeprefix(beginning % message_id(was).encode())
        return beginning % message_id(now).encode() + rest

    def failed(self, code: Code, message: str, stamp: Stamp) -> Outcome:
        error = outcome_error(code, message, f"req_{stamp.job}_{stamp.ordinal}")
        return _error(code, b'"result":{"type":"errored","error":' + msgspec.json.encode(error) + b"}", stamp)

    def unfinished(self, state: JobState, stamp: Stamp) -> Outcome:
        if state in _BARE:
            return _error(*_BARE[state], stamp)
        return self.failed(Code.ABORTED, "the batch failed before this request had its answer", stamp)

    def trouble_code(self, trouble: Trouble) -> Code:
        return code_of(trouble)


def _error(code: Code, body: bytes, stamp: Stamp) -> Outcome:
    return Outcome(ordinal=stamp.ordinal, kind=OutcomeKind.ERROR, body=body, code=code, at=stamp.created_at)
