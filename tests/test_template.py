"""The template as data: read as Copier reads it, with the place of everything."""

import re
import shutil
from pathlib import Path

import pytest
from copier import run_copy
from copier._template import filter_config, load_template_config

from generator.errors import GroundplanError
from generator.interview import UNSET, Interview
from generator.paths import ROOT
from generator.template import Names, Question, Template, environment


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return write(
        tmp_path,
        {
            "copier.yml": (
                "_subdirectory: template\n_exclude: [/one]\n---\n!include questions/a.yml\n---\n"
                "- !include questions/b.yml\n---\nlast: 3\n_subdirectory: template\n"
            ),
            "questions/a.yml": "colour:\n  choices: [red, blue]\n  default: red\n_exclude:\n  - /two\n",
            "questions/b.yml": (
                "---\n!include questions/c.yml\n---\n\n"
                "loud:\n  type: bool\n  when: false\n  default: \"{{ colour == 'red' }}\"\n"
            ),
            "questions/c.yml": "facts:\n  when: false\n  default: \"{% include 'generator/decisions/facts.yml' %}\"\n",
            "generator/decisions/facts.yml": "red:\n  heat: 5\n\nblue:\n  heat: 1\n",
            "template/README.md.jinja": "{{ colour }}\n",
            "template/a/plain.txt": "text\n",
            "template/logo.bin": "",
        },
    )


def test_questions_settings_and_order_are_those_of_copier() -> None:
    settings, questions = filter_config(load_template_config(ROOT / "copier.yml"))
    template = Template.load(ROOT)
    assert {key.removeprefix("_"): value for key, value in template.settings.items()} == settings
    assert [question.key for question in template.questions] == list(questions)
    assert {question.key: question.spec for question in template.questions} == questions


def test_lists_of_several_documents_are_joined_and_nested_includes_keep_their_place(small: Path) -> None:
    template = Template.load(small)
    settings, questions = filter_config(load_template_config(small / "copier.yml"))
    assert template.settings["_exclude"] == ["/one", "/two"] == settings["exclude"]
    assert list(template.by_key) == ["colour", "facts", "loud", "last"] == list(questions)


def test_a_question_written_twice_has_the_first_place_and_the_last_words(tmp_path: Path) -> None:
    write(tmp_path, {"copier.yml": "a: 1\nb: 2\n---\na:\n  default: 3\n"})
    template = Template.load(tmp_path)
    questions = filter_config(load_template_config(tmp_path / "copier.yml"))[1]
    assert [(question.key, question.default) for question in template.questions] == [("a", 3), ("b", 2)]
    assert list(questions.items()) == [("a", {"default": 3}), ("b", {"default": 2})]
    assert [question.line for question in template.written_questions] == [1, 2, 4]


def test_every_question_knows_its_file_and_lines(small: Path) -> None:
    loud = Template.load(small).by_key["loud"]
    assert (loud.file, loud.line, loud.line_of("default"), loud.line_of("help")) == ("questions/b.yml", 5, 8, 5)
    assert (loud.type, loud.computed, loud.when, loud.ask, loud.multiselect) == ("bool", True, False, True, False)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"default": 3}, "int"),
        ({"default": "x"}, "str"),
        ({"default": [1]}, "yaml"),
        ({}, "yaml"),
        ({"type": "json", "default": 3}, "json"),
    ],
)
def test_the_type_is_inferred_as_copier_infers_it(spec: dict[str, object], expected: str) -> None:
    assert Question("key", "copier.yml", 1, spec).type == expected


def test_tables_have_rows_with_lines_and_the_questions_that_load_them(small: Path) -> None:
    (table,) = Template.load(small).tables
    assert table.file == "generator/decisions/facts.yml"
    assert table.keys == ("facts",)
    assert [(row.key, row.line, row.cells) for row in table.rows] == [("red", 1, {"heat": 5}), ("blue", 4, {"heat": 1})]


def test_files_are_rendered_only_with_the_suffix(small: Path) -> None:
    files = {file.path: file for file in Template.load(small).files}
    assert {path: file.rendered for path, file in files.items()} == {
        "README.md.jinja": True,
        "a/plain.txt": False,
        "logo.bin": False,
    }
    assert files["a/plain.txt"].file == "template/a/plain.txt"
    files["logo.bin"].source.write_bytes(b"\xff\x00")
    assert {file.path: file for file in Template.load(small).files}["logo.bin"].text is None


def test_a_folder_without_a_template_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(GroundplanError, match=re.escape(f"There is no copier.yml in {tmp_path}")):
        Template.load(tmp_path)


@pytest.mark.parametrize("text", ["a: [1\nb: 2\n", "a: 1\nb: 2024-13-45\n", "a: 1\nb: !odd x\n"])
def test_yaml_that_cannot_be_read_is_refused_with_the_file(small: Path, text: str) -> None:
    (small / "questions/c.yml").write_text(text)
    with pytest.raises(GroundplanError, match=r"^Correct the YAML of questions/c\.yml.*\.$"):
        Template.load(small)


@pytest.fixture
def names(tmp_path: Path) -> Names:
    write(
        tmp_path,
        {
            "macros.jinja": "{% macro shout(text) %}{{ text }}{{ mark }}{% endmacro %}",
            "part.txt": "{{ inner }}{{ local }}",
            "loop.txt": "{% include 'loop.txt' %}{{ again }}",
        },
    )
    return Names(tmp_path, environment(tmp_path, {}))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ a }}{% set b = c %}{{ b }}{% for d in e %}{{ d }}{{ loop.index }}{% endfor %}", {"a", "c", "e"}),
        ("{{ range(3) }}{{ namespace() }}{{ pathjoin('a', 'b') }}{{ x | to_nice_yaml }}", {"x"}),
        ("{% if a %}{% set b = 1 %}{{ b }}{% else %}{{ c }}{% endif %}", {"a", "c"}),
        ("{% set local = 1 %}{% include 'part.txt' %}", {"inner"}),
        ("{% import 'macros.jinja' as m %}{{ m.shout(a) }}", {"a"}),
        ("{% import 'macros.jinja' as m with context %}{{ m.shout(a) }}", {"a", "mark"}),
        ("{% from 'macros.jinja' import shout with context %}{{ shout(a) }}", {"a", "mark"}),
        ("{% include 'loop.txt' %}", {"again"}),
        ("{% yield one from many %}{{ one }}{% endyield %}", {"many", "one"}),
    ],
)
def test_names_are_followed_through_what_gets_the_context(names: Names, source: str, expected: set[str]) -> None:
    assert names.used(source) == expected


def test_names_with_a_default_are_guarded(names: Names) -> None:
    assert names.guarded("{{ a | default(1) }}{{ b }}{% if c is defined %}{{ c }}{% endif %}{{ d | lower }}") == {
        "a",
        "c",
    }


def test_the_environment_renders_strictly_and_compiles_once(tmp_path: Path) -> None:
    jinja = environment(tmp_path, {"_envops": {"undefined": "jinja2.StrictUndefined"}})
    assert jinja.from_string("{{ a }}") is jinja.from_string("{{ a }}")
    with pytest.raises(Exception, match="'a' is undefined"):
        jinja.from_string("{{ a }}").render()
    with pytest.raises(TypeError):
        jinja.from_string(3)


@pytest.fixture(scope="module")
def without_git(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template without its history: Copier would clone the last commit instead of reading the files."""
    root = tmp_path_factory.mktemp("plain")
    shutil.copy(ROOT / "copier.yml", root)
    shutil.copytree(ROOT / "generator", root / "generator", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "template").mkdir()
    return root


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"profile": "prototype"},
        {"profile": "regulated", "reuse": ["databricks", "hub_network"]},
        {"functions": ["eda"], "data_classification": "public"},
        {
            "profile": "prototype",
            "data_residency": "region",
            "functions": ["online_inference"],
            "model_sources": ["foundation"],
        },
    ],
)
def test_an_interview_answers_as_copier_does(without_git: Path, tmp_path: Path, chosen: dict[str, object]) -> None:
    # Settings that name files of the output tree are of no concern here, and the tree is empty.
    worker = run_copy(str(without_git), tmp_path / "out", data=chosen, defaults=True, pretend=True, quiet=True)
    template = Template.load(without_git)
    play = Interview(template).play(chosen)
    expected = {key: value for key, value in worker.answers.combined.items() if key in template.by_key}
    assert play.stopped == ""
    assert play.answers == expected
    hidden = {key for key, step in play.steps.items() if not step.asked and template.by_key[key].ask is True}
    assert worker.answers.hidden == hidden


def test_an_interview_stops_where_copier_would(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "copier.yml": (
                "size:\n  type: int\n  default: 3\n"
                'room:\n  type: int\n  default: "{{ size }}"\n  validator: "{{ \'Too big\' if room > 5 }}"\n'
                'colour:\n  type: str\n  choices: [red, blue]\n  default: red\n  when: "{{ size > 1 }}"\n'
                'shade:\n  type: str\n  default: "{{ UNSET }}"\n'
            )
        },
    )
    template = Template.load(tmp_path)
    interview = Interview(template)
    assert interview.play({}).answers == {"size": 3, "room": 3, "colour": "red"}
    assert interview.play({}).steps["shade"].value is UNSET
    assert interview.play({"size": 9}).stopped == "room"
    assert "Too big" in interview.play({"size": 9}).steps["room"].failure
    assert interview.play({"room": 7}).steps["room"].refused
    assert interview.play({"size": 1, "colour": "blue"}).steps["colour"].refused
    assert interview.play({"colour": "green"}).steps["colour"].refused
    assert interview.options(template.by_key["colour"], interview.play({})) == ["red", "blue"]
    assert interview.accepts(template.by_key["room"], 5, interview.play({}))
    assert not interview.accepts(template.by_key["room"], 6, interview.play({}))
