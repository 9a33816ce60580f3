"""What a text of a question depends on: which answers, which single choices of them, and which decided it just now.

`names.used` says that `'eda' in functions and detail == 'everything'` depends on two answers. Whoever looks for a way
around it must know more: of the functions only `eda` matters, and with `detail: essentials` nothing else does.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar, cast

from jinja2 import nodes

from generator.interview import UNSET
from generator.template import Question, Template

_Node = TypeVar("_Node", bound=nodes.Node)

SPACE = 64
"""Places that a question has: one for its answer and one for each choice that may be in it."""


class Dependencies:
    """Places of answers, and what the texts of a template depend on.

    A place is a number: of question n, `n * SPACE` is the whole answer; the next ones say whether a choice is in it.

    Args:
        template: The template.
        questions: The questions that get places, in order.
    """

    def __init__(self, template: Template, questions: Sequence[Question]) -> None:
        """Give every question its place."""
        self.template = template
        self._at = {question.key: number * SPACE for number, question in enumerate(questions)}
        self._several = {question.key for question in questions if question.multiselect}
        self._items: dict[str, dict[str, int]] = {key: {} for key in self._several}
        self._static: dict[tuple[str, str], frozenset[int]] = {}
        self._parts: dict[int, Any] = {}

    def items(self, question: Question) -> Mapping[str, int]:
        """The choices of a question with several answers that any text asks for, with their places."""
        return self._items.get(question.key, {})

    def of(self, question: Question, sources: Iterable[str]) -> frozenset[int]:
        """Places of earlier answers that texts of a question look at."""
        found: frozenset[int] = frozenset()
        for source in sources:
            if (question.key, source) not in self._static:
                names = self.template.names.used(source)
                places = self._of_node(self.template.names.tree(source), names)
                self._static[question.key, source] = frozenset(
                    place for place in places if place < self._at[question.key]
                )
            found |= self._static[question.key, source]
        return found

    def decided(self, question: Question, source: Any, answers: Mapping[str, Any]) -> frozenset[int]:
        """Places of the answers that decide whether a text says anything, or what is true.

        As few as can be told without trying other answers.

        Args:
            question: The question whose text it is.
            source: The text.
            answers: What the text sees.
        """
        if not isinstance(source, str):
            return frozenset()
        every = self.of(question, [source])
        tree = self.template.names.tree(source)
        if any(isinstance(node, (nodes.Assign, nodes.Import)) for node in _all(tree, nodes.Stmt)):
            return every
        found: frozenset[int] = frozenset()
        for node in tree.body:
            found |= self._why(node, answers)
        return found & every

    def _why(self, node: nodes.Node, answers: Mapping[str, Any]) -> frozenset[int]:
        """Places that decide about a statement or an expression."""
        if isinstance(node, (nodes.TemplateData, nodes.Const)) or _speaks(node):
            return frozenset()
        if isinstance(node, nodes.Output):
            return self._together(node.nodes, answers)
        if isinstance(node, nodes.Not):
            return self._why(node.node, answers)
        if isinstance(node, (nodes.And, nodes.Or)):
            return self._of_sides(node, answers)
        if isinstance(node, (nodes.If, nodes.CondExpr)):
            return self._of_branches(node, answers)
        return self._of_node(node, {name.name for name in _all(node, nodes.Name)})

    def _together(self, several: Iterable[nodes.Node], answers: Mapping[str, Any]) -> frozenset[int]:
        return frozenset().union(*(self._why(node, answers) for node in several))

    def _of_sides(self, node: nodes.And | nodes.Or, answers: Mapping[str, Any]) -> frozenset[int]:
        """One side of `and` that is false, or of `or` that is true, tells it all; else both do."""
        sides = (node.left, node.right)
        decisive = isinstance(node, nodes.Or)
        deciding = [self._why(side, answers) for side in sides if self._truth(side, answers) is decisive]
        if not deciding:
            return self._together(sides, answers)
        return min(deciding, key=lambda places: (max(places, default=0), len(places)))

    def _of_branches(self, node: nodes.If | nodes.CondExpr, answers: Mapping[str, Any]) -> frozenset[int]:
        """The conditions up to the first that is true, and the branch behind it."""
        branches: list[tuple[nodes.Node, list[nodes.Node]]] = []
        if isinstance(node, nodes.CondExpr):
            branches.append((node.test, [node.expr1]))
            last: list[nodes.Node] = [node.expr2] if node.expr2 else []
        else:
            branches += [(row.test, list(row.body)) for row in (node, *node.elif_)]
            last = list(node.else_)
        found: frozenset[int] = frozenset()
        for test, body in branches:
            truth = self._truth(test, answers)
            found |= self._why(test, answers)
            if truth is None:
                return self._of_node(node, {name.name for name in _all(node, nodes.Name)})
            if truth:
                return found if any(map(_speaks, body)) else found | self._together(body, answers)
        return found | self._together(last, answers)

    def _truth(self, node: nodes.Node, answers: Mapping[str, Any]) -> bool | None:
        """Whether an expression is true; None where it cannot be said."""
        if id(node) not in self._parts:
            environment = self.template.names.environment
            tree = nodes.Template(
                [nodes.Output([nodes.CondExpr(cast(nodes.Expr, node), nodes.Const("1"), nodes.Const(""))])], lineno=1
            )
            tree.set_environment(environment)
            self._parts[id(node)] = environment.template_class.from_code(
                environment, environment.compile(tree), environment.make_globals(None)
            )
        try:
            return bool(self._parts[id(node)].render(answers))
        except Exception:  # an answer that is not there: Copier would not have looked
            return None

    def _of_node(self, tree: nodes.Node, names: Iterable[str]) -> frozenset[int]:
        """Places that an expression looks at: single choices where nothing else of an answer is looked at."""
        narrow: dict[int, list[int]] = {}
        for node in _all(tree, nodes.Expr):
            name, items = _membership(node)
            if name is not None and name.name in self._several:
                narrow[id(name)] = [self._item(name.name, item) for item in items]
        loose = {name.name for name in _all(tree, nodes.Name) if id(name) not in narrow}
        only = {name.name for name in _all(tree, nodes.Name)} - loose
        found = {self._at[name] for name in set(names) - only if name in self._at}
        for name in _all(tree, nodes.Name):
            if name.name in only:
                found.update(narrow[id(name)])
        return frozenset(found)

    def _item(self, key: str, item: str) -> int:
        places = self._items[key]
        return places.setdefault(item, self._at[key] + 1 + len(places))

    def state(self, question: Question, value: Any, number: int) -> list[tuple[int, int]]:
        """Places of a question with what stands there: the number of its answer, 1 for a choice in it, 2 for others."""
        place = self._at[question.key]
        holds: Sequence[Any] = value if isinstance(value, list) else ()
        known = [(at, 0 if value is UNSET else 1 if item in holds else 2) for item, at in self.items(question).items()]
        return [(place, number), *known]


def _all(tree: nodes.Node, kind: type[_Node]) -> list[_Node]:
    """A node and all below it, as far as they are of a kind."""
    return [*([tree] if isinstance(tree, kind) else []), *tree.find_all(kind)]


def _speaks(node: nodes.Node) -> bool:
    """Whether something is written in any case."""
    if isinstance(node, nodes.Output):
        return any(map(_speaks, node.nodes))
    if isinstance(node, nodes.Concat):
        return any(map(_speaks, node.nodes))
    if isinstance(node, nodes.TemplateData):
        return bool(node.data.strip())
    return isinstance(node, nodes.Const) and isinstance(node.value, str) and bool(node.value.strip())


def _membership(node: nodes.Node) -> tuple[nodes.Name | None, list[str]]:
    """The name and the choices that `'a' in name` or `name | select('in', ['a', 'b'])` look for."""
    if isinstance(node, nodes.Compare) and len(node.ops) == 1 and node.ops[0].op in ("in", "notin"):
        held, name = node.expr, node.ops[0].expr
        if isinstance(held, nodes.Const) and isinstance(held.value, str) and isinstance(name, nodes.Name):
            return name, [held.value]
    if isinstance(node, nodes.Filter) and node.name == "select" and isinstance(node.node, nodes.Name):
        kind, *rest = node.args
        if isinstance(kind, nodes.Const) and kind.value == "in" and rest and isinstance(rest[0], nodes.List):
            items = [item.value for item in rest[0].items if isinstance(item, nodes.Const)]
            return (node.node, items) if len(items) == len(rest[0].items) else (None, [])
    return None, []
