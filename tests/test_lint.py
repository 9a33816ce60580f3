"""Each rule of lint: a tiny template without a fault, broken in one place, has that one fault at that place."""

import inspect
import json
import re
from dataclasses import dataclass
from pathlib import Path

import copier._template
import pytest
import typer
from typer.testing import CliRunner

from generator.commands import lint as lint_command
from generator.errors import GroundplanError
from generator.lint import RULES, SETTINGS, faults
from generator.paths import ROOT
from generator.template import Template

COPIER = "copier.yml"
START = "generator/questions/10-start.yml"
PLACE = "generator/questions/20-place.yml"
SITES = "generator/decisions/sites.yml"
MACROS = "generator/macros/check.jinja"
REASONS = "generator/macros/reasons.jinja"
MESSAGE = "generator/messages/after-copy.txt.jinja"
SETTINGS_FILE = "template/settings.yml.jinja"
MAIN = "template/main.bicep.jinja"
POLICY = "template/policy.xml"
PIPELINE = "template/pipeline.yml"

GOOD = {
    COPIER: """\
_min_copier_version: "9.19"
_subdirectory: template
_envops:
  undefined: jinja2.StrictUndefined
_skip_if_exists:
  - local/notes.md
_message_after_copy: "{% include 'generator/messages/after-copy.txt.jinja' %}"
---
!include generator/questions/10-start.yml
---
!include generator/questions/20-place.yml
""",
    START: """\
guarded_sites:
  type: yaml
  when: false
  default: [north]

sites:
  type: yaml
  when: false
  default: "{% include 'generator/decisions/sites.yml' %}"

profile:
  type: str
  help: What is it for?
  choices:
    "To try": prototype
    "To keep": production
  default: production

detail:
  type: str
  help: How much do you decide?
  choices:
    "Little": essentials
    "All": everything
  default: "{{ 'everything' if guarded_sites | select('in', _copier_conf.data) | list else 'essentials' }}"

title:
  type: str
  help: What is it called?
  default: Project
  validator: >-
    {% import 'generator/macros/check.jinja' as check %}{{ check.short(title) }}

slug:
  type: str
  help: Its short name
  default: project
  validator: "{% if not slug | regex_search('^[a-z]+$') %}Write lowercase letters.{% endif %}"
""",
    PLACE: """\
site:
  type: str
  help: Where?
  choices: |
    {% for name, row in sites.items() %}
    {{ row.label | to_json }}:
      value: {{ name }}
      validator: "{{ '' if row.zones or profile == 'prototype' else 'Choose another site.' }}"
    {% endfor %}
    "Elsewhere":
      value: elsewhere
  default: north

zones:
  type: bool
  help: In several zones?
  default: "{{ profile == 'production' }}"
  when: "{{ detail == 'everything' or 'zones' in _copier_answers }}"

api:
  type: str
  help: Which version?
  default: "2025-01-01"

closed:
  type: bool
  when: false
  default: "{{ zones and site != 'elsewhere' }}"

_exclude:
  - |
    {% if not closed %}
    /docs/closed.md
    /stages
    {% endif %}
""",
    SITES: """\
north:
  label: North
  version: "1.0"
  zones: true
  source: https://example.com/north
  checked: "2026-01-31"

south:
  label: South
  version: "1.1"
  zones: false
  source: https://example.com/south
  checked: "2026-01-31"
""",
    MACROS: "{% macro short(text) %}{% if text | length > 60 %}Write less.{% endif %}{% endmacro %}\n",
    REASONS: "{% macro where() %}{{ sites[site].label }} {{ sites[site].version }}{% endmacro %}\n",
    MESSAGE: """\
{% import 'generator/macros/reasons.jinja' as reasons with context %}
{{ title }}: {{ reasons.where() }}
""",
    "template/{{ _copier_conf.answers_file }}.jinja": "{{ _copier_answers | to_nice_yaml }}\n",
    SETTINGS_FILE: "title: {{ title | to_json }}\nname: {{ slug }}\napi: {{ api | to_json }}\n",
    MAIN: "param closed bool = {{ closed | lower }}\n",
    POLICY: '<policy><set-backend url="{{backend-url}}" /></policy>\n',
    PIPELINE: "run: ${{ github.ref }}\nscript: print(f'{{{x}}}')\n",
    "template/docs/closed.md": "closed\n",
    "template/local/notes.md": "yours\n",
    "template/stages/{% yield stage from ['dev', 'prod'] %}{{ stage }}{% endyield %}.txt.jinja": "{{ stage }}\n",
    "template/{% if profile == 'prototype' %}notes.txt{% endif %}.jinja": "to try: {{ slug }}\n",
    "template/{% if profile != 'prototype' %}notes.txt{% endif %}.jinja": "to keep: {{ slug }}\n",
}


@dataclass(frozen=True)
class Break:
    """One way to break the good template.

    Args:
        rule: The rule that must fire.
        edits: File, old text (occurs once; empty: the file is made), new text.
        at: Where it must fire: a text in the line; empty: the first line.
        file: The file where it must fire, when it is not that of the first edit.
    """

    rule: str
    edits: tuple[tuple[str, str, str], ...]
    at: str = ""
    file: str = ""

    def __str__(self) -> str:
        return f"{self.rule}-{self.at or self.edits[0][2]}"[:60]


def once(rule: str, file: str, old: str, new: str, at: str = "", where: str = "") -> Break:
    return Break(rule, ((file, old, new),), at, where)


FACTS = '  source: https://example.com\n  checked: "2026-01-31"\n'

BREAKS = [
    once("jinja-syntax", MAIN, "{{ closed", "line\n{{ closed |", "{{ closed |"),
    once("jinja-syntax", MAIN, "| lower", "| lowercase", "lowercase"),
    once("jinja-syntax", MESSAGE, "macros/reasons", "macros/reason", "import"),
    once("unknown-setting", COPIER, "_envops:", "_skip_if_exist:\n  - a\n_envops:", "_skip_if_exist:"),
    once("unknown-question-key", START, "help: Its short name", "hepl: Its short name", "hepl"),
    once("unknown-question-key", START, '"All": everything', '"All": {value: everything, valdator: ""}', "valdator"),
    once(
        "duplicate-question", PLACE, "api:", "slug: {type: str, default: project, choices: [project]}\napi:", "slug: {"
    ),
    once("duplicate-setting", PLACE, "_exclude:", "_subdirectory: template\n_exclude:", "_subdirectory"),
    once("duplicate-key", START, "  default: project\n", "  default: other\n  default: project\n", "default: project"),
    once("duplicate-key", SITES, "zones: false", "zones: false\n  label: Far", "label: Far"),
    once("condition-without-braces", PLACE, "zones:\n", "zones:\n  ask: closed\n", "ask: closed"),
    once(
        "condition-without-braces",
        PLACE,
        "  help: Which version?\n",
        "  help: Which version?\n  when: zones\n",
        "when: zones",
    ),
    once("default-missing", START, "  default: project\n", "", "slug:"),
    once("include-glob", COPIER, "questions/20-place.yml", "questions/20-*.yml", "20-*"),
    once(
        "include-missing",
        COPIER,
        "20-place.yml\n",
        "20-place.yml\n---\n!include generator/questions/30-x.yml\n",
        "30-x",
    ),
    once("include-missing", "generator/questions/30-more.yml", "", "more: 1\n"),
    Break(
        "include-order",
        (
            (COPIER, "20-place.yml\n", "20-place.yml\n---\n!include generator/questions/15-late.yml\n"),
            ("generator/questions/15-late.yml", "", "late:\n  when: false\n  default: 1\n"),
            (MAIN, "param", "// {{ late }}\nparam"),
        ),
        "15-late",
    ),
    once("question-order", PLACE, "if row.zones or", "if row.zones or zones or", "or zones"),
    once("question-order", START, "  default: project\n", '  default: "{{ slug }}"\n', "{{ slug }}"),
    once("question-order", START, "in', _copier_conf.data)", "in', closed)", "closed"),
    once("undefined-name", SETTINGS_FILE, "{{ slug }}", "{{ slug }}{{ slugg }}", "slugg"),
    once("undefined-name", PLACE, "{% if not closed %}", "{% if not clsed and closed %}", "clsed"),
    once("undefined-name", PLACE, "zones and site", "zones and UNSET_ and site", "UNSET_"),
    once("undefined-name", REASONS, "[site].label", "[siet].label", "siet"),
    once("undefined-name", MACROS, "text | length", "text | length + margin", "margin"),
    once("undefined-name", "template/{{ folder }}.txt", "", "text\n"),
    once("question-unused", START, "slug:\n", "extra:\n  default: 1\n  help: '{{ title }}'\nslug:\n", "extra:"),
    once(
        "question-unused",
        START,
        "slug:\n",
        "extra:\n  default: 1\n  validator: \"{{ '' if extra }}\"\nslug:\n",
        "extra:",
    ),
    once("computed-unused", PLACE, "closed:\n", "open:\n  when: false\n  default: 1\nclosed:\n", "open:"),
    once("detail-keeps", PLACE, " or 'zones' in _copier_answers", "", "detail == 'everything'"),
    once("detail-keeps", PLACE, "'zones' in _copier_answers", "'site' in _copier_answers", "detail == 'everything'"),
    once("yaml-scalar", PLACE, '"2025-01-01"', "2025-01-01", "2025-01-01"),
    once("yaml-scalar", PLACE, '"2025-01-01"', "3.10", "3.10"),
    once("yaml-scalar", PLACE, '"2025-01-01"', "3.1", "3.1"),
    once("yaml-scalar", PLACE, '"2025-01-01"', "19:30", "19:30"),
    once("yaml-scalar", PLACE, '"2025-01-01"', "true", "default: true"),
    once("yaml-scalar", PLACE, "value: elsewhere", "value: no", "value: no"),
    once("yaml-scalar", START, '"To try": prototype', "off: prototype", "off: prototype"),
    once("yaml-scalar", COPIER, '"9.19"', "9.190", "9.190"),
    once("yaml-scalar", SITES, 'version: "1.1"', "version: 1.1", "version: 1.1"),
    once("yaml-scalar", SITES, "label: South", "label: 4.5", "label: 4.5"),
    once("yaml-scalar", SITES, "label: South", "label: 010", "label: 010"),
    once("yaml-scalar", SITES, "zones: false", "zones: no", "zones: no"),
    once("yaml-scalar", SITES, 'north\n  checked: "2026-01-31"', "north\n  checked: 2026-01-31", "2026-01-31"),
    once("default-fails", START, "  default: Project\n", f"  default: {'x' * 61}\n", "xxx"),
    once("default-fails", PLACE, "default: north", "default: east", "default: east"),
    once("jinja-suffix", "template/plain.txt.jinja", "", "plain\n"),
    once("jinja-suffix", "template/plain.txt.jinja", "", "{# why #}{% raw %}{{ x }}{% endraw %}\n"),
    once("static-tag", POLICY, "{{backend-url}}", "{{slug}}", "{{slug}}"),
    once("static-tag", POLICY, "{{backend-url}}", "{{ backend }}", "{{ backend }}"),
    once("static-tag", PIPELINE, "script:", "{% if closed %}\nscript:", "{% if closed %}"),
    once("path-condition", "template/{% if closed %}a.txt{% endif %}", "", "text\n"),
    once("path-condition", "template/{% if closed %}{% endif %}/a.txt", "", "text\n"),
    once("path-characters", 'template/a"b.txt', "", "text\n"),
    once("path-characters", "template/a'b.txt", "", "text\n"),
    once("path-characters", "template/{{ slug | lower }}.txt", "", "text\n"),
    once("path-characters", "template/aux.txt", "", "text\n"),
    once("path-characters", "template/end./a.txt", "", "text\n"),
    once("path-length", f"template/{'d' * 60}/{'f' * 60}", "", "text\n"),
    once("exclude-pattern", PLACE, "/docs/closed.md", "/docs/open.md", "open.md"),
    once("exclude-pattern", PLACE, "/stages", "/stages/", "/stages/"),
    once("exclude-pattern", PLACE, "/stages", "/stages/dev.md", "dev.md"),
    once("skip-pattern", COPIER, "local/notes.md", "local/note.md", "note.md"),
    once("raw-answer", SETTINGS_FILE, "{{ title | to_json }}", '"{{ title }}"', "title"),
    once("raw-answer", MAIN, "param closed", "// {{ 'The ' ~ title | upper }}\nparam closed", "// {{"),
    once("raw-answer", MAIN, "param closed", "// {{ title.upper() if closed else '' }}\nparam closed", "// {{"),
    once("raw-answer", MAIN, "param closed", "// {{ title[:9] }}\nparam closed", "// {{"),
    once("row-source", SITES, "  source: https://example.com/south\n", "", "south:"),
    once("row-source", SITES, 'south\n  checked: "2026-01-31"', 'south\n  checked: "31.1.2026"', "south:"),
    Break(
        "row-unused",
        (
            ("generator/decisions/roles.yml", "", f"reader:\n{FACTS}writer:\n{FACTS}"),
            (
                START,
                "profile:\n",
                "roles:\n  when: false\n  default: \"{% include 'generator/decisions/roles.yml' %}\"\nprofile:\n",
            ),
            ("template/roles.json.jinja", "", "{{ roles | to_json }}\n"),
            (POLICY, "<policy>", "<policy><!-- reader -->"),
        ),
        "writer:",
    ),
    once("row-unused", "generator/decisions/roles.yml", "", "{}\n"),
    once("column-unused", SITES, "  zones: false\n", "  zones: false\n  price: 1\n", "price"),
]


def build(root: Path) -> Path:
    for name, text in GOOD.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return build(tmp_path)


def edit(root: Path, file: str, old: str, new: str) -> None:
    path = root / file
    if not old:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(new, encoding="utf-8")
        return
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times in {file}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def line_of(path: Path, text: str) -> int:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line) if text else 1


def found(root: Path) -> list[tuple[str, str, int]]:
    return [(fault.rule, fault.file, fault.line) for fault in faults(Template.load(root))]


def test_the_good_template_has_no_fault(good: Path) -> None:
    assert faults(Template.load(good)) == []


def test_every_rule_is_broken_at_least_once() -> None:
    assert {case.rule for case in BREAKS} == set(RULES)


@pytest.mark.parametrize("case", BREAKS, ids=str)
def test_a_broken_template_has_exactly_that_fault(good: Path, case: Break) -> None:
    for change in case.edits:
        edit(good, *change)
    file = case.file or case.edits[0][0]
    faulty = faults(Template.load(good))
    places = {(fault.rule, fault.file, fault.line) for fault in faulty}
    assert places == {(case.rule, file, line_of(good / file, case.at))}, faulty
    assert all(re.fullmatch(r"[A-Z][^\n]+[.?]", fault.message) for fault in faulty), faulty


def test_a_default_that_fails_in_a_base_names_the_base(good: Path) -> None:
    edit(good, PLACE, "default: north", "default: south")
    (fault,) = faults(Template.load(good))
    assert fault.message == (
        "Change the default of site: with profile: production, detail: essentials (and 1 other combination), "
        "Copier refuses it (Invalid choice for 'site': Choose another site)."
    )


def test_a_default_that_fails_after_one_changed_choice_names_the_choice(good: Path) -> None:
    failing = "  default: \"{{ '' if site == 'elsewhere' else '2025-01-01' }}\""
    validator = "  validator: \"{{ '' if api else 'Write a version.' }}\""
    edit(good, PLACE, '  default: "2025-01-01"', f"{failing}\n{validator}")
    (fault,) = faults(Template.load(good))
    assert (
        "with profile: prototype, detail: essentials, site: elsewhere (and 3 other combinations), Copier"
        in fault.message
    )


def test_a_default_that_fails_after_two_changed_choices_names_both(good: Path) -> None:
    failing = "  default: \"{{ '' if site == 'elsewhere' and not zones else '2025-01-01' }}\""
    validator = "  validator: \"{{ '' if api else 'Write a version.' }}\""
    edit(good, PLACE, '  default: "2025-01-01"', f"{failing}\n{validator}")
    edit(good, PLACE, "{{ profile == 'production' }}", "{{ true }}")
    (fault,) = faults(Template.load(good))
    assert fault.message == (
        "Change the default of api: with profile: prototype, detail: everything, site: elsewhere, zones: False "
        "(and 1 other combination), Copier refuses it (Write a version)."
    )


def test_a_row_that_is_written_twice_is_a_fault_of_the_second(good: Path) -> None:
    edit(good, SITES, "south:", "north:")
    line = [number for number, text in enumerate((good / SITES).read_text().splitlines(), 1) if text == "north:"][1]
    assert ("duplicate-key", SITES, line) in found(good)


def test_an_import_without_context_that_needs_it_is_a_fault_of_the_imported_file(good: Path) -> None:
    edit(good, MESSAGE, " with context %}", " %}")
    # Nothing else reads these two then.
    edit(good, MAIN, "param", "// {{ site }}{{ sites[site].version }}\nparam")
    assert set(found(good)) == {("undefined-name", REASONS, 1)}


def test_entries_that_an_anchor_shares_are_not_duplicates(good: Path) -> None:
    edit(good, SITES, "north:\n", "north: &north\n")
    edit(good, SITES, "south:\n", "south:\n  <<: *north\n")
    assert found(good) == []


def test_names_with_a_default_and_unset_in_a_default_are_no_fault(good: Path) -> None:
    edit(good, MAIN, "param", "// {{ old_name | default('') }}\nparam")
    edit(good, PLACE, 'default: "2025-01-01"', 'default: "{{ api_old | default(UNSET) }}"')
    assert found(good) == []


def test_a_row_that_a_module_names_and_a_table_that_a_module_loads_are_used(good: Path) -> None:
    edit(good, "generator/decisions/roles.yml", "", f"reader:\n{FACTS}")
    edit(good, "generator/roles.py", "", 'TABLE = "roles.yml"\n')
    assert found(good) == []


def test_the_known_settings_are_those_that_copier_looks_up() -> None:
    source = inspect.getsource(copier._template.Template)
    looked_up = set(re.findall(r"""config_data(?:\.get\(|\[)\s*["'](\w+)""", source))
    looked_up |= {key.removeprefix("_") for key in re.findall(r"""_raw_config\.get\(["'](\w+)""", source)}
    assert {f"_{key}" for key in looked_up} == SETTINGS


def test_the_template_has_no_fault() -> None:
    assert [f"{fault.file}:{fault.line} {fault.rule}: {fault.message}" for fault in faults(Template.load(ROOT))] == []


@pytest.fixture
def app() -> typer.Typer:
    result = typer.Typer()
    result.command(lint_command.NAME)(lint_command.command)
    return result


def test_the_command_says_what_it_looked_at(good: Path, app: typer.Typer) -> None:
    result = CliRunner().invoke(app, [str(good)])
    assert result.exit_code == 0, result.output
    assert result.output == "0 faults in 17 files, 10 questions, 2 rows.\n"


def test_the_command_shows_the_place_and_fails(good: Path, app: typer.Typer) -> None:
    edit(good, COPIER, "_envops:", "_odd: [a]\n_envops:")
    result = CliRunner().invoke(app, [str(good)])
    assert result.exit_code == 1
    assert "copier.yml:3" in result.output and "unknown-setting" in result.output and "1 fault in" in result.output


def test_the_command_prints_json(good: Path, app: typer.Typer) -> None:
    edit(good, COPIER, "_envops:", "_odd: [a]\n_envops:")
    result = CliRunner().invoke(app, [str(good), "--json"])
    assert result.exit_code == 1
    assert json.loads(result.output) == {
        "files": 17,
        "questions": 10,
        "rows": 2,
        "faults": [
            {
                "file": "copier.yml",
                "line": 3,
                "rule": "unknown-setting",
                "message": "Correct or remove _odd: Copier has no such setting.",
            }
        ],
    }


def test_the_command_refuses_a_folder_without_a_template(tmp_path: Path, app: typer.Typer) -> None:
    result = CliRunner().invoke(app, [str(tmp_path)])
    assert isinstance(result.exception, GroundplanError)
