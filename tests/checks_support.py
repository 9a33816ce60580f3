"""Ways to spoil an evaluated project on purpose, so that each check can be seen to notice."""

import copy
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from generator.checks import DoesNotApply, Finding, registry
from generator.compiler import Compiler
from generator.evaluation import Environment, Project, Resource, evaluate
from generator.requirements import load

COMPILED = ("infra", "gateway", "monitoring")
"""Folders of a project whose files become part of the template."""

HOLDS, BROKEN, ABSENT = "holds", "broken", "does not apply"


@dataclass
class Draft:
    """A project that may be changed: bodies of the resources by environment, answers, parameters, template, files."""

    root: Path
    answers: dict[str, Any]
    environments: dict[str, list[dict[str, Any]]]
    parameters: dict[str, dict[str, Any]]
    template: dict[str, Any] = field(default_factory=dict)
    rollouts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def of_type(self, environment: str, resource_type: str) -> list[dict[str, Any]]:
        return [body for body in self.environments[environment] if body["type"] == resource_type]

    def first(self, environment: str, resource_type: str, name: str = "") -> dict[str, Any]:
        return next(body for body in self.of_type(environment, resource_type) if name in body["id"])


Change = Callable[[Draft], None]

Mutation = tuple[str, str, str, Change, str]
"""Requirement, variant, what goes wrong, how, and a part of the detail."""

Fault = tuple[str, str, str, Change]
"""Requirement, variant, what goes wrong in the files of a project, and how."""

Addition = tuple[str, Change]
"""Requirement, and what must stay green."""


def spoil(project: Project, change: Change, scratch: Path) -> Project:
    """A copy of the project, files too, with one change."""
    root = scratch / "project"
    shutil.copytree(project.root, root)
    draft = Draft(
        root,
        copy.deepcopy(dict(project.answers)),
        {
            name: [copy.deepcopy(dict(item.body)) for item in env.resources]
            for name, env in project.environments.items()
        },
        {name: copy.deepcopy(dict(env.parameters)) for name, env in project.environments.items()},
        copy.deepcopy(dict(project.template)),
        {name: [copy.deepcopy(dict(item.body)) for item in rows] for name, rows in project.rollouts.items()},
    )
    change(draft)
    environments = {
        name: Environment(name, tuple(Resource(body) for body in bodies), {}, [], draft.parameters[name])
        for name, bodies in draft.environments.items()
    }
    rollouts = {name: tuple(Resource(body) for body in bodies) for name, bodies in draft.rollouts.items()}
    return Project(root, draft.answers, environments, draft.template, project.diagnostics, rollouts)


def rebuild(project: Project, change: Change, scratch: Path, compiler: Compiler) -> Project:
    """The project with edited files, compiled and evaluated anew where the compiler reads them."""
    root = scratch / "project"
    shutil.copytree(project.root, root)
    change(Draft(root, {}, {}, {}))
    if any(path.parts[0] in COMPILED for path in changed_files(project.root, root)):
        return evaluate(root, project.answers, compiler)
    return replace(project, root=root)


def changed_files(old: Path, new: Path) -> list[Path]:
    """Paths, within a project, of files that were changed, added or removed."""
    names = {path.relative_to(root) for root in (old, new) for path in root.rglob("*") if path.is_file()}
    return sorted(
        name
        for name in names
        if not ((old / name).is_file() and (new / name).is_file())
        or (old / name).read_bytes() != (new / name).read_bytes()
    )


def judge(requirement: str, project: Project) -> tuple[str, list[Finding]]:
    """Verdict and findings of one check, by the rule of `groundplan verify`."""
    try:
        findings = list(registry()[requirement](project))
    except DoesNotApply:
        return ABSENT, []
    return (HOLDS if findings and all(item.holds for item in findings) else BROKEN), findings


def put(environment: str, resource_type: str, path: str, value: Any, name: str = "") -> Change:
    """Set a property (dotted path; numbers index lists) of the first resource of a type; None removes it."""

    def change(draft: Draft) -> None:
        target: Any = draft.first(environment, resource_type, name)
        *parents, last = path.split(".")
        for part in parents:
            target = target[int(part)] if isinstance(target, list) else target.setdefault(part, {})
        if value is None:
            del target[last]
        else:
            target[int(last) if isinstance(target, list) else last] = value

    return change


def drop(environment: str, resource_type: str, name: str = "") -> Change:
    """Remove the first resource of a type."""

    def change(draft: Draft) -> None:
        draft.environments[environment].remove(draft.first(environment, resource_type, name))

    return change


def add(environment: str, resource_type: str, name: str, **body: Any) -> Change:
    """Add a resource, in the platform's resource group unless `id` is given."""

    def change(draft: Draft) -> None:
        group = draft.first(environment, "Microsoft.Resources/resourceGroups", "platform")
        provider, *parts = resource_type.split("/")
        pairs = zip(parts, name.split("/"), strict=True)
        path = "/".join(f"{part}/{item}" for part, item in pairs)
        new = {
            "id": f"{group['id']}/providers/{provider}/{path}",
            "type": resource_type,
            "name": name,
            "apiVersion": "2026-05-01",
            "location": group["location"],
            "tags": group["tags"],
        }
        draft.environments[environment].append({**new, **body})

    return change


def answer(**answers: Any) -> Change:
    """Change answers without rendering again."""

    def change(draft: Draft) -> None:
        assert answers.keys() <= draft.answers.keys()
        draft.answers.update(answers)

    return change


def edit(path: str, old: str, new: str) -> Change:
    """Replace a text that occurs in a file."""

    def change(draft: Draft) -> None:
        file = draft.root / path
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def write(path: str, text: str) -> Change:
    """Write a file."""

    def change(draft: Draft) -> None:
        file = draft.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    return change


def remove(path: str) -> Change:
    """Remove a file."""
    return lambda draft: (draft.root / path).unlink()


def both(*changes: Change) -> Change:
    """Several changes, in order."""

    def change(draft: Draft) -> None:
        for item in changes:
            item(draft)

    return change


def applies(requirement: str, project: Project) -> bool:
    """Whether the catalogue says that a requirement applies to the project."""
    return next(row for row in load() if row.id == requirement).applies_to(project.answers)


def without_resources(project: Project) -> Project:
    """The same project with nothing in any environment."""
    empty: Mapping[str, Environment] = {
        name: Environment(name, (), {}, [], env.parameters) for name, env in project.environments.items()
    }
    return Project(project.root, project.answers, empty, project.template, project.diagnostics)
