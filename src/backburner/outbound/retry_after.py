"""How long an upstream asks to be left alone: the Retry-After header in both its forms.

Also `retry-after-ms`, which some hosted APIs send beside it and is the more exact of the two.
"""

import datetime
import email.utils
import re
from collections.abc import Mapping

_SECONDS = re.compile(r"\d{1,9}(?:\.\d{1,9})?")


def retry_after_s(headers: Mapping[str, str], now_at: float) -> float | None:
    """Seconds from `now_at`, at least 0; None when nothing readable is said. Header names in lower case."""
    exact = headers.get("retry-after-ms", "").strip()
    if _SECONDS.fullmatch(exact):
        return float(exact) / 1000
    text = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:  # "-0000": a time in UTC from a machine whose zone is not known
        moment = moment.replace(tzinfo=datetime.UTC)
    return max(0.0, moment.timestamp() - now_at)
