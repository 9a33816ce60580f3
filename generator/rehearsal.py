"""Updates tried out: every release, many answers, an owner's changes, through Copier's own `run_update`.

What must come out: an untouched project equals a fresh copy; each change of the owner is still there; conflicts are
only where both sides changed the same lines; the project compiles and keeps its requirements. Copier compiles every
text of every version three times an update; here a process keeps them, and nothing else differs from its command line.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import cached_property
from os import cpu_count
from pathlib import Path
from typing import Any

from copier._jinja_ext import SandboxedEnvironment
from copier._main import Worker
from copier._template import Template
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket

from generator import yaml_text
from generator.answers import ANSWERS_FILE
from generator.compiler import Compiler
from generator.errors import GroundplanError
from generator.releases import IDENTITY, Release, git, load
from generator.rendering import FastWorker
from generator.verification import BROKEN, verify

KEPT, CONFLICT, LOST, NEEDLESS, ABSENT = "kept", "conflict", "lost", "needless conflict", "-"
MARKER = re.compile(r"^<{7} .*?^>{7} ", re.MULTILINE | re.DOTALL)
DELETED = ".pre-commit-config.yaml"
OWN_MODULE = """metadata description = 'A route table of ours.'

@description('Region of the environment.')
param location string

@description('Tags of the environment.')
param tags object

resource routes 'Microsoft.Network/routeTables@2025-09-01' = {
  name: 'rt-own'
  location: location
  tags: tags
}
"""
OWN_CALL = """
module own 'own.bicep' = {
  name: 'own'
  params: {
    location: location
    tags: tags
  }
}
"""


class Texts(BytecodeCache):
    """Compiled texts of every version, for the life of a process."""

    def __init__(self) -> None:
        """Begin with none."""
        self.known: dict[str, bytes] = {}

    def get_bucket(self, environment: Any, name: str, filename: str | None, source: str) -> Bucket:
        """The place of one text: two versions of a file have one each."""
        checksum = self.get_source_checksum(source)
        bucket = Bucket(environment, f"{name}-{checksum}", checksum)
        self.load_bytecode(bucket)
        return bucket

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take a compiled text from memory."""
        if bucket.key in self.known:
            bucket.bytecode_from_string(self.known[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a compiled text."""
        self.known[bucket.key] = bucket.bytecode_to_string()


_texts = Texts()
_templates: dict[tuple[str, str | None], Template] = {}


class UpdateWorker(FastWorker):
    """Copier's worker for versions of a template, with compiled texts and clones kept in the process."""

    @cached_property
    def template(self) -> Template:
        """The template at the version asked for."""
        url = str(self.src_path or self.subproject.template.url)  # type: ignore[union-attr]
        key = (url, str(self.resolved_vcs_ref) if self.resolved_vcs_ref else None)
        if key not in _templates:
            _templates[key] = Template(url=url, ref=key[1])
        return _templates[key]

    @cached_property
    def jinja_env(self) -> SandboxedEnvironment:
        """The environment with the cache that knows versions apart."""
        environment: SandboxedEnvironment = super().jinja_env
        environment.bytecode_cache = _texts
        return environment

    def _ask(self) -> None:
        """Ask as Copier does: other versions have other questions than this one."""
        Worker._ask(self)


@dataclass(frozen=True)
class Edit:
    """A change that an owner makes.

    Args:
        name: What it is, in the table.
        find: Paths in a project that it may be made in; the first that exists is changed.
        change: Old text -> new text, or None to delete the file.
    """

    name: str
    find: tuple[str, ...]
    change: Callable[[str], str] | None


PARAMETER_NOTE = "\n// Agreed with the security team.\n"


def _once(pattern: str, replacement: str) -> Callable[[str], str]:
    return lambda text: re.sub(pattern, replacement, text, count=1, flags=re.MULTILINE)


EDITS = (
    Edit("parameter file", ("infra/prod.bicepparam", "infra/dev.bicepparam"), lambda text: text + PARAMETER_NOTE),
    Edit("module in the local folder", ("infra/modules/local/main.bicep",), lambda text: text + OWN_CALL),
    Edit("threshold of a model", ("ml/thresholds.yml", "ml/models/example/thresholds.yml"), _once(r"0\.75", "0.8")),
    Edit("threshold of an alert", ("monitoring/alert-rules.json",), _once(r'"severity": 3', '"severity": 2')),
    Edit(
        "policy",
        ("gateway/policies/models.xml", "gateway/policies/foundation.xml"),
        _once(
            r"^  <outbound>\n    <base />\n",
            "  <outbound>\n    <base />\n"
            '    <set-header name="x-team" exists-action="override">\n      <value>ours</value>\n    </set-header>\n',
        ),
    ),
    Edit("page", ("README.md",), lambda text: text + "\n## Ours\n\nAsk the platform team first.\n"),
    Edit("deleted file", (DELETED,), None),
    Edit("line ends of Windows", ("scripts/build.sh",), lambda text: text.replace("\n", "\r\n")),
    Edit("reformatted file", ("infra/roles.json",), lambda text: json.dumps(json.loads(text), indent=4) + "\n"),
)

SWITCHES = (
    ("eda", "ml/exploration/first_look.py"),
    ("batch_inference", "ml/batch/deployment.yml"),
    ("training", "ml/pipelines/train.yml"),
    ("fine_tuning", "ml/tuning/submit.py"),
)
"""Function that is switched off -> a file of it that the owner had changed."""

ANSWERS = {"monthly_budget": 6000, "alert_email": "on-call@example.com"}


@dataclass
class Row:
    """What happened to one project.

    Args:
        release: Version that it came from.
        variant: Whose answers it has.
        outcomes: Change of the owner -> kept, conflict, lost, needless conflict, or `-` without such a file.
        faults: What is wrong besides.
    """

    release: str
    variant: str
    outcomes: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    @property
    def broken(self) -> bool:
        """Whether an owner lost something or the project is not whole."""
        return bool(self.faults or {LOST, NEEDLESS} & set(self.outcomes.values()))


def rehearse(
    template: Path,
    releases: Sequence[Release],
    variants: Sequence[str],
    edits: Sequence[str] = (),
    workers: int | None = None,
    on_done: Callable[[Row], None] = lambda row: None,
) -> list[Row]:
    """Update projects of every release and variant to the newest version.

    Args:
        template: A clone in which releases are tagged, as `generator.releases.clone` makes it.
        releases: From which versions.
        variants: Whose answers; those that a release does not have are left out.
        edits: Which changes of the owner; all when empty.
        workers: Number of processes; the number of cores when None.
        on_done: Called with each row.
    """
    jobs = [
        (release, name)
        for release in releases
        for name in variants
        if git(template, "ls-tree", "--name-only", release.tag, f"variants/{name}.yml")
    ]
    rows: dict[tuple[str, str], Row] = {}
    with ProcessPoolExecutor(max(1, min(workers or cpu_count() or 1, len(jobs)))) as pool:
        futures = {
            pool.submit(project_row, template, release, name, tuple(edits)): (release.version, name)
            for release, name in jobs
        }
        for future in as_completed(futures):
            rows[futures[future]] = future.result()
            on_done(future.result())
    return [rows[release.version, name] for release, name in jobs]


def project_row(template: Path, release: Release, variant: str, edits: Sequence[str] = ()) -> Row:
    """Every rehearsal of one project."""
    row = Row(release.version, variant)
    wanted = [edit for edit in EDITS if not edits or edit.name in edits]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        answers = yaml_text.parse(git(template, "show", f"{release.tag}:variants/{variant}.yml")) or {}
        start = folder / "start"
        make(template, release.tag, answers, start)
        commit(start, first=True)
        stages: list[Callable[[], None]] = [
            lambda: untouched(row, template, start, folder),
            lambda: edited(row, template, start, folder, wanted),
            lambda: changed_answers(row, template, start, folder),
            lambda: switched(row, template, start, folder),
        ]
        for stage in stages if not edits else stages[1:2]:
            try:
                stage()
            except Exception as error:
                row.faults.append(f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")
    return row


def make(template: Path, version: str, answers: Mapping[str, Any], folder: Path) -> None:
    """A project of one version."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with UpdateWorker(
            src_path=str(template), dst_path=folder, data=dict(answers), vcs_ref=version, defaults=True, quiet=True
        ) as worker:
            worker.run_copy()


def update(project: Path, answers: Mapping[str, Any] | None = None, trust: bool = True) -> None:
    """`copier update --defaults` of a committed project to the newest version, with `--trust` unless told otherwise."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with UpdateWorker(
            dst_path=project,
            data=dict(answers or {}),
            vcs_ref="HEAD",
            defaults=True,
            quiet=True,
            overwrite=True,
            unsafe=trust,
        ) as worker:
            worker.run_update()


def commit(project: Path, first: bool = False) -> None:
    """Commit everything."""
    if first:
        git(project, "init", "--quiet", "--initial-branch=main")
    git(project, "add", "--all")
    git(project, *IDENTITY, "commit", "--quiet", "--allow-empty", "--message", "Own changes")


def copied(start: Path, folder: Path, name: str) -> Path:
    """A project of its own, with its history."""
    shutil.copytree(start, folder / name)
    return folder / name


def untouched(row: Row, template: Path, start: Path, folder: Path) -> None:
    """Nobody changed anything: the update is a fresh copy, but for files that are the owner's from the first day."""
    project = copied(start, folder, "untouched")
    update(project)
    updated, fresh = tree(project), tree(fresh_copy(template, project, folder / "fresh"))
    kept = Template(url=str(template), ref="HEAD").skip_if_exists
    different = sorted(
        name for name in {**updated, **fresh} if updated.get(name) != fresh.get(name) and name not in kept
    )
    if different:
        row.faults.append(f"differs from a fresh copy: {', '.join(different)[:300]}")


def edited(row: Row, template: Path, start: Path, folder: Path, edits: Sequence[Edit]) -> None:
    """Every change of the owner at once, each in a file of its own."""
    project = copied(start, folder, "edited")
    made = {edit.name: path for edit in edits if (path := apply(edit, project)) is not None}
    commit(project)
    update(project)
    fresh = fresh_copy(template, project, folder / "fresh-edited")
    for edit in edits:
        path = made.get(edit.name)
        row.outcomes[edit.name] = ABSENT if path is None else outcome(start, project, fresh, path, edit.change is None)
        if path and row.outcomes[edit.name] == CONFLICT:
            # Resolved as whoever takes the guidance does, so that the rest can be verified.
            place = project / moved(fresh, path)
            place.write_bytes((fresh / moved(fresh, path)).read_bytes())
    row.faults += list(whole(project))


def changed_answers(row: Row, template: Path, start: Path, folder: Path) -> None:
    """Other answers and newer guidance at once, over an edited parameter file."""
    project = copied(start, folder, "answers")
    path = apply(EDITS[0], project)
    commit(project)
    update(project, ANSWERS)
    fresh = fresh_copy(template, project, folder / "fresh-answers")
    stored = yaml_text.read(project / ANSWERS_FILE)
    row.faults += [f"{key} is {stored.get(key)!r}" for key, value in ANSWERS.items() if stored.get(key) != value]
    row.outcomes["changed answers"] = outcome(start, project, fresh, str(path))


def switched(row: Row, template: Path, start: Path, folder: Path) -> None:
    """A function goes with a file that the owner had changed, and comes back."""
    name = "function off and on"
    row.outcomes[name] = ABSENT
    functions = yaml_text.read(start / ANSWERS_FILE)["functions"]
    for function, path in SWITCHES:
        rest = [item for item in functions if item != function]
        if function in functions and rest and (start / path).is_file() and "online_inference" in rest:
            break
    else:
        return
    project = copied(start, folder, "switched")
    (project / path).write_text((project / path).read_text(encoding="utf-8") + "# ours\n", encoding="utf-8")
    commit(project)
    script = project / "scripts" / "update.py"
    if script.is_file():
        # From 0.2.0 on the project's own script does it: it refuses first.
        arguments = ["--defaults", "--vcs-ref", "HEAD", "--data", f"functions={json.dumps(rest)}"]
        command = [sys.executable, str(script), *arguments]
        refused = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
        if refused.returncode != 1 or path not in refused.stdout or git(project, "status", "--porcelain"):
            row.faults.append(f"update.py did not refuse: {refused.returncode} {refused.stderr[-200:]}")
        subprocess.run([*command, "--keep"], cwd=project, capture_output=True, check=False)
    else:
        update(project, {"functions": rest})
    saved = project / f"{path}.kept"
    kept = saved.is_file() and saved.read_text(encoding="utf-8").endswith("# ours\n") and not (project / path).exists()
    commit(project)
    update(project, {"functions": functions})
    row.outcomes[name] = KEPT if kept and saved.is_file() and (project / path).is_file() else LOST


def apply(edit: Edit, project: Path) -> str | None:
    """Make a change; the path, or None where the project has no such file or nothing to change in it."""
    path = next((name for name in edit.find if (project / name).is_file()), None)
    if path is None:
        return None
    file = project / path
    if edit.change is None:
        file.unlink()
        return path
    old = file.read_text(encoding="utf-8")
    new = edit.change(old)
    if edit.name.startswith("module"):
        (file.parent / "own.bicep").write_text(OWN_MODULE, encoding="utf-8")
    file.write_bytes(new.encode())
    return path if new != old else None


def outcome(start: Path, project: Path, fresh: Path, path: str, deleted: bool = False) -> str:
    """What became of one change.

    Args:
        start: The project before the change.
        project: The updated one; its commit is the changed one.
        fresh: A fresh copy of the newest version with the same answers.
        path: The changed file, where it was.
        deleted: Whether the change was to delete it.
    """
    place = moved(fresh, path)
    result = project / place
    if deleted:
        return LOST if result.exists() else KEPT
    owner = git(project, "show", f"HEAD:{path}").splitlines()
    if not result.is_file():
        saved = project / f"{path}.kept"
        return KEPT if saved.is_file() and saved.read_text(encoding="utf-8").splitlines() == owner else LOST
    text = result.read_text(encoding="utf-8")
    if MARKER.search(text):
        return CONFLICT if collides(start / path, owner, fresh / place) else NEEDLESS
    added = Counter(owner) - Counter((start / path).read_text(encoding="utf-8").splitlines())
    return KEPT if not added - Counter(text.splitlines()) else LOST


def moved(fresh: Path, path: str) -> str:
    """Where a file is now."""
    moves = {old: new for release in load() for old, new in release.moved_files.items()}
    return path if (fresh / path).is_file() else moves.get(path, path)


def collides(base: Path, owner: Sequence[str], new: Path) -> bool:
    """Whether both sides changed the same lines, by git's own merge."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt") as mine:
        mine.write("\n".join([*owner, ""]))
        mine.flush()
        command = ["git", "merge-file", "-p", "--quiet", mine.name, str(base), str(new)]
        return subprocess.run(command, capture_output=True, check=False).returncode != 0


def fresh_copy(template: Path, project: Path, folder: Path) -> Path:
    """The newest version with the answers that a project stores now."""
    stored = yaml_text.read(project / ANSWERS_FILE)
    make(template, "HEAD", {key: value for key, value in stored.items() if not key.startswith("_")}, folder)
    return folder


def tree(folder: Path) -> dict[str, str]:
    """File -> hash of its content."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


def whole(project: Path) -> Iterator[str]:
    """Why a project does not compile or breaks a requirement."""
    with Compiler() as compiler:
        result = verify(project, compiler, run_tools=False)
    yield from (f"compiler: {remark}" for remark in result.diagnostics)
    yield from (f"{item.id}: {item.reason}"[:300] for item in result.requirements if item.verdict == BROKEN)


def chosen(releases: Sequence[Release], versions: Sequence[str]) -> list[Release]:
    """Releases by version; all when none is named.

    Raises:
        GroundplanError: There is no such release.
    """
    known = {release.version: release for release in releases}
    for version in versions:
        if version not in known:
            raise GroundplanError(f"There is no release {version}: choose one of {', '.join(known)}.")
    return [known[version] for version in versions] if versions else list(releases)
