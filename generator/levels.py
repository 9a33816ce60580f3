"""What a covering array tells apart: each question's answers, cut into levels.

A choice, a yes or no and a boundary of a number are levels of their question. Each option of a multiple choice is a
factor of its own, chosen or not. Rows of a fact table with the same facts are alike, so they share one level and take
turns.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import yaml

from generator.interview import UNSET, Interview, Play, Step
from generator.sampling import VALUES
from generator.template import Question, Template

ALIKE = {"eda_time_zone": "generator/decisions/time-zones.yml"}
"""Question whose choices are rows of a table that say nothing but their label."""


@dataclass(frozen=True, order=True)
class Level:
    """One level: the factor (a question, or `question:option`) and what it is set to, as a text."""

    factor: str
    text: str

    @property
    def question(self) -> str:
        """Key of the question."""
        return self.factor.partition(":")[0]

    def __str__(self) -> str:
        """Factor and setting, such as `functions:eda chosen`."""
        return f"{self.factor} {self.text}"


def _consumers(steps: Mapping[str, Step]) -> list[Any]:
    tokens = bool(steps["foundation_online"].value)
    rows = (("claims", 1, 1), ("sales", 5000, 600), ("a-very-long-name-of-a-consumer1", 10_000_000, 1_000_000))
    every = [
        {
            "name": name,
            "tokens_per_minute": rate if tokens else 0,
            "requests_per_minute": requests,
            "monthly_token_quota": 9_000_000_000 if tokens else 0,
        }
        for name, rate, requests in rows
    ]
    return [every[:1], every]


COMPUTED: dict[str, Callable[[Mapping[str, Step]], list[Any]]] = {"consumers": _consumers}
"""Questions whose values follow from earlier answers, and have two levels: one entry or several."""


class Levels:
    """Levels of every question that a person answers, and which answers are legal where.

    Args:
        template: The template.
    """

    def __init__(self, template: Template) -> None:
        """Take the questions that are asked, not those that are fixed when a project is made."""
        self.template = template
        self.questions = [question for question in template.questions if not question.computed and question.ask is True]
        self.keys = frozenset(question.key for question in self.questions)
        # An answers file may hold what `essentials` does not ask for.
        self.interview = Interview(template, given=self.keys)
        self.first = self.interview.play({})
        self.options = {
            question.key: _written(question, template, self.first)
            for question in self.questions
            if question.multiselect
        }
        self.every = tuple(level for question in self.questions for level in self._levels(question))
        """Every level, in the order of the interview."""

    def _levels(self, question: Question) -> list[Level]:
        """Every level that a question has, legal or not."""
        key = question.key
        if question.multiselect:
            return [Level(f"{key}:{option}", text) for option in self.options[key] for text in ("chosen", "left")]
        if key in ALIKE:
            return [Level(key, "any")]
        if key in COMPUTED:
            return [Level(key, "one"), Level(key, "several")]
        values = VALUES.get(key) or _written(question, self.template, self.first) or (True, False)
        return [Level(key, str(value)) for value in values]

    def count(self, key: str) -> int:
        """Number of levels of a question; 0 of a computed value."""
        return sum(level.factor == key for level in self.every)

    def of(self, question: Question, value: Any) -> list[Level]:
        """Levels that an answer has; none where it is just another value."""
        key = question.key
        if question.multiselect:
            return [Level(f"{key}:{option}", "chosen" if option in value else "left") for option in self.options[key]]
        if key in ALIKE:
            return [Level(key, "any")]
        if key in COMPUTED:
            return [Level(key, "one" if len(value) == 1 else "several")]
        if key in VALUES and value not in VALUES[key]:
            return []
        return [Level(key, str(value))]

    def values(self, question: Question, steps: Mapping[str, Step]) -> list[Any]:
        """Answers to try after earlier steps: every choice, every set of choices, or the boundaries."""
        if question.key in COMPUTED:
            return COMPUTED[question.key](steps)
        if question.key in VALUES:
            return list(VALUES[question.key])
        offered = self.interview.options_after(question, steps)
        return _subsets(offered) if question.multiselect else offered

    def steps(self, question: Question, steps: Mapping[str, Step]) -> Iterator[Step]:
        """Every legal step of a question after earlier ones: the default, and each answer to try.

        Args:
            question: A question or a computed value.
            steps: Earlier steps by key.
        """
        default = self.interview.step(question, UNSET, steps)
        if question.key not in self.keys or not default.asked:
            if not default.failure:
                yield default
            return
        values = self.values(question, steps)
        if default.value is not UNSET and default.value not in values:
            values.append(default.value)
        yield from (step for value in values if (step := self.legal(question, value, steps)))

    def legal(self, question: Question, value: Any, steps: Mapping[str, Step]) -> Step | None:
        """The step of an answer to a question that is asked, or None where it cannot be given."""
        if question.validator or question.key in VALUES:
            step = self.interview.step(question, value, steps)
            return None if step.refused or step.failure else step
        offered = self.interview.options_after(question, steps)
        fits = all(option in offered for option in value) if question.multiselect else value in offered
        return Step(value, asked=True) if fits else None


def _written(question: Question, template: Template, play: Play) -> list[str]:
    """Every choice, offered or not; none of a question without choices."""
    choices = question.choices
    if isinstance(choices, str):
        choices = yaml.safe_load(template.names.environment.from_string(choices).render(**play.answers))
    return [str(choice["value"] if isinstance(choice, Mapping) else choice) for choice in (choices or {}).values()]


def _subsets(options: list[Any]) -> list[Any]:
    return [list(chosen) for size in range(len(options) + 1) for chosen in combinations(options, size)]
