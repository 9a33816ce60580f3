"""Covering arrays: few answer sets in which any two (or most of any three) answers that can meet do meet.

Answers depend on each other: a question is asked only after certain others, and a validator refuses certain values. So
a row is built as an interview, question by question, and takes the answer that brings together most of what never met.
What is left is looked for pair by pair; a pair that nothing brings together comes with what refuses it.
"""

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

from generator.deduction import Deduction, Impossible, Option, Refusal, Row, UndecidedError
from generator.interview import Interview
from generator.levels import exclude
from generator.paths import ROOT
from generator.refusals import template

Combination = tuple[str, ...]
"""Levels that meet in one answer set, in alphabetical order."""

BEST_OF = 5
"""Rows that are built before the best is taken."""
WORTH_IT = {2: 150, 3: 150}
"""Combinations that a row must bring together for the first time, else rows are made for one combination each."""


@dataclass
class Array:
    """A covering array.

    Args:
        rows: The answers that each set gives; every other question keeps its default.
        covered: Combinations that meet in a row.
        apart: Pairs of answers that exclude each other, each with what refuses it.
        undecided: Pairs whose search was given up.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    covered: set[Combination] = field(default_factory=set)
    apart: dict[Combination, list[Refusal]] = field(default_factory=dict)
    undecided: set[Combination] = field(default_factory=set)


def cover(strength: int = 2, seed: int = 1, root: Path = ROOT) -> Array:
    """A covering array over every question.

    Args:
        strength: How many answers meet in a combination, 2 or 3.
        seed: The same one gives the same rows.
        root: The template.
    """
    return _Builder(Interview(template(root)), strength, seed).build()


class _Met:
    """Which levels met, as bit masks: for one level, or for two, those that stood beside."""

    def __init__(self, strength: int) -> None:
        self.strength = strength
        self._beside: dict[int, int] = {}

    def new(self, level: int, others: int) -> int:
        """How many combinations of a level with those of a mask never met."""
        if self.strength == 2:
            return (others & ~self._beside.get(level, 0)).bit_count()
        found = sum((others & ~other & ~self._beside.get(level | other, 0)).bit_count() for other in _bits(others))
        return found // 2

    def add(self, levels: int) -> int:
        """Let the levels of a row meet; how many combinations are new."""
        before = self.total()
        for some in combinations(list(_bits(levels)), self.strength - 1):
            key = sum(some)
            self._beside[key] = self._beside.get(key, 0) | levels & ~key
        return self.total() - before

    def total(self) -> int:
        """How many combinations met."""
        return sum(mask.bit_count() for mask in self._beside.values()) // self.strength

    def have(self, levels: int) -> bool:
        """Whether all levels of one combination met."""
        some = list(_bits(levels))
        return bool(self._beside.get(sum(some[:-1]), 0) & some[-1])


class _Builder:
    def __init__(self, interview: Interview, strength: int, seed: int) -> None:
        self.deduction = Deduction(interview)
        self.strength = strength
        self.chance = random.Random(seed)
        self.met = _Met(strength)
        self.kept: list[Row] = []
        self.array = Array()

    def build(self) -> Array:
        while self._keep(self._best()) >= WORTH_IT[self.strength]:
            pass
        if self.strength == 2:
            decided: set[Combination] = set()
            while left := [pair for pair in self._pairs() if pair not in decided]:
                for pair in left:
                    self._decide(pair)
                decided.update(left)
        self._finish()
        return self.array

    def _pairs(self) -> list[Combination]:
        """Every two levels that are no answers to the same question."""
        names = sorted(self.deduction.names)
        return [pair for pair in combinations(names, 2) if not exclude(*pair)]

    def _decide(self, pair: Combination) -> None:
        """Bring two answers together, or learn what keeps them apart."""
        wanted = self.deduction.mask(pair)
        if self.met.have(wanted):
            return
        try:
            found = self.deduction.search(wanted, self._order)
        except UndecidedError:
            self.array.undecided.add(pair)
            return
        if isinstance(found, Impossible):
            self.array.apart[pair] = sorted(found.refusals)
        else:
            self._keep(found)

    def _best(self) -> Row:
        """Of several rows, the one that brings together most of what never met."""
        rows = [self._row() for _ in range(BEST_OF)]
        return max(rows, key=lambda row: sum(self.met.new(bit, row.levels) for bit in _bits(row.levels)))

    def _row(self) -> Row:
        found = self.deduction.search(0, self._order)
        if isinstance(found, Impossible):
            raise RuntimeError(f"No interview comes to its end: {sorted(found.refusals)}")
        return found

    def _keep(self, row: Row) -> int:
        """Add a row when it brings together what never met; how many combinations that are."""
        new = self.met.add(row.levels)
        if new:
            self.kept.append(row)
        return new

    def _order(self, options: Sequence[Option], levels: int) -> Iterable[Option]:
        """First what brings together most of what never met; chance decides between equals and near equals."""
        if len(options) < 2:
            return options
        worth: dict[int, float] = {}
        for option in options:
            if option.levels not in worth:
                found = sum(self.met.new(bit, levels) for bit in _bits(option.levels))
                worth[option.levels] = (found + 1) * (0.7 + 0.6 * self.chance.random())
        return sorted(options, key=lambda option: -worth[option.levels])

    def _finish(self) -> None:
        """Leave out rows that bring nothing together that others do not, and name what met."""
        met = [set(combinations(sorted(self._names(row.levels)), self.strength)) for row in self.kept]
        times = Counter(combination for row in met for combination in row)
        for number in sorted(range(len(met)), key=lambda number: len(met[number])):
            if all(times[combination] > 1 for combination in met[number]):
                times.subtract(met[number])
                met[number] = set()
        self.array.rows = [row.chosen for row, combinations_of in zip(self.kept, met, strict=True) if combinations_of]
        self.array.covered = set(times)

    def _names(self, levels: int) -> Iterator[str]:
        return (self.deduction.names[bit.bit_length() - 1] for bit in _bits(levels))


def _bits(mask: int) -> Iterator[int]:
    """Each bit of a mask, the lowest first."""
    while mask:
        low = mask & -mask
        yield low
        mask ^= low
