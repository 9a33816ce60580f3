"""Released versions, and repositories in which they are tagged, so that Copier can go from one to the next."""

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from generator import yaml_text
from generator.errors import GroundplanError
from generator.paths import ROOT

RELEASES = ROOT / "releases.yml"
NEWEST = "HEAD"


@dataclass(frozen=True)
class Release:
    """One released version.

    Args:
        version: Such as 0.1.0.
        commit: What was released, or HEAD while no later commit names it.
        date: Day of the release.
        renamed_answers: Old key -> new key, since the version before.
        moved_files: Old path -> new path in a project, since the version before.
    """

    version: str
    commit: str
    date: str
    renamed_answers: Mapping[str, str] = field(default_factory=dict)
    moved_files: Mapping[str, str] = field(default_factory=dict)

    @property
    def tag(self) -> str:
        """Name of its tag."""
        return f"v{self.version}"


def load(path: Path = RELEASES) -> list[Release]:
    """Every release, the oldest first."""
    rows: dict[str, dict[str, Any]] = yaml_text.read(path)
    return [Release(version, **row) for version, row in rows.items()]


def tag(repository: Path, releases: list[Release]) -> list[str]:
    """Tag the releases in a clone of the template; tags that are right already stay.

    Args:
        repository: A clone with the history of the template.
        releases: What to tag.

    Returns:
        Names of the tags, in the order of the releases.

    Raises:
        GroundplanError: The folder is no such clone, or a tag means another commit: tags never move.
    """
    for release in releases:
        commit = git(repository, "rev-parse", "--verify", "--quiet", f"{release.commit}^{{commit}}")
        known = git(repository, "tag", "--list", release.tag)
        if known and git(repository, "rev-parse", f"{release.tag}^{{commit}}") != commit:
            raise GroundplanError(f"{release.tag} means another commit in {repository}: a released tag never moves.", 1)
        if not known:
            git(repository, "tag", release.tag, commit)
    return [release.tag for release in releases]


def clone(folder: Path, root: Path = ROOT) -> Path:
    """A throw-away clone of the template as it lies, uncommitted changes too, with every release tagged.

    Args:
        folder: Where it goes.
        root: The template, a git repository.

    Raises:
        GroundplanError: The template is no git repository with its history.
    """
    git(root, "clone", "--quiet", "--no-tags", str(root), str(folder))
    listed = git(root, "ls-files", "--cached", "--others", "--exclude-standard", "-z").split("\0")
    names = {name for name in listed if name and (root / name).is_file()}
    for name in set(git(folder, "ls-files", "-z").split("\0")) - names - {""}:
        (folder / name).unlink()
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, folder / name)
    git(folder, "add", "--all")
    if git(folder, "status", "--porcelain"):
        git(folder, *IDENTITY, "commit", "--quiet", "--message", "Work in progress")
    tag(folder, load(root / "releases.yml"))
    return folder


IDENTITY = ("-c", "user.name=Groundplan", "-c", "user.email=groundplan@example.com")
"""Who commits where nobody does."""


def git(folder: Path, *arguments: str) -> str:
    """What a git command says.

    Raises:
        GroundplanError: It failed.
    """
    run = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if run.returncode:
        raise GroundplanError(f"git {' '.join(arguments[:2])} failed in {folder}: {run.stderr.strip()}", 1)
    return run.stdout.strip()
