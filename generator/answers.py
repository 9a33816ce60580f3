"""Answers: from a file, checked, and completed with everything that Copier computes from them.

Copier ignores unknown keys and ends wrong answers in a traceback. People deserve a sentence, so each answer is checked
here before Copier sees it, and Copier's own refusals are put into words.
"""

import difflib
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from copier.errors import CopierError

from generator.errors import GroundplanError
from generator.paths import ROOT, VARIANTS
from generator.template import Question, Template

KINDS = {"list": "a list such as [a, b]", "int": "a whole number", "bool": "true or false", "str": "a text (in quotes)"}
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
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
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


def check_keys(answers: Iterable[str], root: Path = ROOT) -> None:
    """Refuse keys that no question has; Copier would ignore them.

    Raises:
        GroundplanError: For the first such key, with the nearest question.
    """
    questions = template(root).by_key
    asked = [key for key, question in questions.items() if not question.computed]
    for key in answers:
        if key in asked:
            continue
        if key in questions:
            raise GroundplanError(f"{key} is computed from other answers: leave it out.")
        near = difflib.get_close_matches(key, asked, n=1)
        hint = f"did you mean {near[0]}?" if near else "see docs/reference/questions.md for the keys."
        raise GroundplanError(f"{key} is no question: {hint}")


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
    from generator.rendering import interview  # Copier takes 0.4 s to import

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            combined, stored = interview(dict(data), root)
    except (ValueError, CopierError, TypeError, AttributeError) as error:
        raise GroundplanError(sentence(error)) from error
    return {**combined, "_stored": stored}


def check_types(data: Mapping[str, Any], root: Path = ROOT) -> None:
    """Refuse answers of the wrong kind; Copier would convert them or fail without naming the question.

    Raises:
        GroundplanError: For the first such answer.
    """
    for key, value in data.items():
        question = template(root).by_key.get(key)
        if question is None or question.type == "yaml":
            continue
        kind = "list" if question.multiselect else question.type
        if not _is(kind, value):
            raise GroundplanError(f"{key}: write {KINDS[kind]} instead of {value!r}.")


def _is(kind: str, value: Any) -> bool:
    """Whether a value is of a kind, or a text that spells one, as on a command line."""
    if isinstance(value, str) and kind != "str":
        try:
            value = yaml.safe_load(value)
        except yaml.YAMLError:
            return False
    if kind == "list":
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if kind == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, {"bool": bool, "str": str}[kind])


def refuse_unasked(data: Mapping[str, Any], stored: set[str], combined: Mapping[str, Any], root: Path = ROOT) -> None:
    """Refuse an answer to a question that the other answers make pointless; Copier would use it without keeping it."""
    for key in data:
        question = template(root).by_key.get(key)
        if question is None or question.computed or key in stored:
            continue
        names = sorted(_switches(question) & set(template(root).by_key) & set(combined))
        because = ", ".join(f"{name} is {_short(combined[name])}" for name in names)
        raise GroundplanError(f"{key} is not asked here ({because}): leave it out or change that.")


def _switches(question: Question) -> set[str]:
    from jinja2 import Environment, meta

    return set(meta.find_undeclared_variables(Environment().parse(str(question.when)))) - {"detail"}


def _short(value: Any) -> str:
    return ", ".join(map(str, value)) or "nothing" if isinstance(value, list) else str(value)


def sentence(error: Exception) -> str:
    """One sentence for what Copier raises: `key: what to change`."""
    text = " ".join(str(error).split())
    for prefix in ("Validation error for question '", "Invalid choice for '"):
        if text.startswith(prefix):
            key, _, message = text.removeprefix(prefix).partition("': ")
            return f"{key}: {message}"
    return text or f"The answers cannot be used ({type(error).__name__})."


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
    data = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    return resolve({key: value for key, value in data.items() if not key.startswith("_")}, root)


@lru_cache(maxsize=4)
def template(root: Path = ROOT) -> Template:
    """The template at `root`, read once."""
    return Template.load(root)
