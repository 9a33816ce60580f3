"""`groundplan verify`: does a project compile, is it well-formed, does it keep the requirements."""

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from generator.answers import ANSWERS_FILE, find, load
from generator.commands.progress import progress
from generator.errors import GroundplanError
from generator.rendering import Job, render_many
from generator.verification import ABSENT, BROKEN, HOLDS, Result, counts, require_compiler, verify_many

NAME = "verify"
COLOURS = {HOLDS: "green", BROKEN: "red", ABSENT: "bright_black"}


def command(
    targets: Annotated[list[str], typer.Argument(help="Generated projects, variants or answers files.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; one a core when not given.")] = None,
    run_tools: Annotated[bool, typer.Option("--tools/--no-tools", help="Run the tool of each kind of file.")] = True,
) -> None:
    """Compile and evaluate every environment, run the tools, check the requirements; exit 1 if anything is broken."""
    with tempfile.TemporaryDirectory() as folder:
        projects = _projects(targets, Path(folder), workers)
        version = require_compiler()
        results = _run(projects, workers, run_tools)
    if as_json:
        typer.echo(json.dumps({"bicep": version, "projects": [result.data() for result in results]}, indent=2))
    else:
        _print(results)
    if any(result.broken for result in results):
        raise typer.Exit(1)


def _projects(targets: list[str], folder: Path, workers: int | None) -> dict[str, Path]:
    """Name -> folder: projects as they lie, the others rendered."""
    projects: dict[str, Path] = {}
    jobs = []
    for target in targets:
        path = Path(target)
        if path.is_dir():
            if not (path / ANSWERS_FILE).is_file():
                raise GroundplanError(f"{path} is no generated project: it has no {ANSWERS_FILE}.")
        else:
            answers = find(target)
            path = folder / answers.stem
            jobs.append(Job(answers.stem, load(answers), path))
        if path.name in projects:
            raise GroundplanError(f"Two targets are called {path.name}: verify them one after the other.")
        projects[path.name] = path
    for job, error in render_many(jobs, workers) if jobs else []:
        raise GroundplanError(f"{job.name}: {error.message}")
    return projects


def _run(projects: dict[str, Path], workers: int | None, run_tools: bool) -> list[Result]:
    with progress("verifying", len(projects)) as done:
        return verify_many(projects, workers, done, run_tools)


def _print(results: list[Result]) -> None:
    console = Console()
    if len(results) == 1:
        console.print(_requirements(results[0]))
    console.print(_summary(results))
    for result in results:
        for line in _faults(result):
            console.print(Text(f"{result.project}: {line}", style="red"), soft_wrap=True)


def _requirements(result: Result) -> Table:
    table = Table(title=result.project, title_justify="left")
    for title in ("id", "requirement", "verdict", "evidence, or why not"):
        table.add_column(title, overflow="fold")
    for item in result.requirements:
        shown = (
            item.reason
            or f"{item.evidence[0]}{f' and {len(item.evidence) - 1} more' if len(item.evidence) > 1 else ''}"
        )
        table.add_row(item.id, item.sentence, Text(item.verdict, style=COLOURS[item.verdict]), Text(shown))
    return table


def _summary(results: list[Result]) -> Table:
    table = Table(title_justify="left")
    for title in ("project", "compiler remarks", "files seen by tools", HOLDS, BROKEN, ABSENT):
        table.add_column(title, overflow="fold")
    for result in results:
        kinds = counts(result.requirements)
        looked = str(sum(item.files for item in result.tools))
        table.add_row(
            result.project,
            str(len(result.diagnostics)),
            looked,
            *(str(kinds[kind]) for kind in (HOLDS, BROKEN, ABSENT)),
        )
    return table


def _faults(result: Result) -> list[str]:
    lines = list(result.diagnostics)
    lines += [f"{item.tool}: {fault}" for item in result.tools if item.verdict == BROKEN for fault in item.faults]
    return lines + [f"{item.id}: {item.reason}" for item in result.requirements if item.verdict == BROKEN]
