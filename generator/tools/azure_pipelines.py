"""Azure Pipelines: the schema of the service, the graph of stages and jobs, templates and their parameters, scripts.

Template expressions are not evaluated: a name with one in it matches any text, and both branches of a condition count.
"""

import importlib.util
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from generator.tools.common import MissingTool, ToolResult, below, floating, judge, read_yaml
from generator.tools.node import ask
from generator.tools.shell import script_faults

EXPRESSION = re.compile(r"\$\{\{.*?\}\}", re.DOTALL)
MACRO = re.compile(r"\$\((?!(?:pwd|date|whoami|hostname|nproc|mktemp)\))[A-Za-z_][\w.-]*\)")
PARAMETER = re.compile(r"\bparameters\.(\w+)|\bparameters\['(\w+)'\]")
PACKAGES = ("azure-pipelines-language-service", "vscode-languageserver-textdocument")


def check_pipelines(root: Path) -> ToolResult:
    """Pipelines and templates keep the schema; stages, jobs, templates and parameters fit together."""

    def faults(paths: Sequence[Path]) -> list[str]:
        names = [path.relative_to(root).as_posix() for path in paths]
        texts = [path.read_text(encoding="utf-8") for path in paths]
        request = {
            "schema": str(_schema()),
            "files": [{"path": name, "text": text} for name, text in zip(names, texts, strict=True)],
        }
        answers = ask("azure_pipelines.mjs", PACKAGES, request)
        found = [
            f"{name}:{fault['line']}: {fault['message']}"
            for name, said in zip(names, answers, strict=True)
            for fault in said
        ]
        for path, name, text in zip(paths, names, texts, strict=True):
            own = [*_graph(root, path), *(f"{item} changes by itself" for item in floating(text))]
            found += [f"{name}: {fault}" for fault in own]
        return found

    return judge("azure pipelines", pipeline_files(root), faults)


def check_pipeline_scripts(root: Path) -> ToolResult:
    """What pipelines run passes shellcheck."""

    def faults(paths: Sequence[Path]) -> list[str]:
        scripts: dict[str, str] = {}
        for path in paths:
            for number, text in enumerate(_scripts(read_yaml(path)), 1):
                scripts[f"{path.relative_to(root)}: script {number}"] = text
        return script_faults(scripts)

    return judge("shellcheck in pipelines", pipeline_files(root), faults)


def pipeline_files(root: Path) -> list[Path]:
    """Pipelines and templates of a project."""
    return below(root, [".azuredevops"], ".yml", ".yaml")


def _schema() -> Path:
    package = importlib.util.find_spec("check_jsonschema")
    if package is None or package.origin is None:
        raise MissingTool("check-jsonschema is not installed: it brings the schema; install it from PyPI.")
    return Path(package.origin).parent / "builtin_schemas" / "vendor" / "azure-pipelines.json"


def _items(value: Any) -> Iterator[Mapping[str, Any]]:
    """Entries of a list, those inside of template conditions and loops too."""
    for item in value if isinstance(value, list) else []:
        if not isinstance(item, dict):
            continue
        inner = [entry for key, entry in item.items() if str(key).startswith("${{")]
        if inner:
            for entry in inner:
                yield from _items(entry)
        else:
            yield item


def _graph(root: Path, path: Path) -> Iterator[str]:
    data = read_yaml(path)
    if not isinstance(data, dict):
        yield "it holds no mapping"
        return
    yield from _parameters(path, data)
    yield from _templates(root, path, data)
    yield from _ordered(root, path, "stage", data.get("stages"))
    for jobs in [data.get("jobs"), *(stage.get("jobs") for stage in _items(data.get("stages")))]:
        yield from _ordered(root, path, "job", jobs)
        for job in _items(jobs):
            if "deployment" in job and not job.get("environment"):
                yield f"deployment {job['deployment']} has no environment"


def _names(root: Path, path: Path, kind: str, value: Any) -> Iterator[str]:
    """Names of stages or jobs, those of the templates that stand in between too."""
    for item in _items(value):
        name = item.get(kind) or (item.get("deployment") if kind == "job" else None)
        if name:
            yield str(name)
        elif "template" in item:
            target = _target(root, path, str(item["template"]))
            data = read_yaml(target) if target and target.is_file() else None
            if isinstance(data, dict):
                yield from _names(root, target or path, kind, data.get(f"{kind}s"))


def _ordered(root: Path, path: Path, kind: str, value: Any) -> Iterator[str]:
    """What a stage or job depends on exists, is named once, and does not depend on it in turn."""
    names = list(_names(root, path, kind, value))
    for name in {name for name in names if names.count(name) > 1 and not EXPRESSION.search(name)}:
        yield f"{kind} {name} is there {names.count(name)} times"
    needs: dict[str, list[str]] = {}
    for item in _items(value):
        name = str(item.get(kind) or item.get("deployment") or item.get("template"))
        wanted = item.get("dependsOn") or []
        needs[name] = [str(entry) for entry in ([wanted] if isinstance(wanted, str) else wanted)]
        for other in needs[name]:
            if not any(_same(other, known) for known in names):
                yield f"{kind} {name} depends on {other}, which does not exist"
    yield from _circle(kind, needs)


def _circle(kind: str, needs: Mapping[str, Sequence[str]]) -> Iterator[str]:
    left = {name: set(others) & needs.keys() for name, others in needs.items()}
    while ready := [name for name, others in left.items() if not others & left.keys()]:
        for name in ready:
            del left[name]
    if left:
        yield f"these {kind}s depend on each other: {', '.join(sorted(left))}"


def _same(first: str, second: str) -> bool:
    """Whether two names may be the same once template expressions are evaluated."""
    return bool(re.fullmatch(_pattern(first), second) or re.fullmatch(_pattern(second), first))


def _pattern(name: str) -> str:
    return ".*".join(re.escape(part) for part in EXPRESSION.split(name))


def _target(root: Path, path: Path, template: str) -> Path | None:
    """File of a template; None when it is in another repository or its name is computed."""
    name, _, repository = template.partition("@")
    if repository not in ("", "self") or EXPRESSION.search(name):
        return None
    return root / name.lstrip("/") if name.startswith("/") else path.parent / name


def _templates(root: Path, path: Path, value: Any) -> Iterator[str]:
    """Templates exist and get the parameters that they declare."""
    if isinstance(value, list):
        for item in value:
            yield from _templates(root, path, item)
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        if key == "template" and isinstance(item, str):
            yield from _template(root, path, item, value.get("parameters") or {})
        else:
            yield from _templates(root, path, item)


def _template(root: Path, path: Path, template: str, given: Any) -> Iterator[str]:
    target = _target(root, path, template)
    if target is None:
        return
    if not target.is_file():
        yield f"template {template} does not exist"
        return
    declared = _declared(read_yaml(target))
    names = {str(name) for name in given} if isinstance(given, dict) else set()
    if any(name.startswith("${{") for name in names):
        return
    for name in sorted(names - declared.keys()):
        yield f"template {template} has no parameter {name}"
    for name in sorted(name for name, row in declared.items() if "default" not in row and name not in names):
        yield f"template {template} needs parameter {name}"


def _declared(data: Any) -> dict[str, Mapping[str, Any]]:
    rows = data.get("parameters") if isinstance(data, dict) else None
    if isinstance(rows, dict):
        return {str(name): {"default": value} for name, value in rows.items()}
    return {str(row.get("name")): row for row in rows or [] if isinstance(row, dict)}


def _parameters(path: Path, data: Mapping[str, Any]) -> Iterator[str]:
    """Parameters that expressions read are declared."""
    declared = _declared(data)
    for expression in EXPRESSION.findall(path.read_text(encoding="utf-8")):
        for found in PARAMETER.findall(expression):
            name = found[0] or found[1]
            if name not in declared:
                yield f"there is no parameter {name}"


def _scripts(value: Any) -> Iterator[str]:
    """Bash of `script`, `bash` and inline tasks, with macros and template expressions replaced."""
    if isinstance(value, list):
        for item in value:
            yield from _scripts(item)
    elif isinstance(value, dict):
        yield from map(_shell, _step_scripts(value))
        for key, item in value.items():
            if not ("task" in value and key == "inputs"):
                yield from _scripts(item)


def _step_scripts(step: Mapping[str, Any]) -> Iterator[str]:
    """Bash that a step runs by itself."""
    yield from (step[key] for key in ("script", "bash") if isinstance(step.get(key), str))
    inputs = step.get("inputs")
    if "task" not in step or not isinstance(inputs, dict):
        return
    for key, kind in (("inlineScript", "bash"), ("script", "")):
        if isinstance(inputs.get(key), str) and inputs.get("scriptType", kind) == kind:
            yield inputs[key]


def _shell(text: str) -> str:
    text = EXPRESSION.sub(lambda found: "_" * len(found[0].replace("\n", "")), text)
    return "#!/usr/bin/env bash\n" + MACRO.sub(lambda found: "_" * len(found[0]), text)
