"""`groundplan new`: the interview, or a project from answers; what `make project` calls."""

import shutil
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer
from copier import run_copy
from copier.errors import CopierAnswersInterrupt, CopierError

from generator.answers import find, load, resolve
from generator.errors import GroundplanError
from generator.paths import ROOT
from generator.refusals import check_keys, sentence
from generator.rendering import refuse_occupied

NAME = "new"


def command(
    destination: Annotated[Path, typer.Argument(help="Folder of the project; it must not exist or be empty.")],
    answers: Annotated[str | None, typer.Option("--answers", help="A variant or an answers file.")] = None,
    defaults: Annotated[bool, typer.Option("--defaults", help="Take every default instead of asking.")] = False,
    data: Annotated[
        list[str] | None, typer.Option("--data", "-d", help="One answer, as key=value.", show_default=False)
    ] = None,
) -> None:
    """Interview an architect and write a project, or write it from answers."""
    refuse_occupied(destination)
    silent = defaults or answers is not None
    if not silent and not sys.stdin.isatty():
        raise GroundplanError("There is no terminal to ask on: add --defaults, or --answers with a file.")
    given = {**(load(find(answers)) if answers else {}), **_pairs(data or [])}
    check_keys(given)
    resolve(given)
    existed = destination.exists()
    try:
        with warnings.catch_warnings():
            # A checkout with changes of its own is a normal place to work in.
            warnings.simplefilter("ignore")
            run_copy(
                str(ROOT),
                destination,
                data=given,
                defaults=silent,
                vcs_ref="HEAD",
                quiet=False,
            )
    except BaseException as error:
        if not existed:
            shutil.rmtree(destination, ignore_errors=True)
        raise _refusal(error) from error


def _pairs(data: list[str]) -> dict[str, Any]:
    pairs = {}
    for pair in data:
        key, separator, value = pair.partition("=")
        if not separator:
            raise GroundplanError(f"--data {pair} has no value: write key=value.")
        pairs[key] = value
    return pairs


def _refusal(error: BaseException) -> BaseException:
    """The error as one sentence where it is the user's to mend."""
    if isinstance(error, (KeyboardInterrupt, CopierAnswersInterrupt)):
        return GroundplanError("The interview was stopped: nothing was written.", exit_code=130)
    if isinstance(error, (CopierError, ValueError)):
        return GroundplanError(sentence(error))
    return error
