"""The command line: assembles one module of `generator.commands` for each command."""

import sys

import typer
from rich.console import Console

from generator.commands import (
    cover,
    diff,
    docs,
    freshness,
    lint,
    new,
    rehearse,
    releases,
    render,
    requirements,
    resources,
    site,
    storm,
    verify,
)
from generator.errors import GroundplanError

app = typer.Typer(
    name="groundplan",
    help="Render, evaluate and check Azure AI reference architectures.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
COMMANDS = (
    new,
    render,
    verify,
    requirements,
    resources,
    storm,
    cover,
    diff,
    rehearse,
    releases,
    lint,
    docs,
    freshness,
    site,
)
for module in COMMANDS:
    app.command(module.NAME)(module.command)


def main() -> None:
    """Run the command line; bad input ends in one sentence on standard error and its exit code."""
    try:
        app()
    except GroundplanError as error:
        Console(stderr=True, soft_wrap=True).print(f"groundplan: {error.message}", style="red", markup=False)
        sys.exit(error.exit_code)
