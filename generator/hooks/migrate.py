"""Migration that `copier update` runs when it crosses a release which renamed answers or moved files.

Copier calls it in the project with the Python that runs Copier, so it uses the standard library and PyYAML only:

    migrate.py 0.2.0 before    renames keys of `.copier-answers.yml`, before Copier reads them again
    migrate.py 0.2.0 after     carries the owner's changes of moved files to their new places

Copier itself drops changes of a file that the template moved. Moving the file before the update keeps them, but as a
conflict in every line that was changed, by whomever: Copier has no common ancestor at the new place. After the update
there is one: the file as the last version made it. So the change is merged three ways here, and a conflict is left only
where both sides changed the same lines. Files that the update deleted although somebody had changed them are saved
beside their old place. Both stages may run twice.
"""

import contextlib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
# The project's own script knows what the last version made; the template carries it.
sys.path.insert(0, str(ROOT / "template" / "scripts"))

import update  # type: ignore[import-not-found]  # noqa: E402

LABELS = ("before updating", "last update", "after updating")


def main() -> None:
    """Run one stage of one release in the current folder."""
    version, stage = sys.argv[1:]
    release = yaml.safe_load((ROOT / "releases.yml").read_text(encoding="utf-8"))[version]
    project = Path.cwd()
    if stage == "before":
        rename_answers(project / update.ANSWERS, release.get("renamed_answers") or {})
    else:
        carry(project, release.get("moved_files") or {})


def rename_answers(path: Path, names: dict[str, str]) -> None:
    """Rename keys of an answers file; one that has the new key already is left alone.

    Args:
        path: The answers file.
        names: Old key -> new key.
    """
    text = path.read_text(encoding="utf-8")
    for old, new in names.items():
        if not re.search(rf"^{new}:", text, re.MULTILINE):
            text = re.sub(rf"^{old}:", f"{new}:", text, flags=re.MULTILINE)
    path.write_text(text, encoding="utf-8")


def carry(project: Path, moved: dict[str, str]) -> None:
    """Carry changes of moved files over, and save changed files that are gone.

    Args:
        project: The updated project; its commit is the one before the update.
        moved: Old path -> new path.
    """
    with tempfile.TemporaryDirectory() as folder:
        before = Before(project, Path(folder) / "before")
        for old, new in moved.items():
            merge(project, before, old, new)
        status = update.run(["git", "ls-files", "--deleted", "-z"], cwd=project).decode().split("\0")
        for name in filter(None, status):
            if name not in moved and update.committed(project, name) != before.text(name):
                update.save(project, [name])
                print(f"{name} is gone, and you had changed it: your text is in {name}{update.KEPT}.", file=sys.stderr)


class Before:
    """Files as the last version made them.

    Args:
        project: The project; its commit is the one before the update.
        folder: Where the last version is rendered again, once a file needs it.
    """

    def __init__(self, project: Path, folder: Path) -> None:
        """Take note of the version; most files of it need no rendering."""
        self.project = project
        self.folder = folder
        self.version = os.environ.get("VERSION_FROM", "")

    def text(self, name: str) -> bytes | None:
        """A file; None when the last version did not make it."""
        static = ["git", "cat-file", "blob", f"{self.version}:template/{name}"]
        with contextlib.suppress(update.Failure):
            return bytes(update.run(static, cwd=ROOT))
        return self.rendered(name)

    def rendered(self, name: str) -> bytes | None:
        """A file; None when the last answers did not ask for it."""
        if not self.folder.exists():
            update.pristine(self.project, self.folder)
        path = self.folder / name
        return path.read_bytes() if path.is_file() else None


def merge(project: Path, before: Before, old: str, new: str) -> None:
    """Merge the owner's change of the old path into the new one; a file that the owner had deleted stays away."""
    target, base = project / new, before.text(old)
    if base is None or not target.is_file() or update.committed(project, new):
        return
    # Copier leaves it where the whole folder is no part of the project any more.
    (project / old).unlink(missing_ok=True)
    owner = update.committed(project, old)
    if not owner:
        if before.rendered(old) is not None:
            target.unlink()
    elif owner != base:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "mine").write_bytes(owner)
            (folder / "base").write_bytes(base)
            labels = [part for label in LABELS for part in ("-L", label)]
            command = ["git", "merge-file", *labels, str(folder / "mine"), str(folder / "base"), str(target)]
            subprocess.run(command, check=False)
            target.write_bytes((folder / "mine").read_bytes())


if __name__ == "__main__":
    main()
