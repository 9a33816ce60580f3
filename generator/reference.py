"""Reference pages that are generated from the sources, so that they cannot tell anything else.

`groundplan docs` writes docs/reference/ and the guidance page of the template; a test and CI run it with `--check`.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from generator import yaml_text
from generator.answers import resolve
from generator.paths import ROOT
from generator.requirements import Requirement, load
from generator.template import Question, Template
from generator.traceability import PAGE, cell
from generator.traceability import page as guidance_page

REFERENCE = ROOT / "docs" / "reference"


def pages() -> dict[Path, str]:
    """Every generated page: path -> Markdown text."""
    template = Template.load(ROOT)
    return {
        REFERENCE / "questions.md": "\n".join(_questions_page(template)) + "\n",
        REFERENCE / "decision-tables.md": "\n".join(_tables_page(template)) + "\n",
        REFERENCE / "requirements.md": "\n".join(_requirements_page(load())) + "\n",
        PAGE: guidance_page(load()),
    }


def _questions_page(template: Template) -> Iterator[str]:
    """One section a group, one entry a question, in the order of the interview, with the values under the defaults."""
    answers = resolve({})
    yield "# Questions"
    yield ""
    yield "In the order of the interview. Defaults are those of a project that takes all of them."
    group = ""
    for question in template.questions:
        if question.computed:
            continue
        if question.file != group:
            group = question.file
            yield from ("", f"## {Path(group).stem[3:].capitalize()}")
        yield from ("", f"### `{question.key}`", "", str(question.help), "")
        yield f"- Default: {_default(question, answers)}"
        yield f"- Asked when: {_condition(question)}"
        choices = _choices(template, question, answers)
        if choices:
            yield f"- {'Any of' if question.multiselect else 'One of'}:"
            yield from (f"  - `{value}`: {label}" for value, label in choices.items())


def _default(question: Question, answers: Mapping[str, Any]) -> str:
    """The value under the defaults; what is fixed by the day on which a project is made has none to print."""
    return "computed on that day" if question.ask is False else f"`{_literal(answers.get(question.key))}`"


def _literal(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False)
    return text.removesuffix("...\n").strip() if value is not None else "none"


def _condition(question: Question) -> str:
    if question.ask is False:
        return "never; it is fixed when the project is made"
    return "always" if question.when is True else f"`{str(question.when).strip('{} ')}`"


def _choices(template: Template, question: Question, answers: Mapping[str, Any]) -> dict[str, str]:
    """Value -> label, both as text."""
    choices = question.choices
    if isinstance(choices, str):
        choices = yaml_text.parse(template.names.environment.from_string(choices).render(**answers))
    return {
        str(value["value"] if isinstance(value, Mapping) else value): str(label)
        for label, value in (choices or {}).items()
    }


def _tables_page(template: Template) -> Iterator[str]:
    yield "# Decision tables"
    yield ""
    yield "Facts that recommendations look things up in. Each row has its source and the date on which it was read."
    for table in template.tables:
        yield from (
            "",
            f"## {Path(table.file).stem}",
            "",
            "| Row | Says | Source | Checked |",
            "| --- | --- | --- | --- |",
        )
        for row in table.rows:
            cells = {key: value for key, value in row.cells.items() if key not in ("source", "checked") and value != ""}
            says = ", ".join(f"{key} {_literal(value)}" for key, value in cells.items())
            yield f"| `{row.key}` | {cell(says)} | {_source(row.cells['source'])} | {row.cells['checked']} |"


def _source(source: str) -> str:
    return f"[page]({source})" if source.startswith("https://") else cell(source)


def _requirements_page(requirements: tuple[Requirement, ...] | list[Requirement]) -> Iterator[str]:
    checked = [row for row in requirements if row.check]
    yield "# Requirements"
    yield ""
    yield f"{len(requirements)} requirements; {len(checked)} have a check that `groundplan verify` runs."
    yield ""
    yield "| Id | Requirement | Level | Source | Check |"
    yield "| --- | --- | --- | --- | --- |"
    for row in requirements:
        check = f"`{row.check}`" if row.check else "not yet"
        yield f"| {row.id} | {cell(row.sentence)} | {row.level} | [{row.source.basis}]({row.source.page}) | {check} |"
