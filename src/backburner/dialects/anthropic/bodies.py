"""Bodies of the calls that answer at once: messages and messages/count_tokens. Checked whole, like a batch's lines."""

import msgspec

from backburner.core.errors import InvalidArgument, Violation
from backburner.core.exchange import Json
from backburner.dialects.anthropic.refusals import NO_THREADS
from backburner.dialects.anthropic.rules import checked
from backburner.dialects.lines import check_depth
from backburner.dialects.report import Report
from backburner.dialects.strict_json import JsonError, decode_strict


class Asked(msgspec.Struct, frozen=True):
    params: dict[str, Json]
    warnings: tuple[str, ...] = ()

    @property
    def model(self) -> str:
        return self.params["model"]

    @property
    def stream(self) -> bool:
        return bool(self.params.get("stream"))


def message_body(body: bytes) -> Asked:
    """Raises InvalidArgument with every violation."""
    return _asked(body, needs_maximum=True)


def count_body(body: bytes) -> Asked:
    return _asked(body, needs_maximum=False)


def _asked(body: bytes, *, needs_maximum: bool) -> Asked:
    try:
        check_depth(body)
        params = decode_strict(body)
    except JsonError as error:
        raise InvalidArgument(
            "the request is not valid", violations=[Violation("", error.sentence(), error.instead)]
        ) from None
    report = Report()
    checked(params, report, needs_maximum=needs_maximum)
    if not report.clean:
        raise InvalidArgument("the request is not valid", violations=report.violations())
    if params.get("thread"):  # the SDK's tool runner asks for one, and by this reason goes on without
        raise InvalidArgument(NO_THREADS, reason="THREAD_UNSUPPORTED_REQUEST")
    return Asked(params, tuple(report.warnings))
