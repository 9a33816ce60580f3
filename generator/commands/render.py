"""`groundplan render`: one or many projects from variants, answers files or chance."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from generator.answers import find, load, variants
from generator.commands.progress import progress
from generator.errors import GroundplanError
from generator.rendering import Job, refuse_occupied, render_many
from generator.sampling import sample

NAME = "render"


def command(
    targets: Annotated[
        list[str] | None,
        typer.Argument(help="Variants or answers files; every variant without any.", show_default=False),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder that gets one folder a project.")] = Path("build"),
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; one a core when not given.")] = None,
    count: Annotated[
        int, typer.Option("--random", min=0, help="Render this many random legal answer sets instead.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="Seed of the random answers.")] = 1,
) -> None:
    """Write projects; each is byte for byte what `copier copy` writes for the same answers."""
    if count and targets:
        raise GroundplanError("Give either targets or --random, not both.")
    jobs = _random(count, seed, out) if count else _named(targets or [variant.name for variant in variants()], out)
    for job in jobs:
        refuse_occupied(job.destination)
    failed = _run(jobs, workers)
    for job, error in failed:
        Console(stderr=True, soft_wrap=True).print(f"{job.name}: {error.message}", style="red", markup=False)
    typer.echo(f"{len(jobs) - len(failed)} of {len(jobs)} projects in {out}")
    if failed:
        raise typer.Exit(1)


def _named(targets: list[str], out: Path) -> list[Job]:
    paths = [find(target) for target in targets]
    names = [path.stem for path in paths]
    for name in names:
        if names.count(name) > 1:
            raise GroundplanError(f"Two targets are called {name}: rename one, since each gets a folder of its name.")
    return [Job(path.stem, load(path), out / path.stem) for path in paths]


def _random(count: int, seed: int, out: Path) -> list[Job]:
    names = [f"random-{seed}-{number:03}" for number in range(count)]
    return [Job(name, sample(seed * 100_000 + number), out / name) for number, name in enumerate(names)]


def _run(jobs: list[Job], workers: int | None) -> list[tuple[Job, GroundplanError]]:
    with progress("rendering", len(jobs)) as done:
        return render_many(jobs, workers, lambda job, _: done(job.name))
