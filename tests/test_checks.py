"""Every check holds on rendered, evaluated projects, and turns red for each thing that it is there to notice."""

import json

import pytest

from generator.answers import load, of_project
from generator.checks import registry
from generator.checks.expected import allowed_types, environment_facts
from generator.compiler import Compiler
from generator.evaluation import evaluate
from generator.paths import VARIANTS
from generator.rendering import render
from tests.checks_mutations import ADDITIONS, CHAT, DEFAULT, LOCAL, MUTATIONS, REGULATED, STORAGE, VARIANT_NAMES
from tests.checks_support import ABSENT, BROKEN, HOLDS, add, both, edit, judge, spoil, without_resources

ROWS = [f"GEN-{n:02}" for n in (1, 2, 3, 4, 5, 8, 9, 10, 11, 12)]
ROWS += [f"SEC-{n:02}" for n in (1, 3, 4, 5, 6, 7, 9, 10, 11)]
ROWS += [f"NET-{n:02}" for n in (1, 2, 3, 5, 6, 7, 8)] + ["REL-01"]

ABSENT_ROWS = {
    "regulated-two-regions": {"GEN-02", "GEN-05", "NET-05"},
    "all-reused": {"GEN-05", "NET-05", "SEC-05"},
    "default": {"GEN-02", "GEN-05", "NET-05"},
    "smallest-prototype": {"GEN-02", "GEN-05", "NET-02", "NET-03", "NET-05", "NET-06", "NET-07"},
    "foundation-chat": {"GEN-02", "GEN-05", "NET-05", "SEC-03", "SEC-05", "SEC-11"},
}

FILE_ROWS = {"GEN-03", "GEN-08", "GEN-09", "SEC-10"}


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory):
    """Every variant of VARIANT_NAMES, rendered and evaluated by one compiler."""
    projects = {}
    with Compiler() as compiler:
        for name in VARIANT_NAMES:
            root = tmp_path_factory.mktemp("checks") / name
            render(load(VARIANTS / f"{name}.yml"), root)
            projects[name] = evaluate(root, of_project(root), compiler)
    return projects


def test_every_row_has_a_check():
    assert set(ROWS) <= registry().keys()


@pytest.mark.parametrize("requirement", ROWS)
@pytest.mark.parametrize("variant", VARIANT_NAMES)
def test_rendered_projects_keep_the_requirement(evaluated, variant, requirement):
    verdict, findings = judge(requirement, evaluated[variant])
    assert [f"{item.evidence}: {item.detail}" for item in findings if not item.holds] == []
    assert verdict == (ABSENT if requirement in ABSENT_ROWS[variant] else HOLDS)
    assert all(item.evidence and not item.detail for item in findings)


@pytest.mark.parametrize("requirement", sorted(set(ROWS) - FILE_ROWS))
@pytest.mark.parametrize("variant", VARIANT_NAMES)
def test_nothing_holds_on_an_empty_project(evaluated, variant, requirement):
    verdict, _ = judge(requirement, without_resources(evaluated[variant]))
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


def test_owners_may_add_resources_of_their_own(evaluated, tmp_path):
    declared = edit(
        LOCAL,
        "param location string",
        "param location string\nresource mine 'Microsoft.Storage/storageAccounts@2026-04-01' = {}",
    )
    change = both(declared, add("prod", STORAGE, "stmine"))
    assert judge("GEN-01", spoil(evaluated[DEFAULT], change, tmp_path))[0] == HOLDS


def test_a_project_that_does_not_compile_holds_nothing(evaluated):
    project = evaluated[DEFAULT]
    uncompiled = type(project)(project.root, project.answers, {}, {}, [])
    verdicts = {requirement: judge(requirement, uncompiled)[0] for requirement in set(ROWS) - FILE_ROWS}
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
    assert "exploration" in dev["here"] and "exploration" not in prod["here"]
    assert (dev["second_region"], prod["second_region"]) == (False, True)
    assert prod["encrypted"] == ["storage", "registry"]
