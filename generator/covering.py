"""Covering arrays: few answer sets in which nearly any two (or three) answers that can meet do meet.

Answers depend on each other: a question is asked only after certain others, and a validator refuses certain values. So
a row is built as an interview, question by question, and takes the answer that brings together most of what never met.
What is left is searched for pair by pair, with the answers on which both depend taken from rows that hold one of them.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, islice
from pathlib import Path
from typing import Any

from generator.interview import UNSET, Interview, Step
from generator.paths import ROOT
from generator.refusals import template
from generator.sampling import VALUES
from generator.template import Question

Combination = tuple[str, ...]
"""Labels of answers that meet in one answer set, in alphabetical order."""

REPRESENTATIVES: dict[str, tuple[str, ...]] = {
    "location": ("swedencentral", "eastus2", "uksouth", "northcentralus"),
    "secondary_location": ("germanywestcentral", "centralus", "ukwest"),
    "eda_time_zone": ("UTC", "Romance Standard Time"),
}
"""Of long lists, answers that lead to different platforms: data zones of EU and US, a region alone, no zones."""

CONSUMERS = ("claims", "sales", "hr")

CANDIDATES = 5
"""Rows that are built before the best is taken."""
WORTH_IT = 150
"""Combinations that a row must bring together for the first time, else the search pair by pair does better."""
TRIES = 40
"""Crossings that are tried before two answers count as such that cannot meet."""
FEW_TRIES = 6
"""The same where, beside the one answer, the question of the other was never asked."""


@dataclass
class Array:
    """A covering array.

    Args:
        rows: The answers that each set gives; every other question keeps its default.
        covered: Combinations that meet in a row.
        apart: Pairs of answers that no search brought together; they exclude each other, as far as the search can tell.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    covered: set[Combination] = field(default_factory=set)
    apart: set[Combination] = field(default_factory=set)


@dataclass(frozen=True)
class Row:
    """An interview: what was chosen, and the labels of all answers that were asked for."""

    chosen: dict[str, Any]
    labels: frozenset[str]


def cover(strength: int = 2, seed: int = 1, root: Path = ROOT) -> Array:
    """A covering array over every question.

    Args:
        strength: How many answers meet in a combination, 2 or 3.
        seed: The same one gives the same rows.
        root: The template.
    """
    return _Builder(Interview(template(root)), strength, seed).build()


def labels_of(question: Question, value: Any, options: Sequence[Any]) -> list[str]:
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
        return [f"{question.key} {value}"]
    ends = _ends(question)
    return [f"{question.key} {'first' if value == ends[0] else 'last' if value == ends[1] else 'other'}"]


def offered(question: Question, options: list[Any]) -> list[Any]:
    """The options that count: of a long list its representatives, if any of them is offered."""
    known = REPRESENTATIVES.get(question.key)
    return [item for item in options if not known or item in known] or options


def _ends(question: Question) -> tuple[Any, Any]:
    """Two answers to a question without choices, far from each other."""
    free = VALUES[question.key]
    return free[0], free[-1]


class _Builder:
    def __init__(self, interview: Interview, strength: int, seed: int) -> None:
        self.interview = interview
        self.strength = strength
        self.chance = random.Random(seed)
        self.array = Array()
        self.kept: list[Row] = []
        self.holders: dict[str, list[Row]] = defaultdict(list)
        """Label -> rows that hold it, kept or not: what crossings start from."""
        self.beside: dict[str, set[str]] = defaultdict(set)
        """Label -> questions that were asked in a row that holds it."""
        self.known = {question.key for question in interview.template.questions}
        self.needed: dict[str, set[str]] = {}
        self.never: set[tuple[str, str]] = set()
        """Label and a question that no try brought beside it."""

    def build(self) -> Array:
        while self._keep(self._best([self._row({}) for _ in range(CANDIDATES)])) >= WORTH_IT:
            pass
        if self.strength == 2:
            for pair in combinations(sorted(self.holders), 2):
                if pair not in self.array.covered and not _same_question(*pair):
                    self._search(pair)
        self._thin()
        return self.array

    def _thin(self) -> None:
        """Leave out rows that bring nothing together that others do not."""
        met = [set(combinations(sorted(row.labels), self.strength)) for row in self.kept]
        times = Counter(combination for row in met for combination in row)
        left = []
        for row, combinations_of in sorted(zip(self.kept, met, strict=True), key=lambda pair: len(pair[1])):
            if all(times[combination] > 1 for combination in combinations_of):
                times.subtract(combinations_of)
            else:
                left.append(row)
        self.array.rows = [row.chosen for row in self.kept if row in left]

    def _search(self, pair: Combination) -> None:
        """Bring two answers together, or count them as such that cannot meet."""
        strangers = [
            (label, other.partition(" ")[0])
            for label, other in (pair, pair[::-1])
            if other.partition(" ")[0] not in self.beside[label]
        ]
        tries = 0 if self.never & set(strangers) else FEW_TRIES if strangers else TRIES
        rows = (self._row(self._crossed(*pair), wanted=pair) for _ in range(tries))
        met = list(islice((row for row in rows if set(pair) <= row.labels), CANDIDATES))
        met = met or [row for row in self.holders[pair[0]] if pair[1] in row.labels]
        if met:
            self._keep(self._best(met))
        else:
            self.never.update(strangers)
            self.array.apart.add(pair)

    def _crossed(self, one: str, other: str) -> dict[str, Any]:
        """What `one` and `other` depend on, from rows that hold one of them, mixed by chance."""
        first, second = (self.chance.choice(self.holders[label]).chosen for label in (one, other))
        mixed: dict[str, Any] = {}
        needed = self._needed(one.partition(" ")[0]) | self._needed(other.partition(" ")[0])
        for key in {**first, **second}:
            if key not in needed:
                continue
            sides = [side[key] for side in (first, second) if key in side]
            mixed[key] = self.chance.choice(sides)
            if len(sides) == 2 and isinstance(mixed[key], list) and self.chance.random() < 0.5:
                mixed[key] = list(dict.fromkeys(sides[0] + sides[1])) if key != "consumers" else mixed[key]
        for label, side in ((one, first), (other, second)):
            key = label.partition(" ")[0]
            mixed.pop(key, None)
            if key in side:
                mixed[key] = side[key]
        return mixed

    def _needed(self, key: str) -> set[str]:
        """The question and everything on which it depends, directly or not."""
        if key not in self.needed:
            found, ahead = {key}, [key]
            while ahead:
                fresh = (set(self.interview.inputs(ahead.pop())) & self.known) - found
                found |= fresh
                ahead += fresh
            self.needed[key] = found
        return self.needed[key]

    def _best(self, rows: Sequence[Row]) -> Row:
        return max(rows, key=lambda row: len(self._new(row)))

    def _keep(self, row: Row) -> int:
        """Add a row when it brings together what never met; how many combinations that are."""
        new = self._new(row)
        if new:
            self.kept.append(row)
            self.array.covered |= new
        return len(new)

    def _new(self, row: Row) -> set[Combination]:
        return set(combinations(sorted(row.labels), self.strength)) - self.array.covered

    def _row(self, fixed: Mapping[str, Any], wanted: Combination = ()) -> Row:
        """One interview from its first question to its last.

        Args:
            fixed: Answers to give where they are accepted, by key.
            wanted: Labels without which the row is of no use: it ends where one of them is passed by.
        """
        chosen: dict[str, Any] = {}
        steps: dict[str, Step] = {}
        labels: set[str] = set()
        for question in self.interview.template.questions:
            step = self.interview.step(question, UNSET, steps)
            if step.asked and not question.computed and question.ask is not False:
                options = offered(question, self.interview.options_after(question, steps))
                value, step = self._choose(question, options, steps, step, labels, fixed.get(question.key, UNSET))
                if value is not UNSET:
                    chosen[question.key] = value
                labels.update(labels_of(question, step.value, options))
            steps[question.key] = step
            if any(label.partition(" ")[0] == question.key and label not in labels for label in wanted):
                break
        row = Row(chosen, frozenset(labels))
        if set(wanted) <= labels:
            keys = {label.partition(" ")[0] for label in labels}
            for label in labels:
                self.holders[label].append(row)
                self.beside[label] |= keys
        return row

    def _choose(
        self,
        question: Question,
        options: list[Any],
        steps: Mapping[str, Step],
        default: Step,
        met: set[str],
        fixed: Any,
    ) -> tuple[Any, Step]:
        """The answer to one question: what is fixed, else what brings together most of what never met."""
        if fixed is not UNSET:
            step = self.interview.step(question, fixed, steps)
            if not step.failure and not step.refused:
                return fixed, step
        best, choice = self._worth(question, default, options, met), (UNSET, default)
        for value in self._values(question, options, steps):
            step = self.interview.step(question, value, steps)
            if step.failure or step.refused:
                continue
            worth = self._worth(question, step, options, met)
            if worth > best:
                best, choice = worth, (value, step)
        return choice

    def _worth(self, question: Question, step: Step, options: Sequence[Any], met: set[str]) -> float:
        """How much an answer brings together with the answers so far; chance decides between equals and near equals."""
        found = 0
        for label in labels_of(question, step.value, options):
            for others in combinations(sorted(met), self.strength - 1):
                found += tuple(sorted((label, *others))) not in self.array.covered
        return (found + 1) * (0.7 + 0.6 * self.chance.random())

    def _values(self, question: Question, options: list[Any], steps: Mapping[str, Step]) -> list[Any]:
        """Answers to try."""
        if question.multiselect:
            return [options, *([item for item in options if self.chance.random() < 0.5] for _ in range(4))]
        if question.key == "consumers":
            tokens = bool(steps["foundation_online"].value)
            limits = {"tokens_per_minute": 5000 * tokens, "monthly_token_quota": 9_000_000 * tokens}
            return [[{"name": name, "requests_per_minute": 60, **limits} for name in CONSUMERS]]
        return options or list(_ends(question))


def _same_question(one: str, other: str) -> bool:
    """Whether two labels are answers to one question that takes a single answer, or contradict each other."""
    (key, _, first), (other_key, _, second) = one.partition(" "), other.partition(" ")
    if key != other_key:
        return False
    return not first.startswith(("with ", "without ")) or first.split()[-1] == second.split()[-1]
