"""`groundplan lint`: the template's own faults, before anybody meets them in an interview."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from generator.lint import Fault, faults
from generator.paths import ROOT
from generator.template import Template

NAME = "lint"


def command(
    root: Annotated[Path, typer.Argument(help="Folder of the template: the one that holds copier.yml.")] = ROOT,
    as_json: Annotated[bool, typer.Option("--json", help="Print the faults as JSON.")] = False,
) -> None:
    """Look for faults of the template that Copier accepts in silence; exit code 1 if there are any."""
    template = Template.load(root)
    found = faults(template)
    counts = {
        "files": len(template.nodes) + len(template.files) + sum(text.place == "shared" for text in template.texts),
        "questions": len(template.questions),
        "rows": sum(len(table.rows) for table in template.tables),
    }
    if as_json:
        typer.echo(json.dumps({**counts, "faults": [asdict(fault) for fault in found]}, indent=2))
    else:
        _print(found, counts)
    if found:
        raise typer.Exit(1)


def _print(found: list[Fault], counts: dict[str, int]) -> None:
    # Without markup: messages quote the template, square brackets included.
    console = Console(markup=False, highlight=False)
    if found:
        table = Table("Where", "Rule", "What to change")
        for fault in found:
            table.add_row(f"{fault.file}:{fault.line}", fault.rule, fault.message)
        console.print(table)
    looked = ", ".join(f"{number} {what}" for what, number in counts.items())
    console.print(f"{len(found)} fault{'' if len(found) == 1 else 's'} in {looked}.")
