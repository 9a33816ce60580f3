"""`groundplan requirements`: the catalogue, and which of it has a check."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from generator.errors import GroundplanError
from generator.requirements import load

NAME = "requirements"


def command(
    area: Annotated[str | None, typer.Option("--area", help="Letters of one area, such as SEC.")] = None,
    missing: Annotated[bool, typer.Option("--missing", help="Only those without a check.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the requirements with their source and their check."""
    catalogue = load()
    areas = list(dict.fromkeys(item.area for item in catalogue))
    if area and area.upper() not in areas:
        raise GroundplanError(f"There is no area {area}: choose one of {', '.join(areas)}.")
    rows = [item for item in catalogue if (not area or item.area == area.upper()) and not (missing and item.check)]
    if as_json:
        typer.echo(json.dumps([asdict(item) for item in rows], indent=2))
        return
    table = Table(show_lines=False)
    for title in ("id", "requirement", "level", "check", "source"):
        table.add_column(title, overflow="fold")
    for item in rows:
        table.add_row(item.id, item.sentence, item.level, item.check or "not yet", item.source.page)
    Console().print(table)
    typer.echo(f"{sum(1 for item in catalogue if item.check)} of {len(catalogue)} requirements have a check.")
