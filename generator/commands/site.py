"""`groundplan site`: the documentation with its gallery."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from generator.answers import find, variants
from generator.commands.progress import progress
from generator.errors import GroundplanError
from generator.site.building import build, require
from generator.site.exhibits import gather
from generator.verification import require_compiler

NAME = "site"


def command(
    names: Annotated[
        list[str] | None, typer.Argument(help="Variants that the gallery shows; all without any.", show_default=False)
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder of the site; a site in it is replaced.")] = Path(
        "build/site"
    ),
) -> None:
    """Build the documentation site: docs/, the reference, and a gallery in which each variant is evaluated."""
    known = {item.name: item for item in variants()}
    for name in names or []:
        if name not in known:
            find(name)
            raise GroundplanError(f"{name} is no variant: the gallery shows variants only.")
    chosen = [known[name] for name in dict.fromkeys(names or known)]
    require(out)
    require_compiler()
    with progress("evaluating", len(chosen)) as done, tempfile.TemporaryDirectory() as folder:
        exhibits = gather(chosen, Path(folder), done)
    pages = build(exhibits, out)
    typer.echo(f"{len(pages)} pages in {out}")
