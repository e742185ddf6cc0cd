"""Seeds that once failed, each with its story. They run with the others for ever."""

REGRESSIONS: dict[int, str] = {}
