"""Where the parts of the template repository are."""

import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
"""The template repository: copier.yml, template/, generator/, variants/."""

GENERATOR = ROOT / "generator"
TEMPLATE = ROOT / "template"
VARIANTS = ROOT / "variants"
DECISIONS = GENERATOR / "decisions"
GUIDANCE = GENERATOR / "guidance"


@cache
def script(name: str) -> ModuleType:
    """A script that projects get as it is, for what this package and a project decide alike.

    Args:
        name: Its name without the ending.
    """
    path = TEMPLATE / "scripts" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"project_{name}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    # Data classes look their module up while they are made.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
