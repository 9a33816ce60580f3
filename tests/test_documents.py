"""What a new owner reads: the picture, the records, the guidance page and every command of the README are true."""

import re

import pytest

from generator.answers import load as load_answers
from generator.answers import resolve
from generator.paths import ROOT, VARIANTS
from generator.reference import pages
from generator.requirements import load
from generator.template import Template
from generator.tools.diagrams import DIAGRAM, check_diagrams
from generator.tools.documents import check_links, check_markdown
from generator.traceability import PAGE

NAMES = [path.stem for path in sorted(VARIANTS.glob("*.yml"))]
FUNCTION_NODES = {"exploration", "training", "tuning", "endpoint", "batch", "foundation", "gateway", "orchestrator"}
CODE = re.compile(r"`([^`]+)`")


@pytest.fixture(params=NAMES)
def project(request, rendered_variants):
    """Folder and all answers of a variant."""
    return rendered_variants / request.param, resolve(load_answers(VARIANTS / f"{request.param}.yml"))


def diagram(folder):
    """The lines of the one diagram of the architecture page."""
    (text,) = DIAGRAM.findall((folder / "docs" / "architecture.md").read_text())
    return text.splitlines()


def nodes(lines):
    """Ids of the nodes and subgraphs that the diagram declares."""
    declared = re.compile(r'^\s*(?:subgraph )?(\w+) ?(?:\["|\(\["|\[\(")')
    return [found[1] for line in lines if (found := declared.match(line))]


def test_the_diagram_parses(project):
    result = check_diagrams(project[0])
    assert (result.files, result.verdict) == (1, "holds"), result.faults


def test_the_diagram_shows_the_functions_of_the_answers_and_no_other(project):
    folder, answers = project
    expected = {
        "exploration": "eda" in answers["functions"],
        "training": "training" in answers["functions"],
        "tuning": "fine_tuning" in answers["functions"],
        "endpoint": answers["own_online"],
        "batch": answers["batch"],
        "foundation": answers["serves_foundation"],
        "gateway": answers["online"],
        "orchestrator": answers["orchestrated"],
    }
    declared = nodes(diagram(folder))
    assert {name for name in declared if name in FUNCTION_NODES} == {
        name for name, wanted in expected.items() if wanted
    }
    assert len(declared) == len(set(declared))


def test_arrows_and_classes_name_declared_nodes(project):
    lines = diagram(project[0])
    declared = set(nodes(lines))
    classes = [line.split()[1].split(",") for line in lines if line.strip().startswith("class ")]
    arrow = re.compile(r'^\s*(\w+) (?:-->|<?-- "[^"]*" -->|-\. "[^"]*" \.->) (\w+)$')
    arrows = [arrow.match(line).groups() for line in lines if "->" in line]
    assert arrows and classes
    assert {name for group in [*classes, *arrows] for name in group} <= declared


def test_reused_parts_are_marked(project):
    folder, answers = project
    marked = [line.split()[1].split(",") for line in diagram(folder) if line.endswith(" reused")]
    reused = {name for row in marked for name in row}
    assert ("monitoring" in reused) == ("log_analytics" in answers["reuse"])
    assert ("gateway" in reused) == (answers["online"] and "api_management" in answers["reuse"])
    assert ("databricks" in reused) == (answers["uses_databricks"] and "databricks" in answers["reuse"])


def test_each_question_stands_in_one_record(project):
    folder, _ = project
    named = [
        found[1]
        for path in sorted((folder / "docs" / "decisions").glob("*.md"))
        for line in path.read_text().splitlines()
        if (found := re.match(r"\| `(\w+)` \|", line)) and line.endswith(("| answered |", "| recommended |"))
    ]
    asked = {question.key for question in Template.load(ROOT).questions if not question.computed}
    assert named and set(named) <= asked
    assert [name for name in named if named.count(name) > 1] == []
    stored = set(re.findall(r"^(\w+):", (folder / ".copier-answers.yml").read_text(), re.MULTILINE)) & asked
    assert stored <= set(named)


def test_commands_of_the_readmes_exist(project):
    folder, _ = project
    makefile = folder / "Makefile"
    targets = set(re.findall(r"^([\w-]+):", makefile.read_text(), re.MULTILINE)) if makefile.is_file() else set()
    for readme in (folder / "README.md", folder / "ml" / "README.md"):
        text = readme.read_text() if readme.is_file() else ""
        assert set(re.findall(r"`make ([\w-]+)`", text)) <= targets, readme


def test_the_first_morning_has_ten_lines_at_most(project):
    folder, answers = project
    morning = (folder / "README.md").read_text().partition("## First morning\n")[2].partition("\n## ")[0]
    steps = re.findall(r"^(\d+)\. (.+)$", morning, re.MULTILINE)
    assert 1 <= len(steps) <= 10
    told = [text for _, text in steps if text.startswith("Data scientist: ")]
    assert len(told) == (2 if "eda" in answers["functions"] else 0)
    assert any("make train-local" in text for _, text in steps) or "training" not in answers["functions"]


def test_paths_of_the_documents_exist(project):
    folder, _ = project
    roots = tuple(sorted({path.name for path in (ROOT / "template").iterdir()} - {"Makefile.jinja", "README.md.jinja"}))
    for page in [folder / "README.md", *(folder / "docs").glob("*.md"), *(folder / "docs" / "decisions").glob("*.md")]:
        for code in CODE.findall(page.read_text()):
            path = code.split()[-1] if code.startswith(".venv/") else code
            path = path.replace("<environment>", "*").rstrip("/")
            if path.split("/")[0] in roots and " " not in path and "/" in path and "<" not in path:
                assert next(folder.glob(path), None), f"{page.name}: {code}"


def test_paths_of_module_readmes_exist(project):
    folder, _ = project
    readmes = sorted((folder / "infra" / "modules").glob("*/README.md"))
    assert readmes
    for readme in readmes:
        for name in re.findall(r"`([\w-]+\.(?:bicep|json))`", readme.read_text()):
            assert any(
                (place / name).is_file() for place in (readme.parent, folder / "infra")
            ), f"{readme.parent.name}: {name}"


def test_guidance_page_has_the_rows_that_apply(project):
    folder, answers = project
    text = (folder / "docs" / "guidance.md").read_text()
    rows = dict(re.findall(r"^\| ([A-Z]+-\d\d) \|.*\| ([^|]+) \|$", text, re.MULTILINE))
    expected = {
        row.id: "`groundplan verify`" if row.check else "not checked yet" for row in load() if row.applies_to(answers)
    }
    assert rows == expected
    claimed = re.search(r"^(\d+) requirements apply\..* checks (all|\d+) of them", text, re.MULTILINE)
    checked = [check for check in expected.values() if check.startswith("`")]
    total, share = claimed.groups()
    assert [int(total), int(total if share == "all" else share)] == [len(expected), len(checked)]


def test_guidance_page_names_files_that_exist(project):
    folder, _ = project
    seen = 0
    for line in (folder / "docs" / "guidance.md").read_text().splitlines():
        if re.match(r"\| [A-Z]+-\d\d \|", line):
            for path in CODE.findall(line.split(" | ")[3]):
                seen += 1
                assert next(folder.glob(path), None), line
    assert seen > 20


def test_guidance_template_is_what_the_catalogue_says():
    assert PAGE.read_text(encoding="utf-8") == pages()[PAGE]


@pytest.mark.parametrize("name", ["default", "exploration-only", "batch-only", "databricks-first"])
def test_markdown_and_links(name, rendered_variants):
    for result in (check_markdown(rendered_variants / name), check_links(rendered_variants / name)):
        assert result.verdict == "holds", result.faults


def test_no_document_speaks_of_what_the_project_has_not(project):
    folder, answers = project
    leftovers = {
        "deleted blobs": answers["needs_storage"],
        "data gets into storage": answers["needs_storage"],
        "a training run": "training" in answers["functions"],
        "none is not": False,
    }
    pages_of_project = [folder / "README.md", *sorted((folder / "docs").rglob("*.md"))]
    text = "\n".join(page.read_text() for page in pages_of_project)
    assert [phrase for phrase, fits in leftovers.items() if not fits and phrase in text] == []
    assert re.findall(r"steps of \d+,\d+", text, re.IGNORECASE) == []


def test_where_a_key_stands_in_for_an_identity_is_said(project):
    folder, answers = project
    text = (folder / "docs" / "architecture.md").read_text()
    keyed = answers["own_online"] and answers["own_model_hosting"] == "kubernetes"
    assert ("the endpoint on the cluster, which takes no Entra token" in text) == keyed
    assert ('gateway -- "key" --> endpoint' in text) == keyed
