"""What is accepted and has no effect is said aloud (issue 2: never ignored in silence)."""

import pytest

from backburner.core.exchange import Json
from backburner.core.job import JobKind
from backburner.dialects.gemini.check import checked
from backburner.dialects.report import Report

TEXT = {"parts": [{"text": "x"}]}


@pytest.mark.parametrize(
    ("kind", "more", "named"),
    [
        (JobKind.GENERATE, {"store": True}, "store"),
        (
            JobKind.GENERATE,
            {"generationConfig": {"mediaResolution": "MEDIA_RESOLUTION_LOW"}},
            "mediaResolution",
        ),
        (JobKind.GENERATE, {"generationConfig": {"audioTimestamp": True}}, "audioTimestamp"),
        (JobKind.EMBED, {"autoTruncate": True}, "autoTruncate"),
        (JobKind.EMBED, {"documentOcr": True}, "documentOcr"),
    ],
)
def test_a_field_without_effect_is_a_warning(kind: JobKind, more: dict[str, Json], named: str) -> None:
    content = {"contents": [TEXT]} if kind is JobKind.GENERATE else {"content": TEXT}
    report = Report()
    checked(kind, {**content, **more}, report)
    assert not report.violations()
    assert [warning for warning in report.warnings if named in warning]


def test_a_plain_request_warns_of_nothing() -> None:
    report = Report()
    checked(JobKind.GENERATE, {"contents": [TEXT], "labels": {"team": "a"}}, report)
    assert report.warnings == []
