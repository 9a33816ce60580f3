"""Every check holds on rendered, evaluated projects, and turns red for each thing that it is there to notice."""

import json

import pytest

from generator.answers import of_project
from generator.checks import registry
from generator.checks.delivery import FEDERATED
from generator.checks.expected import allowed_types, environment_facts
from generator.checks.reliability import MODELS
from generator.compiler import Compiler
from generator.evaluation import evaluate, evaluate_rollout
from generator.rendering import render
from generator.requirements import load as load_requirements
from generator.tools.policies import check_policies
from tests.checks_support import (
    ABSENT,
    BROKEN,
    HOLDS,
    add,
    applies,
    both,
    drop,
    edit,
    judge,
    rebuild,
    spoil,
    without_resources,
)
from tests.gateway_support import begin_change
from tests.mutations import ABSENT as ABSENT_ROWS
from tests.mutations import ADDITIONS, FILE_PAIRS, FILE_ROWS, MUTATIONS
from tests.mutations.common import CENTRAL, CHAT, DEFAULT, LOCAL, REGULATED, REUSED, STORAGE, VARIANT_NAMES

UNTOLD = "docs/quotas.md does not tell its capacity, add a line."
UNDATED = "tell when gpt-next retires."
GATEWAY = "Microsoft.ApiManagement/service"
ROWS = sorted(registry())

RENDERED = [(variant, requirement) for variant in VARIANT_NAMES for requirement in ROWS]


def test_every_check_is_in_the_catalogue():
    named = {row.id: row.check for row in load_requirements() if row.check}
    assert named == {requirement: function.__name__ for requirement, function in registry().items()}


@pytest.mark.parametrize(("variant", "requirement"), RENDERED)
def test_rendered_projects_keep_the_requirement(evaluated, variant, requirement):
    project = evaluated[variant]
    verdict, findings = judge(requirement, project) if applies(requirement, project) else (ABSENT, [])
    assert [f"{item.evidence}: {item.detail}" for item in findings if not item.holds] == []
    assert all(item.evidence and not item.detail for item in findings)
    unasked = not applies(requirement, project) or requirement in ABSENT_ROWS.get(variant, ())
    assert verdict == (ABSENT if unasked else HOLDS)


@pytest.mark.parametrize(
    ("variant", "requirement"), [pair for pair in RENDERED if pair[1] not in FILE_ROWS and pair not in FILE_PAIRS]
)
def test_nothing_holds_on_an_empty_project(evaluated, variant, requirement):
    project = without_resources(evaluated[variant])
    verdict = judge(requirement, project)[0] if applies(requirement, project) else ABSENT
    assert verdict != HOLDS


def test_every_row_has_a_mutation():
    assert {row[0] for row in MUTATIONS} == set(ROWS)


@pytest.mark.parametrize(
    ("requirement", "variant", "change", "says"),
    [(row[0], row[1], row[3], row[4]) for row in MUTATIONS],
    ids=[f"{row[0]} {row[2]}" for row in MUTATIONS],
)
def test_check_turns_red(evaluated, tmp_path, requirement, variant, change, says):
    verdict, findings = judge(requirement, spoil(evaluated[variant], change, tmp_path))
    details = [item.detail for item in findings if not item.holds]
    assert verdict == BROKEN
    assert any(says in detail for detail in details), details
    assert all(detail.endswith(".") for detail in details)


@pytest.mark.parametrize(
    ("requirement", "change"), ADDITIONS, ids=[f"{number} {row[0]}" for number, row in enumerate(ADDITIONS)]
)
def test_check_stays_green_for_what_later_releases_add(evaluated, tmp_path, requirement, change):
    verdict, findings = judge(requirement, spoil(evaluated[DEFAULT], change, tmp_path))
    assert [item.detail for item in findings if not item.holds] == []
    assert verdict == HOLDS


@pytest.mark.parametrize("variant", [CHAT, REUSED, CENTRAL])
def test_a_change_of_the_chat_model_keeps_the_requirements(evaluated, tmp_path, variant):
    """While another model takes over in one environment, the template compiles, and what held before holds."""
    project = evaluated[variant]
    changing = rebuild(
        project,
        lambda draft: begin_change(draft.root / "infra/prod.bicepparam", "gpt-next", ["primary"]),
        tmp_path,
        evaluated.compiler,
    )
    assert [remark.message for remark in changing.diagnostics] == []
    apis = [item for item in changing.environments["prod"].of_type(f"{GATEWAY}/apis") if "foundation;" in item.name]
    assert len(apis) == 1 + len(project.answers["rollout_steps"].split(","))
    assert check_policies(changing).faults == []
    faults = {
        (requirement, item.detail.rpartition(": ")[2])
        for requirement in ROWS
        if applies(requirement, project)
        for item in judge(requirement, changing)[1]
        if not item.holds
    }
    # What the record tells the owner to write besides.
    assert faults == {("GEN-06", UNTOLD), ("INF-07", UNDATED)}


def test_owners_may_add_resources_of_their_own(evaluated, tmp_path):
    declared = edit(
        LOCAL,
        "param location string",
        "param location string\nresource mine 'Microsoft.Storage/storageAccounts@2026-04-01' = {}",
    )
    change = both(declared, add("prod", STORAGE, "stmine"))
    assert judge("GEN-01", spoil(evaluated[DEFAULT], change, tmp_path))[0] == HOLDS


def test_a_rollout_holds_the_size_of_a_deployment(evaluated):
    project = evaluated[DEFAULT]
    prod = project.environments["prod"]
    for held, bounds in ((0, ("3", "3", "9")), (7, ("7", "7", "9")), (12, ("12", "12", "12"))):
        rows = evaluate_rollout(project.root, prod, project.answers, evaluated.compiler, held)
        capacity = next(item for item in rows if "autoscale" in item.type).properties["profiles"][0]["capacity"]
        assert (capacity["minimum"], capacity["default"], capacity["maximum"]) == bounds


def test_a_project_that_does_not_compile_holds_nothing(evaluated):
    project = evaluated[DEFAULT]
    uncompiled = type(project)(project.root, project.answers, {}, {}, [])
    asked = [requirement for requirement in ROWS if requirement not in FILE_ROWS and applies(requirement, project)]
    verdicts = {requirement: judge(requirement, uncompiled)[0] for requirement in asked}
    assert HOLDS not in verdicts.values(), json.dumps(verdicts)


def test_allowed_types_follow_the_answers(evaluated):
    answers = evaluated[DEFAULT].answers
    assert "microsoft.machinelearningservices/workspaces/computes" in allowed_types(answers, "dev")
    assert "microsoft.apimanagement/service" in allowed_types(answers, "prod")
    chat = evaluated[CHAT].answers
    assert "microsoft.storage/storageaccounts" not in allowed_types(chat, "prod")
    assert "microsoft.cognitiveservices/accounts" in allowed_types(chat, "prod")


def test_environment_facts_name_what_is_there(evaluated):
    answers = evaluated[REGULATED].answers
    dev, prod = environment_facts(answers, "dev"), environment_facts(answers, "prod")
    assert "exploration-workspace" in dev["here"] and "exploration-workspace" not in prod["here"]
    assert (dev["second_region"], prod["second_region"]) == (False, True)
    assert prod["encrypted"] == ["storage", "registry", "inference", "inference-2", "primary", "secondary"]


def test_what_all_share_lives_in_one_environment(tmp_path):
    """Training, and the registry of models with its private endpoint: test has them, prod needs none."""
    answers = {"functions": ["training", "online_inference"], "environments": ["test", "prod"]}
    render({**answers, "model_sources": ["own"], "criticality": "medium"}, tmp_path / "project")
    with Compiler() as compiler:
        project = evaluate(tmp_path / "project", of_project(tmp_path / "project"), compiler)
    assert project.answers["shared_model_registry"]
    kinds = (MODELS, "Microsoft.Authorization/policyAssignments", FEDERATED, "Microsoft.Network/privateEndpoints")
    counts = {kind: [len(project.environments[name].of_type(kind)) for name in ("test", "prod")] for kind in kinds}
    assert counts[MODELS] == [1, 0] and all(test > prod for test, prod in counts.values()), counts
    assert judge("GEN-12", project)[0] == HOLDS
    assert "| Registry of models, which all share | yes | no |" in (project.root / "docs/architecture.md").read_text()
    without = spoil(project, drop("prod", "Microsoft.Insights/actionGroups"), tmp_path / "spoilt")
    assert judge("GEN-12", without)[0] == BROKEN
