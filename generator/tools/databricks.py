"""Databricks bundles: resources as Databricks' own package reads them, and references that lead somewhere.

A resource goes through the class of the package for its kind and back: what does not come back is no key or no value
of it. Looked at here besides: variables are declared, set and used, tasks name clusters, tasks and entry points that
exist, and files that a task installs are there. Not seen: whether a node type, runtime, policy or catalog exists.
"""

import importlib
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from generator.tools.common import MissingTool, ToolResult, judge, read_yaml

BUNDLE = "databricks.yml"
TOP = {
    "artifacts",
    "bundle",
    "include",
    "permissions",
    "resources",
    "run_as",
    "sync",
    "targets",
    "variables",
    "workspace",
}
"""Keys of a bundle that are used here.
Source: https://learn.microsoft.com/azure/databricks/dev-tools/bundles/settings"""
TARGET = {"default", "mode", "permissions", "presets", "resources", "run_as", "sync", "variables", "workspace"}
KINDS = {
    "jobs": ("jobs", "JobSettings"),
    "experiments": ("ml", "Experiment"),
    "volumes": ("catalog", "VolumeInfo"),
    "schemas": ("catalog", "SchemaInfo"),
    "clusters": ("compute", "ClusterSpec"),
    "model_serving_endpoints": ("serving", "ServingEndpoint"),
}
"""Kind of a resource -> module and class that describe it.
Source: https://learn.microsoft.com/azure/databricks/dev-tools/bundles/resources"""
ENDPOINT_CONFIG = ("serving", "EndpointCoreConfigInput")
BUNDLE_KEYS = {"permissions", "lifecycle", "grants"}
"""Keys that the bundle adds to a resource."""
VARIABLE = re.compile(r"\$\{var\.([\w-]+)\}")
REFERENCE = re.compile(r"\$\{resources\.(\w+)\.([\w-]+)\.")
GIVEN = re.compile(r"^export BUNDLE_VAR_(\w+)=", re.MULTILINE)
"""A variable that the page on deployment sets."""


def check_databricks(root: Path) -> ToolResult:
    """Databricks bundles hold what Databricks' package knows and refer to what exists (databricks-sdk)."""

    def faults(paths: Sequence[Path]) -> list[str]:
        return [fault for path in paths if path.name == BUNDLE for fault in _bundle_faults(root, path)]

    return judge("databricks-sdk", bundle_files(root), faults)


def bundle_files(root: Path) -> list[Path]:
    """Every bundle, each with the files that it includes."""
    bundles = sorted((root / "ml").rglob(BUNDLE))
    return [path for bundle in bundles for path in (bundle, *_included(bundle))]


def _included(bundle: Path) -> list[Path]:
    patterns = (read_yaml(bundle) or {}).get("include") or []
    return sorted({item for pattern in patterns for item in bundle.parent.glob(pattern)})


def _bundle_faults(root: Path, path: Path) -> Iterator[str]:
    name = path.relative_to(root).as_posix()
    bundle, parts = read_yaml(path) or {}, {part: read_yaml(part) or {} for part in _included(path)}
    yield from (f"{name}: {fault}" for fault in _bundle(bundle))
    for part, data in parts.items():
        yield from (f"{part.relative_to(root).as_posix()}: {fault}" for fault in _part(data, bundle))
    for part, data in {path: bundle, **parts}.items():
        for kind, key, body in _resources(data):
            for fault in _resource(path.parent, kind, body):
                yield f"{part.relative_to(root).as_posix()}: {kind}.{key}: {fault}"
    text = "\n".join(part.read_text(encoding="utf-8") for part in (path, *parts))
    page = root / "ml" / "README.md"
    given = GIVEN.findall(page.read_text(encoding="utf-8")) if page.is_file() else []
    yield from (f"{name}: {fault}" for fault in _variables(bundle, text, set(given)))
    known = {(kind, key) for data in (bundle, *parts.values()) for kind, key, _ in _resources(data)}
    for part in (path, *parts):
        for kind, key in sorted(set(REFERENCE.findall(part.read_text(encoding="utf-8"))) - known):
            yield f"{part.relative_to(root).as_posix()}: {kind}.{key} is referred to and not declared"


def _bundle(data: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{key} is no key of a bundle known here" for key in sorted(data.keys() - TOP))
    targets = data.get("targets") or {}
    for name, target in targets.items():
        yield from (f"targets.{name}: {key} is no key known here" for key in sorted(target.keys() - TARGET))
        for key in sorted((target.get("variables") or {}).keys() - (data.get("variables") or {}).keys()):
            yield f"targets.{name}: the variable {key} is not declared"
    default = [name for name, target in targets.items() if target.get("default")]
    if len(default) != 1:
        yield f"{len(default)} targets are the default, one must be"


def _part(data: Mapping[str, Any], bundle: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the head of an included file."""
    yield from (f"{key} belongs into {BUNDLE}" for key in sorted(data.keys() - {"resources", "targets"}))
    for name in sorted((data.get("targets") or {}).keys() - (bundle.get("targets") or {}).keys()):
        yield f"{name} is no target of the bundle"


def _variables(data: Mapping[str, Any], text: str, given: set[str]) -> Iterator[str]:
    """Variables that lead nowhere; `given` are those that whoever deploys is told to set."""
    declared, used = set(data.get("variables") or {}), set(VARIABLE.findall(text))
    yield from (f"the variable {name} is used and not declared" for name in sorted(used - declared))
    yield from (f"nothing uses the variable {name}" for name in sorted(declared - used))
    for name in sorted(declared - given):
        row = data["variables"][name]
        if "default" in row or "lookup" in row:
            continue
        for target, body in (data.get("targets") or {}).items():
            if name not in (body.get("variables") or {}):
                yield f"targets.{target}: the variable {name} has no value, and ml/README.md sets none"


def _resources(data: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Kind, key and body of each resource, those of single targets too."""
    owners = [data, *(data.get("targets") or {}).values()]
    for owner in owners:
        for kind, rows in (owner.get("resources") or {}).items():
            yield from ((kind, key, body) for key, body in rows.items())


def _resource(folder: Path, kind: str, body: dict[str, Any]) -> Iterator[str]:
    if kind not in KINDS:
        yield f"{kind} is no kind of resource known here"
        return
    plain = {key: value for key, value in body.items() if key not in BUNDLE_KEYS}
    if kind == "model_serving_endpoints":
        yield from _lost(plain.pop("config", {}), *ENDPOINT_CONFIG)
    yield from _lost(plain, *KINDS[kind])
    for row in body.get("grants") or []:
        if set(row) != {"principal", "privileges"}:
            yield "a grant has a principal and privileges"
    for row in body.get("permissions") or []:
        if not row.get("level") or len(row) != 2:
            yield "a permission has a level and one of group_name, service_principal_name and user_name"
    if kind == "jobs":
        yield from _job(folder, body)


@cache
def _class(module: str, name: str) -> Any:
    try:
        return getattr(importlib.import_module(f"databricks.sdk.service.{module}"), name)
    except ImportError:
        raise MissingTool("databricks-sdk is not installed: install it from PyPI.") from None


def _lost(data: dict[str, Any], module: str, name: str) -> Iterator[str]:
    """What the class for a resource does not take."""
    kind = _class(module, name)
    try:
        known = kind.from_dict(data).as_dict()
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        yield f"it is no {name}: {error}"
        return
    yield from _missing(data, known, "")


def _missing(wrote: Any, known: Any, path: str) -> Iterator[str]:
    if isinstance(wrote, str) and "${" in wrote:
        return
    if isinstance(wrote, dict) and isinstance(known, dict):
        for key, value in wrote.items():
            yield from _missing(value, known.get(key), f"{path}.{key}" if path else key)
    elif isinstance(wrote, list) and isinstance(known, list) and len(wrote) == len(known):
        for number, pair in enumerate(zip(wrote, known, strict=True)):
            yield from _missing(*pair, f"{path}[{number}]")
    elif wrote != known:
        yield f"{path} is not known, or cannot be {wrote!r}"


def _job(folder: Path, body: Mapping[str, Any]) -> Iterator[str]:
    clusters = {row.get("job_cluster_key") for row in body.get("job_clusters") or []}
    tasks = {str(task.get("task_key")): task for task in body.get("tasks") or []}
    scripts = _entry_points(folder)
    for name, task in tasks.items():
        if "job_cluster_key" in task and task["job_cluster_key"] not in clusters:
            yield f"task {name}: there is no job cluster {task['job_cluster_key']}"
        for row in task.get("depends_on") or []:
            if row.get("task_key") not in tasks:
                yield f"task {name}: there is no task {row.get('task_key')}"
        wheel = task.get("python_wheel_task")
        if wheel and wheel.get("entry_point") not in scripts:
            yield f"task {name}: pyproject.toml declares no script {wheel.get('entry_point')}"
        for library in task.get("libraries") or []:
            path = str(library.get("requirements", "")).removeprefix("${workspace.file_path}/")
            if path and not (folder / path).is_file():
                yield f"task {name}: there is no file {path}"


def _entry_points(folder: Path) -> set[str]:
    """Scripts that pyproject.toml declares."""
    path = folder / "pyproject.toml"
    section = path.read_text(encoding="utf-8").partition("[project.scripts]")[2] if path.is_file() else ""
    return set(re.findall(r"^([\w-]+) = ", section.partition("\n[")[0], re.MULTILINE))
