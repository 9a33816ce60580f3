"""`groundplan releases`: released versions, and their tags in a clone."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from generator import releases

NAME = "releases"


def command(
    tag: Annotated[
        Path | None, typer.Option(help="A clone of the template in which every release gets its tag.")
    ] = None,
) -> None:
    """List the releases, or tag them in a clone; Copier follows tags."""
    found = releases.load()
    if tag:
        typer.echo("\n".join(releases.tag(tag, found)))
        return
    table = Table("Version", "Date", "Commit", "Renamed answers", "Moved files", box=None)
    for item in found:
        pairs = [
            ", ".join(f"{old} -> {new}" for old, new in rows.items())
            for rows in (item.renamed_answers, item.moved_files)
        ]
        table.add_row(item.version, item.date, item.commit[:12], *pairs)
    Console(soft_wrap=True).print(table)
