"""Which requirement `groundplan verify` names when something is broken: `python -m tests.mutation_table`.

Every mutation of tests/mutations is made on its variant, every requirement is judged as `groundplan verify` judges it,
and what was named is written to docs/reference/mutations.md. It fails when less than 95 % name the right requirement.
The same mutations give the same page.
"""

import argparse
import multiprocessing
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple, dataclass
from functools import cache, partial
from pathlib import Path

from generator.answers import load as load_answers
from generator.answers import of_project
from generator.compiler import Compiler
from generator.evaluation import Project, evaluate
from generator.paths import ROOT, VARIANTS
from generator.rendering import render
from generator.requirements import AREAS, load
from generator.traceability import cell
from generator.verification import BROKEN, judge
from tests.checks_support import Change, changed_files, rebuild, spoil
from tests.mutations import FILE_ROWS, MUTATIONS, SOURCES

PAGE = ROOT / "docs" / "reference" / "mutations.md"
GOAL = 0.95
"""Least share of mutations that name the right requirement."""

SHOWN = 6
"""How many named requirements a row shows."""

TITLES = ("Mutation", "Kind", "Where", "Variant", "Breaks", "Named", "Right")
RIGHT = "yes"

KINDS = (
    (".github/", "pipeline"),
    (".azuredevops/", "pipeline"),
    ("gateway/policies/", "policy"),
    ("gateway/", "gateway"),
    ("infra/modules/", "Bicep"),
    ("infra/main.bicep", "Bicep"),
    ("infra/", "parameters"),
    ("monitoring/", "monitoring"),
    ("orchestrator/", "code"),
    ("scripts/", "code"),
    ("tests/", "code"),
    ("ml/", "machine learning"),
    ("docs/", "page"),
)
"""Start of a path -> kind of file; the first that fits counts."""


@dataclass(frozen=True)
class Task:
    """A mutation: the requirement that it breaks, on which variant, in words, how, and whether in files only."""

    requirement: str
    variant: str
    words: str
    change: Change
    in_files: bool

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells one mutation from another, as it stands on the page."""
        return self.requirement, self.variant, cell(self.words)


@dataclass(frozen=True)
class Row:
    """A row of the page: what was broken, of which kind, where, on which variant, and what was named."""

    words: str
    kind: str
    place: str
    variant: str
    requirement: str
    named: str
    right: str

    @property
    def good(self) -> bool:
        """Whether the right requirement was named."""
        return self.right == RIGHT

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells one mutation from another."""
        return self.requirement, self.variant, self.words


TASKS = [
    *(Task(*row, True) for row in SOURCES),
    *(Task(requirement, variant, words, change, False) for requirement, variant, words, change, _ in MUTATIONS),
]

_projects: dict[str, Project] = {}
"""Evaluated variants; processes that are forked later share them."""


def prepare(folder: Path, name: str) -> Project:
    """Render and evaluate a variant."""
    render(load_answers(VARIANTS / f"{name}.yml"), folder / name)
    return evaluate(folder / name, of_project(folder / name), _compiler())


def run(number: int) -> Row:
    """Make one mutation and tell what is named."""
    task = TASKS[number]
    before = _projects[task.variant]
    with tempfile.TemporaryDirectory() as folder:
        if task.in_files:
            after = rebuild(before, task.change, Path(folder), _compiler())
        else:
            after = spoil(before, task.change, Path(folder))
        kind, place = _place(before, after, task.in_files)
        ids = named(after, FILE_ROWS - {task.requirement} if _same_files(before, after) else set())
    right = RIGHT if task.requirement in ids else "**no**"
    return Row(cell(task.words), kind, place, task.variant, task.requirement, _ids(task.requirement, ids), right)


@cache
def _compiler() -> Compiler:
    """The one compiler of a worker process; it ends with the process."""
    return Compiler().__enter__()


def named(project: Project, skipped: set[str]) -> tuple[str, ...]:
    """Ids of the requirements that are broken.

    A check that fails by itself names nothing, and neither does a project that does not compile: that breaks them all.

    Args:
        project: The broken project.
        skipped: Requirements that cannot be broken: their checks read files only, and no file was changed.
    """
    if not project.template:
        return ()
    verdicts = [judge(row, project) for row in load() if row.id not in skipped]
    return tuple(
        item.id for item in verdicts if item and item.verdict == BROKEN and item.evidence != ["the check itself"]
    )


def _same_files(before: Project, after: Project) -> bool:
    """Whether only resources differ."""
    files = changed_files(before.root, after.root)
    return not files and before.answers == after.answers and before.template == after.template


def _place(before: Project, after: Project, in_files: bool) -> tuple[str, str]:
    """Kind and place of the first thing that a mutation changed."""
    files = [str(path) for path in changed_files(before.root, after.root)]
    if files:
        kind = next((kind for start, kind in KINDS if files[0].startswith(start)), "other file")
        return kind, f"`{files[0]}`"
    if in_files:
        raise AssertionError("A mutation of files changes none.")
    types = _changed_types(before, after)
    if types:
        return "resource", f"`{types[0]}`"
    answers = [key for key, value in after.answers.items() if before.answers.get(key) != value]
    if answers:
        return "answer", f"`{answers[0]}`"
    return "template", "compiled template"


def _changed_types(before: Project, after: Project) -> list[str]:
    """Types of resources that one of two projects has and the other has not."""
    pairs = [
        *((before.environments[name].resources, after.environments[name].resources) for name in before.environments),
        *((before.rollouts[name], after.rollouts[name]) for name in before.rollouts),
    ]
    found = []
    for old, new in pairs:
        known = [item.body for item in old]
        kept = [item.body for item in new]
        found += [item.type for item in new if item.body not in known]
        found += [item.type for item in old if item.body not in kept]
    return sorted(found)


def rows(known: Mapping[tuple[str, str, str], Row], workers: int | None = None) -> list[Row]:
    """One row a mutation, in order; those that are not known are made, in a pool of processes."""
    numbers = [number for number, task in enumerate(TASKS) if task.key not in known]
    names = sorted({TASKS[number].variant for number in numbers})
    fork = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as folder:
        with ProcessPoolExecutor(workers, mp_context=fork) as pool:
            _projects.update(zip(names, pool.map(partial(prepare, Path(folder)), names), strict=True))
        # Forked now, so that every process has the evaluated variants.
        with ProcessPoolExecutor(workers, mp_context=fork) as pool:
            made = list(pool.map(run, numbers, chunksize=4))
    found = {**known, **{row.key: row for row in made}}
    return [found[task.key] for task in TASKS]


def written(text: str) -> dict[tuple[str, str, str], Row]:
    """The rows of a page, by what tells one mutation from another."""
    lines = [re.split(r"(?<!\\) *\| ?", line.strip("| \n")) for line in text.splitlines() if line.startswith("| ")]
    found = [Row(*cells) for cells in lines if len(cells) == len(TITLES) and cells[0] not in (TITLES[0], "---")]
    return {row.key: row for row in found}


def page(found: Sequence[Row]) -> str:
    """The page with every mutation and what it led to, in the order of `TASKS`."""
    return "\n".join(_lines(found)) + "\n"


def share(found: Sequence[Row]) -> float:
    """Share of the mutations that name the right requirement."""
    return sum(row.good for row in found) / len(found)


def _lines(found: Sequence[Row]) -> Iterator[str]:
    yield "# Mutations"
    yield ""
    yield (
        f"{len(found)} things that go wrong, each made on a rendered variant. `groundplan verify` names the right "
        f"requirement for {sum(row.good for row in found)} of them ({share(found):.1%})."
    )
    yield (
        "Written by `python -m tests.mutation_table`, which judges every requirement after every mutation. "
        "A row names all requirements that are broken then: one fault may break several."
    )
    yield from ("", "| What is changed | Mutations | Named rightly |", "| --- | --- | --- |")
    counts = Counter(row.kind for row in found)
    for kind, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        yield f"| {kind} | {count} | {sum(row.good for row in found if row.kind == kind)} |"
    yield from _section(
        "In the files of a project",
        "A file is edited as a person would, then the project is compiled and evaluated anew.",
        [row for task, row in zip(TASKS, found, strict=True) if task.in_files],
    )
    areas = list(dict.fromkeys(row.area for row in load()))
    others = [row for task, row in zip(TASKS, found, strict=True) if not task.in_files]
    for title, area in zip(AREAS, areas, strict=True):
        text = "An evaluated resource, an answer or a file is changed on its own; nothing else of the project moves."
        yield from _section(title.capitalize(), text, [row for row in others if row.requirement.startswith(f"{area}-")])


def _section(title: str, text: str, found: Sequence[Row]) -> Iterator[str]:
    yield from ("", f"## {title}", "", text, "")
    yield f"| {' | '.join(TITLES)} |"
    yield f"| {' | '.join(['---'] * len(TITLES))} |"
    for row in found:
        yield f"| {' | '.join(astuple(row))} |"


def _ids(expected: str, ids: Sequence[str]) -> str:
    """Named requirements, the expected one first."""
    ordered = sorted(ids, key=lambda name: name != expected)
    more = len(ordered) - SHOWN
    return ", ".join(ordered[:SHOWN]) + (f" and {more} more" if more > 0 else "") if ordered else "nothing"


def main() -> None:
    """Write the page, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the page says something else")
    parser.add_argument("--new", action="store_true", help="make only the mutations that have no row yet")
    parser.add_argument("--workers", type=int, help="processes; one a core when not given")
    options = parser.parse_args()
    old = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else ""
    found = rows(written(old) if options.new else {}, options.workers)
    for row in found:
        if not row.good:
            print(f"{row.variant}: {row.words}: {row.requirement} is not named, but {row.named}")
    print(f"{share(found):.1%} of {len(TASKS)} mutations name the right requirement.")
    text = page(found)
    if not options.check:
        PAGE.write_text(text, encoding="utf-8")
    elif old != text:
        sys.exit("docs/reference/mutations.md says something else: run `python -m tests.mutation_table`.")
    if share(found) < GOAL:
        sys.exit(f"At least {GOAL:.0%} must.")


if __name__ == "__main__":
    main()
