"""`groundplan resources`: what will exist in each environment."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from generator import inventory
from generator.answers import of_project
from generator.compiler import Compiler
from generator.errors import GroundplanError
from generator.evaluation import evaluate

NAME = "resources"


def command(
    directory: Annotated[Path, typer.Argument(help="Folder of a generated project.")],
    env: Annotated[str | None, typer.Option("--env", help="One environment; every one when not given.")] = None,
    as_tree: Annotated[bool, typer.Option("--tree", help="Draw a tree by resource group instead of a table.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List what will exist in each environment, from the evaluated template."""
    answers = of_project(directory)
    if env and env not in answers["environments"]:
        raise GroundplanError(f"There is no environment {env}: choose one of {', '.join(answers['environments'])}.")
    with Compiler() as compiler:
        project = evaluate(directory, answers, compiler, [env] if env else None)
    errors = [remark for remark in project.diagnostics if remark.level == "Error"]
    if errors:
        raise GroundplanError(
            f"The template does not compile: {errors[0].message} ({errors[0].source}:{errors[0].line})", 1
        )
    if as_json:
        typer.echo(json.dumps(inventory.rows(project), indent=2))
        return
    for environment in project.environments.values():
        Console().print(inventory.tree(environment) if as_tree else inventory.table(environment))
