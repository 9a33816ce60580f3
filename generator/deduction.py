"""Which answers can stand together: found by an interview that goes back, or shown to be impossible, with the reason.

Chance finds most combinations of answers and proves nothing about the rest. Here an interview is led on purpose: it
wants certain levels, and where one is out of reach it goes back to a question that stands in the way, learns why, and
never tries the same again. When no question is left to go back to, the levels exclude each other.

What it says holds for the answers that `levels.candidates` and the defaults give: of free texts and numbers a few each.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

from generator import yaml_text
from generator.dependencies import SPACE, Dependencies
from generator.interview import UNSET, Interview, Step
from generator.levels import candidates, levels_of, levels_offered
from generator.template import Question, strings


@dataclass(frozen=True, order=True)
class Refusal:
    """What stands in the way: the question, its part (`when`, `choices`, `validator`, `default`), what that says."""

    key: str
    part: str
    says: str


class Option(NamedTuple):
    """One answer at one point: what to give, the step that follows, and the levels as a bit mask."""

    choice: Any
    step: Step
    levels: int


@dataclass(frozen=True)
class Row:
    """A finished interview: the answers that are given, and its levels as a bit mask."""

    chosen: dict[str, Any]
    levels: int


class Impossible(NamedTuple):
    """Levels that exclude each other, as a bit mask, and what refuses them."""

    levels: int
    refusals: frozenset[Refusal]


class UndecidedError(Exception):
    """The search was given up after too many steps."""


Order = Callable[[Sequence[Option], int], Iterable[Option]]
"""Puts options into the order in which to try them; takes the levels so far too."""


@dataclass(frozen=True)
class _Point:
    """A question after certain answers: whether it is asked, its options, what it refuses, and why all that.

    `gate` are the places that decide whether it is asked, `default` those that decide the default where it counts.
    """

    asked: bool
    options: list[Option]
    gate: frozenset[int]
    default: frozenset[int]
    refused: list["_Refused"] = field(default_factory=list)


class _Refused(NamedTuple):
    """An answer that is refused: its levels as a bit mask, by what, and the places that decide it."""

    levels: int
    refusal: Refusal
    places: frozenset[int]


class _Conflict(NamedTuple):
    """Why an interview cannot go on: places of the answers that stand in the way, wanted levels, refusals."""

    places: frozenset[int]
    wanted: int
    refusals: frozenset[Refusal]


class _Lesson(NamedTuple):
    """Places, with what stands there, beside which the wanted levels are out of reach."""

    answers: tuple[tuple[int, int], ...]
    conflict: _Conflict


class Deduction:
    """Searches for interviews that reach wanted levels.

    Args:
        interview: The interview to lead.
        patience: Questions to look at in one search before it is given up.
    """

    def __init__(self, interview: Interview, patience: int = 2_000_000) -> None:
        """Start with no point known and nothing learned."""
        self.interview = interview
        self.patience = patience
        self.names: list[str] = []
        """Every level that was ever seen; its place is its bit."""
        self._bits: dict[str, int] = {}
        self._questions = _asked_of(interview)
        self._dependencies = Dependencies(interview.template, self._questions)
        self._parts = [_parts(self._dependencies, question) for question in self._questions]
        self._points: list[dict[tuple[int, ...], _Point]] = [{} for _ in self._questions]
        self._states: list[dict[str, list[tuple[int, int]]]] = [{} for _ in self._questions]
        self._lessons: dict[tuple[int, int], list[_Lesson]] = defaultdict(list)
        self._never: list[Impossible] = []
        self._masks: dict[str, int] = defaultdict(int)
        """Question -> its levels."""

    def bit(self, level: str) -> int:
        """The bit of a level."""
        if level not in self._bits:
            self._bits[level] = 1 << len(self.names)
            self.names.append(level)
            self._masks[level.partition(" ")[0]] |= self._bits[level]
        return self._bits[level]

    def mask(self, levels: Iterable[str]) -> int:
        """The bits of several levels."""
        found = 0
        for level in levels:
            found |= self.bit(level)
        return found

    def search(self, wanted: int, order: Order) -> Row | Impossible:
        """An interview that holds the wanted levels, or why there is none.

        Args:
            wanted: Levels as a bit mask.
            order: Which options to try first.

        Raises:
            UndecidedError: The patience ended.
        """
        known = next((row for row in self._never if row.levels & wanted == row.levels), None)
        if known:
            return known
        walk = _Walk(self, wanted, order)
        conflict = walk.go(0, 0)
        if conflict is None:
            return Row(walk.chosen, walk.levels)
        found = Impossible(conflict.wanted, conflict.refusals)
        self._never.append(found)
        return found

    def point(self, at: int, numbers: Sequence[int], steps: dict[str, Step]) -> _Point:
        """The question at a position after certain answers, looked at once."""
        key = tuple([numbers[place] for place in self._parts[at].all])
        known = self._points[at].get(key)
        if known is None:
            known = self._points[at][key] = self._look(self._questions[at], self._parts[at], steps)
        return known

    def state(self, at: int, step: Step) -> list[tuple[int, int]]:
        """The places of a question, with what stands there after an answer; the same for the same value."""
        known = self._states[at].get(step.spelled)
        if known is None:
            number = len(self._states[at]) + 1
            known = self._dependencies.state(self._questions[at], step.value, number)
            self._states[at][step.spelled] = known
        return known

    def _look(self, question: Question, parts: "_Parts", steps: dict[str, Step]) -> _Point:
        default = self.interview.step(question, UNSET, steps)
        answers = self.interview.context({key: step.value for key, step in steps.items() if step.value is not UNSET})
        gate = self._dependencies.decided(question, question.when, answers)
        if default.failure:
            refusal = Refusal(question.key, "default", default.failure)
            every = frozenset(parts.all)
            return _Point(default.asked, [], gate, every, [_Refused(0, refusal, every)])
        if not default.asked or question.computed or question.ask is not True:
            why = parts.default
            if question.type == "bool" and not question.choices:
                why = self._dependencies.decided(question, question.default, answers)
            return _Point(False, [Option(UNSET, default, 0)], gate, why)
        listed = self.interview.choices_after(question, steps)
        offered = [value for value, refusal in listed if not refusal]
        for level in levels_offered(question, [value for value, _ in listed]):
            self.bit(level)
        refused = self._refused_choices(question, parts, listed, answers)
        options = []
        if not listed:
            options.append(Option(UNSET, default, self.mask(levels_of(question, default.value, offered))))
        for value in candidates(question, offered, steps):
            step = self._step(question, value, steps)
            bits = self.mask(levels_of(question, value, offered))
            if step.refused:
                refusal = Refusal(question.key, "validator", " ".join(question.validator.split()))
                refused.append(_Refused(bits, refusal, parts.validator))
            else:
                options.append(Option(value, step, bits))
        return _Point(True, options, gate, frozenset() if listed else parts.default | parts.validator, refused)

    def _refused_choices(
        self, question: Question, parts: "_Parts", listed: list[tuple[Any, str]], answers: dict[str, Any]
    ) -> list[_Refused]:
        """Choices that are refused, each with the places that decide about it, where the texts can be told apart."""
        found = []
        for number, (value, says) in enumerate(listed):
            if says:
                places = parts.choices
                if number < len(parts.texts):
                    places = self._dependencies.decided(question, parts.texts[number], answers)
                levels = self.mask(levels_offered(question, [value]))
                found.append(_Refused(levels, Refusal(question.key, "choices", says), places))
        return found

    def _step(self, question: Question, value: Any, steps: dict[str, Step]) -> Step:
        """A step with an answer; one that is offered, and that no validator looks at, is not shown to Copier again."""
        if question.choices and not question.validator:
            return Step(value, asked=True)
        return self.interview.step(question, value, steps)


def _asked_of(interview: Interview) -> list[Question]:
    """The questions, without computed values on which none of them depends: only files use those."""
    needed: set[str] = set()
    found = []
    for question in reversed(interview.template.questions):
        if not question.computed or question.key in needed:
            needed.update(interview.inputs(question.key))
            found.append(question)
    return found[::-1]


class _Parts(NamedTuple):
    """Places that the parts of a question look at, and the validator of each choice where they stand by themselves."""

    all: tuple[int, ...]
    choices: frozenset[int]
    validator: frozenset[int]
    default: frozenset[int]
    texts: list[str]


def _parts(dependencies: Dependencies, question: Question) -> _Parts:
    def used(*parts: str) -> frozenset[int]:
        return dependencies.of(question, [source for part in parts for source in strings(question.spec.get(part))])

    choices, validator, default = used("choices"), used("validator"), used("default", "type", "choices")
    if question.key == "consumers":
        validator |= dependencies.of(question, ["{{ foundation_online }}"])
    every = used("when", "ask") | choices | validator | default
    return _Parts(tuple(sorted(every)), choices, validator, default, _texts(question.choices))


def _texts(choices: Any) -> list[str]:
    """The validator of each choice, in order; nothing where Jinja makes the list."""
    if isinstance(choices, str):
        try:
            choices = yaml_text.parse(choices)
        except yaml.YAMLError:
            return []
    if not isinstance(choices, dict):
        return []
    return [str(row.get("validator", "")) if isinstance(row, dict) else "" for row in choices.values()]


class _Walk:
    """One search: an interview that goes on, and back."""

    def __init__(self, deduction: Deduction, wanted: int, order: Order) -> None:
        self.deduction = deduction
        self.wanted = wanted
        self.order = order
        self.numbers = [0] * (len(deduction._questions) * SPACE)
        self.steps: dict[str, Step] = {}
        self.chosen: dict[str, Any] = {}
        self.levels = 0
        self.left = deduction.patience

    def go(self, at: int, levels: int) -> _Conflict | None:
        """Answer the question at a position and all after it; why that is impossible, or nothing when it is done."""
        deduction = self.deduction
        if at == len(deduction._questions):
            self.levels = levels
            return None
        self.left -= 1
        if not self.left:
            raise UndecidedError
        question = deduction._questions[at]
        point = deduction.point(at, self.numbers, self.steps)
        wanted = deduction._masks[question.key] & self.wanted
        if wanted and not point.asked:
            says = str(question.when) if point.options else point.refused[0].refusal.says
            return self._learn(_Conflict(point.gate, wanted, frozenset({Refusal(question.key, "when", says)})))
        fitting = [row for row in point.options if row.levels & wanted == wanted]
        options = self.order(fitting, levels) if point.asked else fitting
        against = [row for row in point.refused if not wanted or row.levels & wanted or not row.levels]
        places = point.gate.union(point.default, *(row.places for row in against))
        refusals = {row.refusal for row in against}
        for option in options:
            conflict = self._try(at, option, levels)
            if conflict is None:
                return None
            before = frozenset(place for place in conflict.places if place // SPACE != at)
            if len(before) == len(conflict.places):
                return conflict
            places |= before
            wanted |= conflict.wanted
            refusals |= conflict.refusals
        return self._learn(_Conflict(places, wanted, frozenset(refusals)))

    def _try(self, at: int, option: Option, levels: int) -> _Conflict | None:
        """Give one answer and go on."""
        deduction = self.deduction
        question = deduction._questions[at]
        state = deduction.state(at, option.step)
        for place, number in state:
            self.numbers[place] = number
        self.steps[question.key] = option.step
        conflict = self._known(state) or self.go(at + 1, levels | option.levels)
        if conflict is None:
            if option.choice is not UNSET:
                self.chosen[question.key] = option.choice
            return None
        del self.steps[question.key]
        return conflict

    def _known(self, state: Sequence[tuple[int, int]]) -> _Conflict | None:
        """What an earlier search learned about the answers so far."""
        for spot in state:
            for lesson in self.deduction._lessons.get(spot, ()):
                if lesson.conflict.wanted & ~self.wanted == 0 and all(
                    self.numbers[place] == number for place, number in lesson.answers
                ):
                    return lesson.conflict
        return None

    def _learn(self, conflict: _Conflict) -> _Conflict:
        if conflict.places:
            answers = tuple((place, self.numbers[place]) for place in sorted(conflict.places))
            self.deduction._lessons[answers[-1]].append(_Lesson(answers[:-1], conflict))
        return conflict
