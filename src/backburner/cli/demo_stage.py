"""What the audience of the demo sees: titles, words, code, answers, checks."""

from collections.abc import Sequence

from backburner.cli.say import results
from backburner.core.clock import Clock

WIDTH = 110


class Stage:
    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._scene = 0

    def title(self, words: str) -> None:
        self._scene += 1
        results.print(f"\n{self._scene}. {words}", style="bold cyan")

    def say(self, words: str) -> None:
        results.print(f"   {words}")

    def code(self, text: str) -> None:
        for line in text.splitlines():
            results.print(f"   | {line}", style="dim")

    def answers(self, labelled: Sequence[tuple[str, str]]) -> None:
        """One answer on each line: its label, then the text, shortened to a wide window."""
        width = max((len(label) for label, _ in labelled), default=0)
        for label, text in labelled:
            flat, most = " ".join(text.split()), WIDTH - width
            results.print(f"   {label:<{width}}  ", style="bold", end="")
            results.print(flat if len(flat) <= most else flat[: most - 1] + "…")

    def check(self, kept: bool, words: str) -> bool:
        """A promise that was looked at."""
        results.print(f"   {'✓' if kept else '✗'} {words}", style="green" if kept else "bold red")
        return kept
