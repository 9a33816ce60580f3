"""What every tool needs: the result, finding files and programs, judging what was found."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from generator import yaml_text
from generator.paths import DECISIONS

HOLDS = "holds"
BROKEN = "broken"
ABSENT = "does not apply"

SKIPPED = {".git", ".local", ".pytest_cache", ".venv", "__pycache__", "node_modules"}
"""Folders that tools make; the .gitignore of a project names them too."""
VENV = Path(sys.executable).parent


@dataclass(frozen=True)
class ToolResult:
    """What one tool found.

    Args:
        tool: Its name.
        files: Number of files that it looked at.
        verdict: holds, broken, or does not apply when there is no file for it.
        faults: What it said.
    """

    tool: str
    files: int
    verdict: str
    faults: list[str]


class MissingTool(Exception):  # noqa: N818 - it says what is missing, and a result carries it
    """A tool is not installed; the message says which one and how to get it."""


def files(root: Path, *suffixes: str) -> list[Path]:
    """Files of a project with one of these suffixes, without generated folders."""
    return [path for path in all_files(root) if path.suffix in suffixes]


def all_files(root: Path) -> list[Path]:
    """Every file of a project, without generated folders."""
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in SKIPPED and not name.endswith(".egg-info")]
        found += [Path(folder) / name for name in names]
    return sorted(found)


def below(root: Path, folders: Sequence[str], *suffixes: str) -> list[Path]:
    """Files of a project in these folders, at any depth."""
    return [path for folder in folders if (root / folder).is_dir() for path in files(root / folder, *suffixes)]


def judge(tool: str, paths: Sequence[Path], look: Callable[[Sequence[Path]], list[str]]) -> ToolResult:
    """The result of a tool; without files it does not apply, and a missing tool has broken."""
    if not paths:
        return ToolResult(tool, 0, ABSENT, [])
    try:
        faults = look(paths)
    except MissingTool as missing:
        return ToolResult(tool, 0, BROKEN, [str(missing)])
    return ToolResult(tool, len(paths), BROKEN if faults else HOLDS, faults)


def lines(command: list[str], root: Path) -> list[str]:
    """What a tool says, line by line; a tool that fails in silence has said that it failed."""
    completed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    said = [line.replace(f"{root}/", "") for line in (completed.stdout + completed.stderr).splitlines() if line.strip()]
    if completed.returncode and not said:
        return [f"{Path(command[0]).name} failed with exit code {completed.returncode}."]
    return said


def program(name: str, folder: Path) -> str | None:
    """A program in a folder, or on the PATH."""
    local = folder / name
    return str(local) if local.is_file() else shutil.which(name)


def need(name: str, folder: Path, how: str) -> str:
    """A program, like `program`.

    Raises:
        MissingTool: There is none; `how` says how to get it.
    """
    found = program(name, folder)
    if found is None:
        raise MissingTool(f"{name} is not installed: {how}.")
    return found


@cache
def decision(name: str) -> Mapping[str, Any]:
    """A table of generator/decisions."""
    table: Mapping[str, Any] = yaml_text.read(DECISIONS / name)
    return table


def read_yaml(path: Path) -> Any:
    """The one document of a YAML file, or None when it is malformed: yamllint reports that."""
    try:
        return yaml_text.read(path)
    except yaml.YAMLError:
        return None


def line_of(text: str, part: str) -> int:
    """Line, from 1, on which a part of a text begins; 1 when it is not in there word for word."""
    place = text.find(part)
    return text.count("\n", 0, place) + 1 if place >= 0 else 1


def floating(text: str) -> list[str]:
    """References to whatever is newest, which change under the feet of a project."""
    return re.findall(r"[\w./-]+[@:]latest\b", text)
