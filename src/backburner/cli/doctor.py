"""`backburner doctor`: is this machine fit to run, and which command mends what is not."""

from pathlib import Path

import click

from backburner.cli.checks import Finding, Level, config_findings, engine_findings, machine_findings
from backburner.cli.checks_data import data_findings, port_findings
from backburner.cli.say import errors, results
from backburner.cli.verbs import config_option, data_option, examples
from backburner.config import Settings
from backburner.core.clock import SystemClock

FIT, UNFIT = 0, 1
STYLES = {Level.OK: "green", Level.WARN: "yellow", Level.MISSING: "red"}


@click.command(
    epilog=examples("backburner doctor", "backburner doctor --config backburner.toml --data ./data")
)
@config_option
@data_option
def doctor(config_file: Path | None, data: str | None) -> int:
    """Look at this machine: what is ready, what is missing, and the command that mends it.

    Each line is ok, warn (it runs, but see) or missing (it does not run). Exit code 0: fit; 1: something is
    missing. Nothing is changed.
    """
    found: list[Finding] = []
    settings, about_config = config_findings(config_file, data)
    for findings in (about_config, *examined(settings or Settings())):
        for finding in findings:
            found.append(finding)
            show(finding)
    levels = {finding.level for finding in found}
    if Level.MISSING in levels:
        errors.print("\nSomething is missing.")
        return UNFIT
    errors.print("\nFit to run." if Level.WARN not in levels else "\nFit to run, with warnings.")
    return FIT


def examined(settings: Settings) -> tuple[list[Finding], ...]:
    return (
        machine_findings(),
        engine_findings(settings),
        data_findings(Path(settings.data).expanduser(), SystemClock()),
        port_findings(settings.host, settings.port),
    )


def show(finding: Finding) -> None:
    results.print(f"{finding.level:<8}", style=STYLES[finding.level], end="")
    results.print(f"{finding.what:<12}{finding.words}")
    if finding.mend:
        results.print(f"{'':<20}-> {finding.mend}")
