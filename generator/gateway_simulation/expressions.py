"""C# expressions, run for real: compiled once into a program that answers a line for a line."""

import hashlib
import json
import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

from generator.gateway_simulation.messages import SimulationError
from generator.tools.common import MissingTool, need
from generator.tools.expressions import (
    CONTEXT,
    HOW,
    LIBRARY,
    REFERENCES,
    Expression,
    find_compiler,
    is_expression,
    source,
)

RUNTIME = Path(__file__).parent / "runtime.cs"
PARTS = ("Api", "LastError", "Operation", "Product", "Request", "RequestId", "Response", "Subscription", "Variables")
"""What of the context an expression may ask for; it gets what it names."""
IMPURE = re.compile(r"\b(DateTime|DateTimeOffset|Guid|Random|Environment)\b")


class Thrown(Exception):  # noqa: N818 - the expression threw, which is no fault of the simulation
    """An expression threw an exception; the message is that of C#."""


class Expressions:
    """A process that evaluates the expressions of a set of policies; use it as a context manager.

    Args:
        found: Text of each expression, with `@(` or `@{`, and the kind of value that its place takes.

    Raises:
        SimulationError: The compiler is missing or refuses an expression.
    """

    def __init__(self, found: Iterable[tuple[str, str]]) -> None:
        """Compile."""
        self._numbers = {text: number for number, text in enumerate(sorted(dict(found)))}
        kinds = dict(found)
        self._program = _compiled(tuple(_expression(text, kinds[text]) for text in self._numbers))
        self._parts = {text: [part for part in PARTS if re.search(rf"\.{part}\b", text)] for text in self._numbers}
        self._known: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._lock = Lock()
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> "Expressions":
        """Start the process."""
        if self._numbers:
            command = [need("mono", Path("/usr/bin"), HOW), str(self._program)]
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
            )
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        if self._process:
            self._process.kill()
            self._process.communicate()

    def evaluate(self, text: str, context: Mapping[str, Any]) -> tuple[Any, list[str]]:
        """The value of an expression.

        Args:
            text: One of the expressions.
            context: Part of the context -> a function that makes it; only parts that the expression names are made.

        Returns:
            The value, and the messages whose body it consumed (Request, Response).

        Raises:
            Thrown: The expression threw an exception.
            SimulationError: It uses a member that is not simulated.
        """
        body = ".Body" in text
        given = {part: context[part](body) for part in self._parts[text]}
        key = (text, repr(given))
        answer = self._known.get(key)
        if answer is None:
            answer = self._ask(f"{self._numbers[text]}\t{json.dumps(given)}\n")
            # The same question has the same answer, unless the expression looks at a clock or throws a die.
            if not IMPURE.search(text):
                self._known[key] = answer
        if "refused" in answer:
            raise SimulationError(f"The expression {text} uses what the simulation lacks: {answer['refused']}.")
        if "threw" in answer:
            raise Thrown(answer["threw"])
        return answer["value"], list(answer["consumed"])

    def _ask(self, line: str) -> Mapping[str, Any]:
        assert (
            self._process and self._process.stdin and self._process.stdout
        ), "use the expressions as a context manager"
        with self._lock:
            self._process.stdin.write(line)
            self._process.stdin.flush()
            said = self._process.stdout.readline()
        if not said:
            raise SimulationError("The process that evaluates expressions has ended.")
        answer: Mapping[str, Any] = json.loads(said)
        return answer


def _expression(text: str, kind: str) -> Expression:
    return Expression(text, text[2:-1], {"boolean": "bool"}.get(kind, "object"), text.startswith("@{"))


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="gateway-simulation-")


@cache
def _compiled(expressions: tuple[Expression, ...]) -> Path:
    """The program for a set of expressions."""
    text = source(expressions)
    folder = Path(_folder().name) / hashlib.sha256(text.encode()).hexdigest()[:16]
    folder.mkdir()
    code, program = folder / "expressions.cs", folder / "expressions.exe"
    code.write_text(text, encoding="utf-8")
    try:
        command = [find_compiler(), "-nologo", "-nowarn:0169,0219,0414", f"-out:{program}", *REFERENCES]
    except MissingTool as missing:
        raise SimulationError(str(missing), 1) from missing
    completed = subprocess.run(
        [*command, str(CONTEXT), str(RUNTIME), str(code)], capture_output=True, text=True, check=False
    )
    if completed.returncode:
        raise SimulationError(
            f"An expression does not compile: {' '.join((completed.stdout + completed.stderr).split())}"
        )
    (folder / LIBRARY.name).symlink_to(LIBRARY)
    return program


def expressions_of(texts: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those texts that are expressions, with the kind of value that their place takes."""
    return [(text.strip(), kind) for text, kind in texts if is_expression(text.strip())]
