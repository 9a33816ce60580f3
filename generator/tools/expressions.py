"""C# in gateway policies: every `@(...)` and `@{...}` compiles against a stub of the policy context.

All expressions of a project go through one run of mcs; its errors are led back to file, line and expression.
The type of the attribute counts: a condition must give a boolean. Not seen: types that the gateway forbids although the
compiler knows them, and what an expression does when it runs.
"""

import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from generator.evaluation import Project
from generator.tools import common
from generator.tools.common import BROKEN, MissingTool, ToolResult, decision, judge
from generator.tools.policies import NAMED_VALUE, _etree, policy_files

CONTEXT = Path(__file__).parent / "policy_context.cs"
LIBRARY = Path("/usr/lib/cli/Newtonsoft.Json-5.0/Newtonsoft.Json.dll")
REFERENCES = (f"-r:{LIBRARY}", "-r:System.Xml.Linq.dll", "-r:System.Xml.dll")
HOW = "run `apt-get install mono-mcs mono-runtime libnewtonsoft-json5.0-cil`"
USINGS = (
    "System",
    "System.Collections.Generic",
    "System.IO",
    "System.Linq",
    "System.Net",
    "System.Security.Cryptography",
    "System.Security.Cryptography.X509Certificates",
    "System.Text",
    "System.Text.RegularExpressions",
    "System.Xml.Linq",
    "Newtonsoft.Json",
    "Newtonsoft.Json.Linq",
)
BASICS = "// Only what the list of allowed types names.\n" + "".join(f"using {name};\n" for name in USINGS)
ERROR = re.compile(r"(?:.*#(?P<number>\d+)|[^(]*)\(\d+,\d+\): error (?P<message>CS\d+: .*)")


@dataclass(frozen=True)
class Expression:
    """One expression: where it stands, its code, and the C# type that it must give."""

    place: str
    code: str
    gives: str
    block: bool


def check_expressions(project: Project) -> ToolResult:
    """Every expression of the policy files compiles (mcs)."""
    paths = policy_files(project.root)
    if not paths:
        return judge("mcs", paths, lambda _: [])
    try:
        found = [expression for path in paths for expression in _expressions(project.root, path)]
    except MissingTool as missing:
        return ToolResult("mcs", 0, BROKEN, [str(missing)])

    def faults(_: object) -> list[str]:
        return list(_compile(tuple(found)))

    return judge("mcs", paths, faults)


def _expressions(root: Path, path: Path) -> Iterator[Expression]:
    etree = _etree()
    try:
        tree = etree.fromstring(path.read_bytes(), etree.XMLParser(resolve_entities=False))
    except etree.XMLSyntaxError:
        return  # The tool for policies reports that.
    table = decision("policy-elements.yml")
    for element in tree.iter():
        if not isinstance(element.tag, str):
            continue
        row = table.get(element.tag, {})
        kinds = {**row.get("required", {}), **row.get("optional", {})}
        place = f"{path.relative_to(root)}:{element.sourceline}"
        texts = [(value, kinds.get(name, "string")) for name, value in element.attrib.items()]
        for text, kind in [*texts, (element.text or "", "string")]:
            expression = _expression(place, text.strip(), str(kind))
            if expression:
                yield expression


def is_expression(text: str) -> bool:
    """Whether a value is an expression as a whole: the gateway evaluates no other."""
    return (text.startswith("@(") and text.endswith(")")) or (text.startswith("@{") and text.endswith("}"))


def _expression(place: str, text: str, kind: str) -> Expression | None:
    """An expression, when a whole attribute or text is one; named values become a word or a number."""
    if not is_expression(text):
        return None
    code = NAMED_VALUE.sub(lambda value: _stand_in(text, value), text[2:-1])
    return Expression(place, code, {"boolean": "bool"}.get(kind, "object"), text.startswith("@{"))


def _stand_in(text: str, value: "re.Match[str]") -> str:
    """Inside quotes any word does; outside it is a number."""
    return "value" if text[: value.start()].count('"') % 2 else "1"


def find_compiler() -> str:
    """The C# compiler.

    Raises:
        MissingTool: It or the JSON library of the expressions is not installed.
    """
    compiler = common.need("mcs", Path("/usr/bin"), HOW)
    if not LIBRARY.is_file():
        raise MissingTool(f"Newtonsoft.Json is not installed: {HOW}.")
    return compiler


def source(expressions: tuple[Expression, ...]) -> str:
    """A class with one method for each expression; `#line` gives errors the number of the expression."""
    lines = [BASICS, "static class Expressions {"]
    for number, expression in enumerate(expressions):
        body = expression.code if expression.block else f"return ({expression.gives})(\n{expression.code}\n);"
        if expression.gives == "bool" and not expression.block:
            body = f"bool result =\n{expression.code}\n; return result;"
        lines.append(f'#line 1 "#{number}"\nstatic {expression.gives} E{number}(IContext context) {{\n{body}\n}}')
    return "\n".join([*lines, "}"])


@cache
def _compile(expressions: tuple[Expression, ...]) -> tuple[str, ...]:
    compiler = find_compiler()
    with tempfile.TemporaryDirectory() as folder:
        code = Path(folder) / "expressions.cs"
        code.write_text(source(expressions), encoding="utf-8")
        output = f"-out:{folder}/expressions.dll"
        completed = subprocess.run(
            [
                compiler,
                "-target:library",
                "-nologo",
                "-nowarn:0169,0219,0414",
                output,
                *REFERENCES,
                str(CONTEXT),
                str(code),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    return tuple(_faults(completed, expressions))


def _faults(completed: "subprocess.CompletedProcess[str]", expressions: tuple[Expression, ...]) -> Iterator[str]:
    said: Any = [ERROR.match(line) for line in (completed.stdout + completed.stderr).splitlines()]
    errors = [found for found in said if found]
    for found in errors:
        place = "a policy"
        if found["number"] is not None:
            expression = expressions[int(found["number"])]
            place = f"{expression.place}: {' '.join(expression.code.split())[:60]}"
        yield f"{place}: {found['message']}"
    if completed.returncode and not errors:
        yield f"mcs failed: {' '.join((completed.stdout + completed.stderr).split())[-300:]}"
