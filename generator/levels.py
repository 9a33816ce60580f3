"""Levels: what an answer counts as when somebody counts which answers stand together.

A name of sixty characters and one of fifty make the same platform, and twenty regions make four kinds of it. So free
texts, numbers and long lists fall into few levels, and every choice of a short list is one of its own. A level is
written `key value`, as a person reads it.
"""

from collections.abc import Mapping, Sequence
from itertools import chain, combinations
from typing import Any

from generator.interview import Step
from generator.sampling import VALUES
from generator.template import Question

REPRESENTATIVES: dict[str, tuple[str, ...]] = {
    "location": ("swedencentral", "eastus2", "uksouth", "northcentralus"),
    "secondary_location": ("germanywestcentral", "centralus", "ukwest"),
    "eda_time_zone": ("UTC", "Romance Standard Time"),
}
"""Of long lists, answers that lead to different platforms: data zones of EU and US, a region alone, no zones."""

ELSEWHERE = "elsewhere"
OTHER = "something else"
"""Any other option of a long list, and any other free answer, the default among them."""

CONSUMERS = ("claims", "sales", "hr")
LONGEST = 30
"""Characters that a level shows of a free answer."""


def levels_of(question: Question, value: Any, options: Sequence[Any]) -> list[str]:
    """What an answer counts as.

    Args:
        question: The question.
        value: Its answer.
        options: What could be chosen; each option that a question with several answers offers counts by itself.
    """
    if question.multiselect:
        return [f"{question.key} {'with' if item in value else 'without'} {item}" for item in options]
    if question.key == "consumers":
        return [f"consumers {'several' if len(value) > 1 else 'one'}"]
    if options:
        known = REPRESENTATIVES.get(question.key, (value,))
        return [f"{question.key} {_readable(value) if value in known else ELSEWHERE}"]
    return [f"{question.key} {_readable(value) if value in ends(question) else OTHER}"]


def levels_offered(question: Question, options: Sequence[Any]) -> list[str]:
    """Every level that one option alone amounts to, for questions that offer any."""
    if question.multiselect:
        return [f"{question.key} {word} {item}" for item in options for word in ("with", "without")]
    return [level for item in options for level in levels_of(question, item, options)]


def ends(question: Question) -> tuple[Any, ...]:
    """Two answers to a question without choices, far from each other; one where all are alike."""
    free = VALUES[question.key]
    return (free[0], free[-1]) if free[0] != free[-1] else (free[0],)


def candidates(question: Question, options: Sequence[Any], steps: Mapping[str, Step]) -> list[Any]:
    """Answers that stand for all that can be given, the default of a free text aside.

    Args:
        question: The question.
        options: What is offered at this point.
        steps: The steps before it.
    """
    if question.multiselect:
        return [list(some) for some in chain.from_iterable(combinations(options, n) for n in range(len(options) + 1))]
    if question.key == "consumers":
        tokens = bool(steps["foundation_online"].value)
        limits = {"tokens_per_minute": 5000 * tokens, "monthly_token_quota": 9_000_000 * tokens}
        return [[{"name": name, "requests_per_minute": 60, **limits} for name in CONSUMERS]]
    return list(options) or list(VALUES[question.key])


def exclude(one: str, other: str) -> bool:
    """Whether two levels are different answers to one question, or contradict each other."""
    (key, _, first), (other_key, _, second) = one.partition(" "), other.partition(" ")
    if key != other_key:
        return False
    return not first.startswith(("with ", "without ")) or first.split()[-1] == second.split()[-1]


def _readable(value: Any) -> str:
    """An answer in few characters."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}…{text[-LONGEST // 2 :]}"
