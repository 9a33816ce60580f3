"""Azure Machine Learning YAML: what the SDK's own schemas say, and what they do not see.

The SDK loads each file by its kind and validates it without a workspace. Looked at here besides: local paths and the
scripts of commands exist, expressions and search spaces lead to inputs and jobs that exist, cron expressions parse,
components have no key that the service would drop, environments bring an image or a build, and they, their images and
their packages have a version that stays. Not seen: whether a compute, an instance type, an image or a registered asset
exists.
"""

import inspect
import logging
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from generator.tools.common import MissingTool, ToolResult, below, floating, judge, read_yaml

SCHEMAS = re.compile(r"^https://azuremlschemas\.azureedge\.net/latest/(?P<kind>\w+)\.schema\.json$")
LOADERS = {
    "pipelineJob": "load_job",
    "commandJob": "load_job",
    "sweepJob": "load_job",
    "parallelJob": "load_job",
    "commandComponent": "load_component",
    "parallelComponent": "load_component",
    "pipelineComponent": "load_component",
    "environment": "load_environment",
    "managedOnlineEndpoint": "load_online_endpoint",
    "kubernetesOnlineEndpoint": "load_online_endpoint",
    "managedOnlineDeployment": "load_online_deployment",
    "kubernetesOnlineDeployment": "load_online_deployment",
    "batchEndpoint": "load_batch_endpoint",
    "batchDeployment": "load_batch_deployment",
    "modelBatchDeployment": "load_model_batch_deployment",
    "pipelineComponentBatchDeployment": "load_pipeline_component_batch_deployment",
    "schedule": "load_schedule",
    "monitorSchedule": "load_schedule",
    "model": "load_model",
    "data": "load_data",
    "amlCompute": "load_compute",
}
EXPRESSION = re.compile(r"\$\{\{\s*([^}]*?)\s*\}\}")
CRON_FIELDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


def check_azure_ml(root: Path) -> ToolResult:
    """Azure Machine Learning files load, validate (azure-ai-ml) and refer to what exists."""

    def faults(paths: Sequence[Path]) -> list[str]:
        found = []
        for path in paths:
            data = read_yaml(path)
            said = [*_sdk(path, data), *_own(path, data)]
            found += [f"{path.relative_to(root)}: {fault}" for fault in said]
        return found

    return judge("azure-ai-ml", azure_ml_files(root), faults)


def azure_ml_files(root: Path) -> list[Path]:
    """YAML under `ml` whose schema is one of Azure Machine Learning."""
    paths = below(root, ["ml"], ".yml", ".yaml")
    return [path for path in paths if "azuremlschemas" in path.read_text(encoding="utf-8")]


@cache
def _loader(name: str) -> Callable[[Path], Any]:
    try:
        from azure.ai.ml.entities import _load_functions
    except ImportError:
        raise MissingTool("azure-ai-ml is not installed: install it from PyPI.") from None
    # It warns of every class that is experimental.
    logging.getLogger("azure.ai.ml").setLevel(logging.CRITICAL)
    loader: Callable[[Path], Any] = getattr(_load_functions, name)
    return loader


def _sdk(path: Path, data: Any) -> Iterator[str]:
    """What the SDK says when it loads and validates a file."""
    schema = SCHEMAS.match(str(data.get("$schema"))) if isinstance(data, dict) else None
    kind = schema["kind"] if schema else ""
    if kind not in LOADERS:
        yield f"{data.get('$schema') if isinstance(data, dict) else 'a file without keys'} is no schema known here"
        return
    loader = _loader(LOADERS[kind])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = _validated(loader(path))
        except Exception as error:
            yield " ".join(str(error).split())[:600]
            return
    for place, message in (result.error_messages if result else {}).items():
        yield f"{place}: {message}"


def _validated(entity: Any) -> Any:
    """The result of an entity's own validation; deployments raise instead of giving one."""
    validate = getattr(entity, "_validate", None)
    if validate is None:
        return None
    return validate(raise_error=False) if "raise_error" in inspect.signature(validate).parameters else validate()


def _own(path: Path, data: Any) -> Iterator[str]:
    if not isinstance(data, dict):
        return
    yield from _paths(path, data)
    yield from _expressions(path, data)
    yield from (f"{name} changes by itself" for name in floating(path.read_text(encoding="utf-8")))
    yield from _scripts(path, data)
    yield from _component_keys(data)
    if "trigger" in data:
        yield from _trigger(data["trigger"])
    for environment in _environments(path, data):
        yield from _environment(path, environment)


def _environments(path: Path, data: Mapping[str, Any]) -> Iterator[Any]:
    if "environment.schema" in str(data.get("$schema")):
        yield data
    yield data.get("environment")
    for job in _jobs(data):
        yield job.get("environment")


def _jobs(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Jobs of a pipeline that are mappings."""
    jobs = data.get("jobs")
    return [job for job in jobs.values() if isinstance(job, dict)] if isinstance(jobs, dict) else []


PINNED = re.compile(r"^azureml:(?:[\w.-]+:[\w.-]+|//registries/[\w.-]+/environments/[\w.-]+/versions/[\w.-]+)$")
TAGGED = re.compile(r"^[^@]+(?::[\w.-]+|@sha256:[0-9a-f]{64})$")


def _environment(path: Path, environment: Any) -> Iterator[str]:
    """An environment brings something to run in, and always the same."""
    if isinstance(environment, str) and environment.startswith("azureml:") and not PINNED.match(environment):
        yield f"{environment} names no version"
    if not isinstance(environment, dict):
        return
    if not {"image", "build", "path"} & environment.keys():
        yield "the environment has neither image nor build"
    image = environment.get("image")
    if isinstance(image, str) and not TAGGED.match(image.rpartition("/")[2]):
        yield f"image {image} names no version"
    yield from _packages(path, environment.get("conda_file"))


def _packages(path: Path, conda: Any) -> Iterator[str]:
    """Every package of a conda file, here or in a file beside, has one version."""
    local = _local(conda)
    if local:
        conda = read_yaml(path.parent / local) if (path.parent / local).is_file() else None
    rows = conda.get("dependencies") if isinstance(conda, dict) else None
    for row in rows or []:
        if isinstance(row, str) and "=" not in row:
            yield f"package {row} has no version"
        for package in row.get("pip") or [] if isinstance(row, dict) else []:
            if not str(package).startswith("-") and "==" not in str(package):
                yield f"package {package} has no version"


RUNS = re.compile(r"\bpython3?\s+(?:-m\s+(?P<module>[\w.]+)|(?P<script>[\w./-]+\.py))")


def _scripts(path: Path, data: Mapping[str, Any]) -> Iterator[str]:
    """What commands run with Python lies in the folder that travels with them."""
    for job in (data, *_jobs(data)):
        code = _local(job.get("code"))
        if not code or not (path.parent / code).is_dir():
            continue
        folder = path.parent / code
        for found in RUNS.finditer(str(job.get("command", ""))):
            script, module = found["script"], found["module"]
            places = [script] if script else [f"{module.replace('.', '/')}{end}" for end in (".py", "/__main__.py")]
            if not any((folder / place).is_file() for place in places):
                yield f"the command runs {script or module}, which is not in {code}"


COMPONENTS = {
    "command": ("azure.ai.ml._schema.component.command_component", "CommandComponentSchema"),
    "parallel": ("azure.ai.ml._schema.component.parallel_component", "ParallelComponentSchema"),
    "pipeline": ("azure.ai.ml._schema.pipeline.pipeline_component", "PipelineComponentSchema"),
}


def _component_keys(data: Mapping[str, Any]) -> Iterator[str]:
    """Keys of a component that the SDK drops without a word."""
    kind = str(data.get("type"))
    if "Component.schema" not in str(data.get("$schema")) or kind not in COMPONENTS:
        return
    for key in sorted(data.keys() - _keys(kind)):
        yield f"a {kind} component has no key {key}"
    for name, row in (data.get("inputs") or {}).items():
        for key in sorted((row.keys() if isinstance(row, dict) else set()) - INPUT_KEYS):
            yield f"input {name} has no key {key}"


INPUT_KEYS = {"type", "description", "optional", "default", "min", "max", "enum", "mode", "path"}


@cache
def _keys(kind: str) -> frozenset[str]:
    """Keys that the SDK's schema of a component knows."""
    module, name = COMPONENTS[kind]
    schema = getattr(import_module(module), name)(context={"base_path": "./"})
    return frozenset(field.data_key or key for key, field in schema.fields.items() if not field.dump_only)


PATH_KEYS = {
    "code",
    "conda_file",
    "component",
    "trial",
    "job",
    "create_job",
    "path",
    "environment",
    "scoring_script",
    "dockerfile_path",
}


def _local(value: Any) -> str | None:
    """A local path, or None when it is an asset, a data store, an address or an expression."""
    if not isinstance(value, str) or EXPRESSION.search(value):
        return None
    text = value.removeprefix("file:")
    return None if re.match(r"^(azureml:|[a-z]+://|git\+)", text) or not text else text


def _paths(path: Path, data: Mapping[str, Any]) -> Iterator[str]:
    """Local files that are named exist; a model's own files may be made later."""
    made_later = "model.schema" in str(data.get("$schema")) or "data.schema" in str(data.get("$schema"))
    for folder, key, value in _named_paths(path.parent, data):
        if key == "path" and (made_later or not value.startswith(".")):
            continue
        if key == "environment" and not value.endswith((".yml", ".yaml")):
            continue
        if not (folder / value).exists():
            yield f"{key} {value} does not exist"


def _named_paths(folder: Path, data: Mapping[str, Any]) -> Iterator[tuple[Path, str, str]]:
    """Folder to start from, key and value of each local path; scripts and Dockerfiles lie in the folder beside them."""
    for key, value in data.items():
        if isinstance(value, dict):
            yield from _named_paths(folder, value)
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, dict):
                    yield from _named_paths(folder, item)
        elif key in PATH_KEYS and (local := _local(value)):
            start = {"scoring_script": _local(data.get("code")), "dockerfile_path": _local(data.get("path"))}.get(key)
            yield (folder / start if start else folder), key, local


def _expressions(path: Path, data: Mapping[str, Any]) -> Iterator[str]:
    inputs, outputs = _names(data, "inputs"), _names(data, "outputs")
    jobs = data.get("jobs") or {}
    for expression in _texts({key: value for key, value in data.items() if key != "jobs"}):
        yield from _resolve(expression, inputs, outputs, {})
    for name, job in jobs.items():
        if not isinstance(job, dict):
            yield f"job {name} holds no mapping"
            continue
        known = {other: _outputs(path, entry) for other, entry in jobs.items() if isinstance(entry, dict)}
        for expression in _texts(job):
            yield from (
                f"job {name}: {fault}" for fault in _resolve(expression, inputs, outputs, known, _names(job, "inputs"))
            )
        yield from (f"job {name}: {fault}" for fault in _arguments(path, job))


def _names(data: Mapping[str, Any], key: str) -> set[str]:
    value = data.get(key)
    return {str(name) for name in value} if isinstance(value, dict) else set()


def _component(path: Path, job: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The component of a job, or the trial of a search, when it is a local file or written inside it."""
    component = job.get("component", job.get("trial"))
    if isinstance(component, dict):
        return component
    local = _local(component)
    data = read_yaml(path.parent / local) if local and (path.parent / local).is_file() else None
    return data if isinstance(data, dict) else None


def _outputs(path: Path, job: Mapping[str, Any]) -> set[str] | None:
    """Names of a job's outputs; None when only the workspace knows them."""
    component = _component(path, job)
    if component is None and {"component", "trial"} & job.keys():
        return None
    return _names(job, "outputs") | _names(component or {}, "outputs")


def _arguments(path: Path, job: Mapping[str, Any]) -> Iterator[str]:
    """A local component gets the inputs and outputs that it declares."""
    component = _component(path, job)
    if component is None:
        return
    declared = component.get("inputs") or {}
    given = _names(job, "inputs") | _names(job, "search_space")
    for name in sorted(given - declared.keys()):
        yield f"the component has no input {name}"
    for name in sorted(_names(job, "outputs") - _names(component, "outputs")):
        yield f"the component has no output {name}"
    for name, row in declared.items():
        needed = isinstance(row, dict) and "default" not in row and not row.get("optional")
        if needed and name not in given:
            yield f"the component needs input {name}"


def _texts(value: Any) -> Iterator[str]:
    """Every expression in a value, at any depth."""
    if isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield from EXPRESSION.findall(value)


def _resolve(
    expression: str,
    inputs: set[str],
    outputs: set[str],
    jobs: Mapping[str, set[str] | None],
    own_inputs: set[str] | None = None,
) -> Iterator[str]:
    """What is wrong with one expression such as parent.jobs.train.outputs.model."""
    parts = expression.split(".")
    if parts[:2] == ["parent", "jobs"] and len(parts) >= 5:
        known = jobs.get(parts[2], set()) if parts[2] in jobs else set()
        if parts[2] not in jobs:
            yield f"there is no job {parts[2]}"
        elif parts[3] == "outputs" and known is not None and parts[4] not in known:
            yield f"job {parts[2]} has no output {parts[4]}"
        return
    places = {"inputs": own_inputs if own_inputs is not None else inputs, "outputs": outputs}
    if parts[0] == "parent":
        parts, places = parts[1:], {"inputs": inputs, "outputs": outputs}
    elif own_inputs is not None and parts[0] == "outputs":
        return
    if len(parts) >= 2 and parts[0] in places and parts[1] not in places[parts[0]]:
        yield f"there is no {parts[0][:-1]} {parts[1]}"


def _trigger(trigger: Any) -> Iterator[str]:
    if not isinstance(trigger, dict) or trigger.get("type") != "cron":
        return
    expression = str(trigger.get("expression", ""))
    fields = expression.split()
    if len(fields) != len(CRON_FIELDS):
        yield f"cron expression {expression!r} has {len(fields)} fields, not 5"
        return
    for field, limits in zip(fields, CRON_FIELDS, strict=True):
        if not all(_cron(part, *limits) for part in field.split(",")):
            yield f"cron expression {expression!r}: {field} is not between {limits[0]} and {limits[1]}"


def _cron(part: str, lowest: int, highest: int) -> bool:
    found = re.fullmatch(r"(?:\*|(\d+)(?:-(\d+))?)(?:/([1-9]\d*))?", part)
    if not found:
        return False
    numbers = [int(value) for value in found.groups()[:2] if value is not None]
    return all(lowest <= number <= highest for number in numbers) and numbers == sorted(numbers)
