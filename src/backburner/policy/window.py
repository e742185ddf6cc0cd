"""Whether a job keeps its promised duration, in words for its owner."""

from backburner.core.clock import rfc3339


def warning(deadline_at: float, earliest_at: float, likely_at: float, now: float) -> str:
    """Empty while the job is likely to be done by the end of its window. Instants in seconds; the words name them in
    UTC."""
    if likely_at <= deadline_at:
        return ""
    likely = f"likely finish {minute(likely_at)}"
    if now > deadline_at:
        return f"the job has missed its window, which ended {minute(deadline_at)}; {likely}"
    verb = "cannot" if earliest_at > deadline_at else "will likely not"
    return f"the job {verb} meet its window, which ends {minute(deadline_at)}, at the present rate; {likely}"


def minute(at: float) -> str:
    """`2026-11-27 19:40 UTC`."""
    text = rfc3339(at)
    return f"{text[:10]} {text[11:16]} UTC"
