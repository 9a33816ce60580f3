"""The way of a change to prod, and of a model to its callers, proven on the graph of both systems."""

import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest
import yaml

from generator.answers import load, of_project
from generator.checks.delivery import SECRETS, before_prod, revisions_return, steps_of
from generator.paths import VARIANTS
from generator.rendering import render

RELEASE = "release-orchestrator"
PIPELINES = {"default": "github", "kubernetes-models": "azure_devops"}


@pytest.fixture(scope="module")
def projects(tmp_path_factory):
    found = {}
    for name in PIPELINES:
        root = tmp_path_factory.mktemp("delivery") / name
        render(load(VARIANTS / f"{name}.yml"), root)
        found[name] = SimpleNamespace(root=root, answers=of_project(root))
    return found


@pytest.fixture(params=PIPELINES)
def project(projects, request):
    return projects[request.param]


def paths(steps, name):
    """Every way to a step, each from its start."""
    needs = steps[name].needs
    return [[*way, name] for need in needs for way in paths(steps, need)] if needs else [[name]]


def test_only_one_system_is_there(projects):
    for name, system in PIPELINES.items():
        root = projects[name].root
        assert projects[name].answers["ci_platform"] == system
        assert (root / ".github").exists() == (system == "github") == (root / "scripts/sign-in.sh").exists()
        assert (root / ".azuredevops").exists() == (system == "azure_devops")


def test_nothing_reaches_prod_around_validation_and_the_environments_before(project):
    steps = steps_of(project, "deploy")
    tests = {"smoke", "contract", "evaluation", "load"}
    assert set(steps) == {"validate", "dev", "test", "prod"} | tests
    waits = {name: set().union(*paths(steps, name)) for name in steps}
    assert waits["prod"] == set(steps)
    assert waits["test"] == {"validate", "dev", "test"}
    assert all(
        steps[name].kind == "deploy" and steps[name].values["environment"] == name
        for name in waits["prod"] - tests - {"validate"}
    )
    assert all({"validate", "dev", "test"} < waits[name] and steps[name].kind == "release-test" for name in tests)
    assert waits["load"] == waits["test"] | tests


def test_a_deployment_waits_for_its_comparison_and_its_approval(project):
    if project.answers["ci_platform"] == "github":
        jobs = yaml.safe_load((project.root / ".github/workflows/_deploy.yml").read_text())["jobs"]
        assert jobs["apply"]["needs"] == "plan"
        assert jobs["plan"]["with"]["environment"] == jobs["apply"]["environment"] == "${{ inputs.environment }}"
        deploying = {name for name, job in jobs.items() if "deploy.py apply" in str(job)}
        assert deploying == {"apply"}
    else:
        plan, deploy = yaml.safe_load((project.root / ".azuredevops/templates/deploy.yml").read_text())["stages"]
        assert plan["template"] == "plan.yml"
        assert deploy["dependsOn"] == "Plan_${{ parameters.environment }}"
        (job,) = deploy["jobs"]
        assert job["environment"] == plan["parameters"]["environment"] == "${{ parameters.environment }}"


def test_a_pull_request_compares_every_environment_and_deploys_none(project):
    steps = steps_of(project, "pull-request")
    plans = {step.values["environment"]: step for step in steps.values() if step.kind == "plan"}
    assert set(plans) == {"dev", "test", "prod"}
    assert all("validate" in step.needs for step in plans.values())
    assert not any(step.kind == "deploy" for step in steps.values())


def command(step):
    return str(step.values.get("step") or "").split(" ")[0]


def test_traffic_moves_only_after_approval_and_a_check(project):
    steps = steps_of(project, "rollout")
    moves = [step for step in steps.values() if command(step) == "shift"]
    assert [step.name for step in moves] == ["traffic-10", "traffic-50", "traffic-100"]
    before = {step.name: set().union(*paths(steps, step.name)) for step in moves}
    assert all({"choose", "create"} <= found for found in before.values())
    assert "-rollout" not in steps["create"].values["environment"]
    checks = [str(step.values.get("check", "")).startswith("check ") for step in [*moves[1:], steps["confirm"]]]
    assert checks == [True, True, True]


def test_an_emergency_has_every_step_of_the_planned_rollout(project):
    planned, hurried = steps_of(project, "rollout"), steps_of(project, "emergency-rollout")
    assert planned.keys() <= hurried.keys()
    assert all("record" in paths(hurried, name)[0] for name in planned)
    assert hurried["record"].kind == steps_of(project, "emergency")["record"].kind == "emergency-start"


def test_what_is_switched_off_was_looked_at_first(project):
    steps = steps_of(project, "decommission")
    assert [command(step) for step in steps.values() if command(step)] == ["unused", "disable", "delete"]
    assert set(paths(steps, "delete")[0]) >= {"unused", "disable", "delete"}
    assert "-rollout" not in steps["disable"].values["environment"]


@pytest.mark.parametrize("kind", ["rollout", "rollout-batch"])
def test_rollback_depends_on_every_step(project, kind):
    steps = steps_of(project, kind)
    if not steps:
        assert not project.answers["own_batch"] and kind == "rollout-batch"
        return
    assert set(steps["rollback"].needs) == set(steps) - {"rollback", "retire"}
    assert "-rollout" in steps["rollback"].values["environment"]


DRILLED = {
    "nothing is tried again": ('count="{{retries}}"', 'count="0"'),
    "only a busy back end is tried again": (
        "context.Response.StatusCode >= 500 &amp;&amp; context",
        "false &amp;&amp; context",
    ),
    "callers wait too long": ('timeout="120"', 'timeout="300"'),
    "nobody tells when to come back": ('name="Retry-After"', 'name="X-After"'),
    "a back end speaks to callers": ("context.Response.StatusCode >= 500)", "context.Response.StatusCode >= 600)"),
    "the mistake of a caller is tried again": ("StatusCode == 429 ||", "StatusCode == 400 ||"),
}


@pytest.mark.parametrize("fault", ["", *DRILLED])
def test_drills_notice_what_a_policy_loses(rendered_variants, tmp_path, fault):
    source, root = rendered_variants / "foundation-chat", tmp_path / "project"
    for name in ("gateway", "tests"):
        shutil.copytree(source / name, root / name)
    policy = root / "gateway/policies/foundation.xml"
    text = policy.read_text(encoding="utf-8")
    old, new = DRILLED.get(fault, ("", ""))
    assert old in text
    policy.write_text(text.replace(old, new) if fault else text, encoding="utf-8")
    run = own_tests(root, "resilience")
    assert run.returncode == (1 if fault else 0), run.stdout
    assert (" failed" in run.stdout) == bool(fault)


def test_hosted_machines_ask_for_a_record_of_what_they_cannot_test(tmp_path):
    answers = {**load(VARIANTS / "default.yml"), "private_runners": False}
    render(answers, tmp_path / "project")
    project = SimpleNamespace(root=tmp_path / "project", answers=of_project(tmp_path / "project"))
    steps = steps_of(project, "deploy")
    assert set(steps) == {"validate", "dev", "test", "smoke", "inside", "prod"}
    assert steps["smoke"].values["test"].endswith("--resources-only")
    assert steps["inside"].values["test"].startswith("from_inside.py recorded test --commit=")
    assert {"smoke", "inside"} <= set(steps["prod"].needs)
    assert all(finding.holds for finding in before_prod(project))


def test_scripts_of_the_project_pass_their_tests(project):
    assert_scripts_pass(project.root)


def test_scripts_pass_their_tests_where_dev_is_the_only_environment(rendered_variants):
    assert_scripts_pass(rendered_variants / "prototype-everything")


def own_tests(root, folder):
    """Run a folder of the tests that a project has."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"tests/{folder}"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )


def assert_scripts_pass(root):
    run = own_tests(root, "scripts")
    assert run.returncode == 0, run.stdout
    assert " passed" in run.stdout


@pytest.fixture(scope="module", params=["fine-tuning", "orchestrated-chat"])
def released(tmp_path_factory, request):
    """The release of the orchestrator, once for each system."""
    root = tmp_path_factory.mktemp("release") / request.param
    render(load(VARIANTS / f"{request.param}.yml"), root)
    answers = of_project(root)
    return SimpleNamespace(
        root=root, answers=answers, steps=steps_of(SimpleNamespace(root=root, answers=answers), RELEASE)
    )


def test_the_orchestrator_is_released_as_a_revision_that_can_return(released):
    steps = released.steps
    moves = [f"traffic-{percent.strip()}" for percent in released.answers["rollout_steps"].split(",")]
    ran = [command(step) for step in steps.values() if command(step)]
    assert ran == ["publish", "create", *["shift"] * len(moves), "finish", "rollback"]
    assert "-rollout" not in steps["publish"].values["environment"] and "publish" in steps["create"].needs
    for name in moves:
        assert {"publish", "create"} <= set().union(*paths(steps, name))
    checked = [str(steps[name].values.get("check", "")).startswith("check ") for name in [*moves[1:], "finish"]]
    assert all(checked) and len(checked) == len(moves)
    assert set(steps["rollback"].needs) == set(steps) - {"publish", "rollback"}
    assert "-rollout" in steps["rollback"].values["environment"]


def model_faults(root, answers):
    """What SDP-12 says about the release of a chat model."""
    found = revisions_return(SimpleNamespace(root=root, answers=answers, environments={}))
    return [finding.detail for finding in found if finding.evidence.endswith("release-model.yml")]


def test_a_chat_model_takes_over_as_an_own_model_does(released):
    """Asked by its name, offered after an approval, then a growing share, each step after a check, with a way back."""
    steps = steps_of(released, "release-model")
    moves = [f"traffic-{percent.strip()}" for percent in released.answers["rollout_steps"].split(",")]
    ran = [command(step) for step in steps.values() if command(step)]
    assert ran == ["choose", "test", "offer", *["shift"] * len(moves), "finish", "rollback"]
    moving = [step for step in steps.values() if step.kind == "release-step"]
    assert [step.name for step in moving if "-rollout" not in step.values["environment"]] == ["offer"]
    assert "test" in steps["offer"].needs
    for name in moves:
        assert {"choose", "test", "offer"} <= set().union(*paths(steps, name))
    checks = [str(steps[name].values.get("check", "")) for name in [*moves[1:], "finish"]]
    shares = [words.partition("--percent=")[2].split()[0] for words in checks]
    assert [f"traffic-{share}" for share in shares] == moves
    assert all("--since=" in words and "--longest-ms=" in words for words in checks)
    assert set(steps["rollback"].needs) == set(steps) - {"rollback"}
    assert model_faults(released.root, released.answers) == [""]


def test_a_chat_model_that_nobody_watches_is_noticed_in_both_systems(released, tmp_path):
    root = tmp_path / "project"
    shutil.copytree(released.root, root)
    (path,) = [*root.glob(".github/workflows/release-model.yml"), *root.glob(".azuredevops/release-model.yml")]
    text = path.read_text()
    first = released.answers["bake_minutes"].split(",")[0]
    for words in (f"environment: bake-{first}-minutes", f"\n      minutes: {first}"):
        text = text.replace(words, words.replace(first, "1"))
    path.write_text(text)
    (detail,) = model_faults(root, released.answers)
    assert "traffic-" in detail and first in detail


def test_a_deployment_never_sets_the_traffic_of_the_orchestrator(released):
    text = (released.root / "infra/modules/orchestrator/app.bicep").read_text()
    assert "latestRevision" not in text
    assert "traffic: empty(traffic)" in text and text.count("weight:") == 1
    assert all("orchestratorImage = ''" in path.read_text() for path in (released.root / "infra").glob("*.bicepparam"))


# Every variant, every pipeline.

CHANGING = ("rollout-step", "release-step")


def entries(root):
    """Names of the pipelines that somebody or something starts."""
    folder = root / (".github/workflows" if (root / ".github").exists() else ".azuredevops")
    return sorted(path.stem for path in folder.glob("*.yml") if not path.name.startswith("_"))


@pytest.fixture(scope="module")
def every_project(rendered_variants):
    roots = sorted(rendered_variants.iterdir())
    return [SimpleNamespace(root=root, answers=of_project(root)) for root in roots]


def before(steps, name):
    """Everything that must have succeeded before a step."""
    found, left = set(), list(steps[name].needs)
    while left:
        need = left.pop()
        if need not in found:
            found.add(need)
            left += steps[need].needs if need in steps else ()
    return found


def test_no_variant_reaches_an_environment_around_tests_comparison_and_approval(every_project):
    seen = set()
    for project in every_project:
        environments = project.answers["environments"]
        for entry in entries(project.root):
            steps = steps_of(project, entry)
            deploying = {name: step for name, step in steps.items() if step.kind == "deploy"}
            for name, step in deploying.items():
                kinds = {steps[other].kind for other in before(steps, name)}
                assert "validate" in kinds, (project.root.name, entry, name)
                assert "if" not in step.body and "condition" not in step.values, (project.root.name, entry, name)
                seen.add(entry)
            if entry == "deploy":
                assert list(deploying) == environments
                for number, name in enumerate(environments):
                    assert set(environments[:number]) <= before(steps, name), (project.root.name, name)
    assert seen == {"deploy", "emergency"}


def test_the_shared_deployment_compares_first_in_every_variant(every_project):
    for project in every_project:
        if project.answers["ci_platform"] == "github":
            jobs = yaml.safe_load((project.root / ".github/workflows/_deploy.yml").read_text())["jobs"]
            first, last = jobs["plan"], jobs["apply"]
            assert first["uses"].endswith("_plan.yml") and last["needs"] == "plan" and "if" not in last
            assert first["with"]["environment"] == last["environment"]
            assert "deploy.py what-if" in (project.root / ".github/workflows/_plan.yml").read_text()
        else:
            first, last = yaml.safe_load((project.root / ".azuredevops/templates/deploy.yml").read_text())["stages"]
            assert first["template"] == "plan.yml" and "condition" not in last
            assert last["dependsOn"] == "Plan_" + first["parameters"]["environment"]
            assert last["jobs"][0]["environment"] == first["parameters"]["environment"]
            assert "deploy.py what-if" in (project.root / ".azuredevops/templates/plan.yml").read_text()


def test_only_the_deployment_changes_the_platform(every_project):
    for project in every_project:
        folder = project.root / (".github" if (project.root / ".github").exists() else ".azuredevops")
        applying = {path.stem.lstrip("_") for path in folder.rglob("*.yml") if "deploy.py apply" in path.read_text()}
        assert applying == {"deploy"}, project.root.name


def test_every_step_of_a_release_has_a_protected_environment(every_project):
    """What brings something new waits for a person; what follows it, or takes it back, runs from main alone."""
    for project in every_project:
        for entry in entries(project.root):
            steps = steps_of(project, entry)
            moving = [step for step in steps.values() if step.kind in CHANGING]
            if not moving:
                continue
            assert all(step.values.get("environment") for step in moving), (project.root.name, entry)
            approved = {step.name for step in moving if "-rollout" not in str(step.values["environment"])}
            for step in moving:
                if command(step) in ("shift", "switch", "finish", "prove", "delete"):
                    assert approved & before(steps, step.name), (project.root.name, entry, step.name)


def test_a_way_back_depends_on_every_step_that_it_takes_back(every_project):
    around = {"rollback", "retire", "record", "follow-up", "publish"}
    found = set()
    for project in every_project:
        for entry in entries(project.root):
            steps = steps_of(project, entry)
            if "rollback" in steps:
                waits = {step.name for step in steps.values() if "watch" not in step.name}
                assert waits - around <= set(steps["rollback"].needs), (project.root.name, entry)
                found.add(entry)
    assert found == {
        "rollout",
        "emergency-rollout",
        "rollout-batch",
        "release-gateway",
        "release-model",
        "release-orchestrator",
    }


def test_no_pipeline_of_any_variant_holds_a_secret(every_project):
    for project in every_project:
        folder = project.root / (".github" if (project.root / ".github").exists() else ".azuredevops")
        for path in folder.rglob("*.yml"):
            text = path.read_text(encoding="utf-8")
            assert not SECRETS.search(text), path
            assert "secrets: inherit" not in text and "write-all" not in text, path
            data = yaml.safe_load(text)
            for job in (data.get("jobs") or {}).values() if isinstance(data.get("jobs"), dict) else ():
                signs_in = (job.get("permissions") or {}).get("id-token") == "write"
                inside = "environment" in job or "environment" in (job.get("with") or {})
                assert not signs_in or inside, (path, job.get("name"))
