"""`copier update`: an owner's edit survives new versions, also those that move files; without news nothing happens.

The whole of it, every release with many answers, is `groundplan rehearse`.
"""

import itertools
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from jinja2 import Environment, meta

from generator import releases
from generator.commands.rehearse import table
from generator.errors import GroundplanError
from generator.paths import ROOT
from generator.rehearsal import LOST, NEEDLESS, Row, commit, make, outcome, project_row, switched, update

RELEASES = releases.load()
OLD = [release for release in RELEASES if release.commit != releases.NEWEST]


def git(directory, *arguments):
    run = subprocess.run(["git", *arguments], cwd=directory, capture_output=True, text=True, check=True)
    return run.stdout


def committed(project):
    git(project, "init", "--quiet")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "Start of the platform")


def test_owner_edit_survives_an_update(copie, template_repo):
    result = copie.copy(template_dir=template_repo, vcs_ref="v1.0.0")
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
    git(template_repo, "tag", "v1.1.0")
    updated = copie.update(result, vcs_ref="v1.1.0")

    assert updated.exception is None
    assert (project / "infra" / "main.bicep").read_text().startswith("// A new line of guidance.\n")
    assert parameters.read_text().endswith("// reviewed by the security team\n")
    assert local.read_text().endswith("// ours\n")
    assert not git(project, "diff", "--name-only", "--diff-filter=U")
    assert yaml.safe_load((project / ".copier-answers.yml").read_text())["_commit"] == "v1.1.0"


def test_update_to_the_same_version_changes_nothing(copie, template_repo):
    result = copie.copy(template_dir=template_repo, vcs_ref="v1.0.0")
    assert result.exception is None
    committed(result.project_dir)
    updated = copie.update(result, vcs_ref="v1.0.0")
    assert updated.exception is None
    assert git(result.project_dir, "status", "--porcelain") == ""


def test_update_of_an_untouched_project_equals_a_fresh_copy(copie, template_repo):
    old = copie.copy(template_dir=template_repo, vcs_ref="v1.0.0")
    assert old.exception is None
    committed(old.project_dir)
    record = template_repo / "template" / "docs" / "decisions" / "scope.md.jinja"
    record.write_text(record.read_text() + "\nOne more paragraph.\n")
    git(template_repo, "commit", "--all", "--quiet", "--message", "Longer record")
    git(template_repo, "tag", "v1.1.0")
    assert copie.update(old, vcs_ref="v1.1.0").exception is None
    fresh = copie.copy(template_dir=template_repo, vcs_ref="v1.1.0")
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


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """A clone of this repository as it lies, with every release tagged."""
    return releases.clone(tmp_path_factory.mktemp("history") / "groundplan")


def test_releases_are_ordered_commits_of_this_history(history):
    assert [release.version for release in RELEASES] == sorted(release.version for release in RELEASES)
    assert {release.tag for release in RELEASES} <= set(git(history, "tag").split())
    for older, newer in itertools.pairwise(RELEASES):
        git(history, "merge-base", "--is-ancestor", older.tag, newer.tag)
    assert all(re.fullmatch(r"[0-9a-f]{40}", release.commit) for release in OLD)


def test_only_the_newest_release_may_lack_a_commit():
    assert [release.commit for release in RELEASES[:-1]].count(releases.NEWEST) == 0


def test_each_release_has_its_section_in_the_changelog():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (\S+) \((\S+)\)", text, re.MULTILINE)
    assert headings == [(release.version, release.date) for release in reversed(RELEASES)]


def test_a_tag_never_moves(history, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(history, copy)
    git(copy, "tag", "--force", RELEASES[0].tag, "HEAD")
    with pytest.raises(GroundplanError, match="a released tag never moves"):
        releases.tag(copy, RELEASES)


def test_releases_that_rename_or_move_have_a_migration():
    settings = yaml.safe_load((ROOT / "copier.yml").read_text().split("\n---")[0])
    migrated = [row["version"] for row in settings["_migrations"]]
    assert migrated == [release.version for release in RELEASES if release.renamed_answers or release.moved_files]


@pytest.mark.parametrize("release", OLD, ids=lambda release: release.version)
def test_excluded_paths_are_chosen_by_names_that_every_release_knows(history, release):
    """Copier renders the new list of excluded paths with the old release's names, so an unknown one ends the update.

    What it excludes there counts as made by the owner, so an unknown name must not exclude anything: default(true).
    """
    names = git(history, "ls-tree", "--name-only", release.tag, "generator/questions/").split()
    known = {key for name in names for key in yaml.safe_load(git(history, "show", f"{release.tag}:{name}"))}
    for path in sorted((ROOT / "generator" / "questions").glob("*.yml")):
        for block in yaml.safe_load(path.read_text(encoding="utf-8")).get("_exclude", []):
            guarded = re.sub(r"\w+ \| default\(true\)", "true", block)
            used = meta.find_undeclared_variables(Environment().parse(guarded))
            assert used - known - {"_copier_answers"} == set(), path.name


@pytest.mark.parametrize("release", OLD, ids=lambda release: release.version)
def test_a_project_of_an_old_release_arrives_whole(history, release):
    """Untouched, edited in every way, with other answers, and with a function off and on again."""
    row = project_row(history, release, "smallest-prototype")
    print("\n".join(table([row])))
    assert row.faults == []
    assert not {LOST, NEEDLESS} & set(row.outcomes.values()), row.outcomes


def test_a_migration_needs_trust_and_carries_changes_over(history, tmp_path):
    project = tmp_path / "project"
    answers = {"project_name": "Contoso Vision", "budget_start": "2026-01-01", "environments": ["dev"]}
    make(history, "v0.1.0", {**answers, "functions": ["training"]}, project)
    commit(project, first=True)
    thresholds = project / "ml" / "thresholds.yml"
    thresholds.write_text(thresholds.read_text(encoding="utf-8").replace("accuracy: 0.85", "accuracy: 0.91"))
    commit(project)
    command = [str(Path(sys.executable).parent / "copier"), "update", "--defaults", "--quiet", "--vcs-ref", "HEAD"]
    refused = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert refused.returncode == 4 and "migrations" in refused.stderr
    assert git(project, "status", "--porcelain") == ""
    update(project)
    moved = project / "ml" / "models" / "example" / "thresholds.yml"
    assert "accuracy: 0.91" in moved.read_text(encoding="utf-8") and not thresholds.exists()
    stored = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert stored["budget_start_date"] == "2026-01-01" and "budget_start" not in stored
    # The next update crosses no migration.
    commit(project)
    update(project, trust=False)
    assert git(project, "status", "--porcelain") == ""


def test_a_function_goes_and_comes_back_without_its_changes_lost(history, tmp_path):
    """The project's own script refuses, then saves."""
    start = tmp_path / "start"
    given = {"functions": ["eda", "online_inference"], "model_sources": ["foundation"], "environments": ["dev"]}
    make(history, "HEAD", {"project_name": "Contoso Vision", **given}, start)
    commit(start, first=True)
    row = Row("0.2.0", "small")
    switched(row, history, start, tmp_path)
    assert (row.faults, row.outcomes) == ([], {"function off and on": "kept"})


def test_the_rehearsal_sees_what_is_lost(tmp_path):
    """A rehearsal that cannot fail proves nothing."""
    start, project, fresh = (tmp_path / name for name in ("start", "project", "fresh"))
    for folder, text in ((start, "a\nb\nc\n"), (project, "a\nB\nc\n"), (fresh, "a\nb\nd\n")):
        folder.mkdir()
        (folder / "x.txt").write_text(text)
    commit(project, first=True)
    (project / "x.txt").write_text("a\nb\nd\n")
    assert outcome(start, project, fresh, "x.txt") == "lost"
    (project / "x.txt").write_text("a\nB\nd\n")
    assert outcome(start, project, fresh, "x.txt") == "kept"
    (project / "x.txt").write_text("<<<<<<< before updating\na\nB\n=======\n>>>>>>> after updating\n")
    assert outcome(start, project, fresh, "x.txt") == "conflict"
    (fresh / "x.txt").write_text("a\nb\nc\n")
    assert outcome(start, project, fresh, "x.txt") == "needless conflict"
    (project / "x.txt").unlink()
    assert outcome(start, project, fresh, "x.txt") == "lost"


def test_renamed_answers_may_be_renamed_twice(tmp_path):
    sys.path.insert(0, str(ROOT / "generator" / "hooks"))
    import migrate

    answers = tmp_path / ".copier-answers.yml"
    answers.write_text("# Answers\nold: 1\nolder: 2\n")
    for _ in range(2):
        migrate.rename_answers(answers, {"old": "new"})
        assert answers.read_text() == "# Answers\nnew: 1\nolder: 2\n"


def test_a_moved_file_leaves_its_old_place(tmp_path):
    """Copier leaves a file whose whole folder is no part of the project any more."""
    sys.path.insert(0, str(ROOT / "generator" / "hooks"))
    import migrate

    project = tmp_path / "project"
    (project / "old").mkdir(parents=True)
    (project / "old" / "a.txt").write_text("limit: 2\nname: a\nkind: b\n")
    commit(project, first=True)
    (project / "new.txt").write_text("limit: 1\nname: a\nkind: c\n")
    before = SimpleNamespace(text=lambda name: b"limit: 1\nname: a\nkind: b\n", rendered=lambda name: b"")
    migrate.merge(project, before, "old/a.txt", "new.txt")
    assert not (project / "old" / "a.txt").exists()
    assert (project / "new.txt").read_text() == "limit: 2\nname: a\nkind: c\n"
