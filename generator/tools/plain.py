"""Small files that other programs read: TOML, lists of Python packages, notebooks, Makefiles, Dockerfiles."""

import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from generator.tools import common
from generator.tools.common import MissingTool, ToolResult, all_files, files, floating, judge
from generator.tools.python_code import formatting

INSTRUCTION = re.compile(r"^(?P<name>[A-Z]+)\s+(?P<value>.+)$")


def check_toml(root: Path) -> ToolResult:
    """TOML files are well-formed (tomlkit)."""

    def faults(paths: Sequence[Path]) -> list[str]:
        try:
            import tomlkit
            from tomlkit.exceptions import ParseError
        except ImportError:
            raise MissingTool("tomlkit is not installed: install it from PyPI.") from None
        found = []
        for path in paths:
            try:
                tomlkit.parse(path.read_text(encoding="utf-8"))
            except ParseError as error:
                found.append(f"{path.relative_to(root)}: {error}")
        return found

    return judge("toml", files(root, ".toml"), faults)


def check_requirements(root: Path) -> ToolResult:
    """Lists of Python packages name each package once, with one exact version (packaging)."""

    def faults(paths: Sequence[Path]) -> list[str]:
        return [f"{path.relative_to(root)}: {fault}" for path in paths for fault in _requirements(path)]

    return judge("requirements", requirement_files(root), faults)


def check_notebooks(root: Path) -> ToolResult:
    """Notebooks keep their format (nbformat), hold no output, and their code is formatted."""

    def faults(paths: Sequence[Path]) -> list[str]:
        return [f"{path.relative_to(root)}: {fault}" for path in paths for fault in _notebook(path)]

    return judge("notebooks", notebooks(root), faults)


def check_makefiles(root: Path) -> ToolResult:
    """Every phony target of a Makefile can be planned (make --dry-run)."""

    def faults(paths: Sequence[Path]) -> list[str]:
        return [f"{path.relative_to(root)}: {fault}" for path in paths for fault in _makefile(path)]

    return judge("make", makefiles(root), faults)


def check_dockerfiles(root: Path) -> ToolResult:
    """Dockerfiles begin with an image of a fixed version and know their instructions; they are not built."""

    def faults(paths: Sequence[Path]) -> list[str]:
        return [f"{path.relative_to(root)}: {fault}" for path in paths for fault in _dockerfile(path)]

    return judge("dockerfiles", dockerfiles(root), faults)


def requirement_files(root: Path) -> list[Path]:
    """Lists of Python packages."""
    return [path for path in files(root, ".txt") if path.name.startswith("requirements")]


def notebooks(root: Path) -> list[Path]:
    """Jupyter notebooks."""
    return files(root, ".ipynb")


def makefiles(root: Path) -> list[Path]:
    """Files that make reads."""
    return [path for path in all_files(root) if path.name == "Makefile"]


def dockerfiles(root: Path) -> list[Path]:
    """Files from which images are built."""
    return [path for path in all_files(root) if path.name == "Dockerfile"]


def _requirements(path: Path) -> Iterator[str]:
    try:
        from packaging.requirements import InvalidRequirement, Requirement
        from packaging.utils import canonicalize_name
    except ImportError:
        raise MissingTool("packaging is not installed: install it from PyPI.") from None
    seen: set[str] = set()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = line.partition("#")[0].strip()
        if not text or text.startswith("-"):
            continue
        try:
            requirement = Requirement(text)
        except InvalidRequirement as error:
            yield f"line {number}: {' '.join(str(error).split())}"
            continue
        name = f"{canonicalize_name(requirement.name)} {requirement.marker or ''}"
        if name in seen:
            yield f"line {number}: {requirement.name} is there twice"
        seen.add(name)
        if [item.operator for item in requirement.specifier] != ["=="]:
            yield f"line {number}: {requirement.name} has no exact version"
    if not seen:
        yield "it names no package"


def _notebook(path: Path) -> Iterator[str]:
    try:
        import nbformat
    except ImportError:
        raise MissingTool("nbformat is not installed: install it from PyPI.") from None
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
        nbformat.validate(data)
    except (ValueError, nbformat.ValidationError) as error:
        yield str(error).splitlines()[0]
        return
    for number, cell in enumerate(data["cells"], 1):
        if cell["cell_type"] != "code":
            continue
        if cell["outputs"] or cell["execution_count"]:
            yield f"cell {number} holds an output"
        text = "".join(cell["source"])
        if not text.lstrip().startswith(("%", "!")):
            yield from (f"cell {number}: {fault}" for fault in formatting(f"{text}\n"))


def _makefile(path: Path) -> Iterator[str]:
    tool = common.need("make", Path("/usr/bin"), "install GNU make")
    text = path.read_text(encoding="utf-8")
    targets = [name for line in re.findall(r"^\.PHONY:(.*)$", text, re.MULTILINE) for name in line.split()]
    if not targets:
        yield "it has no .PHONY targets"
    for target in targets:
        command = [tool, "--dry-run", "--always-make", "--warn-undefined-variables", "--file", path.name, target]
        completed = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, check=False)
        if completed.returncode or completed.stderr:
            yield f"{target}: {' '.join(completed.stderr.split())[-300:]}"


KNOWN_INSTRUCTIONS = {"ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "LABEL", "RUN", "USER", "WORKDIR"}


def _dockerfile(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    found = [
        (found["name"], found["value"])
        for line in text.replace("\\\n", " ").splitlines()
        if line.strip()
        and not line.startswith("#")
        and (found := INSTRUCTION.match(line) or {"name": line, "value": ""})
    ]
    names = [name for name, _ in found]
    yield from (f"{name} is no instruction" for name in names if name not in KNOWN_INSTRUCTIONS)
    if next((name for name in names if name != "ARG"), "") != "FROM":
        yield "it does not begin with FROM"
    yield from (f"{name} changes by itself" for name in floating(text))
    for name, value in found:
        image = value.split()[0] if value else ""
        if name == "FROM" and not re.search(r"[:@]", image.rsplit("/", 1)[-1]):
            yield f"image {image} has no version"
