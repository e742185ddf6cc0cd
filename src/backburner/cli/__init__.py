"""The command line: one module per verb group. It parses, shows progress and tables, and says no in words;
what is done stands in the rooms below."""

from backburner.cli.entry import main

__all__ = ["main"]
