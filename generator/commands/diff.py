"""`groundplan diff`: what changes between two projects or two sets of answers."""

import json
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from generator import difference
from generator.answers import find, load, of_project
from generator.compiler import Compiler
from generator.errors import GroundplanError
from generator.evaluation import Project, evaluate
from generator.rendering import render

NAME = "diff"


def command(
    old: Annotated[str, typer.Argument(help="A generated project, a variant or an answers file.")],
    new: Annotated[str, typer.Argument(help="The other one.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what appears, goes and changes between two projects, in each environment; the exit code is 0 either way."""
    with tempfile.TemporaryDirectory() as folder, Compiler() as compiler:
        # Both are there before the first is evaluated: what cannot be compared is said at once.
        roots = {old: _root(old, Path(folder) / "old"), new: _root(new, Path(folder) / "new")}
        before, after = (_project(target, roots[target], compiler) for target in (old, new))
    differences = difference.compare(before, after)
    if as_json:
        typer.echo(json.dumps(difference.data(differences), indent=2))
        return
    for item in differences:
        _print(Console(soft_wrap=True), item)


def _root(target: str, folder: Path) -> Path:
    """Where a project lies, or is rendered from answers."""
    if Path(target).is_dir():
        return Path(target)
    render(load(find(target)), folder)
    return folder


def _project(target: str, root: Path, compiler: Compiler) -> Project:
    project = evaluate(root, of_project(root), compiler)
    if not project.template:
        raise GroundplanError(f"{target} does not compile: run `groundplan verify {target}` to see why.", 1)
    return project


def _print(console: Console, item: difference.Difference) -> None:
    console.print(Text(f"{item.environment}{': no difference' if item.empty else ''}", style="bold"))
    for resource in item.added:
        console.print(Text(f"  + {resource}", style="green"))
    for resource in item.removed:
        console.print(Text(f"  - {resource}", style="red"))
    common, own = difference.split_tags(item)
    for change, count in common.items():
        console.print(Text(f"  ~ {count} resources", style="yellow"))
        console.print(Text(f"      {_told(change)}"))
    for key, changes in own.items():
        console.print(Text(f"  ~ {_short_id(key)}", style="yellow"))
        for change in changes:
            console.print(Text(f"      {_told(change)}"))
    for what, key in item.dangers:
        console.print(Text(f"  ! {what}: {_short_id(key)}", style="bold red"))


def _short_id(key: str) -> str:
    return key.rsplit("/providers/", 1)[-1]


def _told(change: difference.Change) -> str:
    note = f" ({change.danger})" if change.danger else ""
    return f"{change.path}: {_short(change.old)} -> {_short(change.new)}{note}"


def _short(value: Any) -> str:
    text = "absent" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 100 else f"{text[:97]}..."
