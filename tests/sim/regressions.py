"""Seeds that once failed, each with its story. They run with the others for ever."""

REGRESSIONS: dict[int, str] = {
    23: "the first calls took no time, so the end was forecast for the year 63 million, and a GET answered 500.",
    126: "12 calls at a pace of 11: a slot was counted when a call began, and somebody's call took it while the attempt"
    " was being recorded. Now it is taken when the request is chosen.",
}
