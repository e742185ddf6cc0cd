"""`backburner backup`, `restore` and `verify`: a copy of the data folder, the way back, and whether all of it is there.

They work on the folder itself and need no server; `backup` and `verify` disturb none that runs.
"""

import sys
from pathlib import Path

import click

from backburner import __version__
from backburner.cli.say import counted, errors, results, size
from backburner.cli.verbs import config_option, data_option, examples, settings_of
from backburner.core.clock import Clock, SystemClock, rfc3339
from backburner.store.backup import back_up
from backburner.store.backup import restore as restore_folder
from backburner.store.verify import Damage, Findings
from backburner.store.verify import verify as verify_folder

QUIET_S = 5.0  # between two words about the progress
JOBS_NAMED = 5


class Progress:
    """Says on stderr how far it is, where it takes long enough to wonder."""

    def __init__(self, what: str, clock: Clock) -> None:
        self._what = what
        self._clock = clock
        self._done = 0
        self._next_at = clock.monotonic() + QUIET_S

    def more(self, more_bytes: int) -> None:
        self.now(self._done + more_bytes, 0)

    def now(self, done_bytes: int, total_bytes: int) -> None:
        self._done = done_bytes
        if self._clock.monotonic() >= self._next_at:
            self._next_at = self._clock.monotonic() + QUIET_S
            of = f" of {size(total_bytes)}" if total_bytes else ""
            errors.print(f"{self._what}: {size(done_bytes)}{of}")


def _folder(config_file: Path | None, data: str | None) -> Path:
    return Path(settings_of(config_file, data=data).settings.data).expanduser()


@click.command(
    epilog=examples(
        "backburner backup /mnt/backup/backburner",
        "backburner backup --data /var/lib/backburner /mnt/backup/backburner",
    )
)
@click.argument("target", type=click.Path(file_okay=False, path_type=Path))
@data_option
@config_option
def backup(target: Path, data: str | None, config_file: Path | None) -> int:
    """Copy the data folder to TARGET, also while its server runs.

    What is acknowledged when the copy begins is in it. TARGET is new, empty, or an earlier backup, which is replaced
    once the new one is whole; what has not changed is not copied again. On the same disk, files are linked and not
    copied. Exit code 1: something is damaged in the data folder; the rest is saved.
    """
    clock = SystemClock()
    progress = Progress("copied", clock)
    made = back_up(_folder(config_file, data), target, __version__, rfc3339(clock.now()), progress.more)
    _show(made.damages)
    results.print(
        f"{target}: {counted(made.jobs, 'job')}, {counted(made.blobs, 'file')}, {size(made.size_bytes)}, "
        f"of which {size(made.new_bytes)} were copied"
    )
    return 1 if made.damages else 0


@click.command(
    epilog=examples("backburner restore /mnt/backup/backburner --data /var/lib/backburner"),
)
@click.argument("source", type=click.Path(exists=True, file_okay=False, path_type=Path))
@data_option
@config_option
def restore(source: Path, data: str | None, config_file: Path | None) -> int:
    """Make a data folder of the backup SOURCE, and look through it.

    The folder must be new or empty. Jobs go on from where they were when the backup was made, so calls that came
    later are made again. Exit code 1: something is damaged.
    """
    folder = _folder(config_file, data)
    restore_folder(source, folder, Progress("copied", SystemClock()).more)
    return _say(folder, verify_folder(folder, Progress("looked through", SystemClock()).now))


@click.command(epilog=examples("backburner verify", "backburner verify --data /mnt/backup/backburner"))
@data_option
@config_option
def verify(data: str | None, config_file: Path | None) -> int:
    """Look through a data folder or a backup: is every byte there that was written?

    Reads every file and compares its SHA-256, checks every ledger, and names what is damaged and which jobs that
    concerns. Also while the server runs. Exit code 1: something is damaged.
    """
    folder = _folder(config_file, data)
    return _say(folder, verify_folder(folder, Progress("looked through", SystemClock()).now))


def _say(folder: Path, found: Findings) -> int:
    _show(found.damages)
    words = (
        f"{folder}: {counted(found.ledgers, 'ledger')} and {counted(found.blobs, 'file')}, "
        f"{size(found.looked_at_bytes)}"
    )
    if found.unhashed:
        words += f" ({found.unhashed:,} of an older version, without a checksum)"
    results.print(f"{words}: {counted(len(found.damages), 'damage') if found.damages else 'all sound'}")
    sys.stdout.flush()
    return 1 if found.damages else 0


def _show(damages: list[Damage]) -> None:
    for damage in damages:
        names = f" ({', '.join(damage.names)})" if damage.names else ""
        errors.print(f"{damage.file}{names}: {damage.words}")
        if damage.jobs:
            more = len(damage.jobs) - JOBS_NAMED
            tail = f" and {more:,} more" if more > 0 else ""
            errors.print(f"    concerns {', '.join(damage.jobs[:JOBS_NAMED])}{tail}")
