"""General rows (GEN): only what was asked, written down, in its place, named, tagged, alike in every environment."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from generator import yaml_text
from generator.checks import DoesNotApply, Finding, check
from generator.checks.expected import (
    allowed_types,
    environment_facts,
    owners_types,
    presence,
)
from generator.checks.reading import (
    ENDPOINT,
    bicep_files,
    decision_table,
    endpoint_targets,
    label,
    linter_findings,
    located,
    nested_templates,
    object_of,
    on_github,
    pipelines,
    resources_of,
    same,
    text_of,
    value_at,
    verdict,
)
from generator.checks.tables import (
    COMPONENT_TYPES,
    DEPLOYMENT_SKUS,
    EXPECTED_COUNTS,
    HUB_ANSWERS,
    NAME_RULES,
    NOT_TAGGABLE,
    PROTECTIONS,
    REUSED,
    SECOND_REGION_TYPES,
    SUCCESSOR_TYPES,
    TAGS,
)
from generator.evaluation import ONLINE_DEPLOYMENT, SCORING_ROLE, Environment, Project, Resource

RESOURCE_GROUP = "Microsoft.Resources/resourceGroups"
MODEL_REGISTRY = "Microsoft.MachineLearningServices/registries"
DECISION_HEADINGS = ("Answer", "Reason", "Consequence", "Guidance")
LINKED_RECORD = re.compile(r"\]\(([\w-]+\.md)\)")
LEAST_REASON_CHARACTERS = 20


SKIPPED_FOLDERS = {".git", ".venv", "node_modules", "__pycache__"}


UPDATE_STEPS = {
    "copier check-update": "look for a newer version",
    "scripts/update.py --defaults": "update without losing changes",
    "--refuse-conflicts": "stop at conflicts",
    "scripts/build.sh": "build the result",
    "pytest": "test the result",
    "scripts/changes.py": "say what it does to the platform",
}
"""What the pipeline of updates runs -> what for."""

OWNERS_FILES = ("infra/modules/local/main.bicep", "monitoring/queries/local/README.md")
CONFLICT = re.compile(rb"^(<{7} |>{7} )", re.MULTILINE)

LONGEST_WORKLOAD = 10
LONGEST_ENVIRONMENT = 4
LONGEST_DEPLOYMENT_NAME = 64
UNIQUE_STRING_LENGTH = 13
LARGEST_TEMPLATE_BYTES = 1_000_000
MOST_PARAMETERS = 40
MOST_MODULE_LINES = 300
COMPUTE = "Microsoft.MachineLearningServices/workspaces/computes"
CLUSTER = "Microsoft.ContainerService/managedClusters"
MACHINE_SIZE = re.compile(r"\bStandard_[A-Z]+\d\w*")
FIXED = re.compile(r"\b(?:capacity: \d+|(?:minCount|maxCount): [1-9]\d*|maxNodeCount: (?:[2-9]|\d\d+))")
"""Numbers that decide how much there is of something; an image is built on one machine, which is no decision."""
STRICT_LINTER_RULES = ("no-unused-params", "no-unused-vars", "no-hardcoded-location")


@check("GEN-01")
def only_what_was_asked(project: Project) -> Iterator[Finding]:
    """GEN-01: only what the answers ask for is deployed, and all of it; no module is idle.

    Looks at the types and numbers of the resources of each environment, at every file under `infra/modules`, and at the
    conditions and loops in main.bicep that no environment switches on.
    Source: https://learn.microsoft.com/azure/well-architected/ai/application-platform
    """
    yield from presence(project, *EXPECTED_COUNTS)
    for environment in project.environments.values():
        allowed = allowed_types(project.answers, environment.name) | owners_types(project.root)
        for resource in environment.resources:
            faults = [] if resource.type.lower() in allowed else ["no answer asks for this type, leave its module out"]
            yield verdict(label(environment, resource), faults, str(resource))
    yield from _referenced_files(project.root)
    for key, module in resources_of(project.template):
        dead = _dead_switch(project, module)
        faults = [f"parameter {dead} switches it off in every environment, leave the module out"] if dead else []
        yield verdict(f"infra/main.bicep: {key}", faults)


def _referenced_files(root: Path) -> Iterator[Finding]:
    """Every Bicep and JSON file under infra is reached from main.bicep, or from what scripts deploy apart."""
    reached = _reached(root / "infra" / "main.bicep")
    rollout = root / "scripts" / "endpoint.py"
    if rollout.is_file() and f'"{ONLINE_DEPLOYMENT.name}"' in rollout.read_text(encoding="utf-8"):
        reached |= _reached(root / ONLINE_DEPLOYMENT)
    bootstrap = root / "scripts" / "bootstrap.py"
    if bootstrap.is_file() and f'"{SCORING_ROLE.name}"' in bootstrap.read_text(encoding="utf-8"):
        reached |= _reached(root / SCORING_ROLE)
    for path in sorted((root / "infra").rglob("*")):
        if path.suffix not in (".bicep", ".json") or path.name in ("main.json", "bicepconfig.json"):
            continue
        if path.name.endswith(".snapshot.json"):
            continue
        faults = [] if path.resolve() in reached else ["nothing that main.bicep uses refers to it, leave it out"]
        yield verdict(str(path.relative_to(root)), faults)


def _reached(start: Path) -> set[Path]:
    """Files that a Bicep file refers to (modules, imports, loaded content), and those that they refer to."""
    reached: set[Path] = set()
    waiting = [start.resolve()]
    while waiting:
        path = waiting.pop()
        if path in reached or not path.is_file():
            continue
        reached.add(path)
        if path.suffix == ".bicep":
            text = path.read_text(encoding="utf-8")
            waiting += [(path.parent / name).resolve() for name in re.findall(r"'([^'\n]+\.(?:bicep|json))'", text)]
    return reached


def _dead_switch(project: Project, module: Mapping[str, Any]) -> str | None:
    """The parameter that is empty or false everywhere and so keeps a module out of every environment."""
    switches = [str(module.get("condition", "")), str(value_at(module, "copy.count") or "")]
    for text in switches:
        match = re.search(r"(not\()?(empty\()?parameters\('(\w+)'\)", text)
        if not match:
            continue
        negated, tested, name = bool(match.group(1)), bool(match.group(2)), match.group(3)
        values = [environment.parameters.get(name) for environment in project.environments.values()]
        # `not(empty(x))` and `x` are off when x is empty; `empty(x)` and `not(x)` are off when it is not.
        off_when_empty = negated == tested
        if values and all(bool(value) != off_when_empty for value in values):
            return name
    return None


@check("GEN-02")
def reuse_what_exists(project: Project) -> Iterator[Finding]:
    """GEN-02: what exists is referred to by its id in every environment and never created again.

    Looks at each reused type among the resources, at each parameter file, and at the `existing` declarations.
    Source: https://learn.microsoft.com/azure/well-architected/ai/application-platform
    """
    kinds = [kind for kind in REUSED if kind in project.answers["reuse"]]
    if not project.answers["uses_model_registry"]:
        # Models trained and served by Databricks alone are registered there.
        kinds = [kind for kind in kinds if kind != "ml_registry"]
    if not kinds and not project.answers["hub"]:
        raise DoesNotApply("The answers reuse nothing.")
    yield from presence(project, RESOURCE_GROUP)
    declared = "\n".join(text for _, text in bicep_files(project.root))
    for kind in kinds:
        resource_type, key = REUSED[kind]
        for environment in project.environments.values():
            faults = [f"remove {item}, the existing one is reused" for item in environment.of_type(resource_type)]
            yield verdict(f"{environment.name}: no new {resource_type}", faults)
            yield _in_parameters(project, environment, key)
        found = re.search(rf"'{re.escape(resource_type)}@[^']+' existing", declared, re.IGNORECASE)
        faults = [] if found else [f"declare the reused {resource_type} as existing"]
        yield verdict(f"infra: existing {resource_type}", faults)
    if project.answers["hub"]:
        yield from _hub(project)


def _in_parameters(project: Project, environment: Environment, key: str) -> Finding:
    text = text_of(project.root / "infra" / f"{environment.name}.bicepparam")
    value = str(project.answers[key])
    faults = [] if f"'{value}'" in text else [f"pass {key} ({value}) to main.bicep"]
    return verdict(f"infra/{environment.name}.bicepparam: {key}", faults)


def _hub(project: Project) -> Iterator[Finding]:
    hub = project.answers["existing_hub_network_id"].lower()
    for environment in project.environments.values():
        copies = [item for item in environment.of_type("Microsoft.Network/virtualNetworks") if item.id.lower() == hub]
        yield verdict(f"{environment.name}: no new hub network", [f"remove {item}, the hub exists" for item in copies])
        for key in HUB_ANSWERS:
            yield _in_parameters(project, environment, key)


@check("GEN-03")
def decisions_written_down(project: Project) -> Iterator[Finding]:
    """GEN-03: every answer stands in exactly one decision record, and every record says why and what follows.

    Looks at each file of `docs/decisions`, at the records that its overview lists, and at each key of
    `.copier-answers.yml`; a cluster of one's own needs the reason that its record quotes.
    Source: https://learn.microsoft.com/azure/well-architected/ai/application-platform
    """
    folder = project.root / "docs" / "decisions"
    records = {path: _sections(path) for path in sorted(folder.glob("*.md")) if path.name != "README.md"}
    named: Counter[str] = Counter()
    for path, sections in records.items():
        named.update(set(re.findall(r"^\| `(\w+)` \|", sections.get("Answer", ""), re.MULTILINE)))
        faults = [f"fill the section {name}" for name in DECISION_HEADINGS if not sections.get(name)]
        if len(sections.get("Reason", "")) < LEAST_REASON_CHARACTERS:
            faults.append("write a reason in a sentence")
        yield verdict(str(path.relative_to(project.root)), faults)
    overview = folder / "README.md"
    listed = LINKED_RECORD.findall(overview.read_text(encoding="utf-8")) if overview.is_file() else []
    yield verdict("docs/decisions/README.md", [] if listed else ["list the records"])
    for name in listed:
        if folder / name not in records:
            yield verdict(f"docs/decisions/{name}", ["the overview lists it and it is not there, write it"])
    for key in _stored_keys(project.root):
        faults = (
            [] if named[key] == 1 else [f"named in {named[key]} records, name it in the Answer table of exactly one"]
        )
        yield verdict(f"docs/decisions: {key}", faults)
    for environment, cluster in located(project, "Microsoft.ContainerService/managedClusters"):
        faults = [] if named["hosting_reason"] else ["write down why managed endpoints do not do (hosting_reason)"]
        yield verdict(f"{label(environment, cluster)} has a reason", faults, str(cluster))


def _sections(path: Path) -> dict[str, str]:
    """Text under each second-level heading of a Markdown file."""
    parts = re.split(r"^## (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {heading.strip(): text.strip() for heading, text in zip(parts[1::2], parts[2::2], strict=True)}


def _stored_keys(root: Path) -> list[str]:
    answers = yaml_text.read(root / ".copier-answers.yml")
    return [key for key in answers if not key.startswith("_")]


@check("GEN-04")
def one_region(project: Project) -> Iterator[Finding]:
    """GEN-04: everything is in the answered region; only prod of a two-region project also uses the second one.

    Looks at the location of every resource that has one.
    Source: https://learn.microsoft.com/azure/well-architected/ai/application-platform
    """
    answers = project.answers
    for environment in project.environments.values():
        second = environment_facts(answers, environment.name)["second_region"]
        regions = {answers["location"], "global"} | ({answers["secondary_location"]} if second else set())
        used = set()
        for resource in environment.resources:
            if resource.location is None:
                continue
            place = resource.location.lower().replace(" ", "")
            used.add(place)
            faults = [] if place in regions else [f"location is {resource.location}, pass it the location parameter"]
            yield verdict(label(environment, resource), faults, str(resource))
        due = {answers["location"]}
        if second and (answers["private"] or environment_facts(answers, environment.name)["own_registry"]):
            due.add(answers["secondary_location"])
        faults = [f"nothing is in {place}, deploy what the answers ask for there" for place in sorted(due - used)]
        yield verdict(f"{environment.name}: regions", faults)


@check("GEN-05")
def residency_honoured(project: Project) -> Iterator[Finding]:
    """GEN-05: no model deployment processes data outside the answered residency.

    Looks at the deployment type (`sku.name`) of every model deployment.
    Source: https://learn.microsoft.com/azure/ai-foundry/foundry-models/concepts/deployment-types
    """
    deployments = list(located(project, "Microsoft.CognitiveServices/accounts/deployments"))
    if not deployments:
        raise DoesNotApply("No foundation model is deployed in this project.")
    residency = project.answers["data_residency"]
    for environment, deployment in deployments:
        name = str((deployment.sku or {}).get("name"))
        allowed = DEPLOYMENT_SKUS[residency]
        faults = (
            [] if name in allowed else [f"sku.name is {name}, with residency {residency} use {' or '.join(allowed)}"]
        )
        yield verdict(label(environment, deployment), faults, str(deployment))


@check("GEN-09")
def pinned_api_versions(project: Project) -> Iterator[Finding]:
    """GEN-09: every API version is the one of the pinned table; previews only where the table excuses them.

    Looks at each type and version of the resources and of the Bicep files, existing ones included.
    Source: generator/decisions/api-versions.yml, from Azure/bicep-types-az
    """
    used: dict[tuple[str, str], str] = {}
    for environment, resource in located(project):
        used.setdefault((resource.type, resource.api_version), label(environment, resource))
    for path, text in bicep_files(project.root):
        for name, version in re.findall(r"'([\w.]+/[\w./]+)@([\w-]+)'", text):
            used.setdefault((name, version), path)
    pinned = {str(name).lower(): row for name, row in decision_table("api-versions").items()}
    for (name, version), evidence in sorted(used.items()):
        row = pinned.get(name.lower())
        faults = [] if row else [f"{name} is not in generator/decisions/api-versions.yml, add it"]
        if row and row["version"] != version:
            faults.append(f"{name} is at {version}, use {row['version']}")
        elif row and version.endswith("-preview") and not row["reason"]:
            faults.append(f"{name}@{version} is a preview without a reason in the table, use a stable version")
        yield verdict(f"{name}@{version} ({evidence})", faults, name)


@check("GEN-10")
def names_and_sizes(project: Project) -> Iterator[Finding]:
    """GEN-10: names stay legal for the longest workload and environment, and the template stays small.

    Looks at the name of every resource (as it would be with the longest legal answers), at every deployment name, at
    the size and parameters of main.json, at every module and its README, and at the linter levels.
    Source: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
    """
    yield from presence(project, RESOURCE_GROUP)
    for environment, resource in located(project, *NAME_RULES):
        # A name that only a deployment knows is the platform's own.
        if not resource.name.startswith("["):
            yield _name(project, environment, resource)
    yield from _deployment_names(project)
    size = len(json.dumps(project.template).encode())
    yield verdict(
        "main.json: size", [f"{size} bytes, keep it under {LARGEST_TEMPLATE_BYTES}"] * (size >= LARGEST_TEMPLATE_BYTES)
    )
    count = len(project.template.get("parameters", {}))
    yield verdict("main.json: parameters", [f"{count}, keep them under {MOST_PARAMETERS}"] * (count >= MOST_PARAMETERS))
    yield from _modules(project.root)
    yield from linter_findings(project, STRICT_LINTER_RULES)


def _name(project: Project, environment: Environment, resource: Resource) -> Finding:
    shortest, longest, pattern = next(rule for name, rule in NAME_RULES.items() if same(name, resource.type))
    name = resource.name.rpartition("/")[2]
    workload = project.answers["workload"]
    worst = len(name) + name.count(workload) * (LONGEST_WORKLOAD - len(workload))
    worst += LONGEST_ENVIRONMENT - len(environment.name) if environment.name in name else 0
    faults = (
        [] if shortest <= len(name) <= longest else [f"{len(name)} characters, allowed are {shortest} to {longest}"]
    )
    if worst > longest >= len(name):
        faults.append(f"{worst} characters with the longest workload, allowed are {longest}")
    if not re.fullmatch(pattern, name):
        faults.append(f"{name} has characters or a shape that the platform refuses, rename it")
    return verdict(label(environment, resource), faults, str(resource))


def _deployment_names(project: Project) -> Iterator[Finding]:
    """Names of nested deployments, every answer at its longest."""
    for path, template in nested_templates(project.template):
        for key, resource in resources_of(template):
            if not same(resource.get("type"), "Microsoft.Resources/deployments"):
                continue
            length = _longest_deployment_name(str(resource.get("name", "")))
            faults = [f"up to {length} characters, keep it within {LONGEST_DEPLOYMENT_NAME}"]
            yield verdict(f"{path}/{key}: deployment name", faults * (length > LONGEST_DEPLOYMENT_NAME))


def _longest_deployment_name(text: str) -> int:
    """Length of a deployment name: that of its literals, plus 13 characters for everything that is computed."""
    match = re.match(r"\[format\('([^']*)'", text)
    if not match:
        return UNIQUE_STRING_LENGTH if text.startswith("[") else len(text)
    parts = re.split(r"\{\d+\}", match.group(1))
    return sum(map(len, parts)) + (len(parts) - 1) * UNIQUE_STRING_LENGTH


def _modules(root: Path) -> Iterator[Finding]:
    """Every module is short, and every folder of modules has a README."""
    modules = sorted((root / "infra" / "modules").rglob("*.bicep"))
    for path in modules:
        count = len(path.read_text(encoding="utf-8").splitlines())
        faults = [f"{count} lines, split it below {MOST_MODULE_LINES}"] * (count >= MOST_MODULE_LINES)
        yield verdict(str(path.relative_to(root)), faults)
    for folder in sorted({path.parent for path in modules}):
        faults = [] if (folder / "README.md").is_file() else ["add a README.md that says what the modules do"]
        yield verdict(str(folder.relative_to(root)), faults)


@check("GEN-11")
def six_tags(project: Project) -> Iterator[Finding]:
    """GEN-11: every taggable resource has the six tags with the values of the answers.

    Looks at the tags of every resource of a type that has them.
    Source: https://learn.microsoft.com/azure/cloud-adoption-framework/ready/azure-best-practices/resource-tagging
    """
    for environment, resource in located(project):
        if resource.type.lower() in NOT_TAGGABLE:
            continue
        wanted = {tag: str(project.answers[key]) for tag, key in TAGS.items()} | {"environment": environment.name}
        found = resource.tags or {}
        faults = [
            f"tag {tag} is {found.get(tag, 'not set')}, set it to {value}"
            for tag, value in wanted.items()
            if found.get(tag) != value
        ]
        yield verdict(label(environment, resource), faults, str(resource))


@check("GEN-12")
def same_in_every_environment(project: Project) -> Iterator[Finding]:
    """GEN-12: every environment deploys the same template with the same features and, for sensitive data, as closed.

    Looks at the parameter files, at the numbers of each type in test and prod outside the stated differences, and at
    the protective properties of each type when the data is confidential or restricted.
    Source: https://learn.microsoft.com/azure/well-architected/operational-excellence/safe-deployments
    """
    yield from presence(project, RESOURCE_GROUP)
    yield from _parameter_files(project)
    if {"test", "prod"} <= project.environments.keys():
        yield from _same_types(project)
    if project.answers["data_classification"] in ("confidential", "restricted"):
        yield from _same_protections(project)


def _parameter_files(project: Project) -> Iterator[Finding]:
    """One parameter file an environment, each for main.bicep, all with the same parameters."""
    folder = project.root / "infra"
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.bicepparam"))}
    names = {stem: set(re.findall(r"^param (\w+)", text, re.MULTILINE)) for stem, text in texts.items()}
    optional = {name for name, row in project.template.get("parameters", {}).items() if "defaultValue" in row}
    every = set().union(*names.values()) - optional
    for stem in sorted({*texts, *project.answers["environments"]}):
        if stem not in texts:
            yield verdict(f"infra/{stem}.bicepparam", ["it is absent, add it"])
            continue
        faults = [] if stem in project.answers["environments"] else ["no such environment was asked for, remove it"]
        used = re.findall(r"^using '([^']*)'", texts[stem], re.MULTILINE)
        faults += [] if used == ["main.bicep"] else ["begin it with using 'main.bicep'"]
        faults += [f"set the parameter {name} as the others do" for name in sorted(every - names[stem])]
        yield verdict(f"infra/{stem}.bicepparam", faults)


def _same_types(project: Project) -> Iterator[Finding]:
    """Numbers of each type in test and prod, without what one has for both, with the excuse of other components."""
    answers = project.answers
    test, prod = project.environments["test"], project.environments["prod"]
    counts = {item.name: Counter(name.lower() for name in _of_its_own(project, item)) for item in (test, prod)}
    facts = [environment_facts(answers, name) for name in ("test", "prod")]
    # A chat model that takes over in one of them first brings its deployments, its pool and a revision for each share.
    taken_over = {item.name: bool((item.parameters.get("chatModels") or {}).get("successor")) for item in (test, prod)}
    other_components = any(facts[0][key] != facts[1][key] for key in ("here", "models"))
    for name in sorted(counts["test"] | counts["prod"]):
        here, there = counts["test"][name], counts["prod"][name]
        excused = (
            (name in COMPONENT_TYPES and other_components)
            or (name in SECOND_REGION_TYPES and facts[1]["second_region"] and there > here)
            or (name in SUCCESSOR_TYPES and (there - here) * (taken_over["prod"] - taken_over["test"]) > 0)
        )
        differs = here != there and not excused
        faults = [f"{here} in test and {there} in prod, deploy the same in both"] if differs else []
        yield verdict(f"test and prod: {name}", faults)


def _of_its_own(project: Project, environment: Environment) -> Iterable[str]:
    """Types of the resources that are neither in the second region nor in the group of the registry that all share.

    What is attached to a resource of the second region is left out too, and who may use and reach the registry.
    """
    outside, shared = [], []
    if environment_facts(project.answers, environment.name)["second_region"]:
        second = project.answers["secondary_location"]
        outside = [f"{item.id.lower()}/" for item in environment.resources if item.location == second]
    if project.answers["shared_model_registry"]:
        registries = [item for other in project.environments.values() for item in other.of_type(MODEL_REGISTRY)]
        shared = [f"/resourcegroups/{item.id.lower().split('/')[4]}/" for item in registries]
        ids = {item.id.lower() for item in registries}
        outside += [
            f"{item.id.lower()}/"
            for item in environment.of_type(ENDPOINT)
            if any(target in ids for target, _ in endpoint_targets(item))
        ]
    for item in environment.resources:
        path = f"{item.id.lower()}/"
        if not any(path.startswith(prefix) for prefix in outside) and not any(group in path for group in shared):
            yield item.type


def _same_protections(project: Project) -> Iterator[Finding]:
    """The protective properties of each type take the same values in every environment that has the type."""
    vectors = {environment.name: _vectors(environment) for environment in project.environments.values()}
    first = next(iter(vectors), "")
    for other in list(vectors)[1:]:
        for name in sorted(vectors[first].keys() & vectors[other].keys()):
            differing = sorted({path for path, _ in vectors[first][name] ^ vectors[other][name]})
            faults = [f"{path} differs, set it alike in both" for path in differing]
            yield verdict(f"{first} and {other}: {name}", faults)


def _vectors(environment: Environment) -> dict[str, set[tuple[str, str]]]:
    """Type -> pairs of a protective property and a value that it has on some resource of that type."""
    vectors: dict[str, set[tuple[str, str]]] = {}
    for resource in environment.resources:
        for path in PROTECTIONS:
            found = value_at(resource.body, path)
            if found is not None:
                vectors.setdefault(resource.type, set()).add((path, _anonymous(found, environment.name)))
    return vectors


def _anonymous(value: Any, environment: str) -> str:
    """A value as text, without the name of the environment and without addresses, which differ by design."""
    text = json.dumps(value, sort_keys=True)
    return re.sub(r"\b(\d{1,3}\.){3}\d{1,3}\b(?!/0)", "<address>", text.replace(f"-{environment}-", "-<environment>-"))


@check("GEN-08")
def nothing_retired(project: Project) -> Iterator[Finding]:
    """GEN-08: no retired or retiring service, size, interface or software is named anywhere in the project.

    Looks at the text of every file of the project.
    Source: generator/decisions/retired.yml, from Azure/EOL and the products' own notices
    """
    rows = [(re.compile(str(row["pattern"])), row) for row in decision_table("retired").values()]
    for path in sorted(project.root.rglob("*")):
        relative = path.relative_to(project.root)
        if not path.is_file() or SKIPPED_FOLDERS & set(relative.parts):
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        faults = [f"names {row['what']}, use {row['instead']}" for pattern, row in rows if pattern.search(text)]
        yield verdict(str(relative), faults)


@check("GEN-13")
def updates_keep_changes(project: Project) -> Iterator[Finding]:
    """GEN-13: the project updates itself without losing changes, and no conflict is left.

    Looks at `.copier-answers.yml` and `.gitignore`, at the files that an update never touches, at the weekly pipeline,
    and for the traces of an update that was not finished.
    Source: https://copier.readthedocs.io/en/stable/updating/
    """
    path = project.root / ".copier-answers.yml"
    stored = yaml_text.parse(text_of(path)) or {}
    faults = [f"{key} is missing, an update needs it" for key in ("_src_path", "workload") if not stored.get(key)]
    yield verdict(".copier-answers.yml", faults)
    ignored = (project.root / ".gitignore").read_text(encoding="utf-8").splitlines()
    faults = ["it ignores .copier-answers.yml, commit that file"] if ".copier-answers.yml" in ignored else []
    yield verdict(".gitignore", faults)
    for name in OWNERS_FILES:
        faults = [] if (project.root / name).is_file() else ["it is absent, what the owner adds belongs there"]
        yield verdict(name, faults)
    yield from _proposed_updates(project)
    for file in sorted(project.root.rglob("*")):
        relative = file.relative_to(project.root)
        if not file.is_file() or SKIPPED_FOLDERS & set(relative.parts):
            continue
        faults = ["an update left it, apply it or remove it"] if file.suffix == ".rej" else []
        if file.suffix != ".rej" and CONFLICT.search(file.read_bytes()):
            faults = ["resolve the conflict that an update left"]
        yield verdict(str(relative), faults)


def _proposed_updates(project: Project) -> Iterator[Finding]:
    """A pipeline looks for newer guidance by schedule, and the job that runs it cannot write into the repository."""
    script = project.root / "scripts" / "update.py"
    yield verdict("scripts/update.py", [] if script.is_file() else ["it is absent, updates need it to lose nothing"])
    name = f"{pipelines(project)}/update.yml"
    data = yaml_text.parse(text_of(project.root / name)) or {}
    if on_github(project):
        scheduled = bool((data.get(True) or data.get("on") or {}).get("schedule"))
        jobs = [(key, job.get("steps"), _may_write(data, job)) for key, job in (data.get("jobs") or {}).items()]
    else:
        scheduled = bool(data.get("schedules"))
        found = [job for stage in data.get("stages") or [] for job in stage.get("jobs") or []]
        jobs = [(job.get("job"), job.get("steps"), _keeps_token(job)) for job in found]
    yield verdict(name, [] if scheduled else ["nothing starts it, give it a schedule"])
    texts = [(key, json.dumps(steps or []), writes) for key, steps, writes in jobs]
    for words, what in UPDATE_STEPS.items():
        faults = [] if any(words in text for _, text, _ in texts) else [f"it does not {what}, run {words}"]
        yield verdict(f"{name}: {words}", faults)
    for key, text, writes in texts:
        runs = any(words in text for words in ("scripts/update.py --defaults", "scripts/build.sh", "make test"))
        faults = ["it runs the new version and may write, leave writing to a job of its own"] if runs and writes else []
        yield verdict(f"{name}: {key}", faults)


def _may_write(data: Mapping[Any, Any], job: Mapping[str, Any]) -> bool:
    rights = job.get("permissions", data.get("permissions", "write-all"))
    return "write" in json.dumps(rights)


def _keeps_token(job: Mapping[str, Any]) -> bool:
    return any(step.get("persistCredentials") is True for step in job.get("steps") or []) or (
        "System.AccessToken" in json.dumps(job)
    )


@check("GEN-06")
def quotas_before_deployment(project: Project) -> Iterator[Finding]:
    """GEN-06: rights, regions, models and quotas are asked for in every plan, and everything that takes quota is known.

    Looks at the plan of the pipelines, at scripts/preflight.json and docs/quotas.md, at the sizes in the parameters and
    in the definitions under ml, and at the machines and models among the resources.
    Source: https://learn.microsoft.com/azure/well-architected/ai/application-platform
    """
    yield from presence(project, RESOURCE_GROUP)
    name = "_plan.yml" if on_github(project) else "templates/plan.yml"
    yield _asked_first(project.root, f"{pipelines(project)}/{name}")
    rows = _machine_rows(project.root)
    yield verdict("scripts/preflight.json", [] if rows is not None else ["it is absent or no JSON, add it"])
    text = text_of(project.root / "docs" / "quotas.md")
    yield verdict("docs/quotas.md", [] if text else ["it is absent, say which quotas are needed"])
    for environment in project.environments.values():
        yield from _known_sizes(environment, rows or [])
        yield from _known_models(environment, text)
    yield from _defined_sizes(project.root, rows or [])


def _asked_first(root: Path, name: str) -> Finding:
    """The plan asks before it compares."""
    text = text_of(root / name)
    asked, compared = text.find("preflight.py"), text.find("deploy.py what-if")
    there = (root / "scripts" / "preflight.py").is_file()
    faults = (
        [] if 0 <= asked < compared else ["it does not ask for quotas before it compares, run scripts/preflight.py"]
    )
    return verdict(name, faults if there else ["scripts/preflight.py is absent, add it"])


def _machine_rows(root: Path) -> list[dict[str, Any]] | None:
    path = root / "scripts" / "preflight.json"
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["machines"]
    except (OSError, ValueError, KeyError):
        return None
    return rows if isinstance(rows, list) else None


def _known_sizes(environment: Environment, rows: list[dict[str, Any]]) -> Iterator[Finding]:
    """Every size of a machine comes from a parameter that preflight.json lists."""
    names = {row[key] for row in rows for key in ("parameter", "pools") if key in row}
    listed = {size for name in names for size in _sizes(environment.parameters.get(name))}
    held = {name: set(_sizes(value)) for name, value in environment.parameters.items()}
    for name, sizes in sorted(held.items()):
        if sizes:
            faults = [f"it holds {', '.join(sorted(sizes))}, list it in scripts/preflight.json"] * (name not in names)
            yield verdict(f"{environment.name}: parameter {name}", faults)
    for resource in environment.of_type(COMPUTE, CLUSTER):
        faults = [f"size {size} is in no listed parameter, take it from one" for size in _sizes(resource.body)]
        faults = [fault for fault in faults if fault.split()[1] not in listed]
        yield verdict(label(environment, resource), faults, str(resource))


def _sizes(value: Any) -> list[str]:
    return sorted(set(MACHINE_SIZE.findall(json.dumps(value))))


def _known_models(environment: Environment, page: str) -> Iterator[Finding]:
    """Every deployment of a model is in the parameters as it is deployed, and on the page of quotas."""
    wanted = {
        (item["model"], item["version"], item["sku"], item["capacity"])
        for account in environment.parameters.get("foundationAccounts") or []
        for item in account["deployments"]
    }
    for resource in environment.of_type("Microsoft.CognitiveServices/accounts/deployments"):
        model, sku = resource.properties.get("model") or {}, resource.sku or {}
        found = (model.get("name"), model.get("version"), sku.get("name"), sku.get("capacity"))
        faults = (
            [] if found in wanted else ["its model, version, type or capacity is in no parameter, take it from one"]
        )
        row = rf"^\| {environment.name} \|.*\| {re.escape(str(found[0]))} \| `{found[2]}` \| {found[3]} \|$"
        if not re.search(row, page, re.MULTILINE):
            faults.append("docs/quotas.md does not tell its capacity, add a line")
        yield verdict(label(environment, resource), faults, str(resource))


def _defined_sizes(root: Path, rows: list[dict[str, Any]]) -> Iterator[Finding]:
    """Every size that a definition under ml names is the one that preflight.json lists for that file."""
    listed = {(row["file"], row["size"]) for row in rows if "file" in row}
    named = set()
    for path in sorted((root / "ml").rglob("*.yml")):
        for size in _sizes(path.read_text(encoding="utf-8")):
            file = path.relative_to(root).as_posix()
            named.add((file, size))
            faults = [] if (file, size) in listed else [f"size {size} is not in scripts/preflight.json, list it"]
            yield verdict(file, faults)
    for file, size in sorted(listed - named):
        yield verdict("scripts/preflight.json", [f"{file} does not name {size}, correct it"])


@check("GEN-07")
def sizes_by_benchmark(project: Project) -> Iterator[Finding]:
    """GEN-07: sizes and capacities stand in parameter files only, and a load test has the answered targets.

    Looks at the Bicep files outside `infra/modules/local`, at the defaults of main.bicep, and at tests/load.
    Source: https://learn.microsoft.com/azure/well-architected/ai/application-platform
    """
    yield from presence(project, RESOURCE_GROUP)
    for name, text in bicep_files(project.root):
        if name.startswith("infra/modules/local/"):
            continue
        faults = [f"it names {size}, take it from a parameter" for size in sorted(set(MACHINE_SIZE.findall(text)))]
        faults += [f"it fixes {found}, take it from a parameter" for found in sorted(set(FIXED.findall(text)))]
        yield verdict(name, faults)
    if project.answers["online"]:
        yield from _load_targets(project)


def _load_targets(project: Project) -> Iterator[Finding]:
    """The load test and the targets of each API that answers."""
    folder, answers = project.root / "tests" / "load", project.answers
    script = folder / "load_test.py"
    yield verdict("tests/load/load_test.py", [] if script.is_file() else ["it is absent, add a load test"])
    targets = object_of(folder / "targets.json")
    promised = object_of(folder.parent / "thresholds.json").get("load") or {}
    apis = {"foundation": answers["foundation_online"], "models": answers["own_online"]}
    for api in (name for name, wanted in apis.items() if wanted):
        found = targets.get("apis", {}).get(api, {})
        rows = [row for row in answers["consumers"] if api == "models" or row["tokens_per_minute"]]
        wanted = {
            "requests_per_minute": _least(answers["peak_requests_per_minute"], rows, "requests_per_minute", api),
        }
        if api == "foundation":
            wanted["streaming"] = answers["streaming"]
            wanted["tokens_per_minute"] = _least(answers["peak_tokens_per_minute"], rows, "tokens_per_minute", api)
        faults = [
            f"{key} is {found.get(key)}, set it to {value}" for key, value in wanted.items() if found.get(key) != value
        ]
        yield verdict(f"tests/load/targets.json: {api}", faults)
    failed = round(100 - float(answers["availability_objective"]), 2)
    limits = {"latency_p95_ms": answers["latency_p95_ms"], "failed_percent": failed}
    faults = [
        f"{key} is {promised.get(key)}, set it to {value}"
        for key, value in limits.items()
        if promised.get(key) != value
    ]
    yield verdict("tests/thresholds.json: load", faults)


def _least(peak: int, consumers: list[dict[str, Any]], key: str, api: str) -> int:
    """The peak, or less where the biggest consumer of the API may not send so much."""
    order = "tokens_per_minute" if api == "foundation" else "requests_per_minute"
    biggest = sorted(consumers, key=lambda row: row[order])[-1]
    return min(peak, int(biggest[key]))
