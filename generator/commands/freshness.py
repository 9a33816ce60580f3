"""`groundplan freshness`: what has aged in the decision tables."""

import json
from dataclasses import asdict
from datetime import datetime, timezone
from typing import Annotated

import typer

from generator import freshness
from generator.compiler import Compiler
from generator.errors import GroundplanError
from generator.freshness import Note

NAME = "freshness"


def command(
    today: Annotated[
        str | None, typer.Option("--today", metavar="DATE", help="The day that counts, as YYYY-MM-DD; today's date.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown, as for an issue.")] = False,
) -> None:
    """List facts older than 180 days, newer API versions, and what retires within 12 months; exit 1 if work is due.

    Work is due when a fact is old, when a newer stable API version is known to the Bicep compiler that was found, and
    when something retires within 90 days. Later retirements are listed and change nothing.
    """
    try:
        day = datetime.strptime(today, "%Y-%m-%d").date() if today else datetime.now(timezone.utc).date()
    except ValueError:
        raise GroundplanError(f"{today} is no date: write it like 2026-11-28.") from None
    tables = freshness.load()
    with Compiler() as compiler:
        version = compiler.version()
        found = freshness.notes(tables, day, compiler)
    due = sum(note.due for note in found)
    summary = (
        f"{due} due and {len(found) - due} announced on {day}, of {sum(len(rows) for rows in tables.values())} rows; "
        f"API versions as Bicep {version} knows them."
    )
    if as_json:
        typer.echo(json.dumps({"today": str(day), "bicep": version, "notes": [asdict(n) for n in found]}, indent=2))
    elif as_markdown:
        typer.echo(_markdown(found, summary))
    else:
        _print(found, summary)
    if due:
        raise typer.Exit(1)


def _markdown(found: list[Note], summary: str) -> str:
    lines = [summary, ""]
    if found:
        lines += ["| When | What | Where | To do |", "| --- | --- | --- | --- |"]
    lines += [f"| {'now' if n.due else 'later'} | {n.topic} | `{n.place}` | {n.says} |" for n in found]
    return "\n".join(lines).strip()


def _print(found: list[Note], summary: str) -> None:
    """One line a note, whole: it is searched and cut, and tables wrap what is long."""
    for note in found:
        typer.echo(f"{'now' if note.due else 'later'}: {note.place}: {note.says}")
    typer.echo(summary)
