"""Updates that lose nothing, with a stand-in for Copier that does to the copy what a test says."""

import subprocess
import sys

import pytest
import update

LAST = {
    ".copier-answers.yml": "# Answers\n_commit: v0.1.0\n_src_path: gh:contoso/template\nworkload: demo\n",
    "docs/guidance.md": "| GEN-01 | Only what was asked for. | By modules. | x |\n",
    "docs/decisions/scope.md": "Old reason.\n",
    "scripts/update.py": "",
    "feature.py": "theirs\n",
    "same.txt": "one\n",
}


def git(folder, *arguments):
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


def write(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project at version 0.1.0, and what an update does to it; Copier is this file, run as a program."""
    root = tmp_path / "project"
    write(root, LAST)
    git(tmp_path, "init", "--quiet", str(root))
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "start")
    script = tmp_path / "copier.py"
    script.write_text(
        "import pathlib, sys\n"
        "folder = pathlib.Path(sys.argv[-1])\n"
        f"last = {LAST!r}\n"
        "if sys.argv[1] == 'copy':\n"
        "    for name, text in last.items():\n"
        "        (folder / name).parent.mkdir(parents=True, exist_ok=True)\n"
        "        (folder / name).write_text(text)\n"
        "else:\n"
        "    exec((pathlib.Path(__file__).parent / 'does.py').read_text())\n"
    )
    (tmp_path / "does.py").write_text("")
    monkeypatch.setattr(update, "copier", lambda: [sys.executable, str(script)])
    monkeypatch.setattr(update, "__file__", str(root / "scripts" / "update.py"))
    return root


def does(project, text):
    (project.parent / "does.py").write_text(text)


NEWER = (
    "answers = folder / '.copier-answers.yml'\n"
    "answers.write_text(answers.read_text().replace('v0.1.0', 'v0.2.0'))\n"
    "page = folder / 'docs/guidance.md'\n"
    "rows = ['GEN-01 | Only what was asked for. | By parameters.', 'GEN-02 | Reuse. | By id.']\n"
    "page.write_text(''.join(f'| {row} | x |\\n' for row in rows))\n"
    "(folder / 'docs/decisions/scope.md').write_text('New reason.\\n')\n"
)


def test_an_update_arrives_with_its_words(project, tmp_path, capsys):
    does(project, NEWER)
    assert update.main(["--defaults", "--words", str(tmp_path / "words.md")]) == 0
    assert "_commit: v0.2.0" in (project / ".copier-answers.yml").read_text()
    words = (tmp_path / "words.md").read_text()
    assert words.startswith("# Guidance v0.1.0 to v0.2.0")
    assert "- New: **GEN-02** Reuse. By id." in words
    assert "- **GEN-01** is met in another way: By parameters." in words
    assert "- `docs/decisions/scope.md`" in words
    assert words in capsys.readouterr().out


def test_nothing_new(project, capsys):
    assert update.main([]) == 0
    assert "nothing new" in capsys.readouterr().out
    assert git(project, "status", "--porcelain") == ""


def test_a_changed_file_that_would_go_stops_the_update(project, capsys):
    write(project, {"feature.py": "mine\n"})
    git(project, "commit", "--all", "--quiet", "--message", "mine")
    does(project, f"{NEWER}(folder / 'feature.py').unlink()\n(folder / 'same.txt').unlink()\n")
    assert update.main([]) == update.REFUSED
    said = capsys.readouterr().out
    assert "feature.py" in said and "same.txt" not in said
    assert git(project, "status", "--porcelain") == ""


def test_a_changed_file_that_goes_is_kept_beside_its_place(project):
    write(project, {"feature.py": "mine\n"})
    git(project, "commit", "--all", "--quiet", "--message", "mine")
    does(project, f"{NEWER}(folder / 'feature.py').unlink()\n(folder / 'same.txt').unlink()\n")
    assert update.main(["--keep"]) == 0
    assert (project / "feature.py.kept").read_text() == "mine\n"
    assert not (project / "feature.py").exists() and not (project / "same.txt").exists()


def test_a_moved_file_is_not_lost(project):
    text = "".join(f"line {number}\n" for number in range(9))
    write(project, {"feature.py": f"mine\n{text}"})
    git(project, "commit", "--all", "--quiet", "--message", "mine")
    does(project, "(folder / 'feature.py').rename(folder / 'moved.py')\n")
    assert update.main([]) == 0
    assert (project / "moved.py").read_text().startswith("mine\n")


def test_conflicts_are_named_and_can_be_refused(project, capsys):
    markers = "<<<<<<< before updating\\nmine\\n=======\\ntheirs\\n>>>>>>> after updating\\n"
    does(project, f"(folder / 'same.txt').write_text('{markers}')\n")
    assert update.main(["--refuse-conflicts"]) == update.REFUSED
    assert git(project, "status", "--porcelain") == ""
    assert update.main([]) == update.CONFLICTS
    assert "Resolve the conflict in same.txt." in capsys.readouterr().out


def test_what_is_not_committed_stops_the_update(project, capsys):
    write(project, {"feature.py": "mine\n"})
    assert update.main([]) == update.REFUSED
    assert "Commit or stash" in capsys.readouterr().err


def test_a_refusal_of_copier_stops_the_update(project, capsys):
    does(project, "sys.exit(4)\n")
    assert update.main([]) == update.REFUSED
    assert "Copier refuses" in capsys.readouterr().err


def test_sections_of_the_changelog_after_a_version():
    text = "# Changelog\n\n## 0.3.0\n\n- c\n\n## 0.2.0\n\n- b\n\n## 0.1.0\n\n- a\n"
    assert update.since(text, "v0.1.0") == "## 0.3.0\n\n- c\n\n## 0.2.0\n\n- b"
    assert update.since(text, "v0.2.0-3-gabc") == "## 0.3.0\n\n- c"
    assert update.since(text, "v0.3.0") == ""


def test_short_addresses():
    assert update.expanded("gh:contoso/template") == "https://github.com/contoso/template"
    assert update.expanded("git+ssh://host/x") == "ssh://host/x"
