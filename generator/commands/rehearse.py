"""`groundplan rehearse`: updates of old projects with an owner's changes in them."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from generator import releases
from generator.answers import variants as known_variants
from generator.rehearsal import EDITS, LOST, NEEDLESS, Row, chosen, rehearse

NAME = "rehearse"


def command(
    release: Annotated[
        list[str] | None, typer.Option("--releases", help="A version to come from; all by default.")
    ] = None,
    variant: Annotated[list[str] | None, typer.Option("--variants", help="A variant; all by default.")] = None,
    edit: Annotated[list[str] | None, typer.Option("--edits", help="A change of the owner; all by default.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes; the number of cores by default.")] = None,
) -> None:
    """Update projects of old releases and print what became of an owner's changes; 1 when one is lost."""
    found = chosen(releases.load(), release or [])
    names = variant or [item.name for item in known_variants()]
    with tempfile.TemporaryDirectory() as folder:
        template = releases.clone(Path(folder).resolve() / "groundplan")
        rows = rehearse(template, found, names, edit or [], workers, lambda row: typer.echo(_line(row), err=True))
    typer.echo("\n".join(table(rows)))
    if any(row.broken for row in rows):
        raise typer.Exit(1)


def _line(row: Row) -> str:
    lost = [f"{name}: {what}" for name, what in row.outcomes.items() if what in (LOST, NEEDLESS)]
    return f"{row.release} {row.variant}: {'; '.join([*lost, *row.faults]) or 'good'}"


def table(rows: list[Row]) -> list[str]:
    """One line a project, one column a change, as Markdown; faults below."""
    columns = [edit.name for edit in EDITS] + ["changed answers", "function off and on"]
    columns = [name for name in columns if any(name in row.outcomes for row in rows)]
    lines = ["| From | Variant | " + " | ".join(columns) + " |", "| --- | --- |" + " --- |" * len(columns)]
    for row in rows:
        cells = [row.outcomes.get(name, "-") for name in columns]
        lines.append(f"| {row.release} | {row.variant} | {' | '.join(cells)} |")
    faults = [f"- {row.release} {row.variant}: {fault}" for row in rows for fault in row.faults]
    return [*lines, *([""] if faults else []), *faults]
