"""Generated projects as the platform would see them: every environment as a list of evaluated resources.

The compiler's snapshot applies parameters, loops, conditions, names and modules, offline. What only a deployment can
know stays as text such as `[reference(...)]`.
"""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from generator.compiler import Compiler, Diagnostic
from generator.errors import GroundplanError

ONLINE_DEPLOYMENT = Path("infra/modules/machine-learning/online-deployment.bicep")
"""What a rollout deploys for each deployment of a model; main.bicep does not refer to it."""

SCORING_ROLE = Path("infra/modules/machine-learning/scoring-role.bicep")
"""What a person deploys once for each environment; main.bicep refers to the role by its name."""

USES_MAIN = re.compile(r"^using 'main\.bicep'$", re.MULTILINE)
REFERS_TO_FILES = re.compile(r"^\s*(?:import|extends)\b|\bload\w+\(", re.MULTILINE)
"""Lines of a parameter file that name other files, relative to its own place."""

EXTENSIONS = (
    "microsoft.authorization/roleassignments",
    "microsoft.authorization/policyassignments",
    "microsoft.authorization/locks",
    "microsoft.insights/diagnosticsettings",
)
"""Types that belong to another resource; their scope is that resource."""


@dataclass(frozen=True)
class Resource:
    """One evaluated resource.

    Args:
        body: The resource as the snapshot has it.
    """

    body: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Resource id."""
        return str(self.body["id"])

    @property
    def type(self) -> str:
        """Resource type, such as Microsoft.KeyVault/vaults."""
        return str(self.body["type"])

    @property
    def name(self) -> str:
        """Name; of a child with the names of its parents, joined by slashes."""
        return str(self.body["name"])

    @property
    def api_version(self) -> str:
        """Version of the resource type."""
        return str(self.body["apiVersion"])

    @property
    def location(self) -> str | None:
        """Region, `global`, or None for resources without a place."""
        return self.body.get("location")

    @property
    def tags(self) -> dict[str, str]:
        """Tags; empty without any."""
        return dict(self.body.get("tags") or {})

    @property
    def sku(self) -> dict[str, Any]:
        """Size or tier; empty without any."""
        return dict(self.body.get("sku") or {})

    @property
    def kind(self) -> str | None:
        """Kind of the resource, if its type has kinds."""
        return self.body.get("kind")

    @property
    def identity(self) -> dict[str, Any]:
        """Identity settings; empty without any."""
        return dict(self.body.get("identity") or {})

    @property
    def zones(self) -> list[str]:
        """Availability zones; empty without any."""
        return list(self.body.get("zones") or [])

    @property
    def properties(self) -> dict[str, Any]:
        """Properties; empty without any."""
        return dict(self.body.get("properties") or {})

    @property
    def scope(self) -> str | None:
        """Of a role assignment, diagnostic setting, policy assignment or lock: the id that it applies to."""
        if self.type.lower() not in EXTENSIONS:
            return None
        return self.id.rsplit("/providers/", 1)[0]

    @property
    def resource_group(self) -> str | None:
        """Name of the resource group, or None at the subscription."""
        found = re.search(r"/resourceGroups/([^/]+)", self.id, re.IGNORECASE)
        return found.group(1) if found else None

    @property
    def parent_id(self) -> str | None:
        """Of a child resource: the id of its parent."""
        if self.type.count("/") < 2 or self.type.lower() in EXTENSIONS:
            return None
        return self.id.rsplit("/", 2)[0]

    def __str__(self) -> str:
        """Type and name."""
        return f"{self.type} {self.name}"


@dataclass(frozen=True)
class Environment:
    """One evaluated environment.

    Args:
        name: dev, test or prod.
        resources: In the order of the snapshot.
        outputs: Outputs of the template.
        diagnostics: Remarks of the evaluation itself.
        parameters: Compiled parameter values by name.
    """

    name: str
    resources: tuple[Resource, ...]
    outputs: Mapping[str, Any]
    diagnostics: list[Any]
    parameters: Mapping[str, Any]

    def of_type(self, *types: str) -> list[Resource]:
        """Resources of exactly these types, in any case."""
        wanted = {name.lower() for name in types}
        return [resource for resource in self.resources if resource.type.lower() in wanted]


@dataclass(frozen=True)
class Project:
    """One generated project, evaluated.

    Args:
        root: Its folder.
        answers: Every answer and computed value.
        environments: By name, in the order of the answers.
        template: The compiled main.json; empty when it does not compile.
        diagnostics: Remarks of the compiler, of every level.
        rollouts: Environment -> resources that a rollout deploys for the deployment blue; empty without a rollout.
        by_hand: Environment -> resources that a person deploys before the first deployment; empty without any.
    """

    root: Path
    answers: Mapping[str, Any]
    environments: Mapping[str, Environment]
    template: Mapping[str, Any]
    diagnostics: list[Diagnostic]
    rollouts: Mapping[str, tuple[Resource, ...]] = field(default_factory=dict)
    by_hand: Mapping[str, tuple[Resource, ...]] = field(default_factory=dict)


def evaluate(
    root: Path, answers: Mapping[str, Any], compiler: Compiler, environments: Iterable[str] | None = None
) -> Project:
    """Compile a project and evaluate its environments.

    Args:
        root: Folder of the project.
        answers: Every answer and computed value.
        compiler: A started compiler.
        environments: Which ones; all when None.

    Returns:
        The project; without a template and without environments when the compiler finds an error.

    Raises:
        GroundplanError: A file is missing or the template cannot be evaluated.
    """
    main = root / "infra" / "main.bicep"
    if not main.is_file():
        raise GroundplanError(f"{root} is no generated project: it has no infra/main.bicep.")
    compiled = compiler.compile(main)
    diagnostics = list(compiled.diagnostics)
    found: dict[str, Environment] = {}
    if compiled.template is not None:
        with tempfile.TemporaryDirectory() as folder:
            stage = _stage(root, compiled.template, Path(folder).resolve())
            for name in environments or answers["environments"]:
                remarks, environment = _evaluate(root, name, str(answers["location"]), compiler, stage)
                diagnostics += [remark for remark in remarks if remark not in diagnostics]
                found |= {name: environment} if environment else {}
    if any(remark.level == "Error" for remark in diagnostics):
        return Project(root, answers, {}, {}, diagnostics)
    rollouts: dict[str, tuple[Resource, ...]] = {}
    if found and (root / ONLINE_DEPLOYMENT).is_file():
        diagnostics += compiler.compile(root / ONLINE_DEPLOYMENT).diagnostics
        rollouts = {item.name: evaluate_rollout(root, item, answers, compiler) for item in found.values()}
    by_hand: dict[str, tuple[Resource, ...]] = {}
    if found and (root / SCORING_ROLE).is_file():
        diagnostics += compiler.compile(root / SCORING_ROLE).diagnostics
        by_hand = {name: evaluate_role(root, name, answers, compiler) for name in found}
    return Project(root, answers, found, compiled.template or {}, diagnostics, rollouts, by_hand)


def evaluate_role(root: Path, environment: str, answers: Mapping[str, Any], compiler: Compiler) -> tuple[Resource, ...]:
    """The role that calls models, as a person defines it for an environment.

    Args:
        root: Folder of the project.
        environment: Its name.
        answers: Every answer and computed value.
        compiler: A started compiler.

    Raises:
        GroundplanError: The module cannot be evaluated.
    """
    values = {"workload": f"'{answers['workload']}'", "environmentName": f"'{environment}'"}
    return _snapshot_of(root / SCORING_ROLE, values, str(answers["location"]), compiler)


def _snapshot_of(
    module: Path, values: Mapping[str, str], location: str, compiler: Compiler, group: str | None = None
) -> tuple[Resource, ...]:
    """Resources of a module that is deployed apart, with the given values of its parameters."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder).resolve() / "apart.bicepparam"
        using = Path(os.path.relpath(module.resolve(), path.parent)).as_posix()
        lines = [f"using '{using}'", *(f"param {name} = {value}" for name, value in values.items())]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        snapshot = compiler.snapshot(path, location, group) if group else compiler.snapshot(path, location)
    return tuple(Resource(body) for body in snapshot.get("predictedResources", []))


def evaluate_rollout(
    root: Path, environment: Environment, answers: Mapping[str, Any], compiler: Compiler, held: int = 0
) -> tuple[Resource, ...]:
    """What a rollout deploys for the deployment blue of an environment.

    Args:
        root: Folder of the project.
        environment: Where it is; its resources tell the tags.
        answers: Every answer and computed value.
        compiler: A started compiler.
        held: Instances that the deployment keeps.

    Raises:
        GroundplanError: The module cannot be evaluated.
    """
    workload, location = str(answers["workload"]), str(answers["location"])
    tags: dict[str, str] = next((item.tags for item in environment.resources if item.tags), {})
    rows = [f"  {_quoted(name)}: {_quoted(value)}" for name, value in tags.items()]
    values = {
        "workload": f"'{workload}'",
        "environmentName": f"'{environment.name}'",
        "location": f"'{location}'",
        "endpointName": f"'mle-{workload}-{environment.name}'",
        "deploymentName": "'blue'",
        "heldInstances": str(held),
        "tags": "\n".join(["{", *rows, "}"]),
        **({"purpose": "'inference'"} if answers["second_endpoint"] else {}),
    }
    group = f"rg-{workload}-{environment.name}-inference"
    return _snapshot_of(root / ONLINE_DEPLOYMENT, values, location, compiler, group)


def _quoted(text: str) -> str:
    """A text as Bicep writes it."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("${", "\\${")
    return f"'{escaped}'"


def _stage(root: Path, template: Mapping[str, Any], folder: Path) -> Path:
    """Fill a folder for parameter files: the compiled template, and the settings of the linter."""
    (folder / "main.json").write_text(json.dumps(template), encoding="utf-8")
    settings = root / "infra" / "bicepconfig.json"
    if settings.is_file():
        shutil.copy(settings, folder)
    return folder


def _staged(path: Path, stage: Path) -> Path:
    """A copy of a parameter file that uses the compiled template, which the compiler need not compile once more.

    The same remarks, values and resources come of it. A file that names other files stays where it is.
    """
    text = path.read_text(encoding="utf-8")
    if not USES_MAIN.search(text) or REFERS_TO_FILES.search(text):
        return path
    copy = stage / path.name
    copy.write_text(USES_MAIN.sub("using 'main.json'", text, count=1), encoding="utf-8")
    return copy


def _evaluate(
    root: Path, name: str, location: str, compiler: Compiler, stage: Path
) -> tuple[list[Diagnostic], Environment | None]:
    """Remarks about the parameters of an environment, and the environment, or None when they are errors."""
    path = root / "infra" / f"{name}.bicepparam"
    if not path.is_file():
        raise GroundplanError(f"There is no environment {name} in {root}: {path.relative_to(root)} is missing.")
    staged = _staged(path, stage)
    remarks, parameters = compiler.compile_params(staged)
    if staged != path:
        remarks = [replace(remark, source=str(path)) for remark in remarks]
    if any(remark.level == "Error" for remark in remarks):
        return remarks, None
    snapshot = compiler.snapshot(staged, location)
    resources = tuple(Resource(body) for body in snapshot.get("predictedResources", []))
    outputs = dict(snapshot.get("outputs") or {})
    return remarks, Environment(name, resources, outputs, list(snapshot.get("diagnostics") or []), parameters)
