"""Covering arrays: few answer sets in which any two, or any three, answers that can meet do meet.

Answers depend on each other: a question is asked only after certain others, and a validator refuses certain values. So
a row is built as an interview, question by question, and takes the answer that brings together most of what never met.
What is left is looked for one by one; what nothing brings together comes with what refuses it.
"""

import heapq
import random
from collections import defaultdict
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
WORTH_IT = 150
"""Combinations that a row must bring together for the first time, else rows are made for one combination each."""


@dataclass
class Array:
    """A covering array.

    Args:
        rows: The answers that each set gives; every other question keeps its default.
        covered: Combinations that meet in a row.
        apart: Answers that exclude each other, each with what refuses them; of three, where any two of them can meet.
        undecided: Combinations whose search was given up.
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

    def beside(self, levels: int) -> int:
        """The levels that met some, fewer than the strength."""
        return self._beside.get(levels, 0)

    def new(self, level: int, others: int) -> int:
        """How many combinations of a level with those of a mask never met."""
        if self.strength == 2:
            return (others & ~self.beside(level)).bit_count()
        found = sum((others & ~other & ~self.beside(level | other)).bit_count() for other in _bits(others))
        return found // 2

    def worth(self, levels: int) -> int:
        """How many combinations of a row never met."""
        return sum(self.new(bit, levels & ~bit) for bit in _bits(levels)) // self.strength

    def add(self, levels: int) -> int:
        """Let the levels of a row meet; how many combinations are new."""
        new = 0
        bits = list(_bits(levels))
        for size in range(1, self.strength):
            for some in combinations(bits, size):
                key = sum(some)
                found = levels & ~key & ~self.beside(key)
                if found:
                    self._beside[key] = self.beside(key) | found
                    new += found.bit_count() if size == self.strength - 1 else 0
        return new // self.strength

    def all(self) -> Iterator[int]:
        """Every combination that met, once."""
        for key, mask in self._beside.items():
            if key.bit_count() == self.strength - 1:
                yield from (key | bit for bit in _bits(mask & ~(_last(key) * 2 - 1)))


class _Builder:
    def __init__(self, interview: Interview, strength: int, seed: int) -> None:
        self.deduction = Deduction(interview)
        self.strength = strength
        self.chance = random.Random(seed)
        self.met = _Met(strength)
        self.never: dict[int, int] = defaultdict(int)
        """Level, as a bit -> those that cannot stand beside it."""
        self.kept: list[Row] = []
        self.array = Array()

    def build(self) -> Array:
        while self._keep(self._best()) >= WORTH_IT:
            pass
        for size in range(2, self.strength + 1):
            decided: set[int] = set()
            while left := [levels for levels in self._missing(size) if levels not in decided]:
                for levels in left:
                    self._decide(levels)
                decided.update(left)
        self._finish()
        return self.array

    def _missing(self, size: int) -> Iterator[int]:
        """So many levels each that never met, any fewer of which can stand together, as bit masks."""
        names = self.deduction.names
        for one, other in combinations(range(len(names)), 2):
            if exclude(names[one], names[other]):
                self._part(1 << one | 1 << other)
        every = (1 << len(names)) - 1
        for some in self._together(size - 1, every):
            apart = self.met.beside(some)
            for bit in _bits(some):
                apart |= self.never[bit]
            yield from (some | bit for bit in _bits(every & ~apart & ~(_last(some) * 2 - 1)))

    def _together(self, size: int, every: int) -> Iterator[int]:
        """So many levels each that can stand together, one or two."""
        for bit in _bits(every):
            if size == 1:
                yield bit
            else:
                yield from (bit | other for other in _bits(every & ~self.never[bit] & ~(bit * 2 - 1)))

    def _part(self, levels: int) -> None:
        """Remember that two levels cannot stand together."""
        for bit in _bits(levels):
            self.never[bit] |= levels & ~bit

    def _decide(self, levels: int) -> None:
        """Bring answers together, or learn what keeps them apart."""
        first = levels & ~_last(levels)
        if self.met.beside(first) & levels:
            return
        try:
            found = self.deduction.search(levels, self._order)
        except UndecidedError:
            self.array.undecided.add(self._named(levels))
            return
        if isinstance(found, Row):
            self._keep(found)
            return
        self.array.apart[self._named(levels)] = sorted(found.refusals)
        if levels.bit_count() == 2:
            self._part(levels)

    def _best(self) -> Row:
        """Of several rows, the one that brings together most of what never met."""
        return max((self._row() for _ in range(BEST_OF)), key=lambda row: self.met.worth(row.levels))

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
        """Take the rows that bring most together first, until nothing is left to bring together, and name what met.

        What a row brings together only shrinks while others are taken, so an old count is an upper bound.
        """
        met = _Met(self.strength)
        queue = [(-met.worth(row.levels), number) for number, row in enumerate(self.kept)]
        heapq.heapify(queue)
        while queue:
            _, number = heapq.heappop(queue)
            row = self.kept[number]
            worth = met.worth(row.levels)
            if queue and (-worth, number) > queue[0]:
                heapq.heappush(queue, (-worth, number))
            elif worth:
                met.add(row.levels)
                self.array.rows.append(row.chosen)
        self.array.covered = {self._named(levels) for levels in met.all()}

    def _named(self, levels: int) -> Combination:
        return tuple(sorted(self.deduction.names[bit.bit_length() - 1] for bit in _bits(levels)))


def _bits(mask: int) -> Iterator[int]:
    """Each bit of a mask, the lowest first."""
    while mask:
        low = mask & -mask
        yield low
        mask ^= low


def _last(mask: int) -> int:
    """The highest bit of a mask."""
    return 1 << mask.bit_length() - 1
