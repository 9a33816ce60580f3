"""`groundplan cover`: few answer sets in which any two (or most of any three) answers that can meet do meet."""

from pathlib import Path
from typing import Annotated

import typer
import yaml
from rich.console import Console

from generator.covering import Combination, cover
from generator.deduction import Refusal
from generator.errors import GroundplanError

NAME = "cover"
MOST_REASONS = 4
"""Reasons that are shown for one pair."""


def command(
    out: Annotated[Path | None, typer.Option(help="Folder for one answers file a row; it must be empty.")] = None,
    strength: Annotated[int, typer.Option(min=2, max=3, help="How many answers meet.")] = 2,
    seed: Annotated[int, typer.Option(help="The same seed gives the same rows.")] = 1,
    apart: Annotated[bool, typer.Option("--apart", help="List the pairs that exclude each other, and why.")] = False,
) -> None:
    """Write answer sets that bring every pair, or most triples, of answers together that can meet."""
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
        console.print(f"{len(array.apart):,} pairs exclude each other, each for a reason; --apart lists them.")
    if array.undecided:
        console.print(f"{len(array.undecided):,} pairs are undecided: the search for them was given up.")
    if apart:
        for pair, refusals in sorted(array.apart.items()):
            console.print("  |  ".join(pair), markup=False)
            for refusal in told(pair, refusals):
                console.print(f"    {refusal.key} ({refusal.part}): {refusal.says}", markup=False)


def told(pair: Combination, refusals: list[Refusal]) -> list[Refusal]:
    """Of what was in the way during the search, what tells most: the questions of the pair, and refused choices."""
    keys = {level.partition(" ")[0] for level in pair}
    own = [row for row in refusals if row.key in keys]
    return [*own, *(row for row in refusals if row.key not in keys and row.part == "choices")][
        :MOST_REASONS
    ] or refusals
