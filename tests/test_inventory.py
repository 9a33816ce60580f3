"""`groundplan resources`: what will exist, as JSON, table and tree."""

import json

import pytest

from tests.support import assert_refused, groundplan


@pytest.fixture(scope="module")
def default(rendered_variants):
    return rendered_variants / "default"


def test_json_has_every_environment(default):
    run = groundplan("resources", default, "--json")
    assert run.returncode == 0, run.stderr
    environments = json.loads(run.stdout)["environments"]
    assert list(environments) == ["dev", "test", "prod"]
    vault = next(row for row in environments["prod"] if row["type"] == "Microsoft.KeyVault/vaults")
    assert vault["resourceGroup"] == "rg-contosovis-prod-platform" and vault["sku"] == "standard"
    grant = next(row for row in environments["prod"] if row["type"] == "Microsoft.Authorization/roleAssignments")
    assert grant["scope"] and grant["id"].startswith(grant["scope"])


def test_tree_hangs_children_below_their_parents(default):
    run = groundplan("resources", default, "--env", "dev", "--tree")
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    depth = {}
    for line in lines:
        name = line.lstrip("│├└─ ")
        depth.setdefault(name, len(line) - len(name))
    group = depth["rg-contosovis-dev-platform (swedencentral)"]
    account = next(value for name, value in depth.items() if name.startswith("Storage/storageAccounts st"))
    container = next(value for name, value in depth.items() if name.endswith("containers data"))
    assert group < account < container
    assert any("Storage Blob Data Reader for id-contosovis-dev-training" in line for line in lines)
    assert any(line.endswith("budget-contosovis-dev") for line in lines)


def test_table_names_every_resource(default):
    run = groundplan("resources", default, "--env", "prod")
    assert run.returncode == 0, run.stderr
    assert "prod: " in run.stdout and "kv-contosovis-prod-" in run.stdout and "kv-contosovis-dev-" not in run.stdout


def test_bad_input_is_one_sentence(default, tmp_path):
    assert_refused(groundplan("resources", default, "--env", "staging"), "choose one of dev, test, prod")
    assert_refused(groundplan("resources", tmp_path / "nowhere"), "There is no folder")
    assert_refused(groundplan("resources", tmp_path), "is no generated project")


def test_a_template_that_does_not_compile_is_one_sentence(default, tmp_path):
    import shutil

    project = tmp_path / "project"
    shutil.copytree(default, project)
    main = project / "infra" / "main.bicep"
    main.write_text(main.read_text() + "nonsense\n")
    assert_refused(groundplan("resources", project), "does not compile", code=1)
    main.unlink()
    assert_refused(groundplan("resources", project), "has no infra/main.bicep")
