"""What the gallery shows of each variant, gathered from its rendered and evaluated project."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from os import cpu_count
from pathlib import Path
from typing import Any

from generator import inventory
from generator.answers import Variant, load, of_project
from generator.compiler import Compiler
from generator.evaluation import Project, Resource, evaluate
from generator.rendering import render
from generator.requirements import load as load_requirements
from generator.tools.diagrams import DIAGRAM
from generator.verification import judge

Table = list[list[str]]
"""Rows of cells, as Markdown; the first row holds the titles."""


@dataclass(frozen=True)
class Decision:
    """A decision record: its file, its title, what was answered, and why."""

    record: str
    title: str
    answers: Table
    reason: str


@dataclass(frozen=True)
class Exhibit:
    """Everything that the gallery shows of a variant.

    Args:
        name: Of the variant.
        description: The first line of its answers file.
        answers_file: The rest of it, as it is written.
        diagram: Mermaid text of its architecture.
        decisions: Its decision records.
        environments: Name -> resources, each with type, name, group, region and size.
        always_on: What costs money while nobody uses it.
        to_zero: What costs only while it works.
        files: Paths of its files.
        verdicts: Requirement -> verdict of its check.
        template_bytes: Size of the compiled main.json.
    """

    name: str
    description: str
    answers_file: str
    diagram: str
    decisions: list[Decision]
    environments: dict[str, list[dict[str, str]]]
    always_on: Table
    to_zero: Table
    files: list[str]
    verdicts: dict[str, str]
    template_bytes: int


def gather(variants: Sequence[Variant], folder: Path, on_done: Callable[[str], None] = print) -> list[Exhibit]:
    """Render and evaluate variants in a pool of processes, each with one compiler.

    Args:
        variants: Which ones, in order.
        folder: Gets one folder a project.
        on_done: Called with the name of each variant that is done.

    Raises:
        GroundplanError: There is no compiler.
    """
    workers = max(1, min(cpu_count() or 1, len(variants)))
    with ProcessPoolExecutor(workers, initializer=_start) as pool:
        found = []
        for exhibit in pool.map(_exhibit, variants, [folder / item.name for item in variants]):
            on_done(exhibit.name)
            found.append(exhibit)
    return found


_compiler: Compiler | None = None


def _start() -> None:
    global _compiler
    _compiler = Compiler().__enter__()


def _exhibit(variant: Variant, root: Path) -> Exhibit:
    assert _compiler is not None
    render(load(variant.path), root)
    return exhibit(variant, evaluate(root, of_project(root), _compiler))


def exhibit(variant: Variant, project: Project) -> Exhibit:
    """What the gallery shows of a variant whose project is rendered and evaluated."""
    root = project.root
    cost = (root / "docs" / "cost.md").read_text(encoding="utf-8")
    (diagram,) = DIAGRAM.findall((root / "docs" / "architecture.md").read_text(encoding="utf-8"))
    return Exhibit(
        variant.name,
        variant.description,
        variant.path.read_text(encoding="utf-8").partition("\n")[2],
        diagram,
        list(_decisions(root / "docs" / "decisions")),
        {
            name: [_resource(item) for item in environment.resources]
            for name, environment in project.environments.items()
        },
        table(section(cost, "Always on")),
        table(section(cost, "Scales to zero")),
        sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()),
        _verdicts(project),
        _size(project.template),
    )


def _decisions(folder: Path) -> Iterator[Decision]:
    """The records in the order of their overview."""
    overview = (folder / "README.md").read_text(encoding="utf-8")
    for title, name in re.findall(r"^\| \[([^\]]+)\]\(([\w-]+)\.md\)", overview, re.MULTILINE):
        text = (folder / f"{name}.md").read_text(encoding="utf-8")
        yield Decision(name, title, table(section(text, "Answer")), section(text, "Reason").strip())


def _resource(resource: Resource) -> dict[str, str]:
    cells = inventory.row(resource)
    return {
        "type": cells["type"],
        "name": inventory.short_name(resource),
        "group": cells["resourceGroup"] or "",
        "region": cells["location"] or "",
        "size": cells["sku"] or "",
    }


def _verdicts(project: Project) -> dict[str, str]:
    verdicts = [judge(row, project) for row in load_requirements()]
    return {item.id: item.verdict for item in verdicts if item}


def _size(template: Mapping[str, Any]) -> int:
    """Bytes of the compiled template as the compiler writes it."""
    return len(json.dumps(template, indent=2, ensure_ascii=False).encode())


def section(text: str, title: str) -> str:
    """The part of a Markdown text under a heading of the second level; empty without one."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    return found[1] if found else ""


def table(text: str) -> Table:
    """The cells of the first table in a Markdown text, titles first; empty without one."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))] for line in lines]
    return [row for row in rows if not all(set(cell) <= set("-: ") for cell in row)]
