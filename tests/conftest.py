"""What several layers share: a throw-away git copy of the template, and the variants, rendered or evaluated once."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from generator.answers import load, of_project, variants
from generator.compiler import Compiler
from generator.evaluation import Project, evaluate
from generator.paths import ROOT, VARIANTS
from generator.rendering import Job, render, render_many

# A fresh machine has no git identity, and the tests commit.
for role in ("AUTHOR", "COMMITTER"):
    os.environ.setdefault(f"GIT_{role}_NAME", "Groundplan")
    os.environ.setdefault(f"GIT_{role}_EMAIL", "groundplan@example.com")

# Modules whose tests share what takes long to make: one worker runs all of one, instead of each making it.
WHOLE = (
    "test_covering",
    "test_delivery",
    "test_difference",
    "test_gateway_behaviour",
    "test_inventory",
    "test_monitoring",
    "test_project_checks",
    "test_rehearsal",
    "test_site",
)

# The order in which a failure should be read: a fault of an early layer explains those of the later ones.
LAYERS = (
    "test_template",
    "test_lint",
    "test_answers",
    "test_questions",
    "test_decisions",
    "test_sampling",
    "test_covering",
    "test_hostile",
    "test_rendering",
    "test_compiler",
    "test_inventory",
    "test_difference",
    "test_requirements",
    "test_tools",
    "test_tools_faults",
    "test_verification",
    "test_checks",
    "test_variants",
    "test_ml_code",
    "test_monitoring",
    "test_gateway_behaviour",
    "test_delivery",
    "test_project_checks",
    "test_rehearsal",
    "test_documents",
    "test_benchmark",
    "test_freshness",
    "test_mutation_table",
    "test_site",
    "test_cli",
    "test_interview",
    "test_update",
    "test_repository",
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Tests of a module, or of an evaluated variant, in a worker of their own; early layers first."""
    for item in items:
        variant = item.callspec.params.get("variant") if hasattr(item, "callspec") else None
        if module_of(item) in WHOLE:
            item.add_marker(pytest.mark.xdist_group(module_of(item)))
        elif variant and "evaluated" in item.fixturenames:
            item.add_marker(pytest.mark.xdist_group(f"variant-{variant}"))

    def layer(item):
        return LAYERS.index(module_of(item)) if module_of(item) in LAYERS else len(LAYERS)

    items.sort(key=layer)


def module_of(item):
    return Path(str(item.fspath)).stem


@pytest.fixture
def template_repo(tmp_path):
    """A git repository with the template as it is now, tagged v1.0.0, after every release that has a migration."""
    repository = tmp_path / "groundplan"
    repository.mkdir()
    for name in ("template", "generator"):
        shutil.copytree(ROOT / name, repository / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "copier.yml", repository)
    for arguments in (
        ["init", "--quiet"],
        ["add", "--all"],
        ["commit", "--quiet", "--message", "Release"],
        ["tag", "v1.0.0"],
    ):
        subprocess.run(["git", *arguments], cwd=repository, check=True)
    return repository


@pytest.fixture(scope="session")
def rendered_variants(tmp_path_factory):
    """A folder with every variant rendered, each under its name."""
    folder = tmp_path_factory.mktemp("variants")
    jobs = [Job(variant.name, load(variant.path), folder / variant.name) for variant in variants()]
    failed = render_many(jobs)
    assert [f"{job.name}: {error.message}" for job, error in failed] == []
    return folder


class Projects:
    """The variants, each rendered and evaluated when a test first asks for it, by one compiler."""

    def __init__(self, compiler: Compiler, folder: Path) -> None:
        self.compiler = compiler
        self._folder = folder
        self._known: dict[str, Project] = {}

    def __getitem__(self, name: str) -> Project:
        if name not in self._known:
            root = self._folder / name
            render(load(VARIANTS / f"{name}.yml"), root)
            self._known[name] = evaluate(root, of_project(root), self.compiler)
        return self._known[name]


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory):
    """The evaluated variants, by name."""
    with Compiler() as compiler:
        yield Projects(compiler, tmp_path_factory.mktemp("checks"))
