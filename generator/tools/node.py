"""Checkers that run on Node.js, as services."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from generator.paths import ROOT
from generator.tools import common, services
from generator.tools.common import MissingTool

SCRIPTS = Path(__file__).parent


def ask(name: str, packages: tuple[str, ...], request: Mapping[str, Any]) -> Any:
    """Ask a script beside this module.

    Args:
        name: Its file.
        packages: npm packages that it imports; each must be installed.
        request: What it is asked.

    Raises:
        MissingTool: Node.js or a package is not installed, or the script failed.
    """
    return services.ask(name, lambda: _command(name, packages), request)


def _command(name: str, packages: tuple[str, ...]) -> list[str]:
    node = common.need("node", ROOT / "node_modules" / ".bin", "install Node.js 20 or newer")
    absent = [package for package in packages if not (ROOT / "node_modules" / package).is_dir()]
    if absent:
        raise MissingTool(f"{absent[0]} is not installed: run `npm ci` in the checkout.")
    return [node, str(SCRIPTS / name)]
