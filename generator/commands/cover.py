"""`groundplan cover`: few answer sets in which nearly any two (or three) answers that can meet do meet."""

from pathlib import Path
from typing import Annotated

import typer
import yaml
from rich.console import Console

from generator.covering import cover
from generator.errors import GroundplanError

NAME = "cover"


def command(
    out: Annotated[Path | None, typer.Option(help="Folder for one answers file a row; it must be empty.")] = None,
    strength: Annotated[int, typer.Option(min=2, max=3, help="How many answers meet.")] = 2,
    seed: Annotated[int, typer.Option(help="The same seed gives the same rows.")] = 1,
    apart: Annotated[bool, typer.Option("--apart", help="List the pairs that never met.")] = False,
) -> None:
    """Write answer sets that bring nearly every pair, or triple, of answers together that can meet."""
    if out and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise GroundplanError(f"{out} is not empty: name an empty folder, or one that is not there yet.")
    array = cover(strength, seed)
    if out:
        out.mkdir(parents=True, exist_ok=True)
        for number, row in enumerate(array.rows, 1):
            text = yaml.safe_dump(row, allow_unicode=True, sort_keys=False)
            (out / f"{'pairs' if strength == 2 else 'triples'}-{number:03}.yml").write_text(text, encoding="utf-8")
    console = Console(soft_wrap=True)
    what = "pairs" if strength == 2 else "triples"
    console.print(f"{len(array.rows)} answer sets bring {len(array.covered):,} {what} of answers together.")
    if strength == 2:
        console.print(f"{len(array.apart):,} pairs never met: they exclude each other, as far as the search can tell.")
    if apart:
        for pair in sorted(array.apart):
            console.print("  " + "  |  ".join(pair), markup=False)
