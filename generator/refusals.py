"""Answers that are refused, each with one sentence that names the question and says what to change.

Copier ignores unknown keys, converts or drops values of the wrong kind, uses answers that nothing asks for without
keeping them, and ends in a traceback. These checks stand before and after it.
"""

import difflib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, meta

from generator import yaml_text
from generator.errors import GroundplanError
from generator.paths import ROOT
from generator.template import Question, Template

KINDS = {"list": "a list such as [a, b]", "int": "a whole number", "bool": "true or false", "str": "a text (in quotes)"}


@lru_cache(maxsize=4)
def template(root: Path = ROOT) -> Template:
    """The template at `root`, read once."""
    return Template.load(root)


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
            value = yaml_text.parse(value)
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
