"""Answers: from a file, checked, and completed with everything that Copier computes from them.

Copier ignores unknown keys and ends wrong answers in a traceback. People deserve a sentence, so each answer is checked
here before Copier sees it, and Copier's own refusals are put into words.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from copier.errors import CopierError

from generator import yaml_text
from generator.errors import GroundplanError
from generator.paths import ROOT, VARIANTS
from generator.refusals import check_keys, sentence
from generator.rendering import interview

ANSWERS_FILE = ".copier-answers.yml"


@dataclass(frozen=True)
class Variant:
    """A named answers file: its name, its path and the comment in its first line."""

    name: str
    path: Path
    description: str


def variants(folder: Path = VARIANTS) -> list[Variant]:
    """Every variant, by name."""
    return [
        Variant(path.stem, path, path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# "))
        for path in sorted(folder.glob("*.yml"))
    ]


def find(target: str) -> Path:
    """The answers file that a variant's name or a path means.

    Raises:
        GroundplanError: There is neither such a variant nor such a file.
    """
    names = {variant.name: variant.path for variant in variants()}
    if target in names:
        return names[target]
    path = Path(target)
    if path.is_file():
        return path
    if path.suffix in (".yml", ".yaml") or len(path.parts) > 1:
        raise GroundplanError(f"There is no answers file {target}: check the path.")
    raise GroundplanError(f"There is no variant {target}: choose one of {', '.join(names)}, or give an answers file.")


def load(path: Path, root: Path = ROOT) -> dict[str, Any]:
    """Read an answers file.

    Args:
        path: A YAML mapping of questions to answers.
        root: The template.

    Returns:
        The answers as written, without keys that Copier keeps for itself (`_commit`, `_src_path`).

    Raises:
        GroundplanError: The file is missing, is no YAML mapping, or has a key that is no question.
    """
    try:
        data = yaml_text.read(path)
    except FileNotFoundError as error:
        raise GroundplanError(f"There is no answers file {path}: check the path.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise GroundplanError(f"{path} cannot be read as text: give a YAML file.") from error
    except yaml.YAMLError as error:
        problem = " ".join(str(error).split())
        raise GroundplanError(f"{path} is not YAML: {problem}.") from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise GroundplanError(f"{path} is not a list of answers: write one `key: value` a line.")
    answers = {str(key): value for key, value in data.items() if not str(key).startswith("_")}
    check_keys(answers, root)
    return answers


def resolve(data: Mapping[str, Any], root: Path = ROOT) -> dict[str, Any]:
    """Complete answers: every question and every computed value, as Copier has them when it renders.

    Args:
        data: Answers by key; everything else takes its default.
        root: The template.

    Returns:
        All values by key, and under `_stored` the set of keys that Copier would write into the answers file.

    Raises:
        GroundplanError: An answer is refused; the sentence names the key.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            combined, stored = interview(dict(data), root)
    except (ValueError, CopierError, TypeError, AttributeError) as error:
        raise GroundplanError(sentence(error)) from error
    return {**combined, "_stored": stored}


def of_project(project: Path, root: Path = ROOT) -> dict[str, Any]:
    """Every answer of a generated project, completed by this template.

    Raises:
        GroundplanError: The folder is missing or no generated project.
    """
    if not project.is_dir():
        raise GroundplanError(f"There is no folder {project}: give the folder of a generated project.")
    path = project / ANSWERS_FILE
    if not path.is_file():
        raise GroundplanError(f"{project} is no generated project: it has no {ANSWERS_FILE}.")
    data = yaml_text.read(path) or {}
    return resolve({key: value for key, value in data.items() if not key.startswith("_")}, root)
