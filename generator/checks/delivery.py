"""Delivery (SDP rows): pipelines without secrets, in order, of one artifact, and models that come in steps and go back.

Both systems are read into the same graph of steps, so that one rule judges both.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from generator.checks import Finding, check
from generator.checks.expected import presence
from generator.checks.reading import located, value_at, verdict
from generator.evaluation import Project

FEDERATED = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials"
IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
ISSUER = "https://token.actions.githubusercontent.com"
ONLINE = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"
BATCH = "Microsoft.MachineLearningServices/workspaces/batchEndpoints"
OWNED = {ONLINE: ("traffic", "mirrorTraffic"), BATCH: ("defaults",)}
"""Properties that belong to a rollout."""
SECRETS = re.compile(r"\bsecrets\.|--password\b|client-secret|\bcreds:|secretVariables", re.IGNORECASE)
COMMIT = re.compile(r"^[\w./-]+@[0-9a-f]{40}$")
MAJOR = re.compile(r"^\w+@\d+$")
LOOSE = (
    (re.compile(r"pip install(?![^\n]*(==|--requirement))"), "pip installs a package without a version"),
    (re.compile(r"az bicep install(?! --version v\d+\.\d+\.\d+)"), "Bicep is installed without a version"),
    (re.compile(r"az extension add(?![^\n]*--version \d+\.\d+\.\d+)"), "an extension is added without a version"),
    (re.compile(r"\b(ubuntu|windows|macos)-latest\b"), "a machine image changes by itself"),
)
LENIENT = re.compile(r"continue-on-error: true|continueOnError: true|succeededOrFailed\(\)")


@dataclass(frozen=True)
class Step:
    """A job or stage of a pipeline.

    Args:
        name: Its name.
        kind: The file that it calls (validate, plan, deploy, rollout-step); empty for one of its own.
        needs: What must have succeeded before.
        values: What it gives to that file; for a job of its own, the job.
        body: All of it.
    """

    name: str
    kind: str
    needs: tuple[str, ...]
    values: Mapping[str, Any]
    body: Mapping[str, Any]


def _github(project: Project) -> bool:
    return bool(project.answers["ci_platform"] == "github")


def _folder(project: Project) -> Path:
    return project.root / (".github/workflows" if _github(project) else ".azuredevops")


def _shared(project: Project, name: str) -> Path:
    """The file that several pipelines call."""
    return _folder(project) / (f"_{name}.yml" if _github(project) else f"templates/{name}.yml")


def _read(path: Path) -> dict[Any, Any]:
    data = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else None
    return data if isinstance(data, dict) else {}


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _files(project: Project) -> list[Path]:
    return sorted(_folder(project).rglob("*.yml"))


def _name(project: Project, path: Path) -> str:
    return path.relative_to(project.root).as_posix()


def _list(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())


def steps_of(project: Project, pipeline: str) -> dict[str, Step]:
    """Steps of an entry pipeline by name, those of Azure Pipelines named as in GitHub Actions."""
    data = _read(_folder(project) / f"{pipeline}.yml")
    found = _jobs(data) if _github(project) else _stages(data)
    return {step.name: step for step in found}


def _jobs(data: Mapping[Any, Any]) -> Iterator[Step]:
    for name, job in (data.get("jobs") or {}).items():
        kind = Path(str(job.get("uses", ""))).stem.lstrip("_")
        yield Step(name, kind, _list(job.get("needs")), job.get("with", {}) if kind else job, job)


def _stages(data: Mapping[Any, Any]) -> Iterator[Step]:
    for stage in data.get("stages") or []:
        values = stage.get("parameters", {})
        kind = Path(str(stage.get("template", ""))).stem
        needs = tuple(map(_plain, _list(values.get("dependsOn", stage.get("dependsOn")))))
        if "stage" in stage:
            called = [Path(str(job.get("template", ""))).stem for job in stage.get("jobs") or []]
            yield Step(_plain(stage["stage"]), called[0] if called else "", needs, stage, stage)
        else:
            environment = str(values.get("environment"))
            name = {"plan": f"plan-{environment}", "deploy": environment}.get(kind, str(values.get("name")))
            yield Step(_plain(name), kind, needs, values, stage)


def _plain(name: str) -> str:
    return name.lower().removeprefix("deploy_").replace("_", "-")


def _before(steps: Mapping[str, Step], name: str) -> set[str]:
    """Everything that must have succeeded before a step."""
    found: set[str] = set()
    left = list(steps[name].needs) if name in steps else []
    while left:
        need = left.pop()
        if need not in found:
            found.add(need)
            left += steps[need].needs if need in steps else ()
    return found


@check("SDP-01")
def no_secret(project: Project) -> Iterator[Finding]:
    """No pipeline reads a secret, and each environment has an identity that trusts it."""
    yield from presence(project, IDENTITY)
    for path in _files(project):
        found = SECRETS.findall(_text(path))
        yield verdict(_name(project, path), ["it reads a secret, sign in with a federated identity"] if found else [])
    for name, environment in project.environments.items():
        wanted = f"id-{project.answers['workload']}-{name}-pipeline"
        identities = [item for item in environment.of_type(IDENTITY) if item.id.rpartition("/")[2] == wanted]
        faults = [] if identities else [f"there is no identity {wanted}, deploy one"]
        if _github(project):
            subject = f"repo:{project.answers['repository']}:environment:{name}"
            trusts = [item for item in environment.of_type(FEDERATED) if f"/{wanted}/" in item.id]
            if subject not in [item.properties.get("subject") for item in trusts]:
                faults.append(f"it does not trust {subject}, add a federated credential")
            for item in trusts:
                if item.properties.get("issuer") != ISSUER:
                    faults.append(f"its issuer is not {ISSUER}, correct it")
                if not re.fullmatch(re.escape(subject) + "(-rollout)?", str(item.properties.get("subject"))):
                    faults.append(f"it trusts {item.properties.get('subject')}, remove it")
        yield verdict(f"{name}: {wanted}", faults)


@check("SDP-02")
def pull_requests(project: Project) -> Iterator[Finding]:
    """A pull request builds, tests, scans, and compares each environment."""
    path = _folder(project) / "pull-request.yml"
    steps = steps_of(project, "pull-request")
    data = _read(path)
    faults = [] if any(step.kind == "validate" for step in steps.values()) else ["nothing is validated, call validate"]
    if _github(project) and list(data.get(True) or data.get("on") or {}) != ["pull_request"]:
        faults.append("it is not started by pull_request alone, correct its trigger")
    for name in project.answers["environments"]:
        plans = [step for step in steps.values() if step.kind == "plan" and step.values.get("environment") == name]
        if not plans:
            faults.append(f"{name} is not compared, add a plan of it")
        faults += [f"{step.name} does not wait for validate, add it" for step in plans if "validate" not in step.needs]
    yield verdict(_name(project, path), faults)
    shared = _shared(project, "validate")
    text = _text(shared)
    wanted = {
        "scripts/build.sh": "build",
        "pytest": "test the scripts",
        "make test": "test the models",
        "checkov --directory": "scan",
    }
    missing = [f"it does not {label}, run {word}" for word, label in wanted.items() if word not in text]
    yield verdict(_name(project, shared), [*missing, *_lenient(text)])
    build = _text(project.root / "scripts" / "build.sh")
    words = ("az bicep format", "az bicep lint", "az bicep build ", "az bicep build-params")
    yield verdict(
        "scripts/build.sh", [f"it does not run {word.strip()}, add it" for word in words if word not in build]
    )
    plan = _shared(project, "plan")
    ran = "deploy.py what-if" in _text(plan) and '"what-if"' in _text(project.root / "scripts" / "deploy.py")
    yield verdict(_name(project, plan), [] if ran else ["it does not ask what would change, run what-if"])


def _lenient(text: str) -> list[str]:
    return ["it goes on after a failure, let it stop"] if LENIENT.search(text) else []


@check("SDP-03")
def order(project: Project) -> Iterator[Finding]:
    """Environments follow each other, each after its comparison and inside its own protection."""
    path = _folder(project) / "deploy.yml"
    steps, data = steps_of(project, "deploy"), _read(path)
    environments = project.answers["environments"]
    for number, name in enumerate(environments):
        step = steps.get(name)
        if step is None or step.kind != "deploy" or step.values.get("environment") != name:
            yield verdict(f"{_name(project, path)}: {name}", ["it is not deployed, add it"])
            continue
        missing = {"validate", *environments[:number]} - _before(steps, name)
        faults = [f"it does not wait for {other}, add it" for other in sorted(missing)]
        if "if" in step.body or "condition" in step.values:
            faults.append("it has a condition of its own, remove it")
        yield verdict(f"{_name(project, path)}: {name}", [*faults, *_one_at_a_time(project, data, step)])
    shared = _shared(project, "deploy")
    yield verdict(_name(project, shared), [*_plan_first(project, _read(shared)), *_lenient(_text(shared))])


def _one_at_a_time(project: Project, data: Mapping[Any, Any], step: Step) -> list[str]:
    if not _github(project):
        return [] if data.get("lockBehavior") == "sequential" else ["set lockBehavior to sequential"]
    wanted = {"group": f"deploy-{step.name}", "cancel-in-progress": False}
    return [] if step.body.get("concurrency") == wanted else [f"set concurrency to {wanted}"]


def _plan_first(project: Project, data: Mapping[Any, Any]) -> Iterator[str]:
    if _github(project):
        jobs = data.get("jobs") or {}
        planned = Path(str(value_at(jobs, "plan.uses") or "")).name == "_plan.yml"
        apply = jobs.get("apply") or {}
        needs, environment = _list(apply.get("needs")), apply.get("environment")
        follows, wanted = planned and "plan" in needs and "if" not in apply, "${{ inputs.environment }}"
    else:
        stages = data.get("stages") or []
        planned = any(Path(str(stage.get("template", ""))).name == "plan.yml" for stage in stages)
        last = stages[-1] if stages else {}
        environment = ((last.get("jobs") or [{}])[0]).get("environment")
        wanted = "${{ parameters.environment }}"
        follows = planned and _list(last.get("dependsOn")) == (f"Plan_{wanted}",) and "condition" not in last
    if not follows:
        yield "the change does not wait for its comparison, let it depend on the plan"
    if environment != wanted:
        yield "the change is not bound to its environment, name it there"


@check("SDP-04")
def one_artifact(project: Project) -> Iterator[Finding]:
    """What was validated is what is compared and deployed."""
    shared = _shared(project, "validate")
    text = _text(shared)
    made = text.count("actions/upload-artifact@" if _github(project) else "PublishPipelineArtifact@")
    yield verdict(_name(project, shared), [] if made == 1 else [f"it publishes {made} artifacts, publish one"])
    for kind in ("plan", "deploy"):
        path = _shared(project, kind)
        text = _text(path)
        taken = "actions/download-artifact@" if _github(project) else "DownloadPipelineArtifact@"
        faults = [] if taken in text else ["it does not take what was built, download the artifact"]
        if "actions/checkout@" in text or "checkout: self" in text or "build.sh" in text:
            faults.append("it reads the repository again, use the artifact alone")
        yield verdict(_name(project, path), faults)
    recorded = "git rev-parse HEAD >build/commit.txt" in _text(project.root / "scripts" / "build.sh")
    yield verdict(
        "scripts/build.sh", [] if recorded else ["it does not record the commit, write it to build/commit.txt"]
    )


@check("SDP-05")
def pinned(project: Project) -> Iterator[Finding]:
    """Actions are pinned by commit, tasks by major version, tools by version."""
    paths = _files(project)
    for path in [*paths, project.root / "scripts" / "build.sh"]:
        text = _text(path)
        faults = [] if text else ["it is not there, add it"]
        faults += [f"{item} is not pinned by a commit, pin it" for item in _loose_actions(text)]
        faults += [f"{item} has no version, pin it" for item in _loose_tasks(text)]
        faults += [f"{what}, pin it" for pattern, what in LOOSE if pattern.search(text)]
        yield verdict(_name(project, path), faults)


def _loose_actions(text: str) -> list[str]:
    used = re.findall(r"^\s*(?:- )?uses: (\S+)", text, re.MULTILINE)
    return [item for item in used if not item.startswith("./") and not COMMIT.match(item)]


def _loose_tasks(text: str) -> list[str]:
    return [item for item in re.findall(r"^\s*- task: (\S+)", text, re.MULTILINE) if not MAJOR.match(item)]


def _command(step: Step, key: str = "step") -> list[str]:
    """Words of what a step of a rollout runs."""
    return str(step.values.get(key) or "").split()


def _runs(steps: Mapping[str, Step], command: str) -> list[Step]:
    return [step for step in steps.values() if step.kind == "rollout-step" and _command(step)[:1] == [command]]


def _option(words: Sequence[str], name: str) -> str | None:
    return next((word.partition("=")[2] for word in words if word.startswith(f"--{name}=")), None)


@check("SDP-06")
def starts_without_traffic(project: Project) -> Iterator[Finding]:
    """The new deployment gets no traffic, is called by name, and sees mirrored traffic before the first step."""
    path = _folder(project) / "rollout.yml"
    steps = steps_of(project, "rollout")
    faults = [] if _runs(steps, "create") else ["nothing is created, add the step create"]
    percent = project.answers["mirror_percent"]
    wanted = ["create", *(["mirror"] if percent else [])]
    for step in _runs(steps, "shift"):
        ran = {
            _command(steps[name])[0] for name in _before(steps, step.name) if name in steps and _command(steps[name])
        }
        faults += [f"{step.name} does not wait for {other}, add it" for other in wanted if other not in ran]
    for step in _runs(steps, "mirror"):
        if _option(_command(step), "percent") != str(percent):
            faults.append(f"{step.name} does not mirror {percent} %, correct it")
    yield verdict(_name(project, path), faults)
    script = _text(project.root / "scripts" / "rollout.py")
    faults = ["a new deployment takes all traffic, create it without"] if "--all-traffic" in script else []
    if '"--deployment-name"' not in script:
        faults.append("the new deployment is not called by name, pass --deployment-name")
    yield verdict("scripts/rollout.py", [] if script and not faults else faults or ["it is not there, add it"])


@check("SDP-07")
def in_steps(project: Project) -> Iterator[Finding]:
    """Traffic moves in the answered steps, each in a job of its own after the watch time of the one before."""
    path = _folder(project) / "rollout.yml"
    steps = steps_of(project, "rollout")
    shares = [item.strip() for item in project.answers["rollout_steps"].split(",")]
    minutes = [item.strip() for item in project.answers["bake_minutes"].split(",")]
    moves = _runs(steps, "shift")
    found = [_option(_command(step), "percent") for step in moves]
    yield verdict(_name(project, path), [] if found == shares else [f"it moves {found} percent, move {shares}"])
    after = [*moves[1:], *(step for step in steps.values() if step.name == "confirm")]
    for number, move in enumerate(moves):
        faults = ["nothing watches it, check it before the next step"] if number >= len(after) else []
        for follower in after[number : number + 1]:
            faults += _watched(project, steps, move, follower, minutes[number] if number < len(minutes) else "")
        yield verdict(f"{_name(project, path)}: {move.name}", faults)


def _watched(project: Project, steps: Mapping[str, Step], move: Step, follower: Step, minutes: str) -> Iterator[str]:
    if move.name not in _before(steps, follower.name):
        yield f"{follower.name} does not wait for it, add it"
    words = _command(follower, "check")
    if words[:1] != ["check"] or _option(words, "minutes") != minutes:
        yield f"{follower.name} does not check {minutes} minutes first, correct it"
    if _github(project):
        waits = [steps[name] for name in follower.needs if name in steps and move.name in steps[name].needs]
        held = [step for step in waits if step.body.get("environment") == f"bake-{minutes}-minutes"]
        if not held:
            yield f"no job waits in bake-{minutes}-minutes before {follower.name}, add one"
    elif str(follower.values.get("minutes")) != minutes:
        yield f"{follower.name} does not wait {minutes} minutes, set minutes"


@check("SDP-09")
def rolls_back(project: Project) -> Iterator[Finding]:
    """Whatever fails, the last job gives everything back, and nobody has to approve it."""
    answers = project.answers
    pipelines = ["rollout"] if answers["own_online"] and answers["own_model_hosting"] != "databricks" else []
    for pipeline in [*pipelines, *(["rollout-batch"] if answers["own_batch"] else [])]:
        steps = steps_of(project, pipeline)
        path = _name(project, _folder(project) / f"{pipeline}.yml")
        backs = _runs(steps, "rollback")
        if not backs:
            yield verdict(path, ["nothing rolls back, add the step rollback"])
        for back in backs:
            missing = steps.keys() - {back.name, *back.needs}
            faults = [f"it does not watch {name}, add it" for name in sorted(missing)]
            condition = str(back.body.get("if") or back.values.get("condition") or "")
            words = ("failure", "cancelled") if _github(project) else ("failed()", "canceled()")
            faults += [f"it does not run after {word}, add it" for word in words if word not in condition]
            if "-rollout" not in str(back.values.get("environment")):
                faults.append("it waits for an approval, run it in the -rollout environment")
            yield verdict(f"{path}: {back.name}", faults)


@check("SDP-10")
def leaves_rollouts_alone(project: Project) -> Iterator[Finding]:
    """No template sets traffic, a default deployment or a deployment of a model."""
    answers = project.answers
    online = answers["own_online"] and answers["own_model_hosting"] != "databricks"
    wanted = ([ONLINE] if online else []) + ([BATCH] if answers["own_batch"] else [])
    for environment in project.environments.values():
        missing = [name for name in wanted if not environment.of_type(name)]
        faults = [f"there is no {name.rpartition('/')[2]}, deploy one" for name in missing]
        owned = environment.of_type(f"{ONLINE}/deployments", f"{BATCH}/deployments")
        faults += [f"{item} belongs to the rollout, remove it" for item in owned]
        yield verdict(f"{environment.name}: endpoints", faults)
    for environment, resource in located(project, *OWNED):
        names = next(rows for kind, rows in OWNED.items() if kind.lower() == resource.type.lower())
        faults = [
            f"properties.{name} belongs to the rollout, remove it" for name in names if name in resource.properties
        ]
        yield verdict(f"{environment.name}: {resource}", faults)
