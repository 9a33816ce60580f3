"""Where the parts of the template repository are."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The template repository: copier.yml, template/, generator/, variants/."""

GENERATOR = ROOT / "generator"
TEMPLATE = ROOT / "template"
VARIANTS = ROOT / "variants"
DECISIONS = GENERATOR / "decisions"
GUIDANCE = GENERATOR / "guidance"
