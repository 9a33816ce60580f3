"""`groundplan docs`: write the reference pages, or tell which are out of date."""

from typing import Annotated

import typer

from generator.errors import GroundplanError
from generator.paths import ROOT
from generator.reference import pages

NAME = "docs"


def command(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 when a page is out of date.")] = False,
) -> None:
    """Write docs/reference and the guidance page of the template from the questions, tables and requirements."""
    stale = []
    for path, text in pages().items():
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(str(path.relative_to(ROOT)))
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if check and stale:
        raise GroundplanError(
            f"Run `groundplan docs`: {', '.join(stale)} no longer tell what the sources say.", exit_code=1
        )
    typer.echo(f"{len(stale)} pages written." if stale else "Every page is up to date.")
