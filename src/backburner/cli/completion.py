"""`backburner completion`: the script with which a shell completes our commands and options."""

import click
from click.shell_completion import get_completion_class

from backburner.cli.verbs import examples

SHELLS = ("bash", "zsh", "fish")
WHERE = {
    "bash": "echo 'eval \"$(backburner completion bash)\"' >> ~/.bashrc",
    "zsh": "echo 'eval \"$(backburner completion zsh)\"' >> ~/.zshrc",
    "fish": "backburner completion fish > ~/.config/fish/completions/backburner.fish",
}


@click.command(epilog=examples(*WHERE.values()))
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script with which a shell completes commands and options."""
    root = context.find_root()
    program = root.info_name or "backburner"
    made = get_completion_class(shell)
    assert made is not None, f"click knows {shell}"
    click.echo(made(root.command, {}, program, "_BACKBURNER_COMPLETE").source())
