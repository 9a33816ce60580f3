"""`groundplan cover`: few answer sets in which any two, or any three, answers that can meet do meet."""

from pathlib import Path
from typing import Annotated

import typer
import yaml
from rich.console import Console

from generator.covering import Combination, cover
from generator.deduction import Refusal
from generator.errors import GroundplanError

NAME = "cover"
NAMES = {2: "pairs", 3: "triples"}
MOST_REASONS = 4
"""Reasons that are shown for one pair."""


def command(
    out: Annotated[Path | None, typer.Option(help="Folder for one answers file a row; it must be empty.")] = None,
    strength: Annotated[int, typer.Option(min=2, max=3, help="How many answers meet.")] = 2,
    seed: Annotated[int, typer.Option(help="The same seed gives the same rows.")] = 1,
    apart: Annotated[bool, typer.Option("--apart", help="List the answers that exclude each other, and why.")] = False,
) -> None:
    """Write answer sets that bring every pair, or triple, of answers together; 1 when one is undecided."""
    if out and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise GroundplanError(f"{out} is not empty: name an empty folder, or one that is not there yet.")
    array = cover(strength, seed)
    if out:
        out.mkdir(parents=True, exist_ok=True)
        for number, row in enumerate(array.rows, 1):
            text = yaml.safe_dump(row, allow_unicode=True, sort_keys=False)
            (out / f"{NAMES[strength]}-{number:0{len(str(len(array.rows)))}}.yml").write_text(text, encoding="utf-8")
    console = Console(soft_wrap=True)
    what = NAMES[strength]
    console.print(f"{len(array.rows):,} answer sets bring {len(array.covered):,} {what} of answers together.")
    for size in range(2, strength + 1):
        found = sum(len(levels) == size for levels in array.apart)
        besides = ", although any two of the three can meet" if size > 2 else ""
        console.print(f"{found:,} {NAMES[size]} exclude each other{besides}, each for a reason; --apart lists them.")
    if apart:
        for pair, refusals in sorted(array.apart.items()):
            console.print("  |  ".join(pair), markup=False)
            for refusal in told(pair, refusals):
                console.print(f"    {refusal.key} ({refusal.part}): {refusal.says}", markup=False)
    if array.undecided:
        raise GroundplanError(f"{len(array.undecided):,} combinations are undecided: the search was given up.", 1)


def told(pair: Combination, refusals: list[Refusal]) -> list[Refusal]:
    """Of what was in the way during the search, what tells most: the questions of the pair, and refused choices."""
    keys = {level.partition(" ")[0] for level in pair}
    own = [row for row in refusals if row.key in keys]
    return [*own, *(row for row in refusals if row.key not in keys and row.part == "choices")][
        :MOST_REASONS
    ] or refusals
