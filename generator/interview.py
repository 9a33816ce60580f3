"""Interviews without a person: what Copier answers when somebody changes a few answers and takes every other default.

Copier looks at one interview at a time and takes seconds for a dozen. A fault in a default shows only beside certain
other answers, so lint has to play thousands.
"""

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from pathlib import Path, PurePath
from typing import Any

from copier._types import MISSING
from copier._user_data import AnswersMap
from copier._user_data import Question as CopierQuestion

from generator.template import Question, Template


class Unset:
    """The value of a question that has no answer; its one instance is `UNSET`."""

    def __repr__(self) -> str:
        """Spell the value as a default spells it."""
        return "UNSET"


UNSET = Unset()


@dataclass(frozen=True)
class Step:
    """What one question comes to in an interview.

    Args:
        value: The answer, or UNSET.
        asked: Whether a person is asked.
        failure: Why Copier would stop with an error: its sentence, else empty.
        refused: Whether the chosen answer cannot be given: not asked, not a choice, or against the validator.
    """

    value: Any
    asked: bool = False
    failure: str = ""
    refused: bool = False

    @cached_property
    def spelled(self) -> str:
        """The value as a text, by which later steps tell whether they have seen it."""
        return sys.intern(repr(self.value))


@dataclass(frozen=True)
class Play:
    """One interview: what was chosen, the answers, the steps by key, and the key at which it stopped, if it did."""

    chosen: Mapping[str, Any]
    answers: Mapping[str, Any]
    steps: Mapping[str, Step]
    stopped: str = ""


class Interview:
    """Interviews in which a person changes a few answers and takes every other default.

    Copier's own `Question` decides each step. A step is computed once for the same values of the names that its texts
    use; so thousands of interviews that differ in little take seconds.

    Args:
        template: The template to interview with.
        given: Keys that count as answered beforehand, as those of an answers file do.
    """

    def __init__(self, template: Template, given: Iterable[str] = ()) -> None:
        """Start with no step known."""
        self.template = template
        self._environment = template.names.environment
        self._context = {**AnswersMap().combined, **_context(template.root), "_copier_answers": dict.fromkeys(given)}
        self._inputs: dict[str, list[str]] = {question.key: [] for question in template.questions}
        for text in template.texts:
            if text.place == "question":
                self._inputs[text.key].extend(sorted(template.names.used(text.source) - {text.key}))
        self._steps: dict[tuple[str | None, ...], Step] = {}
        self._options: dict[tuple[str | None, ...], list[Any]] = {}

    def play(self, chosen: Mapping[str, Any], start: Play | None = None) -> Play:
        """Go through the questions in order until the end, or until Copier would stop.

        Args:
            chosen: Answers that a person gives instead of the default, by key.
            start: A finished interview, whose steps hold up to the first question that is answered otherwise.
        """
        steps = self._common(chosen, start) if start else {}
        for question in self.template.questions[len(steps) :]:
            step = steps[question.key] = self.step(question, chosen.get(question.key, UNSET), steps)
            if step.failure or step.refused:
                return Play(chosen, _values(steps, question.key), steps, question.key)
        return Play(chosen, _values(steps), steps)

    def context(self, answers: Mapping[str, Any]) -> dict[str, Any]:
        """What a text of a question sees beside certain answers."""
        return {**self._context, **answers}

    def inputs(self, key: str) -> list[str]:
        """Names that the texts of a question use, its own aside."""
        return self._inputs[key]

    def step(self, question: Question, choice: Any, steps: Mapping[str, Step]) -> Step:
        """One question after the steps before it, of which those count whose names its texts use.

        Args:
            question: The question.
            choice: The answer that a person gives, or UNSET to take the default.
            steps: Earlier steps by key.
        """
        known = (repr(choice), *self._seen(question.key, steps))
        if known not in self._steps:
            self._steps[known] = self._step(question, choice, _values(steps))
        return self._steps[known]

    def _seen(self, key: str, steps: Mapping[str, Step]) -> tuple[str | None, ...]:
        """What a question sees of the steps: its key and the values of the names that its texts use."""
        return (key, *(steps[name].spelled if name in steps else None for name in self._inputs[key]))

    def _common(self, chosen: Mapping[str, Any], start: Play) -> dict[str, Step]:
        """The steps before the first question that is answered otherwise than in `start`."""
        same = takewhile(lambda key: chosen.get(key, UNSET) == start.chosen.get(key, UNSET), start.steps)
        return {key: start.steps[key] for key in same}

    def _step(self, question: Question, chosen: Any, answers: Mapping[str, Any]) -> Step:
        """One question, by the rules of `Worker._ask` in Copier 9.19."""
        try:
            asker = self._asker(question, answers)
            asked = asker.get_when() and asker.get_ask()
            value = asker.get_default()
        except Exception as error:  # whatever it is, a person would see its traceback
            return Step(UNSET, failure=" ".join(str(error).split()))
        value = UNSET if value is MISSING else value
        if chosen is UNSET:
            return Step(value, asked)
        try:
            value = asker.parse_answer(chosen)
            asker.validate_answer(value)
        except Exception:  # Copier asks again, for whatever reason
            return Step(value, asked, refused=True)
        return Step(value, asked, refused=not asked)

    def options(self, question: Question, play: Play) -> list[Any]:
        """Values that a person may choose at this point of an interview; of a yes-or-no question, true and false."""
        return self.options_after(question, play.steps)

    def options_after(self, question: Question, steps: Mapping[str, Step]) -> list[Any]:
        """The same, after the steps before it."""
        seen = self._seen(question.key, steps)
        if seen not in self._options:
            self._options[seen] = self._offered(question, _values(steps))
        return self._options[seen]

    def _offered(self, question: Question, answers: Mapping[str, Any]) -> list[Any]:
        return [value for value, refusal in self._listed(question, answers) if not refusal]

    def choices_after(self, question: Question, steps: Mapping[str, Step]) -> list[tuple[Any, str]]:
        """Every choice that is listed after the steps before, with the sentence that refuses it, else an empty one."""
        return self._listed(question, _values(steps))

    def _listed(self, question: Question, answers: Mapping[str, Any]) -> list[tuple[Any, str]]:
        asker = self._asker(question, answers)
        if not question.choices:
            return [(True, ""), (False, "")] if asker.get_type_name() == "bool" else []
        listed = asker._formatted_choices
        return [(asker.cast_answer(choice.value), str(choice.disabled or "").strip()) for choice in listed]

    def accepts(self, question: Question, value: Any, play: Play) -> bool:
        """Whether the question's own validator accepts a value, given the answers of an interview."""
        asker = self._asker(question, play.answers)
        try:
            asker.validate_answer(asker.parse_answer(value))
        except Exception:  # Copier asks again, for whatever reason
            return False
        return True

    def _asker(self, question: Question, answers: Mapping[str, Any]) -> CopierQuestion:
        return CopierQuestion(
            var_name=question.key,
            answers=AnswersMap(),
            context=self.context(answers),
            jinja_env=self._environment,
            **question.spec,
        )


def _values(steps: Mapping[str, Step], without: str = "") -> dict[str, Any]:
    """Answers by key, of the questions that have one."""
    return {key: step.value for key, step in steps.items() if step.value is not UNSET and key != without}


def _context(root: Path) -> dict[str, Any]:
    """What Copier adds to the answers in an interactive first copy, as far as questions may ask for it."""
    configuration = {
        "src_path": PurePath(root),
        "dst_path": PurePath(),
        "answers_file": PurePath(".copier-answers.yml"),
        "data": {},
        "user_defaults": {},
        "defaults": False,
        "pretend": True,
        "sep": os.sep,
    }
    return {
        "_copier_answers": {},
        "_copier_conf": configuration,
        "_copier_phase": "prompt",
        "_copier_python": sys.executable,
        "_folder_name": "project",
    }
