"""Hostile answers: a text is refused with one sentence, or it survives unharmed in every kind of file."""

import json
import re

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator.compiler import Compiler
from generator.errors import GroundplanError
from generator.interview import Interview
from generator.paths import ROOT
from generator.refusals import template
from generator.rendering import render

INTERVIEW = Interview(template(ROOT))
EVERYTHING = {
    "detail": "everything",
    "functions": ["eda", "training", "fine_tuning", "online_inference", "batch_inference"],
    "own_model_hosting": "kubernetes",
}
KUBERNETES = {
    "functions": ["online_inference"],
    "model_sources": ["own"],
    "own_model_hosting": "kubernetes",
    "hosting_reason": "The team runs clusters already.",
}
"""A small project that shows every free text."""
PLAY = INTERVIEW.play(EVERYTHING)
TEXTS = [
    question
    for question in INTERVIEW.template.questions
    if question.type == "str" and not question.computed and question.ask is not False and not question.choices
]
FREE = ("project_name", "owner_name", "cost_center", "hosting_reason")
"""Questions that take any text of one line."""

NASTY = [
    "'",
    '"',
    "`",
    "''' \"\"\"",
    "’ “ ” « »",
    "${x}",
    "${{ secrets.X }}",
    "{{ x }}",
    "{{x}}",
    "{% if x %}",
    "{# x #}",
    "]]>",
    "<!-- x -->",
    "<script>alert(1)</script>",
    "&<>&amp;",
    "\\",
    "a\\",
    "\\n",
    "a\nb",
    "a\r\nb",
    "a\tb",
    "a\x00b",
    "a\u2028b",
    "🚀 数据 Ångström",
    "עברית",
    "\u202eevil",
    "x" * 10_000,
    "null",
    "true",
    "~",
    "- item",
    "key: value",
    "# comment",
    "*anchor",
    "!tag x",
    "0123",
    "1e3",
    "targetScope",
    "param x string",
    "@description('x')",
    "[parameters('x')]",
    "=cmd|'/C calc'!A1",
    "+1+1",
    "../../etc/passwd",
    "a/b",
    "C:\\temp",
    "$(whoami)",
    "; rm -rf /",
    "| table | row |",
    "%7B%7B",
    " leading",
    "trailing ",
    "",
]


def refusal(question, value):
    """The sentence that refuses a value, or empty when it is taken."""
    asker = INTERVIEW._asker(question, PLAY.answers)
    try:
        asker.validate_answer(asker.parse_answer(value))
    except ValueError as error:
        return str(error)
    return ""


def refused_in_a_sentence(question, value):
    sentence = refusal(question, value)
    if sentence:
        words = sentence.rpartition("': ")[2].strip()
        assert re.match(r"[A-Z0-9]", words) and words.endswith("."), (question.key, value[:40], sentence)
        assert "\n" not in words and "Traceback" not in words and len(words) < 400, (question.key, sentence)
    return bool(sentence)


@pytest.mark.parametrize("question", TEXTS, ids=lambda question: question.key)
def test_every_text_is_taken_or_refused_in_a_sentence(question):
    for value in NASTY:
        refused_in_a_sentence(question, value)


@pytest.mark.parametrize("question", TEXTS, ids=lambda question: question.key)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(value=st.text(max_size=80))
def test_any_text_is_taken_or_refused_in_a_sentence(question, value):
    refused_in_a_sentence(question, value)


def test_what_would_break_files_is_refused_where_it_cannot_be_carried():
    question = next(item for item in TEXTS if item.key == "project_name")
    for value in ("a\nb" * 3, "a\x00bc", "abc\u2028d", " abc", "abc ", "x" * 10_000):
        assert refused_in_a_sentence(question, value), value
    for key in ("workload", "repository", "owner_email", "existing_databricks_id", "vnet_address_prefix"):
        question = next(item for item in TEXTS if item.key == key)
        for value in ("${x}", "../../etc", "a\nb", "'", "x" * 10_000):
            assert refused_in_a_sentence(question, value), (key, value)


def accepted():
    """Values that at least one free text takes, padded to the shortest length, with the questions that take them."""
    for value in NASTY:
        for text in (value, f"{value} xyz", f"xyz {value}"):
            keys = [question.key for question in TEXTS if question.key in FREE and not refusal(question, text)]
            if keys:
                yield text, keys


def test_hostile_texts_survive_in_bicep(tmp_path):
    """One template with every text that is taken: the compiler reads back what was answered."""
    macro = INTERVIEW.template.names.environment.from_string(
        "{% import 'generator/macros/bicep.jinja' as bicep %}{{ bicep.text(value) }}"
    )
    values = sorted({text for text, _ in accepted()})
    assert len(values) > 80
    rows = "\n".join(f"  {macro.render(value=value)}" for value in values)
    path = tmp_path / "texts.bicep"
    path.write_text(f"var texts = [\n{rows}\n]\n\noutput all array = texts\n", encoding="utf-8")
    with Compiler() as compiler:
        result = compiler.compile(path)
    assert not result.diagnostics, result.diagnostics[:3]
    read = [text[1:] if text.startswith("[[") else text for text in result.template["variables"]["texts"]]
    assert read == values


@settings(max_examples=200, deadline=None)
@given(value=st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=60))
def test_any_text_survives_in_yaml_and_json(value):
    """The filters that write the answers file and JSON."""
    environment = INTERVIEW.template.names.environment
    assert json.loads(environment.from_string("{{ value | to_json }}").render(value=value)) == value
    answers = environment.from_string("{{ value | to_nice_yaml(indent=2, sort_keys=False) }}").render(
        value={"key": value}
    )
    assert yaml.safe_load(answers) == {"key": value}


def groups():
    """Few answer sets that together hold every text that is taken, each in one question that takes it."""
    rows = [{}]
    for text, keys in accepted():
        key = next((item for item in keys if item not in rows[-1]), "")
        if not key:
            rows.append({})
        rows[-1][key or keys[0]] = text
    return rows


@pytest.mark.parametrize("part", range(4))
def test_hostile_texts_survive_in_a_project(tmp_path, part):
    """Rendered as answered, read back by the parser of each kind of file."""
    for number, answers in enumerate(groups()[part::4]):
        folder = tmp_path / str(number)
        try:
            render({**KUBERNETES, **answers}, folder)
        except GroundplanError as error:
            pytest.fail(f"{answers}: {error.message}")
        stored = yaml.safe_load((folder / ".copier-answers.yml").read_text(encoding="utf-8"))
        assert {key: stored[key] for key in answers} == answers
        parse_all(folder)


@pytest.mark.parametrize("word", ["null", "True", "Off!", "(No)"])
def test_words_of_yaml_become_no_name(word):
    play = INTERVIEW.play({"project_name": word})
    assert play.answers["workload"] == play.answers["consumers"][0]["name"] == "aiworkload"
    assert INTERVIEW.play({"workload": "null"}).stopped == "workload"


def parse_all(folder):
    """Every YAML and JSON file is one; no file was cut short or holds a tag of the template."""
    for path in folder.rglob("*"):
        if path.suffix in (".yml", ".yaml"):
            yaml.safe_load(path.read_text(encoding="utf-8"))
        elif path.suffix in (".json", ".ipynb"):
            json.loads(path.read_text(encoding="utf-8"))
