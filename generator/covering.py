"""Covering arrays of answers: few answer sets in which every combination of levels stands that can stand together.

Two answers that nobody thought of together are where a template breaks. A row is built question by question, each
answer chosen for the combinations that it adds; combinations that no row has in the end are proved impossible, or get
a row of their own from the proof. Every row is a complete interview, so `when` and validators are kept by construction.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from types import MappingProxyType
from typing import Any

from generator.errors import GroundplanError
from generator.feasibility import Feasibility
from generator.interview import UNSET, Step
from generator.levels import Level, Levels
from generator.template import Question, Template

EXPLORED = {2: 1200, 3: 6000}
"""Random interviews that are looked at first, by strength: what stands in one of them needs no proof."""
ATTEMPTS = 50
"""Tries to complete the answers of a proof."""
CANDIDATES = 5
"""Rows that are built for each row that is taken."""
PATIENCE = 3
"""Rounds of candidates that may add little before rows of the pool are taken instead."""
NOISE = 0.7
"""Lowest factor by which chance lowers the score of an answer, so that candidates differ."""

Combination = tuple[Level, ...]
Order = Callable[[Question, list[Any], Sequence[int], int], list[Any]]
"""Puts the answers of a question into the order in which they are tried, given the levels of the row so far."""


@dataclass(frozen=True)
class Array:
    """A covering array.

    Args:
        rows: Complete answer sets.
        total: Number of combinations of levels of different factors.
        covered: Number of combinations that the rows hold.
        impossible: Combinations that no legal answer set has, proved.
    """

    rows: list[dict[str, Any]]
    total: int
    covered: int
    impossible: list[Combination]

    @property
    def feasible(self) -> int:
        """Number of combinations that some legal answer set has."""
        return self.total - len(self.impossible)


class Ledger:
    """Which combinations are still to be covered.

    Args:
        levels: Every level.
        strength: Levels in a combination.
    """

    def __init__(self, levels: Sequence[Level], strength: int) -> None:
        """Start with every combination of levels of different factors."""
        self.levels = levels
        self.strength = strength
        self.place = {level: place for place, level in enumerate(levels)}
        factors = [level.factor for level in levels]
        others = [sum(1 << place for place, factor in enumerate(factors) if factor != mine) for mine in factors]
        # Rest of a combination (places in order) -> bits of the levels that complete it.
        self.left: dict[tuple[int, ...], int] = {}
        for rest in combinations(range(len(levels)), strength - 1):
            if len({factors[place] for place in rest}) == len(rest):
                mask = -1
                for place in rest:
                    mask &= others[place]
                self.left[rest] = mask
        self.total = self.count()

    def count(self) -> int:
        """Number of combinations that are left."""
        return sum(mask.bit_count() for mask in self.left.values()) // self.strength

    def gain(self, place: int, chosen: Sequence[int], mask: int) -> int:
        """Number of combinations that a level adds to those already in a row.

        Args:
            place: The level.
            chosen: Levels of the row so far, in order.
            mask: The same as bits.
        """
        if self.strength == 2:
            return (self.left[(place,)] & mask).bit_count()
        rests = combinations(chosen, self.strength - 2)
        return sum((self.left.get(tuple(sorted((*rest, place))), 0) & mask).bit_count() for rest in rests) // (
            self.strength - 1
        )

    def worth(self, chosen: Sequence[int]) -> int:
        """Number of combinations that a row covers and none did before."""
        mask = sum(1 << place for place in chosen)
        found = sum((self.left[rest] & mask).bit_count() for rest in combinations(chosen, self.strength - 1))
        return found // self.strength

    def cover(self, chosen: Sequence[int]) -> None:
        """Strike out the combinations of a row."""
        mask = ~sum(1 << place for place in chosen)
        for rest in combinations(chosen, self.strength - 1):
            self.left[rest] &= mask

    def strike(self, combination: Sequence[int]) -> None:
        """Strike out one combination."""
        for place in combination:
            rest = tuple(other for other in combination if other != place)
            self.left[rest] &= ~(1 << place)

    def open(self) -> Iterator[tuple[int, ...]]:
        """Combinations that are left, in order."""
        for rest, mask in self.left.items():
            mask >>= rest[-1] + 1
            place = rest[-1] + 1
            while mask:
                skip = (mask & -mask).bit_length() - 1
                yield (*rest, place + skip)
                mask >>= skip + 1
                place += skip + 1


@dataclass
class _Row:
    """A complete interview: the answers, and the places of their levels in order."""

    answers: dict[str, Any] = field(default_factory=dict)
    chosen: list[int] = field(default_factory=list)


class Builder:
    """Builds an array.

    Args:
        template: The template.
        strength: Levels in a combination: 2 or 3.
        seed: The same seed gives the same array.
    """

    def __init__(self, template: Template, strength: int, seed: int) -> None:
        """Start with no row."""
        self.levels = Levels(template)
        self.strength = strength
        self.ledger = Ledger(self.levels.every, strength)
        self.feasibility = Feasibility(self.levels)
        self.chance = random.Random(seed)
        self.pool: list[_Row] = []
        self.impossible: list[Combination] = []
        self.used: Counter[tuple[str, str]] = Counter()
        self.hope = [0.0] * len(self.levels.every)

    def build(self) -> Array:
        """The array: what is possible first, then greedy rows, then rows of the pool for what they miss."""
        self._explore()
        rows = self._greedy()
        while self.ledger.count():
            best = max(self.pool, key=lambda row: self.ledger.worth(row.chosen))
            self._take(best)
            rows.append(best)
        rows = _needed(rows, self.levels.every, self.strength)
        fresh = Ledger(self.levels.every, self.strength)
        for row in rows:
            fresh.cover(row.chosen)
        return Array([row.answers for row in rows], fresh.total, fresh.total - fresh.count(), self.impossible)

    def _explore(self) -> None:
        """Fill the pool with random interviews until each possible combination stands in one; strike out the others."""
        unseen = Ledger(self.levels.every, self.strength)
        self.together = [0] * len(self.levels.every)
        for _ in range(EXPLORED[self.strength]):
            self._keep(self._row(self._at_random), unseen)
        for keys, wanted in self._groups(unseen.open()).items():
            shown = self._possible(keys, wanted)
            for places in wanted:
                if places not in shown:
                    self.ledger.strike(places)
                    self.impossible.append(tuple(self.levels.every[place] for place in places))
                elif unseen.worth(places):
                    self._keep(self._completed(shown[places], places), unseen)

    def _completed(self, answers: Mapping[str, Any], places: Sequence[int]) -> _Row:
        """A complete interview with the answers of a proof; chance may lead the others into a dead end, so it has some tries."""
        for _ in range(ATTEMPTS):
            row = self._row(self._at_random, answers)
            if row and set(places) <= set(row.chosen):
                return row
        raise GroundplanError(
            f"{self._told(places)}: every interview with these comes to a question without answer.", 1
        )

    def _keep(self, row: _Row | None, unseen: Ledger) -> None:
        if row and unseen.worth(row.chosen):
            self.pool.append(row)
            unseen.cover(row.chosen)
            mask = sum(1 << place for place in row.chosen)
            for place in row.chosen:
                self.together[place] |= mask

    def _greedy(self) -> list[_Row]:
        rows: list[_Row] = []
        idle = 0
        while idle < PATIENCE and self.ledger.count():
            self._look_ahead()
            built = [row for _ in range(CANDIDATES) if (row := self._row(self._greedily))]
            best = max(built, key=lambda row: self.ledger.worth(row.chosen), default=_Row())
            least = max(self.ledger.worth(row.chosen) for row in self.chance.sample(self.pool, min(50, len(self.pool))))
            if self.ledger.worth(best.chosen) <= least:
                idle += 1
                continue
            idle = 0
            self._take(best)
            rows.append(best)
        return rows

    def _take(self, row: _Row) -> None:
        self.ledger.cover(row.chosen)
        self.used.update((key, repr(value)) for key, value in row.answers.items())

    def _look_ahead(self) -> None:
        """How much is left of what can stand beside each level: a yes that opens many questions is worth asking for."""
        left = [0] * len(self.levels.every)
        for rest, mask in self.ledger.left.items():
            left[rest[0]] += mask.bit_count()
        self.hope = [
            sum(number for place, number in enumerate(left) if beside >> place & 1) / (1 + sum(left))
            for beside in self.together
        ]

    def _row(self, order: Order, forced: Mapping[str, Any] = MappingProxyType({})) -> _Row | None:
        """A complete interview, or None where it came to a question without a legal answer.

        Args:
            order: Sorts the answers to try.
            forced: Answers that are given.
        """
        row, mask = _Row(), 0
        steps: dict[str, Step] = {}
        for question in self.levels.template.questions:
            step = self.levels.interview.step(question, UNSET, steps)
            if step.asked and question.key in self.levels.keys:
                if question.key in forced:
                    values = [forced[question.key]]
                else:
                    values = [*order(question, self.levels.values(question, steps), row.chosen, mask), step.value]
                legal = (self.levels.legal(question, value, steps) for value in values if value is not UNSET)
                found = next((step for step in legal if step), None)
                if found is None:
                    return None
                step = found
                row.answers[question.key] = step.value
                added = self._places(question, step.value)
                row.chosen += added
                mask |= sum(1 << place for place in added)
            elif step.failure:
                return None
            steps[question.key] = step
        row.chosen.sort()
        return row

    def _places(self, question: Question, value: Any) -> list[int]:
        return [self.ledger.place[level] for level in self.levels.of(question, value)]

    def _at_random(self, _: Question, values: list[Any], __: Sequence[int], ___: int) -> list[Any]:
        return self.chance.sample(values, len(values))

    def _greedily(self, question: Question, values: list[Any], chosen: Sequence[int], mask: int) -> list[Any]:
        """Answers by what they add and still promise; those that are alike take turns."""

        def score(value: Any) -> tuple[float, int, float]:
            places = self._places(question, value)
            gain = sum(self.ledger.gain(place, chosen, mask) for place in places)
            hope = sum(self.hope[place] for place in places)
            rare = -self.used[question.key, repr(value)]
            return ((gain + len(chosen) * hope) * self.chance.uniform(NOISE, 1), rare, self.chance.random())

        return sorted(values, key=score, reverse=True)

    def _groups(self, combinations: Iterable[tuple[int, ...]]) -> dict[tuple[str, ...], list[tuple[int, ...]]]:
        """Combinations by their questions."""
        groups: dict[tuple[str, ...], list[tuple[int, ...]]] = {}
        for places in combinations:
            keys = tuple(dict.fromkeys(self.levels.every[place].question for place in places))
            groups.setdefault(keys, []).append(places)
        return groups

    def _possible(
        self, keys: Sequence[str], wanted: Iterable[tuple[int, ...]]
    ) -> dict[tuple[int, ...], dict[str, Any]]:
        """Those of some combinations that an answer set can have, each with answers that lead there."""
        wanted = set(wanted)
        named = {self.levels.every[place] for places in wanted for place in places}
        only = {key: frozenset(level for level in named if level.question == key) for key in keys}
        shown: dict[tuple[int, ...], dict[str, Any]] = {}
        for found, answers in self.feasibility.together(keys, only).items():
            held = sorted(self.ledger.place[level] for level in found)
            for places in combinations(held, self.strength):
                if places in wanted:
                    shown.setdefault(places, answers)
        return shown

    def _told(self, places: Iterable[int]) -> str:
        return ", ".join(str(self.levels.every[place]) for place in places)


def _needed(rows: list[_Row], levels: Sequence[Level], strength: int) -> list[_Row]:
    """The rows without those whose combinations all stand in others."""
    kept = Counter(places for row in rows for places in combinations(row.chosen, strength)) if strength == 2 else None
    if kept is None:
        return rows
    needed = []
    for row in reversed(rows):
        mine = list(combinations(row.chosen, strength))
        if all(kept[places] > 1 for places in mine):
            kept.subtract(mine)
        else:
            needed.append(row)
    return needed[::-1]


def array(template: Template, strength: int, seed: int = 1) -> Array:
    """A covering array over every question.

    Args:
        template: The template.
        strength: Levels in a combination: 2 for pairs, 3 for triples.
        seed: Any whole number; the same one gives the same array.
    """
    return Builder(template, strength, seed).build()
