"""The engine of verdicts, and `groundplan verify` as a user runs it."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from generator import verification
from generator.checks import DoesNotApply, Finding
from generator.evaluation import Project, evaluate
from generator.requirements import load
from generator.verification import ABSENT, BROKEN, HOLDS, judge, verify
from tests.support import assert_refused, groundplan

ALWAYS = next(item for item in load() if item.id == "SEC-04")
CONDITIONAL = next(item for item in load() if item.id == "SEC-11")


def judged(monkeypatch, requirement, check, **answers):
    monkeypatch.setattr(verification, "registry", lambda: {requirement.id: check})
    return judge(requirement, Project(Path(), answers, {}, {}, []))


def raising(error):
    def check(project):
        yield Finding(True, "first")
        raise error

    return check


def test_all_findings_hold(monkeypatch):
    verdict = judged(monkeypatch, ALWAYS, lambda _: [Finding(True, "vault a"), Finding(True, "vault b")])
    assert (verdict.verdict, verdict.evidence, verdict.reason) == (HOLDS, ["vault a", "vault b"], "")


def test_one_finding_is_enough_to_break(monkeypatch):
    verdict = judged(
        monkeypatch, ALWAYS, lambda _: [Finding(True, "vault a"), Finding(False, "vault b", "switch it on")]
    )
    assert verdict.verdict == BROKEN and verdict.evidence == ["vault b"]
    assert verdict.reason == "vault b: switch it on"


def test_nothing_to_look_at_is_broken(monkeypatch):
    verdict = judged(monkeypatch, ALWAYS, lambda _: [])
    assert verdict.verdict == BROKEN and "nothing to look at" in verdict.reason


def test_the_answers_decide_whether_it_applies(monkeypatch):
    check = raising(AssertionError("must not run"))
    verdict = judged(monkeypatch, CONDITIONAL, check, customer_managed_keys=False)
    assert (verdict.verdict, verdict.reason) == (ABSENT, "Microsoft manages the keys.")
    verdict = judged(monkeypatch, CONDITIONAL, lambda _: [Finding(True, "x")], customer_managed_keys=True)
    assert verdict.verdict == HOLDS


def test_a_check_may_say_that_it_does_not_apply(monkeypatch):
    verdict = judged(monkeypatch, ALWAYS, raising(DoesNotApply("no vault here")))
    assert (verdict.verdict, verdict.reason) == (ABSENT, "no vault here")


def test_a_failing_check_is_broken_not_a_crash(monkeypatch):
    verdict = judged(monkeypatch, ALWAYS, raising(KeyError("properties")))
    assert verdict.verdict == BROKEN and "KeyError" in verdict.reason


def test_without_a_check_there_is_no_verdict(monkeypatch):
    unchecked = replace(load()[0], check=None)
    assert judged(monkeypatch, unchecked, lambda _: []) is None


@pytest.fixture
def broken(rendered_variants, tmp_path):
    """A rendered project that a test may break."""
    project = tmp_path / "training-only"
    shutil.copytree(rendered_variants / "training-only", project)
    return project


def verified(*targets):
    run = groundplan("verify", *targets, "--json")
    assert run.stdout, run.stderr
    return run.returncode, json.loads(run.stdout)


@pytest.fixture
def verdicts(evaluated, broken):
    """What is said of the project once a test has broken it; the command line has tests of its own."""
    return lambda: verify(broken, evaluated.compiler, run_tools=False)


def test_a_good_project_exits_with_0(rendered_variants):
    code, found = verified(rendered_variants / "training-only")
    (project,) = found["projects"]
    assert code == 0 and not project["broken"] and found["bicep"] and project["tools"]
    assert {row["id"] for row in project["requirements"]} == {item.id for item in load() if item.check}


def test_a_broken_requirement_is_named_with_its_resource(broken, verdicts):
    module = broken / "infra" / "modules" / "platform" / "key-vault.bicep"
    module.write_text(module.read_text().replace("enablePurgeProtection: true\n", ""))
    found = verdicts()
    row = next(row for row in found.requirements if row.id == "SEC-04")
    assert found.broken and row.verdict == BROKEN
    assert "kv-demandtrn-dev-" in row.reason and "enablePurgeProtection" in row.reason


def test_a_compiler_remark_breaks(broken, verdicts):
    main = broken / "infra" / "main.bicep"
    main.write_text(main.read_text() + "\nvar nobody = 1\n")
    found = verdicts()
    assert found.broken and any("no-unused-vars" in remark for remark in found.diagnostics)


def test_environments_are_what_their_own_parameter_files_make(evaluated):
    """They are evaluated beside the compiled template; in their place, beside main.bicep, they give the same."""
    project = evaluated["training-only"]
    for name, environment in project.environments.items():
        path = project.root / "infra" / f"{name}.bicepparam"
        snapshot = evaluated.compiler.snapshot(path, project.answers["location"])
        assert [item.body for item in environment.resources] == snapshot["predictedResources"]
        assert evaluated.compiler.compile_params(path) == ([], environment.parameters)


def test_a_parameter_file_may_load_others(evaluated, broken):
    (broken / "infra" / "owner.txt").write_text("platform@contoso.com")
    parameters = broken / "infra" / "dev.bicepparam"
    text = re.sub(
        r"^param owner = .*$", "param owner = loadTextContent('owner.txt')", parameters.read_text(), flags=re.M
    )
    parameters.write_text(text)
    project = evaluate(broken, evaluated["training-only"].answers, evaluated.compiler, ["dev"])
    owners = {item.tags["owner"] for item in project.environments["dev"].resources if item.tags}
    assert owners == {"platform@contoso.com"} and not project.diagnostics


def test_a_wrong_parameter_is_named_in_its_file(broken, verdicts):
    parameters = broken / "infra" / "test.bicepparam"
    parameters.write_text(parameters.read_text() + "\nparam nobody = 1\n")
    found = verdicts()
    assert any(remark.startswith("infra/test.bicepparam:") and "nobody" in remark for remark in found.diagnostics)


def test_unformatted_bicep_breaks(broken, verdicts):
    parameters = broken / "infra" / "dev.bicepparam"
    parameters.write_text(parameters.read_text().replace("param location =", "param   location ="))
    found = verdicts()
    assert found.broken and any("bicep format" in remark for remark in found.diagnostics)


def test_without_tools_only_the_compiler_and_the_requirements_count(broken, verdicts):
    (broken / "docs" / "more.md").write_text("# More\n\n[Nothing](nothing.md)\n")
    found = verdicts()
    assert not found.broken and found.tools == [] and len(found.requirements) > 100


def test_a_fault_of_a_tool_breaks(broken):
    (broken / "docs" / "decisions" / "scope.md").unlink()
    code, found = verified(broken)
    tool = next(row for row in found["projects"][0]["tools"] if row["tool"] == "lychee")
    assert code == 1 and tool["verdict"] == BROKEN


def test_table_shows_verdict_and_evidence(rendered_variants):
    run = groundplan("verify", "--no-tools", rendered_variants / "smallest-prototype")
    assert run.returncode == 0, run.stderr
    assert "SEC-04" in run.stdout and "does not apply" in run.stdout and "holds" in run.stdout


def test_variants_and_several_targets():
    run = groundplan("verify", "smallest-prototype", "exploration-only", "--no-tools", "--json")
    found = json.loads(run.stdout)
    assert run.returncode == 0 and [row["project"] for row in found["projects"]] == [
        "smallest-prototype",
        "exploration-only",
    ]


def test_bad_targets_are_one_sentence(tmp_path):
    assert_refused(groundplan("verify", "nonsense"), "There is no variant nonsense")
    assert_refused(groundplan("verify", tmp_path), "is no generated project")
    assert_refused(groundplan("verify", "default", "default"), "Two targets are called default")
