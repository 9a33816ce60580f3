"""No file of a project goes unseen: each is read by a tool for its kind, or stands in a short list with the reason."""

from collections.abc import Callable, Sequence
from pathlib import Path

from generator.tools.common import ToolResult, all_files, below, files, judge
from generator.tools.documents import json_files
from generator.tools.plain import dockerfiles, makefiles, notebooks, requirement_files

READERS: tuple[Callable[[Path], list[Path]], ...] = (
    lambda root: files(root, ".bicep", ".bicepparam"),
    lambda root: below(root, ["gateway/policies"], ".xml"),
    lambda root: below(root, ["monitoring"], ".kql"),
    lambda root: files(root, ".md", ".yml", ".yaml", ".py", ".sh", ".toml"),
    json_files,
    notebooks,
    requirement_files,
    dockerfiles,
    makefiles,
)
"""Which files the tools read: Bicep goes to the compiler, the rest to the tools of this package."""

PLAIN = {
    ".editorconfig": "editors read it",
    ".gitattributes": "git reads it",
    ".gitignore": "git reads it",
    "VERSION": "the check of SDP-16 reads it",
    "CODEOWNERS": "the forge reads it",
}
"""Files without a tool of their own, by name, with the reason."""


def check_coverage(root: Path) -> ToolResult:
    """Every file of a project has a reader."""

    def faults(paths: Sequence[Path]) -> list[str]:
        seen = {path for reader in READERS for path in reader(root)}
        return [
            f"{path.relative_to(root)}: no tool looks at files of this kind"
            for path in paths
            if path not in seen and path.name not in PLAIN
        ]

    return judge("coverage", all_files(root), faults)
