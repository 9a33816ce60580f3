"""What the README says about time, measured: `make bench` prints the table.

Each figure is the median over several runs of whole processes, on the machine that runs it.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from generator.answers import variants
from generator.compiler import find_compiler
from generator.paths import ROOT

COPIER = Path(sys.executable).parent / "copier"
GROUNDPLAN = [sys.executable, "-m", "generator"]
RUNS = 3


def run(*command: str | Path, cwd: Path = ROOT) -> None:
    """Run a command and fail with what it said."""
    environment = {**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1", "PYTHONPATH": str(ROOT)}
    subprocess.run([str(part) for part in command], cwd=cwd, check=True, capture_output=True, env=environment)


def median_seconds(action: Callable[[int], None], runs: int = RUNS) -> float:
    """Median of wall-clock seconds over several runs; the action gets the number of the run."""
    taken = []
    for number in range(runs):
        start = time.perf_counter()
        action(number)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def empty_template(folder: Path) -> Path:
    """A git repository with a template of one file."""
    template = folder / "empty"
    template.mkdir()
    (template / "copier.yml").write_text("name: x\n")
    (template / "{{ _copier_conf.answers_file }}.jinja").write_text("{{ _copier_answers|to_nice_yaml }}")
    for arguments in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-qm", "Empty"],
    ):
        run("git", *arguments, cwd=template)
    return template


def clone(folder: Path) -> Path:
    """A clean clone of this repository."""
    run("git", "clone", "--quiet", ROOT, folder / "groundplan")
    return folder / "groundplan"


def measure(folder: Path) -> list[tuple[str, float, str, float]]:
    """Rows of the table: what, seconds, beside what, seconds."""
    empty, ours = empty_template(folder), clone(folder)
    paths = [variant.path for variant in variants()]

    def copy(template: Path, name: str) -> Callable[[int], None]:
        command = (COPIER, "copy", "--quiet", "--defaults", "--vcs-ref", "HEAD", template)
        return lambda number: run(*command, folder / f"{name}{number}")

    def copy_all(number: int) -> None:
        for path in paths:
            target = folder / f"loop{number}" / path.stem
            run(COPIER, "copy", "--quiet", "--defaults", "--vcs-ref", "HEAD", "--data-file", path, ours, target)

    def render_all(number: int) -> None:
        run(*GROUNDPLAN, "render", "--out", folder / f"render{number}")

    copied = median_seconds(copy(ours, "ours"))
    bare = median_seconds(copy(empty, "bare"))
    loop = median_seconds(copy_all, 1)
    rendered = median_seconds(render_all)
    projects = sorted((folder / "render0").iterdir())
    compiler = find_compiler()

    def build_all(_: int) -> None:
        for project in projects:
            run(compiler, "build", project / "infra" / "main.bicep", "--stdout")

    built = median_seconds(build_all, 1)
    verified = median_seconds(lambda _: run(*GROUNDPLAN, "verify", *projects))
    count = len(paths)
    return [
        ("`copier copy` of the defaults", copied, "`copier copy` of an empty template", bare),
        (f"`groundplan render`, {count} variants", rendered, "`copier copy` in a loop", loop),
        (f"`groundplan verify`, {count} variants", verified, "`bicep build` in a loop", built),
    ]


def main() -> None:
    """Print the table of the README."""
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(Path(folder))
    print("| What | Seconds | Beside | Seconds | Ratio |\n| --- | --- | --- | --- | --- |")
    for what, ours, beside, theirs in rows:
        print(f"| {what} | {ours:.1f} | {beside} | {theirs:.1f} | {ours / theirs:.2f} |")


if __name__ == "__main__":
    main()
