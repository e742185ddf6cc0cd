"""Why a test of google-genai's own suite cannot pass here: patterns over its name and its failure."""

import re

# (pattern over the test's name, pattern over the failure's words, reason)
REASONS: tuple[tuple[str, str, str], ...] = ()


def reason_for(name: str, words: str) -> str:
    """The reason, or an empty string when there is none on the list."""
    for name_pattern, words_pattern, reason in REASONS:
        if re.search(name_pattern, name) and re.search(words_pattern, words):
            return reason
    return ""
