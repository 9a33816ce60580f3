"""How fast it is, measured: `make bench` writes docs/performance.md and its picture.

Each figure is the wall-clock time of whole processes on the machine that runs it, beside the time of what a person
would run without Groundplan. Short ones are medians of several runs.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from importlib.metadata import version
from pathlib import Path

from generator.answers import variants
from generator.compiler import Compiler, find_compiler
from generator.paths import ROOT

COPIER = Path(sys.executable).parent / "copier"
GROUNDPLAN = [sys.executable, "-m", "generator"]
RUNS = 3
PAGE = ROOT / "docs" / "performance.md"
PICTURE = ROOT / "docs" / "images" / "performance.svg"
QUICK = ("exploration-only", "foundation-chat", "smallest-prototype")
"""Variants of a reduced run."""

IDENTITY = ("-c", "user.name=Groundplan", "-c", "user.email=groundplan@example.com")


@dataclass(frozen=True)
class Measure:
    """What took how long, beside what.

    Args:
        what: Ours.
        seconds: Of ours.
        beside: What it is compared with.
        other: Seconds of that.
        target: Largest ratio (ours / other) that is aimed at; None where nothing is.
        why: What explains a target that is missed.
    """

    what: str
    seconds: float
    beside: str
    other: float
    target: float | None
    why: str = ""

    @property
    def ratio(self) -> float:
        """Ours / other."""
        return self.seconds / self.other

    @property
    def met(self) -> bool:
        """Whether the target is met."""
        return self.target is None or self.ratio <= self.target


@dataclass(frozen=True)
class Results:
    """Everything that was measured.

    Args:
        measures: Times.
        rendering: (number of variants, seconds) of `groundplan render`.
        looping: (number of variants, seconds) of `copier copy` in a loop.
        sizes: Variant -> bytes of its compiled main.json.
        load: Load average of the last minute when it began.
        quick: Whether it was a reduced run.
    """

    measures: list[Measure]
    rendering: list[tuple[int, float]]
    looping: list[tuple[int, float]]
    sizes: dict[str, int]
    load: float
    quick: bool


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """Run a command, fail with what it said, and return its output."""
    environment = {**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1", "PYTHONPATH": str(ROOT)}
    completed = subprocess.run(
        [str(part) for part in command], cwd=cwd, check=False, capture_output=True, text=True, env=environment
    )
    if completed.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed: {completed.stderr.strip()[-500:]}")
    return completed.stdout


def seconds(action: Callable[[], object]) -> float:
    """Wall-clock seconds of one run."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def median(action: Callable[[int], object], runs: int) -> float:
    """Median of wall-clock seconds over several runs; the action gets the number of the run."""
    return statistics.median(seconds(partial(action, number)) for number in range(runs))


def commit(folder: Path, message: str) -> None:
    """Commit everything in a folder, a repository or not yet."""
    if not (folder / ".git").exists():
        run("git", "init", "-q", cwd=folder)
    run("git", "add", "-A", cwd=folder)
    run("git", *IDENTITY, "commit", "-qm", message, cwd=folder)


def empty_template(folder: Path) -> Path:
    """A git repository with a template of one file."""
    template = folder / "empty"
    template.mkdir()
    (template / "copier.yml").write_text("name: x\n")
    (template / "{{ _copier_conf.answers_file }}.jinja").write_text("{{ _copier_answers|to_nice_yaml }}")
    commit(template, "Empty")
    return template


def our_template(folder: Path) -> Path:
    """A repository with the template as it is now as version 1.0.0, and a version 1.1.0 with one sentence more."""
    template = folder / "groundplan"
    template.mkdir()
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("template", "generator"):
        shutil.copytree(ROOT / name, template / name, ignore=ignored)
    shutil.copy(ROOT / "copier.yml", template)
    commit(template, "Release")
    run("git", "tag", "v1.0.0", cwd=template)
    page = template / "template" / "infra" / "modules" / "network" / "README.md"
    page.write_text(f"{page.read_text()}\nOne sentence more.\n")
    commit(template, "Change")
    run("git", "tag", "v1.1.0", cwd=template)
    return template


def copy(template: Path, target: Path, *options: str | Path, ref: str = "HEAD") -> None:
    """What a person runs: `copier copy`."""
    run(COPIER, "copy", "--quiet", "--defaults", "--vcs-ref", ref, *options, template, target)


def measure(folder: Path, quick: bool) -> Results:
    """Measure everything, in a folder that may be thrown away.

    Args:
        folder: An empty folder.
        quick: Few variants and single runs.
    """
    load = os.getloadavg()[0]
    runs = 1 if quick else RUNS
    empty, ours = empty_template(folder), our_template(folder)
    chosen = [item for item in variants() if not quick or item.name in QUICK]
    copied = median(lambda number: copy(ours, folder / f"ours{number}"), runs)
    bare = median(lambda number: copy(empty, folder / f"bare{number}"), runs)
    updated = _updates(folder, ours, runs)
    looping, spent = [], 0.0
    for number, item in enumerate(chosen, 1):
        spent += seconds(partial(copy, ours, folder / "loop" / item.name, "--data-file", item.path))
        looping.append((number, spent))
    rendering = _growth(folder, [item.name for item in chosen], runs)
    projects = sorted((folder / f"render{len(chosen)}-0").iterdir())
    compiler = find_compiler()
    sizes = {}

    def build_all() -> None:
        for project in projects:
            text = run(compiler, "build", project / "infra" / "main.bicep", "--stdout")
            sizes[project.name] = len(text.encode())

    built = seconds(build_all)
    judged = seconds(lambda: run(*GROUNDPLAN, "verify", "--no-tools", *projects))
    verified = seconds(lambda: run(*GROUNDPLAN, "verify", *projects))
    count = len(chosen)
    loop = f"`bicep build` of {count} projects in a loop"
    return Results(
        [
            Measure(
                "`copier copy` of the defaults",
                copied,
                "`copier copy` of an empty template",
                bare,
                3.0,
                "Copier starts in the time that the empty template shows; the rest is Jinja: every file, question and "
                "default is compiled anew in each process.",
            ),
            Measure(
                "`copier update` to a later version",
                updated,
                "`copier copy` of the defaults",
                copied,
                2.2,
                "An update renders the old and the new version, and compares both with the project through git.",
            ),
            Measure(
                f"`groundplan render` of {count} variants",
                rendering[-1][1],
                "`copier copy` in a loop",
                spent,
                1 / 8,
                "It renders in one process a core, so few cores and few variants leave less to win.",
            ),
            Measure(
                f"`groundplan verify --no-tools` of {count} variants",
                judged,
                loop,
                built,
                0.5,
                "It evaluates every environment and judges every requirement, where the loop only compiles.",
            ),
            Measure(f"`groundplan verify` of {count} variants", verified, loop, built, None),
        ],
        rendering,
        looping,
        sizes,
        load,
        quick,
    )


def _updates(folder: Path, template: Path, runs: int) -> float:
    """Median time of an update of a committed project from 1.0.0 to 1.1.0."""
    for number in range(runs):
        project = folder / f"update{number}"
        copy(template, project, ref="v1.0.0")
        commit(project, "Start")
    update = (COPIER, "update", "--quiet", "--defaults")
    return median(lambda number: run(*update, cwd=folder / f"update{number}"), runs)


def _growth(folder: Path, names: Sequence[str], runs: int) -> list[tuple[int, float]]:
    """Times of `groundplan render` of the first variants: one, a third, two thirds, all."""
    counts = sorted({1, len(names) // 3, len(names) * 2 // 3, len(names)} - {0})

    def render(count: int) -> Callable[[int], object]:
        return lambda number: run(*GROUNDPLAN, "render", *names[:count], "--out", folder / f"render{count}-{number}")

    return [(count, median(render(count), runs)) for count in counts]


def machine(results: Results) -> str:
    """One sentence about what measured it, and when."""
    with Compiler() as compiler:
        bicep = compiler.version()
    try:
        system = platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        system = platform.platform()
    return (
        f"Measured on {date.today()}: {os.cpu_count()} cores ({_processor()}), {system}, Python "
        f"{platform.python_version()}, Copier {version('copier')}, Bicep {bicep}; "
        f"load average {results.load:.1f} when it began."
    )


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def page(results: Results) -> str:
    """The page of the documentation."""
    largest = max(results.sizes, key=lambda name: results.sizes[name])
    lines = ["# Performance", "", f"`make bench` writes this page. {machine(results)}"]
    if results.quick:
        lines += [
            "",
            f"A reduced run: {len(results.sizes)} variants, each figure taken once. Read it as a sign of life only.",
        ]
    if results.load > (os.cpu_count() or 1):
        lines += ["", "The machine was busy with other work, so single figures are too large; ratios suffer less."]
    lines += ["", "![Ratios beside their targets, and time by number of variants](images/performance.svg)", ""]
    lines += [
        "| What | Seconds | Beside | Seconds | Ratio | Target | Met |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for item in results.measures:
        goal = "" if item.target is None else f"at most {item.target:.2f}"
        met = "" if item.target is None else "yes" if item.met else "**no**"
        times = f"| {item.what} | {item.seconds:.1f} | {item.beside} | {item.other:.1f} "
        lines.append(f"{times}| {item.ratio:.2f} | {goal} | {met} |")
    lines += ["", *_missed(results.measures)]
    lines += ["", "## Size of the compiled template", ""]
    lines += [
        f"The largest `main.json` is that of `{largest}`: {results.sizes[largest] / 1e6:.2f} MB. "
        "The target is less than 1 MB; the platform takes 4 MB. "
        "The compiler writes a module out at each place that uses it, but once for a loop.",
        "",
        "| Variant | kB |",
        "| --- | --- |",
        *(f"| `{name}` | {size / 1000:.0f} |" for name, size in sorted(results.sizes.items())),
    ]
    lines += ["", "## Growth with the number of variants", ""]
    lines += ["| Variants | `groundplan render`, seconds | `copier copy` in a loop, seconds |", "| --- | --- | --- |"]
    loop = dict(results.looping)
    lines += [f"| {count} | {taken:.1f} | {loop[count]:.1f} |" for count, taken in results.rendering]
    return "\n".join(lines) + "\n"


def _missed(measures: Sequence[Measure]) -> list[str]:
    missed = [item for item in measures if not item.met]
    if not missed:
        return ["Every target is met."]
    return ["What misses its target:", "", *(f"- {item.what}: {item.ratio:.2f}. {item.why}" for item in missed)]


def draw(results: Results, path: Path) -> None:
    """The picture: ratios beside their targets, and time by number of variants."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.hashsalt": "groundplan", "font.size": 10, "axes.spines.top": False})
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 3.8), layout="constrained")
    aimed = [item for item in results.measures if item.target is not None][::-1]
    names = [item.what.replace("`", "").replace(" of ", "\nof ", 1).replace(" to ", "\nto ", 1) for item in aimed]
    shares = [100 * item.ratio / (item.target or 1) for item in aimed]
    left.barh(names, shares, color=["#2e7d32" if item.met else "#c62828" for item in aimed], height=0.55)
    left.axvline(100, color="#444", linestyle="--", linewidth=1)
    for place, (share, item) in enumerate(zip(shares, aimed, strict=True)):
        left.text(share + 2, place, f"{item.ratio:.2f}", va="center")
    left.set_xlim(0, max(120, *shares) * 1.15)
    left.set_title("Ratio, in percent of its target (dashed: target)", loc="left", fontsize=10)
    for points, label, colour in (
        (results.looping, "copier copy in a loop", "#6b7280"),
        (results.rendering, "groundplan render", "#3f51b5"),
    ):
        right.plot(*zip(*points, strict=True), marker="o", markersize=4, label=label, color=colour)
    right.set_xlabel("variants")
    right.set_ylabel("seconds")
    right.set_xlim(left=0)
    right.set_ylim(bottom=0)
    right.legend(frameon=False)
    right.set_title("Time to write projects", loc="left", fontsize=10)
    for axes in (left, right):
        axes.spines["right"].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def main() -> None:
    """Measure, then write the page and its picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="few variants and single runs")
    parser.add_argument("--out", type=Path, default=PAGE.parent, help="folder that gets the page and images/")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = measure(Path(folder), options.quick)
    draw(results, options.out / "images" / PICTURE.name)
    (options.out / PAGE.name).write_text(page(results), encoding="utf-8")
    for item in results.measures:
        print(f"{item.what}: {item.seconds:.1f} s, {item.ratio:.2f} of {item.beside}{'' if item.met else ' (missed)'}")
    print(json.dumps({"largest main.json": max(results.sizes.values())}))


if __name__ == "__main__":
    main()
