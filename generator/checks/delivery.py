"""Delivery (SDP rows): pipelines without secrets, in order, of one artifact, and models that come in steps and go back.

Both systems are read into the same graph of steps, so that one rule judges both.
"""

import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from generator import yaml_text
from generator.checks import Finding, check
from generator.checks.expected import presence
from generator.checks.reading import (
    compare,
    decision_table,
    located,
    object_of,
    on_github,
    pipelines,
    text_of,
    value_at,
    verdict,
)
from generator.checks.security import belongs_to, principal, role_id
from generator.evaluation import Environment, Project, Resource

FEDERATED = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials"
IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
ISSUER = "https://token.actions.githubusercontent.com"
ONLINE = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"
ROLE = "Microsoft.Authorization/roleAssignments"
BATCH = "Microsoft.MachineLearningServices/workspaces/batchEndpoints"
FLAGS = "Microsoft.AppConfiguration/configurationStores"
SERVICE = "Microsoft.App/containerApps"
OWNED = {ONLINE: ("traffic", "mirrorTraffic"), BATCH: ("defaults",)}
"""Properties that belong to a rollout."""
SECRETS = re.compile(r"\bsecrets\.|--password\b|client-secret|\bcreds:|secretVariables", re.IGNORECASE)
IN_REGISTRY = re.compile(r"azureml://registries/\{[\w.]+\}/models/example/versions/\{[\w.]+\}")
COMMIT = re.compile(r"^[\w./-]+@[0-9a-f]{40}$")
MAJOR = re.compile(r"^\w+@\d+$")
LOOSE = (
    (re.compile(r"pip install(?![^\n]*(==|--requirement))"), "pip installs a package without a version"),
    (re.compile(r"az bicep install(?! --version v\d+\.\d+\.\d+)"), "Bicep is installed without a version"),
    (re.compile(r"az extension add(?![^\n]*--version \d+\.\d+\.\d+)"), "an extension is added without a version"),
    (re.compile(r"\b(ubuntu|windows|macos)-latest\b"), "a machine image changes by itself"),
)
SHORTEST_MINUTES = 5
"""A watch time that an emergency does not shorten."""
LENIENT = re.compile(r"continue-on-error: true|continueOnError: true|succeededOrFailed\(\)")

GATE_WORDS = ("RequestsPerMinute", "RequestLatency_P95", "deployment eq", "statusCodeClass", "least_requests")
"""What the gate reads: whether traffic arrived, what failed, how long answers took."""
RECORDED = {"pass": "are good", "fail": "are not", "empty": "hold no value", "missing": "hold no metric"}


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


def _folder(project: Project) -> Path:
    return project.root / pipelines(project)


def _shared(project: Project, name: str) -> Path:
    """The file that several pipelines call."""
    return _folder(project) / (f"_{name}.yml" if on_github(project) else f"templates/{name}.yml")


def _read(path: Path, given: Mapping[str, str] | None = None) -> dict[Any, Any]:
    """A pipeline file, with the given expressions replaced by their values."""
    text = text_of(path)
    for expression, value in (given or {}).items():
        text = text.replace(expression, value)
    data = yaml_text.parse(text)
    return data if isinstance(data, dict) else {}


def _files(project: Project) -> list[Path]:
    return sorted(_folder(project).rglob("*.yml"))


def _name(project: Project, path: Path) -> str:
    return path.relative_to(project.root).as_posix()


def _list(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())


def steps_of(project: Project, pipeline: str) -> dict[str, Step]:
    """Steps of an entry pipeline by name, those of Azure Pipelines named as in GitHub Actions.

    A pipeline that calls the shared steps of a rollout has those, with what it gives to them.
    """
    data = _read(_folder(project) / f"{pipeline}.yml")
    found = list(_jobs(data) if on_github(project) else _stages(data))
    for step in [step for step in found if step.kind == "rollout"]:
        shared = _read(_shared(project, "rollout"), _given(step.values))
        found += [
            replace(item, needs=item.needs or step.needs)
            for item in (_jobs(shared) if on_github(project) else _stages(shared))
        ]
        found.remove(step)
    return {step.name: step for step in found}


def _given(values: Mapping[str, Any]) -> dict[str, str]:
    """Expressions of the shared steps -> what an entry pipeline gives: watch times, and what comes before."""
    minutes = values.get("minutes", [])
    rows = yaml_text.parse(minutes) if isinstance(minutes, str) else minutes
    found = {"${{ parameters.after }}": json.dumps(values.get("after", []))}
    for number, value in enumerate(rows or []):
        found[f"${{{{ fromJSON(inputs.minutes)[{number}] }}}}"] = str(value)
        found[f"${{{{ parameters.minutes[{number}] }}}}"] = str(value)
    return found


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
            known = {"plan": f"plan-{environment}", "deploy": environment, **EMERGENCY_STAGES}
            name = known.get(kind, str(values.get("name")))
            yield Step(_plain(name), kind, needs, values, stage)


EMERGENCY_STAGES = {"emergency-start": "Record", "emergency-end": "Follow_up"}


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
        found = SECRETS.findall(text_of(path))
        yield verdict(_name(project, path), ["it reads a secret, sign in with a federated identity"] if found else [])
    for name, environment in project.environments.items():
        wanted = f"id-{project.answers['workload']}-{name}-pipeline"
        identities = [item for item in environment.of_type(IDENTITY) if item.id.rpartition("/")[2] == wanted]
        faults = [] if identities else [f"there is no identity {wanted}, deploy one"]
        if on_github(project):
            subject = f"repo:{project.answers['repository']}:environment:{name}"
            trusts = [item for item in environment.of_type(FEDERATED) if f"/{wanted}/" in item.id]
            if subject not in [item.properties.get("subject") for item in trusts]:
                faults.append(f"it does not trust {subject}, add a federated credential")
            for item in trusts:
                if item.properties.get("issuer") != ISSUER:
                    faults.append(f"its issuer is not {ISSUER}, correct it")
                if not re.fullmatch(re.escape(subject) + "(-rollout|-promotion)?", str(item.properties.get("subject"))):
                    faults.append(f"it trusts {item.properties.get('subject')}, remove it")
        yield verdict(f"{name}: {wanted}", faults)


@check("SDP-02")
def pull_requests(project: Project) -> Iterator[Finding]:
    """A pull request builds, tests, scans, and compares each environment."""
    path = _folder(project) / "pull-request.yml"
    steps = steps_of(project, "pull-request")
    data = _read(path)
    faults = [] if any(step.kind == "validate" for step in steps.values()) else ["nothing is validated, call validate"]
    if on_github(project) and list(data.get(True) or data.get("on") or {}) != ["pull_request"]:
        faults.append("it is not started by pull_request alone, correct its trigger")
    for name in project.answers["environments"]:
        plans = [step for step in steps.values() if step.kind == "plan" and step.values.get("environment") == name]
        if not plans:
            faults.append(f"{name} is not compared, add a plan of it")
        faults += [f"{step.name} does not wait for validate, add it" for step in plans if "validate" not in step.needs]
    yield verdict(_name(project, path), faults)
    shared = _shared(project, "validate")
    text = text_of(shared)
    wanted = {
        "scripts/build.sh": "build",
        "pytest": "test the scripts",
        "make test": "test the models",
        "checkov --directory": "scan",
        "scripts/check_requirements.py": "check the requirements",
    }
    missing = [f"it does not {label}, run {word}" for word, label in wanted.items() if word not in text]
    yield verdict(_name(project, shared), [*missing, *_lenient(text)])
    build = text_of(project.root / "scripts" / "build.sh")
    words = ("az bicep format", "az bicep lint", "az bicep build ", "az bicep build-params")
    yield verdict(
        "scripts/build.sh", [f"it does not run {word.strip()}, add it" for word in words if word not in build]
    )
    changes = _shared(project, "changes")
    called = any(step.kind == "changes" for step in steps.values()) or "templates/changes.yml" in text_of(path)
    said = ("scripts/changes.py HEAD^1", "gh pr comment" if on_github(project) else "azure_repos.py comment")
    told = called and all(word in text_of(changes) for word in said)
    yield verdict(_name(project, changes), [] if told else ["nothing comments what changes, call scripts/changes.py"])
    plan = _shared(project, "plan")
    ran = "deploy.py what-if" in text_of(plan) and '"what-if"' in text_of(project.root / "scripts" / "deploy.py")
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
    yield verdict(_name(project, shared), [*_plan_first(project, _read(shared)), *_lenient(text_of(shared))])
    if "training" in project.answers["functions"]:
        yield from _training_approved(project)


def _training_approved(project: Project) -> Iterator[Finding]:
    """What trains in an environment comes there like any other change: in its turn, and approved where it is."""
    steps = steps_of(project, "retrain")
    changing = {
        name: step
        for name, step in steps.items()
        if re.search(r"retrain\.py (publish|start|--workspace)", json.dumps(step.body, default=str))
    }
    faults = [] if changing else ["nothing publishes or starts training, add it"]
    for name, step in changing.items():
        place = _environment(step)
        if not _asks(place):
            faults.append(
                f"{name} runs in {place or 'no environment'} without an approval, name the environment itself"
            )
    published = [name for name in changing if name.startswith("publish")]
    environments = project.answers["training_environments"]
    for former, name in pairwise(published):
        if former not in steps[name].needs:
            faults.append(f"{name} does not wait for {former}, add it")
    if project.answers["aml_training"] and len(published) != len(environments):
        faults.append(f"it publishes to {len(published)} environments, publish to {', '.join(environments)}")
    yield verdict(_name(project, _folder(project) / "retrain.yml"), faults)


def _one_at_a_time(project: Project, data: Mapping[Any, Any], step: Step) -> list[str]:
    if not on_github(project):
        return [] if data.get("lockBehavior") == "sequential" else ["set lockBehavior to sequential"]
    wanted = {"group": f"deploy-{step.name}", "cancel-in-progress": False}
    return [] if step.body.get("concurrency") == wanted else [f"set concurrency to {wanted}"]


def _plan_first(project: Project, data: Mapping[Any, Any]) -> Iterator[str]:
    if on_github(project):
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
    text = text_of(shared)
    made = text.count("actions/upload-artifact@" if on_github(project) else "PublishPipelineArtifact@")
    yield verdict(_name(project, shared), [] if made == 1 else [f"it publishes {made} artifacts, publish one"])
    for kind in ("plan", "deploy"):
        path = _shared(project, kind)
        text = text_of(path)
        taken = "actions/download-artifact@" if on_github(project) else "DownloadPipelineArtifact@"
        faults = [] if taken in text else ["it does not take what was built, download the artifact"]
        if "actions/checkout@" in text or "checkout: self" in text or "build.sh" in text:
            faults.append("it reads the repository again, use the artifact alone")
        yield verdict(_name(project, path), faults)
    recorded = "git rev-parse HEAD >build/commit.txt" in text_of(project.root / "scripts" / "build.sh")
    yield verdict(
        "scripts/build.sh", [] if recorded else ["it does not record the commit, write it to build/commit.txt"]
    )


@check("SDP-05")
def pinned(project: Project) -> Iterator[Finding]:
    """Actions are pinned by commit, tasks by major version, tools by version."""
    paths = _files(project)
    for path in [*paths, project.root / "scripts" / "build.sh"]:
        text = text_of(path)
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
    door = text_of(project.root / "scripts" / "endpoint.py")
    script = text_of(project.root / "scripts" / "rollout.py")
    faults = ["a new deployment takes all traffic, create it without"] if "--all-traffic" in door + script else []
    if '"--deployment-name"' not in door:
        faults.append("the new deployment is not called by name, pass --deployment-name")
    yield verdict("scripts/endpoint.py", faults if door else ["it is not there, add it"])
    faults = (
        [] if _calls(script, "create", "evaluate") else ["create does not call the new deployment, let it evaluate"]
    )
    yield verdict("scripts/rollout.py", faults)
    cases = object_of(project.root / "ml/models/example/evaluation.json").get("cases") or []
    faults = [] if cases and all(case.get("request") and case.get("answers") for case in cases) else ["it has no cases"]
    yield verdict("ml/models/example/evaluation.json", [f"{fault}, write requests and answers" for fault in faults])


def _calls(text: str, function: str, *names: str) -> bool:
    """Whether a function of a script calls all of these."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = [node for node in ast.walk(ast.parse(text)) if isinstance(node, kinds) and node.name == function]
    called = {
        call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
        for node in found
        for call in ast.walk(node)
        if isinstance(call, ast.Call)
    }
    return set(names) <= called


@check("SDP-07")
def in_steps(project: Project) -> Iterator[Finding]:
    """Traffic moves in the answered steps, each in a job of its own after the watch time of the one before."""
    path = _folder(project) / "rollout.yml"
    steps = steps_of(project, "rollout")
    shares = [item.strip() for item in project.answers["rollout_steps"].split(",")]
    minutes = [item.strip() for item in project.answers["bake_minutes"].split(",")]
    moves = _runs(steps, "shift")
    found = [_option(_command(step), "percent") for step in moves]
    faults = [] if found == shares else [f"it moves {found} percent, move {shares}"]
    formers = [_option(_command(step), "former") for step in moves]
    if formers != ["0", *shares[:-1]]:
        faults.append(f"its steps start at {formers} percent, let each start where the one before ended")
    if minutes != sorted(minutes, key=int):
        faults.append("a later step is watched for less time, let the times grow")
    yield verdict(_name(project, path), faults)
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
    if on_github(project):
        waits = [steps[name] for name in follower.needs if name in steps and move.name in steps[name].needs]
        held = [step for step in waits if step.body.get("environment") == f"bake-{minutes}-minutes"]
        if not held:
            yield f"no job waits in bake-{minutes}-minutes before {follower.name}, add one"
    elif str(follower.values.get("minutes")) != minutes:
        yield f"{follower.name} does not wait {minutes} minutes, set minutes"


@check("SDP-08")
def gate_decides(project: Project) -> Iterator[Finding]:
    """A gate on metrics stands before each step and the end; without metrics it says no, which its tests prove.

    Source: https://learn.microsoft.com/azure/azure-monitor/reference/supported-metrics/microsoft-machinelearningservices-workspaces-onlineendpoints-metrics
    """
    path = project.root / "scripts" / "health_gate.py"
    text = text_of(path)
    missing = [name for name in GATE_WORDS if name not in text]
    yield verdict("scripts/health_gate.py", [f"it does not read {name}, add it" for name in missing])
    script = text_of(project.root / "scripts" / "rollout.py")
    faults = [] if _calls(script, "check", "judge") else ["check does not ask the gate, call judge"]
    yield verdict("scripts/rollout.py", faults)
    folder = project.root / "tests" / "scripts" / "metrics"
    recorded = {item.stem for item in folder.glob("*.json")} if folder.is_dir() else set()
    tests = text_of(project.root / "tests" / "scripts" / "test_health_gate.py")
    faults = [
        f"no test reads recorded metrics that {what}, add {name}.json"
        for name, what in RECORDED.items()
        if name not in recorded or f'"{name}"' not in tests
    ]
    yield verdict("tests/scripts/test_health_gate.py", faults)
    for pipeline in ("rollout", "emergency-rollout"):
        yield verdict(_name(project, _folder(project) / f"{pipeline}.yml"), _ungated(steps_of(project, pipeline)))


def _ungated(steps: Mapping[str, Step]) -> list[str]:
    """Steps that give the new deployment more, or call it good, without a check right before them."""
    gated = [*_runs(steps, "shift"), *_runs(steps, "prove")]
    if not _runs(steps, "mirror"):
        gated = gated[1:]
    faults = [] if gated else ["nothing is gated, check before each step"]
    return faults + [f"{step.name} checks nothing, let it check first" for step in gated if not _gated(step)]


def _gated(step: Step) -> bool:
    return _command(step, "check")[:1] == ["check"]


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
            # What is deleted after the new deployment was proven is no reason to go back.
            after = {step.name for step in _runs(steps, "delete") if "confirm" in step.needs}
            missing = steps.keys() - {back.name, *back.needs} - after
            faults = [f"it does not watch {name}, add it" for name in sorted(missing)]
            condition = str(back.body.get("if") or back.values.get("condition") or "")
            words = ("failure", "cancelled") if on_github(project) else ("failed()", "canceled()")
            faults += [f"it does not run after {word}, add it" for word in words if word not in condition]
            if "-rollout" not in str(back.values.get("environment")):
                faults.append("it waits for an approval, run it in the -rollout environment")
            yield verdict(f"{path}: {back.name}", faults)
    if pipelines:
        yield from _last_good(project)


def _last_good(project: Project) -> Iterator[Finding]:
    """The last known good deployment is recorded where a rollout finds it, and nothing is deleted on the way back."""
    script = text_of(project.root / "scripts" / "rollout.py")
    faults = [] if _calls(script, "prove", "tag") else ["prove does not mark the last known good one, tag it"]
    faults += (
        [] if _calls(script, "choose", "last_good", "restore") else ["choose does not look for it, call last_good"]
    )
    faults += [] if _calls(script, "_rollback", "restore") else ["rollback gives nothing back, call restore"]
    if _calls(script, "_rollback", "delete"):
        faults.append("rollback deletes what would tell the cause, keep it")
    yield verdict("scripts/rollout.py", faults)
    steps = steps_of(project, "rollout")
    faults = [] if _runs(steps, "prove") else ["nothing marks the new deployment as good, add the step prove"]
    for step in _runs(steps, "delete"):
        if not _runs(steps, "prove") or _runs(steps, "prove")[0].name not in _before(steps, step.name):
            faults.append(f"{step.name} does not wait until the new deployment is proven, add it")
    yield verdict(_name(project, _shared(project, "rollout")), faults)


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


@check("SDP-11")
def promoted_by_version(project: Project) -> Iterator[Finding]:
    """A version goes to the registry after an approval, with its number, and every deployment takes it from there.

    Looks at the pipeline and the script that promote, at what deployments name as their model, and at the roles that
    identities of the other environments hold on the registry.

    Source: https://learn.microsoft.com/azure/machine-learning/how-to-share-models-pipelines-across-workspaces-with-registries
    """
    answers = project.answers
    if answers["shares_models"]:
        yield from _promotion(project)
    if answers["promotes_in_catalog"]:
        copies = _calls(text_of(project.root / "ml/src/example_model/promote.py"), "promote", "copy_model_version")
        yield verdict("ml/src/example_model/promote.py", [] if copies else ["it copies no version, copy_model_version"])
    for name, wanted in (("endpoint", answers["own_online"]), ("batch_rollout", answers["own_batch"])):
        path = project.root / "scripts" / f"{name}.py"
        if answers["aml_inference"] and wanted and (path.is_file() or name == "batch_rollout"):
            text = text_of(path)
            # A cluster takes models of its workspace only: the version is copied there from the registry.
            copied = answers["own_model_hosting"] == "kubernetes" and name == "endpoint"
            named = (
                _calls(text, "create", "_copy_model") and '"--registry-name", release.registry' in text
                if copied
                else IN_REGISTRY.search(text)
            )
            yield verdict(
                f"scripts/{name}.py", [] if named else ["deployments take no version of the registry, name it"]
            )
    if answers["uses_model_registry"]:
        if not project.environments:
            yield verdict("infra/main.bicep", ["nothing could be evaluated, correct what the compiler reports"])
        yield from _registry_roles(project)


def _promotion(project: Project) -> Iterator[Finding]:
    """The pipeline looks first, waits for its approval and shares after it; the script keeps the number."""
    path = _folder(project) / "promote.yml"
    steps = steps_of(project, "promote")
    faults = [f"there is no step {name}, add it" for name in ("look", "share") if name not in steps]
    share = steps.get("share")
    if share and "promote.py share" not in str(share.body):
        faults.append("share promotes nothing, run promote.py share")
    if share and "look" not in share.needs:
        faults.append("share does not wait for look, add it")
    place = _environment(share) if share else ""
    if share and not place.endswith("-promotion"):
        faults.append(f"nobody approves it in {place or 'no environment'}, run share in the environment of promotions")
    if "promote.py share" in str(steps["look"].body if "look" in steps else ""):
        faults.append("look promotes before anybody approved, let it look")
    yield verdict(_name(project, path), faults)
    rows = object_of(project.root / "scripts" / "bootstrap.json").get("environments") or []
    for environment in project.answers["training_environments"]:
        row: dict[str, Any] = next((row for row in rows if row["name"] == f"{environment}-promotion"), {})
        faults = [] if row.get("reviewed") else [f"nobody approves {environment}-promotion, set reviewed"]
        yield verdict(f"scripts/bootstrap.json: {environment}-promotion", faults)
    script = text_of(project.root / "scripts" / "promote.py")
    wanted = ("--share-with-name", "--share-with-version", "--registry-name")
    faults = [f"it does not pass {option}, add it" for option in wanted if f'"{option}"' not in script]
    faults += [] if _calls(script, "share", "look") else ["share does not look at the version first, call look"]
    yield verdict("scripts/promote.py", faults if script else ["it is not there, add it"])


def _registry_roles(project: Project) -> Iterator[Finding]:
    """Who deploys or serves reads the registry, and outside the environments of training does nothing else there."""
    roles = {name: row["id"].lower() for name, row in decision_table("roles").items()}
    answers = project.answers
    readers = ["pipeline"]
    readers += ["serving"] if answers["own_online"] and answers["own_model_hosting"] != "databricks" else []
    readers += ["batch"] if answers["own_batch"] else []
    readers += ["inference-workspace"] if answers["measures_drift"] else []
    for environment in project.environments.values():
        second = ["inference-2-workspace"] if answers["measures_drift"] and _in_two_regions(environment) else []
        held = [item for item in environment.of_type(ROLE) if "/registries/" in _learning(item.scope)]
        users = [principal(item) for item in held if role_id(item) == roles["azureMlRegistryUser"]]
        faults = [
            f"{name} may not read the registry, give it AzureML Registry User"
            for name in (readers + second if answers["aml_inference"] else [])
            if not any(belongs_to(user, name) for user in users)
        ]
        allowed = {roles["azureMlRegistryUser"], roles["networkConnectionApprover"], roles["reader"]}
        faults += [
            f"{principal(item)} holds {role_id(item)} there, remove it" for item in held if role_id(item) not in allowed
        ]
        yield verdict(f"{environment.name}: registry of models", faults)


def _learning(scope: Any) -> str:
    """A scope in lower case when it is one of Azure Machine Learning; other registries hold images."""
    text = str(scope).lower()
    return text if "microsoft.machinelearningservices" in text else ""


def _in_two_regions(environment: Environment) -> bool:
    return any("-inference-2/" in item.id for item in environment.of_type(ONLINE))


@check("SDP-13")
def before_prod(project: Project) -> Iterator[Finding]:
    """Each kind of test that the answers ask for runs against the environment before prod, and prod waits for it.

    Drills of the gateway need no environment: they run in every pull request.

    Source: https://learn.microsoft.com/azure/well-architected/ai/test
    """
    path, steps = _folder(project) / "deploy.yml", steps_of(project, "deploy")
    environments = project.answers["environments"]
    tested = environments[-2] if len(environments) > 1 else environments[0]
    limits = object_of(project.root / "tests" / "thresholds.json")
    by_hand = project.answers["online"] and project.answers["private"] and not project.answers["private_runners"]
    for kind in _kinds_of_tests(project):
        script = f"{kind}/{kind}_test.py"
        faults = [] if (project.root / "tests" / script).is_file() else [f"tests/{script} is not there, add it"]
        # The limit of the evaluation set of own models stands with its cases.
        if kind not in limits and kind in ("smoke", "load"):
            faults.append(f"tests/thresholds.json has no limits of {kind}, add them")
        wanted = "from_inside.py" if by_hand and kind != "smoke" else script
        if wanted == "from_inside.py" and f'"{script}"' not in text_of(project.root / "tests" / wanted):
            faults.append(f"tests/from_inside.py does not run {script}, add it")
        found = [step for step in steps.values() if step.kind == "release-test" and _tests(step) == (wanted, tested)]
        faults += [] if found else [f"no job runs {wanted} against {tested}, add it"]
        for step in found:
            faults += _stands_between(steps, step, tested, environments[-1])
        yield verdict(f"{_name(project, path)}: {kind}", faults)
    shared = _shared(project, "release-test")
    text = text_of(shared)
    ran = 'python3 "tests/${arguments[0]}" "${arguments[@]:1}"' in text
    yield verdict(_name(project, shared), [*([] if ran else ["it does not run the script, call it"]), *_lenient(text)])
    if project.answers["online"]:
        yield from _drills(project, limits)


def _kinds_of_tests(project: Project) -> list[str]:
    """Folders of tests that run against an environment."""
    answers = project.answers
    judged = answers["foundation_online"] or (answers["own_online"] and answers["own_model_hosting"] != "databricks")
    return ["smoke", *(["contract", *(["evaluation"] if judged else []), "load"] if answers["online"] else [])]


def _tests(step: Step) -> tuple[str, str]:
    """Script that a job runs, and the environment that it is given."""
    script, *rest = str(step.values.get("test") or "").split()
    return script, next((word for word in rest if word != "recorded"), "")


def _stands_between(steps: Mapping[str, Step], step: Step, tested: str, last: str) -> Iterator[str]:
    """Faults of the place of a test: after what it tests, before prod, and never left out."""
    if tested not in _before(steps, step.name):
        yield f"{step.name} does not wait for {tested}, add it"
    if last != tested and step.name not in _before(steps, last):
        yield f"{last} does not wait for {step.name}, add it"
    if "if" in step.body or "condition" in step.values:
        yield f"{step.name} has a condition of its own, remove it"
    if last != tested and str(step.values.get("environment")).partition("-")[0] != tested:
        yield f"{step.name} runs in {step.values.get('environment')}, not in {tested}"


def _drills(project: Project, limits: Mapping[str, Any]) -> Iterator[Finding]:
    """Drills of each policy of the gateway, with as many back ends as it has, offline in every pull request."""
    written = [text_of(path) for path in (project.root / "tests" / "resilience").glob("test_*.py")]
    validate = _shared(project, "validate")
    faults = [] if written else ["there are no drills, add them"]
    if "python -m pytest --quiet tests/resilience" not in text_of(validate):
        faults.append(f"{_name(project, validate)} does not run them, add a step")
    members = (limits.get("resilience") or {}).get("members") or {}
    for api in ("foundation", "models"):
        if (project.root / "gateway" / "policies" / f"{api}.xml").is_file() and not members.get(api):
            faults.append(f"tests/thresholds.json drills no back end of {api}, add it")
    if members.get("foundation", 0) > 1 and "test_another_back_end_answers" not in "".join(written):
        faults.append("no drill lets one back end fail, add it")
    yield verdict("tests/resilience", faults)


@check("SDP-14")
def emergency_has_gates(project: Project) -> Iterator[Finding]:
    """The emergency path records why and who agreed, keeps every gate and the way back, and is followed up."""
    pipelines = {"emergency": "deploy"}
    if project.answers["own_online"] and project.answers["own_model_hosting"] != "databricks":
        pipelines["emergency-rollout"] = "rollout"
    for pipeline, kind in pipelines.items():
        path = _folder(project) / f"{pipeline}.yml"
        data = _read(path)
        if not data:
            yield verdict(_name(project, path), ["it is not there, add it"])
            continue
        entry = list(_jobs(data) if on_github(project) else _stages(data))
        faults = [f"{name} may stay empty, require it" for name in sorted(_optional(project, data))]
        faults += [f"it does not call {name}, use the shared file" for name in _absent(entry, kind)]
        yield verdict(_name(project, path), [*faults, *_in_order(project, kind, entry)])
    if "emergency-rollout" in pipelines:
        yield from _shorter(project)
    for name in ("emergency-start", "emergency-end"):
        path = _shared(project, name)
        wanted = {"emergency-start": ("exit 1", "STARTED_BY"), "emergency-end": (_opens(project), "REASON", "APPROVER")}
        missing = [word for word in wanted[name] if word not in text_of(path)]
        yield verdict(_name(project, path), [f"it lacks {word}, add it" for word in missing])


def _opens(project: Project) -> str:
    return "gh issue create" if on_github(project) else "_apis/wit/workitems/"


def _absent(entry: Sequence[Step], kind: str) -> list[str]:
    found = {step.kind for step in entry}
    return [name for name in ("emergency-start", kind, "emergency-end") if name not in found]


def _optional(project: Project, data: Mapping[Any, Any]) -> set[str]:
    """Of reason and approver those that nobody has to write."""
    if on_github(project):
        triggers = data.get(True) or data.get("on") or {}
        inputs = (triggers.get("workflow_dispatch") or {}).get("inputs") or {}
        asked = {name for name, row in inputs.items() if row.get("required") is True and "default" not in row}
    else:
        asked = {row["name"] for row in data.get("parameters") or [] if "default" not in row}
    return {"reason", "approver"} - asked


def _in_order(project: Project, kind: str, entry: Sequence[Step]) -> Iterator[str]:
    """The change waits for the record (and validation), and the follow-up comes in any case."""
    steps = {step.name: step for step in entry}
    start = next((step.name for step in entry if step.kind == "emergency-start"), "record")
    for step in entry:
        if step.kind == kind:
            first = (
                set(step.values.get("after") or ()) if kind == "rollout" and not on_github(project) else set(step.needs)
            )
            waits = {_plain(name) for name in first} | {name for need in first for name in _before(steps, _plain(need))}
            if start not in waits:
                yield f"the change does not wait for {start}, add it"
            if kind == "deploy" and "validate" not in waits:
                yield "the change does not wait for validate, add it"
        if step.kind == "emergency-end":
            condition = (
                str(step.body.get("if", "")) if on_github(project) else text_of(_shared(project, "emergency-end"))
            )
            word = "always()" if on_github(project) else "condition: eq(dependencies.Record.result, 'Succeeded')"
            if word not in condition:
                yield "the follow-up is left out after a failure, let it come in any case"


def _shorter(project: Project) -> Iterator[Finding]:
    """The emergency has the steps of the planned rollout, watched for less time, by the same checks."""
    planned, hurried = steps_of(project, "rollout"), steps_of(project, "emergency-rollout")
    faults = [f"{name} is missing, use the shared steps" for name in sorted(planned.keys() - hurried.keys())]
    times = [[_watch_minutes(step) for step in steps.values() if _gated(step)] for steps in (planned, hurried)]
    if len(times[0]) != len(times[1]) or any(new > old for old, new in zip(*times, strict=False)):
        faults.append(f"its steps are watched for {times[1]} minutes, not longer than {times[0]}")
    elif sum(times[1]) >= sum(times[0]) and max(times[0], default=0) > SHORTEST_MINUTES:
        faults.append("it is as slow as the planned rollout, shorten its watch times")
    if 0 in times[1]:
        faults.append("a step is not watched at all, give it minutes")
    yield verdict(f"{_name(project, _folder(project) / 'emergency-rollout.yml')}: steps", faults)


def _watch_minutes(step: Step) -> int:
    return int(_option(_command(step, "check"), "minutes") or 0)


@check("SDP-15")
def proven_unused(project: Project) -> Iterator[Finding]:
    """A deployment is looked at, taken out of the traffic, watched and deleted, and only when its name was repeated.

    Source: https://learn.microsoft.com/azure/well-architected/operational-excellence/safe-deployments
    """
    path = _folder(project) / "decommission.yml"
    steps, data = steps_of(project, "decommission"), _read(path)
    faults = []
    for command, former in (("unused", ""), ("disable", "unused"), ("delete", "disable")):
        found = _runs(steps, command)
        if not found:
            faults.append(f"it does not run {command}, add the step")
        elif former and former not in _before(steps, found[0].name):
            faults.append(f"{command} does not wait for {former}, add it")
    yield verdict(_name(project, path), [*faults, *_confirmed(project, steps, data)])
    minutes = project.answers["bake_minutes"].split(",")[-1].strip()
    faults = [
        f"{step.name} does not look at {minutes} minutes, correct it"
        for step in (*_runs(steps, "unused"), *_runs(steps, "delete"))
        if _option(_command(step), "minutes") != minutes
    ]
    for step in _runs(steps, "delete"):
        held = {steps[name].body.get("environment") for name in step.needs if name in steps}
        waits = f"bake-{minutes}-minutes" in held if on_github(project) else str(step.values.get("minutes")) == minutes
        faults += [] if waits else [f"nothing waits {minutes} minutes before {step.name}, add it"]
    yield verdict(f"{_name(project, path)}: times", faults)
    script = text_of(project.root / "scripts" / "decommission.py")
    faults = [] if _calls(script, "delete", "unused") else ["delete does not look for callers, call unused"]
    faults += [] if "options.confirm != options.name" in script else ["delete asks for no confirmation, compare it"]
    yield verdict("scripts/decommission.py", faults)


def _confirmed(project: Project, steps: Mapping[str, Step], data: Mapping[Any, Any]) -> Iterator[str]:
    """Without a confirmation nothing changes."""
    if on_github(project):
        triggers = data.get(True) or data.get("on") or {}
        default = value_at(triggers, "workflow_dispatch.inputs.confirm.default")
        wanted, empty = "inputs.confirm == inputs.deployment", ""
    else:
        default = next((row.get("default") for row in data.get("parameters") or [] if row["name"] == "confirm"), None)
        wanted, empty = "eq('${{ parameters.confirm }}', '${{ parameters.deployment }}')", "none"
    if default != empty:
        yield "it changes something unless told otherwise, let confirm be empty"
    for step in _runs(steps, "disable"):
        if wanted not in str(step.body.get("if") or step.values.get("condition") or ""):
            yield f"{step.name} runs without a confirmation, compare confirm with the name"
    for step in _runs(steps, "delete"):
        if _option(_command(step), "confirm") in (None, ""):
            yield f"{step.name} passes no confirmation, pass confirm"


@check("SDP-12")
def revisions_return(project: Project) -> Iterator[Finding]:
    """Gateway, orchestrator and chat models come as revisions: approved, looked at, taken back when any step fails.

    Those that get a growing share of the calls get the answered ones, each after the answered time and a check.

    Flags change the orchestrator between its releases: it reads them as itself, operators set them by an approved
    pipeline, and a deployment writes none.
    Source: https://learn.microsoft.com/azure/well-architected/service-guides/azure-api-management
    """
    answers = project.answers
    if answers["orchestrated"]:
        yield from _flag_stores(project)
        yield from _flags_in_code(project)
        yield _flags_by_operators(project)
    entries = ["release-orchestrator"] * answers["orchestrated"] + ["release-model"] * answers["foundation_online"]
    for entry in ["release-gateway", *entries]:
        path = _folder(project) / f"{entry}.yml"
        steps = steps_of(project, entry) if path.is_file() else {}
        faults = [] if steps else ["it is not there, restore it"]
        back = steps.get("rollback")
        moving = {name for name in steps if not name.startswith("watch") and name not in ("rollback", "publish")}
        if steps and back is None:
            faults.append("nothing takes a revision back, add the job rollback")
        faults += [
            f"rollback does not wait for {name}, add it"
            for name in sorted(moving - set(back.needs if back else moving))
        ]
        approved = [name for name, step in steps.items() if _asks(_environment(step))]
        if steps and not approved:
            faults.append("nobody approves it, run one step in the environment itself")
        last = [name for name in ("confirm", "finish") if name in steps]
        if steps and not (last and _before(steps, last[0]) & set(approved)):
            faults.append("the new revision is not looked at after its release, confirm it")
        if steps and entry in entries:
            faults += _shared_out(project, steps)
        yield verdict(_name(project, path), faults)


def _shared_out(project: Project, steps: Mapping[str, Step]) -> Iterator[str]:
    """What is wrong with the steps of a release: called first, then the answered shares, each watched and checked."""
    shares, minutes = (
        [item.strip() for item in project.answers[name].split(",")] for name in ("rollout_steps", "bake_minutes")
    )
    moves = [step for step in steps.values() if _command(step)[:1] == ["shift"]]
    found = [_option(_command(step), "percent") for step in moves]
    if found != shares:
        yield f"it moves {found} percent, move {shares}"
    for offer in [step for step in steps.values() if _command(step)[:1] == ["offer"]]:
        if "test" not in {_command(steps[name])[:1][0] for name in offer.needs if _command(steps[name])}:
            yield f"{offer.name} does not wait for a call by name, let it wait for test"
    after = [*moves[1:], *(step for step in steps.values() if step.name == "finish")]
    for move, follower, time in zip(moves, after, minutes, strict=False):
        yield from _watched(project, steps, move, follower, time)


def _environment(step: Step) -> str:
    """The environment that protects a step; empty for none."""
    jobs = step.body.get("jobs")
    inner = jobs[0].get("environment") if isinstance(jobs, list) and jobs else None
    return str(step.values.get("environment") or inner or "")


def _asks(environment: str) -> bool:
    """Whether somebody approves what happens in an environment; one without any counts as unprotected."""
    return bool(environment) and "-rollout" not in environment


def _flag_stores(project: Project) -> Iterator[Finding]:
    """Each environment has one store, read by the service alone, whose flags no deployment writes."""
    for environment in project.environments.values():
        stores = environment.of_type(FLAGS)
        faults = [] if len(stores) == 1 else ["deploy one store of flags"]
        faults += [
            f"a deployment writes {item.name}, leave it to operators"
            for item in environment.of_type(f"{FLAGS}/keyValues")
        ]
        yield verdict(f"{environment.name}: {FLAGS}", faults)
        for store in stores:
            wanted = {
                "sku.name": ("standard", "premium"),
                "properties.disableLocalAuth": True,
                "properties.enablePurgeProtection": True,
                "properties.dataPlaneProxy.authenticationMode": "Pass-through",
            }
            yield compare(environment, store, wanted, _flag_readers(environment, store))


def _flag_readers(environment: Environment, store: Resource) -> Iterator[str]:
    """Who misses a role on a store, or has one too many, and whether the service is told where it is."""
    roles = decision_table("roles")
    here = [item for item in environment.of_type(ROLE) if str(item.scope).lower() == store.id.lower()]
    readers = {principal(item) for item in here if role_id(item) == roles["appConfigurationDataReader"]["id"]}
    writers = {principal(item) for item in here if role_id(item) == roles["appConfigurationDataOwner"]["id"]}
    if not any(belongs_to(holder, "orchestrator") for holder in readers):
        yield "the orchestrator does not read it, give its identity the role App Configuration Data Reader"
    if not any(belongs_to(holder, "pipeline") for holder in writers):
        yield "the pipeline does not set flags, give its identity the role App Configuration Data Owner"
    for holder in sorted(writers):
        if not belongs_to(holder, "pipeline"):
            yield f"{holder} may write flags, let it read them"
    for service in environment.of_type(SERVICE):
        containers = value_at(service.properties, "template.containers") or []
        told = {row["name"]: str(row.get("value")) for item in containers for row in item.get("env") or []}
        if store.name not in told.get("FLAGS_URL", ""):
            yield "the service does not know it, pass FLAGS_URL"


def _flags_in_code(project: Project) -> Iterator[Finding]:
    """The service asks for each flag that is known, reads them while it runs, and the script refuses any other."""
    source = project.root / "orchestrator" / "src" / "orchestrator"
    known = object_of(source / "flags.json")
    trees = [ast.parse(text_of(path)) for path in sorted(source.glob("*.py"))]
    words = {node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    faults = [] if known else ["it names no flag, name one"]
    faults += [f"no code asks for {name}, remove it" for name in sorted(known.keys() - words)]
    yield verdict("orchestrator/src/orchestrator/flags.json", faults)
    app = text_of(source / "app.py")
    faults = [] if _calls(app, "lifespan", "start", "keep") else ["the service does not read flags again, keep them"]
    faults += [] if _calls(app, "answers", "on") else ["no answer depends on a flag, ask for one"]
    yield verdict("orchestrator/src/orchestrator/app.py", faults)
    script = text_of(project.root / "scripts" / "flags.py")
    refuses = any(
        isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.NotIn) and "known()" in ast.unparse(node)
        for node in ast.walk(ast.parse(script))
    )
    yield verdict("scripts/flags.py", [] if refuses else ["it sets flags that no code knows, compare them"])
    deploying = text_of(project.root / "scripts" / "deploy.py")
    yield verdict("scripts/deploy.py", ["it writes flags, leave them"] if "appconfig" in deploying else [])


def _flags_by_operators(project: Project) -> Finding:
    """The pipeline that sets a flag is approved and asks for a reason."""
    path = _folder(project) / "feature-flag.yml"
    if not path.is_file():
        return verdict(_name(project, path), ["it is not there, restore it"])
    steps = steps_of(project, "feature-flag").values()
    setting = [step for step in steps if "scripts/flags.py set" in json.dumps(step.body, default=str)]
    faults = [] if setting else ["it sets no flag, run scripts/flags.py"]
    faults += [
        f"nobody approves {step.name}, run it in the environment" for step in setting if not _asks(_environment(step))
    ]
    if "reason" in _optional(project, _read(path)):
        faults.append("reason may stay empty, require it")
    return verdict(_name(project, path), faults)


@check("SDP-16")
def one_version(project: Project) -> Iterator[Finding]:
    """One version names the project, the commit connects its parts, and every library is locked.

    Source: https://learn.microsoft.com/azure/well-architected/ai/operations
    """
    version = text_of(project.root / "VERSION").strip()
    right = re.fullmatch(r"\d+\.\d+\.\d+", version)
    yield verdict("VERSION", [] if right else [f"it says {version or 'nothing'}, write a version such as 1.0.0"])
    built = text_of(project.root / "scripts" / "build.sh")
    recorded = all(word in built for word in ("build/commit.txt", "VERSION build/version.txt"))
    yield verdict("scripts/build.sh", [] if recorded else ["it does not record version and commit beside the template"])
    deployed = text_of(project.root / "scripts" / "deploy.py")
    words = {node.value for node in ast.walk(ast.parse(deployed)) if isinstance(node, ast.Constant)}
    tagged = {"--tags", "version=", "commit="} <= words
    yield verdict("scripts/deploy.py", [] if tagged else ["the stack does not carry version and commit, tag it"])
    for name in ("endpoint", "batch_rollout"):
        path = project.root / "scripts" / f"{name}.py"
        if path.is_file():
            faults = [] if "tags.git_sha=" in text_of(path) else ["deployments do not carry the commit, tag git_sha"]
            yield verdict(f"scripts/{name}.py", faults)
    if project.answers["orchestrated"]:
        text = text_of(project.root / "scripts" / "orchestrator_revision.py")
        faults = [] if "/orchestrator:{commit}" in text else ["images do not carry the commit, tag them"]
        yield verdict("scripts/orchestrator_revision.py", faults)
    for path in sorted(project.root.rglob("requirements*.txt")):
        rows = [line.strip() for line in text_of(path).splitlines()]
        loose = [row for row in rows if row and not row.startswith(("#", "-")) and "==" not in row and " @ " not in row]
        yield verdict(_name(project, path), [f"{row} is not locked, pin it" for row in loose])
