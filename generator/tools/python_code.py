"""Python of a project: it compiles, black would change nothing, and ruff has no remark."""

import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from generator.tools import common
from generator.tools.common import MissingTool, ToolResult, files, judge

LINE_LENGTH = 120
RULES = "E,F,I,B,UP"
"""What ruff looks at in a project that has no configuration of its own."""


def check_python(root: Path) -> ToolResult:
    """Python files compile and are formatted (black) and free of remarks (ruff)."""

    def faults(paths: Sequence[Path]) -> list[str]:
        found = []
        for path in paths:
            name = path.relative_to(root).as_posix()
            said = [*_compiles(path.read_text(encoding="utf-8"), name), *formatting(path.read_text(encoding="utf-8"))]
            found += [f"{name}: {fault}" for fault in said]
        return [*found, *_ruff(root, paths)]

    return judge("python", files(root, ".py"), faults)


def _compiles(text: str, name: str) -> Iterator[str]:
    try:
        compile(text, name, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        yield f"does not compile: {error}"


@cache
def formatting(text: str) -> tuple[str, ...]:
    """Faults of a Python text that black would write differently.

    Raises:
        MissingTool: black is not installed.
    """
    try:
        import black
        from black.parsing import InvalidInput
        from black.report import NothingChanged
    except ImportError:
        raise MissingTool("black is not installed: install it from PyPI.") from None
    try:
        black.format_file_contents(text, fast=True, mode=black.Mode(line_length=LINE_LENGTH))
    except NothingChanged:
        return ()
    except InvalidInput:
        return ("black cannot read it",)
    return (f"run `black --line-length {LINE_LENGTH}` on it",)


def _ruff(root: Path, paths: Sequence[Path]) -> list[str]:
    own = [path for path in paths if _configured(root, path)]
    others = [path for path in paths if path not in own]
    plain = ["--isolated", "--select", RULES, "--line-length", str(LINE_LENGTH)]
    return [*_run_ruff(root, own, []), *_run_ruff(root, others, plain)]


def _configured(root: Path, path: Path) -> bool:
    """Whether a folder between a file and the root of the project configures ruff."""
    for folder in path.parents:
        if (folder / "ruff.toml").is_file() or (folder / ".ruff.toml").is_file():
            return True
        settings = folder / "pyproject.toml"
        if settings.is_file() and re.search(r"^\[tool\.ruff", settings.read_text(encoding="utf-8"), re.MULTILINE):
            return True
        if folder == root:
            return False
    return False


def _run_ruff(root: Path, paths: Sequence[Path], options: list[str]) -> list[str]:
    if not paths:
        return []
    tool = common.need("ruff", common.VENV, "install it from PyPI")
    command = [tool, "check", "--no-cache", "--output-format", "json", *options, *map(str, paths)]
    completed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    try:
        report = json.loads(completed.stdout)
    except ValueError:
        return [f"ruff looked at nothing: {' '.join(completed.stderr.split())[-300:]}"]
    return [
        f"{Path(item['filename']).relative_to(root.resolve())}:{item['location']['row']}: "
        f"{item['message']} ({item['code']})"
        for item in report
    ]
