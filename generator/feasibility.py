"""Which levels can stand in one answer set: proved by going through every interview that matters to them.

A pair that no row of an array has may be impossible, or the search may have been unlucky. So feasibility is decided,
not guessed: for the questions of a pair, and those that they depend on, all states are visited in the order of the
interview. A state keeps only what a later text can tell apart, which keeps the states few; what it forgets cannot
matter. Each state remembers how it was reached, so a feasible pair comes with the answers that show it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from math import log2
from types import MappingProxyType
from typing import Any

from jinja2 import nodes

from generator.interview import UNSET, Step
from generator.levels import Level, Levels
from generator.template import Question, Template, Text

WHOLE = None
"""The view of a text that may use all of a value."""
View = frozenset[Any] | None
"""What a text tells apart in a value: whether it equals, or holds, one of these; or anything."""


def views(template: Template, text: Text) -> dict[str, View]:
    """How a text of a question uses the names of other questions; those that cannot change what it comes to left out.

    Args:
        template: The template.
        text: The text.
    """
    tree = template.names.tree(text.source)
    ignored = _only_told(tree) if text.part in ("choices", "validator") else set()
    if text.part == "when" and f"'{text.key}' in _copier_answers" in text.source:
        # Every key counts as given, so the other half of `detail == 'everything' or ...` decides nothing.
        ignored |= {id(name) for name in tree.find_all(nodes.Name) if name.name == "detail"}
    found: dict[str, View] = {}
    for node in tree.find_all((nodes.Compare, nodes.Filter, nodes.Not, nodes.If, nodes.CondExpr)):
        for name, literals in _narrow(node, template.by_key):
            if id(name) not in ignored:
                ignored.add(id(name))
                found[name.name] = frozenset(literals) | (found.get(name.name) or frozenset())
    written = {name.name for name in tree.find_all(nodes.Name)}
    found.update({name.name: WHOLE for name in tree.find_all(nodes.Name) if id(name) not in ignored})
    used = template.names.used(text.source) & set(template.by_key) - {text.key}
    return {name: found.get(name, WHOLE) for name in used if name in found or name not in written}


def _only_told(tree: nodes.Template) -> set[int]:
    """Names in the sentence of a refusal: they say why an answer is bad, and do not decide whether it is.

    Either `'' if good else name ~ ' is bad'`, or `{{ name }}` in a branch that has words of its own.
    """
    told: list[nodes.Node] = [
        choice.expr2
        for choice in tree.find_all(nodes.CondExpr)
        if isinstance(choice.expr1, nodes.Const) and choice.expr1.value == "" and isinstance(choice.expr2, nodes.Concat)
    ]
    for branch in tree.find_all(nodes.If):
        for output in branch.body:
            words = "".join(part.data for part in output.find_all(nodes.TemplateData)).strip()
            if isinstance(output, nodes.Output) and words and "value:" not in words:
                told.append(output)
    return {id(name) for part in told for name in part.find_all(nodes.Name)}


def _narrow(node: nodes.Node, questions: Mapping[str, Question]) -> Iterator[tuple[nodes.Name, list[Any]]]:
    """Names that an expression only compares with literals, each with these."""
    if isinstance(node, nodes.Compare):
        yield from _compared(node, questions)
    elif isinstance(node, nodes.Filter):
        # functions | select('in', [...]): what remains depends on the named options only.
        if node.name == "select" and isinstance(node.node, nodes.Name) and _multiple(node.node, questions):
            literals = _items(node.args[-1]) if node.args else None
            if len(node.args) == 2 and _literals(node.args[:1]) == ["in"] and literals is not None:
                yield node.node, literals
    else:
        test = node.node if isinstance(node, nodes.Not) else node.test if isinstance(node, _TESTS) else None
        if isinstance(test, nodes.Name) and test.name in questions and questions[test.name].type == "str":
            if not _multiple(test, questions):
                yield test, [""]


_TESTS = (nodes.If, nodes.CondExpr)


def _compared(node: nodes.Compare, questions: Mapping[str, Question]) -> Iterator[tuple[nodes.Name, list[Any]]]:
    left, operator, right = node.expr, node.ops[0].op, node.ops[0].expr
    if len(node.ops) > 1:
        return
    if isinstance(left, nodes.Name) and not _multiple(left, questions):
        literals = _literals([right]) if operator in ("eq", "ne") else _items(right)
        if literals is not None and operator in ("eq", "ne", "in", "notin"):
            yield left, literals
    elif isinstance(right, nodes.Name) and _multiple(right, questions) and operator in ("in", "notin"):
        literals = _literals([left])
        if literals is not None:
            yield right, literals


def _multiple(name: nodes.Name, questions: Mapping[str, Question]) -> bool:
    return name.name in questions and questions[name.name].multiselect


def _items(node: nodes.Node) -> list[Any] | None:
    """Values of a list of literals, which Jinja may have folded into one."""
    if isinstance(node, (nodes.List, nodes.Tuple)):
        return _literals(node.items)
    if isinstance(node, nodes.Const) and isinstance(node.value, (list, tuple)):
        return list(node.value)
    return None


def _literals(found: Sequence[nodes.Node]) -> list[Any] | None:
    values = [item.value for item in found if isinstance(item, nodes.Const)]
    return values if len(values) == len(found) else None


def project(value: Any, view: View) -> Any:
    """The part of a value that a view shows, in a form that can be compared."""
    if view is WHOLE or value is UNSET:
        return repr(value)
    if isinstance(value, list):
        return tuple(item for item in value if item in view)
    # Type and value: 1 is not true.
    return repr(value) if any(value == item and type(value) is type(item) for item in view) else ""


State = tuple[Step, ...]
"""One step for each name that matters later, in the order of the layer's names."""


@dataclass
class _Layer:
    """What can be known after one question.

    Args:
        names: Names that matter later, each with what can still be seen of it.
        states: What is seen -> a state that stands for all that look the same.
        origin: What is seen -> what was seen before, and the step that led on.
    """

    names: Sequence[tuple[str, View]]
    states: dict[tuple[Any, ...], State] = field(default_factory=dict)
    origin: dict[tuple[Any, ...], tuple[tuple[Any, ...], Step]] = field(default_factory=dict)


class Feasibility:
    """Decides which levels can stand together.

    Args:
        levels: Levels of the template's questions.
    """

    def __init__(self, levels: Levels) -> None:
        """Find out what each question's texts use, and which names never change."""
        self.levels = levels
        template = levels.template
        self.order = {question.key: place for place, question in enumerate(template.questions)}
        self.views: dict[str, dict[str, View]] = {question.key: {} for question in template.questions}
        for text in template.texts:
            if text.place == "question":
                mine = self.views[text.key]
                for name, view in views(template, text).items():
                    mine[name] = _merged([view, mine.get(name, frozenset())])
        self.fixed: dict[str, Step] = {}
        # What only a sentence of refusal tells has to be there, whatever it is.
        self.first = first = levels.first.steps
        for question in template.questions:
            if question.key not in levels.keys and set(self.views[question.key]) <= set(self.fixed):
                self.fixed[question.key] = first[question.key]
        self.ancestors = lru_cache(maxsize=None)(self._ancestors)

    def _ancestors(self, key: str) -> frozenset[str]:
        """Questions and computed values that a question depends on, itself included; those that never change left out."""
        found = {key}
        for name in self.views[key]:
            if name not in self.fixed and self.order[name] < self.order[key]:
                found |= self.ancestors(name)
        return frozenset(found)

    def together(
        self, keys: Iterable[str], only: Mapping[str, frozenset[Level]] = MappingProxyType({})
    ) -> dict[tuple[Level, ...], dict[str, Any]]:
        """Every combination of levels of some questions that an answer set can have, one level a factor.

        Args:
            keys: Questions, at most as many as the strength.
            only: Of some of them, the levels to look for.

        Returns:
            All levels of these questions in one answer set -> answers that lead there.
        """
        targets = sorted(set(keys), key=self.order.__getitem__)
        cone = self._arranged({name for key in targets for name in self.ancestors(key)}, targets)
        history = [_Layer([], {(): ()})]
        for place, key in enumerate(cone):
            live = self._live(cone[place + 1 :], cone[: place + 1], targets)
            history.append(self._advance(history[-1], key, live, only.get(key)))
        places = [[name for name, _ in history[-1].names].index(key) for key in targets]
        found: dict[tuple[Level, ...], dict[str, Any]] = {}
        for seen, state in history[-1].states.items():
            steps = [state[place] for place in places]
            parts = [self._levels(key, step) for key, step in zip(targets, steps, strict=True)]
            levels = tuple(level for part in parts for level in part)
            if levels not in found:
                found[levels] = _path(history, seen, cone)
        return found

    def _levels(self, key: str, step: Step) -> list[Level]:
        return self.levels.of(self._question(key), step.value) if step.asked else []

    def _arranged(self, cone: set[str], targets: Sequence[str]) -> list[str]:
        """The questions in an order that keeps inputs before their users and the states between them few."""
        left, arranged = set(cone), list[str]()
        while left:
            ready = [key for key in left if not any(name in left for name in self.views[key] if name != key)]

            def weight(key: str) -> tuple[float, int]:
                done = [*arranged, key]
                live = self._live(list(left - {key}), done, targets)
                return sum(self._bits(name, view) for name, view in live), self.order[key]

            best = min(ready, key=weight)
            arranged.append(best)
            left.remove(best)
        return arranged

    def _bits(self, name: str, view: View) -> float:
        """About how many bits a state spends on a name."""
        question = self._question(name)
        if view is not WHOLE:
            return len(view) if question.multiselect else log2(len(view) + 1)
        if question.multiselect:
            return len(self.levels.options[name])
        if question.type == "bool":
            return 1
        return log2(self.levels.count(name) or 20)

    def _question(self, key: str) -> Question:
        return self.levels.template.by_key[key]

    def _live(self, later: Sequence[str], done: Sequence[str], targets: Sequence[str]) -> list[tuple[str, View]]:
        """What later questions see of those that are done; the targets are kept whole."""
        live: list[tuple[str, View]] = []
        for name in done:
            seen = [self.views[key][name] for key in later if name in self.views[key]]
            if name in targets:
                live.append((name, WHOLE))
            elif seen:
                live.append((name, _merged(seen)))
        return live

    def _advance(
        self, before: _Layer, key: str, live: Sequence[tuple[str, View]], only: frozenset[Level] | None
    ) -> _Layer:
        """The layer after a question; `only` its answers with one of these levels, where they are given."""
        question = self._question(key)
        names = [name for name, _ in before.names]
        inputs = [names.index(name) for name in self.views[key] if name in names]
        # Where a name stands in a state; -1 is the question itself.
        places = [(names.index(name) if name in names else -1, view) for name, view in live]
        after = _Layer(live)
        follow: dict[tuple[str, ...], list[Step]] = {}
        for seen, state in before.states.items():
            known = tuple(state[place].spelled for place in inputs)
            if known not in follow:
                steps = self.levels.steps(question, {**self.first, **dict(zip(names, state, strict=True))})
                follow[known] = [step for step in steps if only is None or only & set(self._levels(key, step))]
            for step in follow[known]:
                here = (*state, step)
                reached = tuple(_seen(here[place], view) for place, view in places)
                if reached not in after.states:
                    after.states[reached] = tuple(here[place] for place, _ in places)
                    after.origin[reached] = (seen, step)
        return after


def _seen(step: Step, view: View) -> Any:
    """What is to be remembered of a step; of one that is kept whole also whether it was asked."""
    if view is WHOLE:
        return (step.asked, step.spelled)
    key = (step.spelled, view)
    if key not in _PROJECTED:
        _PROJECTED[key] = project(step.value, view)
    return _PROJECTED[key]


_PROJECTED: dict[tuple[str, View], Any] = {}


def _merged(found: Sequence[View]) -> View:
    if any(view is WHOLE for view in found):
        return WHOLE
    return frozenset().union(*(view for view in found if view is not None))


def _path(history: Sequence[_Layer], seen: tuple[Any, ...], cone: Sequence[str]) -> dict[str, Any]:
    answers = {}
    for place in range(len(cone), 0, -1):
        seen, step = history[place].origin[seen]
        if step.asked:
            answers[cone[place - 1]] = step.value
    return dict(reversed(answers.items()))


def pairs_of(found: Iterable[tuple[Level, ...]]) -> set[tuple[Level, Level]]:
    """Pairs of levels within combinations."""
    return {(one, other) for levels in found for one, other in product(levels, levels) if one < other}
