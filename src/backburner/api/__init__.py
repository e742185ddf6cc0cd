"""The HTTP doors. A door reads a request, calls a use case, writes an answer; it decides nothing."""
