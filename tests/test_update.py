"""`copier update`: an owner's edit survives a new template version, and an update without news changes nothing."""

import subprocess
import sys
from pathlib import Path

import yaml


def git(directory, *arguments):
    run = subprocess.run(["git", *arguments], cwd=directory, capture_output=True, text=True, check=True)
    return run.stdout


def committed(project):
    git(project, "init", "--quiet")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "Start of the platform")


def test_owner_edit_survives_an_update(copie, template_repo):
    result = copie.copy(template_dir=template_repo, vcs_ref="v0.1.0")
    assert result.exception is None
    project = result.project_dir
    committed(project)
    parameters = project / "infra" / "prod.bicepparam"
    parameters.write_text(parameters.read_text() + "// reviewed by the security team\n")
    local = project / "infra" / "modules" / "local" / "main.bicep"
    local.write_text(local.read_text() + "// ours\n")
    git(project, "commit", "--all", "--quiet", "--message", "Own changes")

    main = template_repo / "template" / "infra" / "main.bicep.jinja"
    main.write_text("// A new line of guidance.\n" + main.read_text())
    git(template_repo, "commit", "--all", "--quiet", "--message", "New guidance")
    git(template_repo, "tag", "v0.2.0")
    updated = copie.update(result, vcs_ref="v0.2.0")

    assert updated.exception is None
    assert (project / "infra" / "main.bicep").read_text().startswith("// A new line of guidance.\n")
    assert parameters.read_text().endswith("// reviewed by the security team\n")
    assert local.read_text().endswith("// ours\n")
    assert not git(project, "diff", "--name-only", "--diff-filter=U")
    assert yaml.safe_load((project / ".copier-answers.yml").read_text())["_commit"] == "v0.2.0"


def test_update_to_the_same_version_changes_nothing(copie, template_repo):
    result = copie.copy(template_dir=template_repo, vcs_ref="v0.1.0")
    assert result.exception is None
    committed(result.project_dir)
    updated = copie.update(result, vcs_ref="v0.1.0")
    assert updated.exception is None
    assert git(result.project_dir, "status", "--porcelain") == ""


def test_update_of_an_untouched_project_equals_a_fresh_copy(copie, template_repo):
    old = copie.copy(template_dir=template_repo, vcs_ref="v0.1.0")
    assert old.exception is None
    committed(old.project_dir)
    record = template_repo / "template" / "docs" / "decisions" / "scope.md.jinja"
    record.write_text(record.read_text() + "\nOne more paragraph.\n")
    git(template_repo, "commit", "--all", "--quiet", "--message", "Longer record")
    git(template_repo, "tag", "v0.2.0")
    assert copie.update(old, vcs_ref="v0.2.0").exception is None
    fresh = copie.copy(template_dir=template_repo, vcs_ref="v0.2.0")
    assert fresh.exception is None
    compared = subprocess.run(
        ["diff", "--recursive", "--exclude=.git", str(old.project_dir), str(fresh.project_dir)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert compared.stdout == ""


def test_an_answer_given_beforehand_survives_updates(template_repo, tmp_path):
    """`criticality` is not asked with `detail: essentials`; given once, it is kept, and later answers join it."""
    project = tmp_path / "project"
    copier = str(Path(sys.executable).parent / "copier")

    def run(*arguments):
        subprocess.run([copier, *arguments], cwd=tmp_path, check=True, capture_output=True)

    run("copy", "--defaults", "--data", "criticality=high", str(template_repo), str(project))
    committed(project)
    run("update", "--defaults", "--vcs-ref", ":current:", "--data", "cost_center=CC-1", str(project))
    answers = yaml.safe_load((project / ".copier-answers.yml").read_text())
    assert (answers["criticality"], answers["cost_center"], answers["detail"]) == ("high", "CC-1", "essentials")
    assert "network_posture" not in answers
    assert "param secondaryLocation = 'germanywestcentral'" in (project / "infra" / "prod.bicepparam").read_text()
