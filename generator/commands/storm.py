"""`groundplan storm`: what the gateway of a project does while its back ends fail in turn."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from generator.answers import of_project
from generator.compiler import Compiler
from generator.errors import GroundplanError
from generator.evaluation import evaluate
from generator.gateway_simulation.storm import Tally, storm

NAME = "storm"


def command(
    directory: Annotated[Path, typer.Argument(help="A generated project with a gateway.")],
    env: Annotated[str | None, typer.Option(help="Environment; the last one when not given.")] = None,
    calls: Annotated[int, typer.Option(min=1, help="Number of calls.")] = 10_000,
) -> None:
    """Send calls through policies, pools, breakers and limits while members fail in turn; exit 1 if a refusal leaks."""
    answers = of_project(directory)
    name = env or answers["environments"][-1]
    if name not in answers["environments"]:
        raise GroundplanError(f"There is no environment {name}: choose one of {', '.join(answers['environments'])}.")
    with Compiler() as compiler:
        project = evaluate(directory, answers, compiler, [name])
    if name not in project.environments:
        raise GroundplanError("The template does not compile: run `groundplan verify` on the project.", 1)
    members, tallies = storm(project.environments[name], "chat", calls)
    Console().print(table(members, tallies))
    # A back end without others beside it is spared at the price of answers: that is no fault.
    if len(members) > 1 and any(tally.leaked for tally in tallies.values()):
        raise typer.Exit(1)


def table(members: list[str], tallies: dict[str, Tally]) -> Table:
    """The tally of each consumer, and the sum."""
    reasons = sorted({reason for tally in tallies.values() for reason in tally.refused})
    shown = Table(title="Calls while the members fail in turn", title_justify="left")
    shown.add_column("consumer")
    others = sorted({name for tally in tallies.values() for name in tally.served} - set(members))
    headings = ["calls", *members, *others, *reasons, "leaked 429", "leaked 5xx"]
    for heading in headings:
        shown.add_column(heading, justify="right", overflow="fold")
    sums: Counter[str] = Counter()
    for name, tally in tallies.items():
        late = sum(count for status, count in tally.leaked.items() if status >= 500)
        row = Counter({"calls": tally.calls, "leaked 429": tally.leaked[429], "leaked 5xx": late})
        row.update(tally.served)
        row.update(tally.refused)
        sums.update(row)
        shown.add_row(name, *(f"{row[heading]:,}" for heading in headings))
    shown.add_section()
    shown.add_row("all", *(f"{sums[heading]:,}" for heading in headings))
    return shown
