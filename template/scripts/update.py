"""Brings newer guidance or changed answers into this project without losing what was changed here.

`copier update` merges edited files, but it deletes a file that the new version or the new answers do without, edited or
not, and says nothing. So the update runs in a copy of the repository first. It comes into the project only when no
change of yours would go; with --keep, such files stay beside their old place as `<name>.kept`.

Arguments that are not listed here go to `copier update`, for example: --defaults, --data criticality=high,
--vcs-ref=:current: (answers only), --trust (a version that moves files asks for it).
"""

import argparse
import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

ANSWERS = ".copier-answers.yml"
COPIER = "9.19.1"
MARKERS = (b"<<<<<<< ", b">>>>>>> ")
KEPT = ".kept"
REFUSED, CONFLICTS = 1, 2


class Failure(Exception):
    """Why there is no update, in one sentence."""


@dataclass(frozen=True)
class Update:
    """What an update did to a copy of the project.

    Args:
        old: Version before, as the template names it.
        new: Version after.
        lost: Files with changes of the owner that are gone.
        conflicts: Files with conflict markers.
        patch: Everything, for `git apply`.
        words: What changed, as Markdown.
    """

    old: str
    new: str
    lost: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    patch: bytes = b""
    words: str = ""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line: 0 done, 1 refused and nothing changed, 2 done with conflicts to resolve."""
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=layout, allow_abbrev=False)
    parser.add_argument("--keep", action="store_true", help="save edited files that would go as <name>.kept")
    parser.add_argument("--refuse-conflicts", action="store_true", help="change nothing when there are conflicts")
    parser.add_argument("--words", type=Path, help="file for what changed, as Markdown")
    options, forwarded = parser.parse_known_args(arguments)
    root = Path(__file__).resolve().parents[1]
    try:
        update = rehearse(root, forwarded, keep=options.keep)
        if options.words:
            options.words.write_text(update.words, encoding="utf-8")
        return finish(root, update, options.keep, options.refuse_conflicts)
    except Failure as failure:
        print(failure, file=sys.stderr)
        return REFUSED


def finish(root: Path, update: Update, keep: bool, refuse_conflicts: bool) -> int:
    """Bring the update into the project, or say why not."""
    if update.lost and not keep:
        print("Nothing was changed. These files hold changes of yours, and the update would delete them:")
        print("\n".join(f"  {name}" for name in update.lost))
        print(f"Move what you need, or run this again with --keep: it saves them as <name>{KEPT}.")
        return REFUSED
    if update.conflicts and refuse_conflicts:
        print("Nothing was changed. You and the guidance changed the same lines of these files:")
        print("\n".join(f"  {name}" for name in update.conflicts))
        print("Run python3 scripts/update.py on your machine and resolve them.")
        return REFUSED
    if not update.patch:
        print(f"There is nothing new: this project is at {update.new}.")
        return 0
    run(["git", "apply", "--whitespace=nowarn", "-"], cwd=toplevel(root), stdin=update.patch)
    print(update.words)
    for name in update.lost:
        print(f"Saved {name}{KEPT}: decide what happens to it.")
    for name in update.conflicts:
        print(f"Resolve the conflict in {name}.")
    return CONFLICTS if update.conflicts else 0


def rehearse(root: Path, arguments: list[str], keep: bool = False) -> Update:
    """Update a copy of the project.

    Args:
        root: The project, committed to git.
        arguments: What `copier update` gets besides.
        keep: Whether edited files that go are saved in the copy.

    Raises:
        Failure: The project is not committed, or Copier refuses.
    """
    if run(["git", "status", "--porcelain"], cwd=root):
        raise Failure("Commit or stash your changes first: the update compares with what is committed.")
    prefix = run(["git", "rev-parse", "--show-prefix"], cwd=root).decode().strip()
    with tempfile.TemporaryDirectory() as folder:
        before = pristine(root, Path(folder) / "before")
        run(["git", "clone", "--quiet", str(toplevel(root)), str(Path(folder) / "copy")], cwd=root)
        copy = Path(folder) / "copy" / prefix
        # In this folder, since the address of the template may be relative to it.
        if subprocess.run([*copier(), "update", *arguments, str(copy)], cwd=root, check=False).returncode:
            raise Failure("Copier refuses the update; the reason is above.")
        lost = gone(copy, before)
        if keep:
            save(copy, lost)
        run(["git", "add", "--all", "."], cwd=copy)
        patch = run(["git", "diff", "--cached", "--binary", "--no-renames", "HEAD"], cwd=copy)
        conflicts = [name for name in names(copy, "ACMR") if conflicted(copy / name)]
        old, new = answer(committed(root, ANSWERS), "_commit"), answer((copy / ANSWERS).read_bytes(), "_commit")
        return Update(old, new, lost, conflicts, patch, told(root, copy, old, new))


def pristine(root: Path, folder: Path) -> Path:
    """The project as the last version made it, before anybody changed it.

    Args:
        root: The project; its committed answers count.
        folder: Where it goes.

    Raises:
        Failure: The last version cannot be had any more.
    """
    text = committed(root, ANSWERS)
    answers = b"".join(line for line in text.splitlines(keepends=True) if not line.startswith(b"_"))
    given = folder.with_name(f"{folder.name}.yml")
    given.write_bytes(answers)
    version = ["--vcs-ref", answer(text, "_commit"), "--data-file", str(given)]
    command = [*copier(), "copy", "--quiet", "--defaults", *version, answer(text, "_src_path"), str(folder)]
    run(command, cwd=root)
    return folder


def gone(project: Path, before: Path) -> list[str]:
    """Files that an update deleted although they are not as the last version made them.

    Args:
        project: The updated project; its commit is the one before the update.
        before: What `pristine` made.
    """
    # A file that a migration moved is not gone.
    run(["git", "add", "--all", "."], cwd=project)
    return [
        name
        for name in names(project, "D")
        if not (before / name).is_file() or committed(project, name) != (before / name).read_bytes()
    ]


def save(project: Path, lost: list[str]) -> None:
    """Write deleted files beside their old places."""
    for name in lost:
        target = project / f"{name}{KEPT}"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(committed(project, name))


def names(project: Path, kinds: str) -> list[str]:
    """Staged files by kind of change (A, C, D, M, R), relative to the project, with their new names."""
    command = ["git", "diff", "--cached", "--relative", "--find-renames=40%", "--name-only", "-z"]
    return sorted(filter(None, run([*command, f"--diff-filter={kinds}", "HEAD"], cwd=project).decode().split("\0")))


def conflicted(path: Path) -> bool:
    """Whether a file holds conflict markers."""
    lines = path.read_bytes().splitlines() if path.is_file() else []
    return all(any(line.startswith(marker) for line in lines) for marker in MARKERS)


def told(root: Path, copy: Path, old: str, new: str) -> str:
    """What an update brings, in words: the template's own, the requirements that changed, the records that changed."""
    page = Path("docs") / "guidance.md"
    after = (copy / page).read_bytes() if (copy / page).is_file() else b""
    parts = [
        f"# Guidance {old} to {new}" if old != new else f"# Other answers, guidance {new}",
        changelog(root, copy, old, new) if old != new else "",
        requirements(committed(root, page.as_posix()).decode(), after.decode()),
    ]
    records = [name for name in names(copy, "ACDMR") if name.startswith("docs/decisions/")]
    if records:
        parts.append("## Decision records that changed\n\n" + "\n".join(f"- `{name}`" for name in records))
    return "\n\n".join(part for part in parts if part) + "\n"


def requirements(old: str, new: str) -> str:
    """Rows of the guidance page that came, went, or are met in another way."""
    before, after = rows(old), rows(new)
    lines = [f"- New: **{key}** {after[key][0]} {after[key][1]}" for key in after if key not in before]
    lines += [f"- No longer: **{key}** {before[key][0]}" for key in before if key not in after]
    for key in after:
        if key in before and before[key][0] != after[key][0]:
            lines.append(f"- **{key}** asks now: {after[key][0]} Before: {before[key][0]}")
        elif key in before and before[key][1] != after[key][1]:
            lines.append(f"- **{key}** is met in another way: {after[key][1]}")
    return "## Requirements\n\n" + "\n".join(lines) if lines else ""


def rows(page: str) -> dict[str, tuple[str, str]]:
    """Id -> requirement, and how it is met."""
    found = re.findall(r"^\| ([A-Z]+-\d+[a-z]?) \| (.*?) \| (.*?) \|", page, re.MULTILINE)
    return {key: (sentence, how) for key, sentence, how in found}


def changelog(root: Path, copy: Path, old: str, new: str) -> str:
    """What the template says about the versions after the old one; empty when its repository has no such page."""
    address = expanded(answer((copy / ANSWERS).read_bytes(), "_src_path"))
    with tempfile.TemporaryDirectory() as folder:
        try:
            run(["git", "clone", "--quiet", "--bare", address, folder], cwd=root)
            text = run(["git", "show", f"{new}:CHANGELOG.md"], cwd=Path(folder)).decode()
        except Failure:
            return ""
    return since(text, old)


def since(text: str, old: str) -> str:
    """Sections of a changelog above the one of a version."""
    version = re.match(r"v?(\d+\.\d+\.\d+)", old)
    sections = re.split(r"^(?=## )", text, flags=re.MULTILINE)[1:]
    newer: list[str] = []
    for section in sections:
        if version and section.startswith(f"## {version[1]}"):
            break
        newer.append(section.strip())
    return "\n\n".join(newer)


def expanded(address: str) -> str:
    """An address that git knows; Copier has short forms for two hosts."""
    for short, host in (("gh:", "https://github.com/"), ("gl:", "https://gitlab.com/")):
        if address.startswith(short):
            return f"{host}{address.removeprefix(short)}"
    return address.removeprefix("git+")


def answer(text: bytes, key: str) -> str:
    """A line of the answers file.

    Raises:
        Failure: It is not there, so this version cannot be compared with the last one.
    """
    found = re.search(rf"^{key}: (.+)$", text.decode(), re.MULTILINE)
    if not found:
        raise Failure(f"{ANSWERS} has no {key}: Copier cannot tell the version that this project comes from.")
    return found[1].strip().strip("'\"")


def committed(project: Path, name: str) -> bytes:
    """A file of the project as it is committed; empty when it is not."""
    try:
        return run(["git", "cat-file", "blob", f"HEAD:./{name}"], cwd=project)
    except Failure:
        return b""


def toplevel(root: Path) -> Path:
    """The repository that holds the project."""
    return Path(run(["git", "rev-parse", "--show-toplevel"], cwd=root).decode().strip())


def copier() -> list[str]:
    """The command that starts Copier.

    Raises:
        Failure: There is none.
    """
    found: list[tuple[Callable[[], object], list[str]]] = [
        (lambda: importlib.util.find_spec("copier"), [sys.executable, "-m", "copier"]),
        (lambda: shutil.which("copier"), ["copier"]),
        (lambda: shutil.which("uvx"), ["uvx", f"copier@{COPIER}"]),
    ]
    for there, command in found:
        if there():
            return command
    raise Failure(f"Copier is missing: python3 -m pip install copier=={COPIER}.")


def run(command: list[str], cwd: Path, stdin: bytes | None = None) -> bytes:
    """Output of a command.

    Raises:
        Failure: It failed.
    """
    done = subprocess.run(command, cwd=cwd, input=stdin, capture_output=True, check=False)
    if done.returncode:
        raise Failure(f"{' '.join(command[:3])} failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
