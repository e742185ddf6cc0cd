import base64

import pytest

from backburner.core.errors import InvalidArgument
from backburner.service import cursors


def test_there_and_back() -> None:
    for place in (0, 1, 10**17):
        assert cursors.decode(cursors.encode("seq", place), "seq") == place


@pytest.mark.parametrize(
    "text", ["", "seq", "seq:", "seq:-1", "seq:1.5", "seq:x", "seq:²", f"seq:{10**18}", "other:5", "\xff"]
)
def test_what_is_not_ours_is_refused(text: str) -> None:
    cursor = base64.urlsafe_b64encode(text.encode("latin-1")).decode().rstrip("=")
    with pytest.raises(InvalidArgument):
        cursors.decode(cursor, "seq")


@pytest.mark.parametrize("cursor", ["%", "A", "ünlaut", "....", "a" * 5])
def test_what_is_no_base64_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidArgument):
        cursors.decode(cursor, "seq")
