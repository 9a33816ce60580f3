"""Faults of the template itself that Copier accepts in silence, or reports without a file and a line.

A misspelt setting is ignored, a table row that nothing reads goes stale, a default that fails its validator shows only
beside certain other answers. Each rule below looks for one such fault and says what to change.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import jinja2
import pathspec
import yaml
from copier._user_data import Question as CopierQuestion
from jinja2 import nodes

from generator import yaml_text
from generator.interview import UNSET, Interview, Play
from generator.template import CONCATENATED, CONTEXT, Question, Row, Table, Template, TemplateFile

SETTINGS = frozenset(
    (
        "_answers_file",
        "_envops",
        "_exclude",
        "_external_data",
        "_jinja_extensions",
        "_message_after_copy",
        "_message_after_update",
        "_message_before_copy",
        "_message_before_update",
        "_migrations",
        "_min_copier_version",
        "_preserve_symlinks",
        "_secret_questions",
        "_skip_if_exists",
        "_subdirectory",
        "_tasks",
        "_templates_suffix",
    )
)
"""What `copier._template.Template` of Copier 9.19 looks up; a test compares the two."""

QUESTION_KEYS = frozenset(field.name for field in fields(CopierQuestion)) - {
    "var_name",
    "answers",
    "context",
    "jinja_env",
    "settings",
}
"""The fields of Copier's question that a template may set."""

PIVOTS = ("profile", "detail")
"""Questions that set the starting point of all others: every combination of them is a base for the other changes."""

DETAIL = re.compile(r"""\bdetail\s*==\s*['"]everything['"]""")

FREE_TEXTS = (
    'O\'Brien "Jo" ${x} {{y}} <z> & \\',
    "it's: #1",
    "o'brien@example.com",
)
"""A question whose own validator accepts one of these holds free text, which no format takes as it is."""

ESCAPING_FILTERS = frozenset(
    (
        "b64encode",
        "count",
        "hash",
        "length",
        "to_json",
        "to_nice_json",
        "to_nice_yaml",
        "to_yaml",
        "tojson",
        "urlencode",
    )
)
DUMPING_FILTERS = frozenset(("to_json", "to_nice_json", "to_nice_yaml", "to_yaml", "tojson"))
ESCAPED_FORMATS = (".yml", ".yaml", ".json", ".bicep", ".bicepparam")

LONGEST_PATH = 120
"""Characters of a path below the template root; with a checkout folder it stays below the 260 of Windows."""

ILLEGAL_ON_WINDOWS = '"<>|:*?\\'
RESERVED_ON_WINDOWS = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])([.]|$)", re.IGNORECASE)

TEXT_ENTRIES = (("choices",), ("default",))
"""Where a question of type str holds its answers."""

TAG = re.compile(r"\{%.*?%\}", re.DOTALL)
EXPRESSION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
STATIC_EXPRESSION = re.compile(r"(?<![$\\{])\{\{-?(\s*)([A-Za-z_]\w*)([^{}\n]*?)-?\}\}(?!\})")
YIELD = re.compile(r"\{%-?\s*yield\s+(\w+)\s+from\b")

SYNTAX = frozenset(("jinja-syntax",))
RESTS_ON = {"default-fails": SYNTAX | {"question-order", "undefined-name", "yaml-scalar"}}
"""Rules whose faults keep another rule from running; every rule needs texts that can be parsed."""

Finding = tuple[str, int, str]


@dataclass(frozen=True)
class Fault:
    """One fault: file relative to the template root, line from 1, rule, and one sentence that says what to change."""

    file: str
    line: int
    rule: str
    message: str


class Subject:
    """A template under lint, with what several rules need."""

    def __init__(self, template: Template) -> None:
        """Take a template; everything else is worked out when a rule asks."""
        self.template = template

    @cached_property
    def interview(self) -> Interview:
        """Interviews with the template."""
        return Interview(self.template)

    @cached_property
    def bases(self) -> list[Play]:
        """One interview for each combination of the pivotal answers."""
        first = self.interview.play({})
        pivots = [self.template.by_key[key] for key in PIVOTS if key in first.answers]
        options = [self.interview.options(pivot, first) or [UNSET] for pivot in pivots]
        chosen = [dict(zip((pivot.key for pivot in pivots), values, strict=True)) for values in product(*options)]
        return [self.interview.play(answers) for answers in chosen]

    @cached_property
    def users(self) -> Mapping[str, frozenset[str]]:
        """For each name, who uses it in a way that shows in a project: keys of questions, else files."""
        found: dict[str, set[str]] = {}
        for text in self.template.texts:
            if text.place != "shared" and text.part not in ("help", "placeholder", "qmark"):
                for name in self.template.names.used(text.source):
                    found.setdefault(name, set()).add(text.key or text.file)
        return {name: frozenset(users) for name, users in found.items()}

    @cached_property
    def mentions(self) -> str:
        """All text in which a row or a column of a table may be mentioned: everything but the tables."""
        root = self.template.root
        paths = [file.source for file in self.template.files]
        paths += [path for pattern in ("*.py", "*.jinja", "questions/*.yml") for path in _below(root, pattern)]
        return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in paths)

    @cached_property
    def free_texts(self) -> frozenset[str]:
        """Keys of the questions whose answer may hold any character."""
        play = self.interview.play({})
        return frozenset(
            question.key
            for question in self.template.questions
            if question.type == "str" and not question.choices and not question.computed
            if any(self.interview.accepts(question, text, play) for text in FREE_TEXTS)
        )


Rule = Callable[[Subject], Iterator[Finding]]
RULES: dict[str, Rule] = {}
"""Every rule by its name, in the order in which they run."""


def rule(name: str) -> Callable[[Rule], Rule]:
    """Register a rule under a name."""

    def register(function: Rule) -> Rule:
        RULES[name] = function
        return function

    return register


def faults(template: Template) -> list[Fault]:
    """Every fault of a template, in the order of files and lines.

    Args:
        template: The template to look at.
    """
    subject = Subject(template)
    found: list[Fault] = []
    for name, function in RULES.items():
        # What rests on a broken foundation would only repeat its fault in other words.
        if not any(fault.rule in RESTS_ON.get(name, SYNTAX) for fault in found):
            found += [Fault(file, line, name, message) for file, line, message in function(subject)]
    return sorted(set(found), key=lambda fault: (fault.file, fault.line, fault.rule, fault.message))


# Settings, includes and the shape of questions


@rule("jinja-syntax")
def jinja_syntax(subject: Subject) -> Iterator[Finding]:
    """A Jinja text that cannot be compiled, or that includes a file which is not there."""
    for text in subject.template.texts:
        try:
            subject.template.names.own(text.source)
        except jinja2.TemplateSyntaxError as error:
            line = text.line + (error.lineno - 1 if text.place in ("body", "shared") else 0)
            yield text.file, line, f"Correct the Jinja text: {(error.message or 'it cannot be read').rstrip('.')}."
            continue
        for name, _ in subject.template.names.targets(text.source):
            if subject.template.names.source(name) is None:
                line = subject.template.line_with(text.file, name, text.line)
                yield text.file, line, f"Create {name} or correct its name: the text includes it and it is not there."


@rule("unknown-setting")
def unknown_setting(subject: Subject) -> Iterator[Finding]:
    """A key with an underscore that Copier does not know: it is ignored."""
    for setting in subject.template.written_settings:
        if setting.key not in SETTINGS:
            yield setting.file, setting.line, f"Correct or remove {setting.key}: Copier has no such setting."


@rule("unknown-question-key")
def unknown_question_key(subject: Subject) -> Iterator[Finding]:
    """An entry of a question, or of a choice, that Copier does not know."""
    for question in subject.template.written_questions:
        for key in question.spec:
            if key not in QUESTION_KEYS:
                message = f"Correct or remove {key} of {question.key}: a question has no such entry."
                yield question.file, question.line_of(key), message
        for key in _unknown_choice_keys(question.choices):
            line = subject.template.line_with(question.file, key, question.line_of("choices"))
            message = f"Correct or remove {key} in the choices of {question.key}: a choice has value and validator."
            yield question.file, line, message


def _unknown_choice_keys(choices: Any) -> list[str]:
    """Entries of choices, which may be a Jinja text of YAML, that are neither value nor validator."""
    if isinstance(choices, str):
        try:
            choices = yaml_text.parse(_fixed(choices))
        except yaml.YAMLError:
            return []  # YAML only once it is rendered: the interviews read it
    entries = choices.values() if isinstance(choices, dict) else choices if isinstance(choices, list) else []
    return sorted({str(key) for entry in entries if isinstance(entry, dict) for key in entry} - {"value", "validator"})


@rule("duplicate-question")
def duplicate_question(subject: Subject) -> Iterator[Finding]:
    """A key that is written twice: the last one wins, at the place of the first."""
    first: dict[str, Question] = {}
    for question in subject.template.written_questions:
        if question.key in first:
            place = f"{first[question.key].file}:{first[question.key].line}"
            yield question.file, question.line, f"Rename or remove {question.key}: {place} defines it already."
        first.setdefault(question.key, question)


@rule("duplicate-setting")
def duplicate_setting(subject: Subject) -> Iterator[Finding]:
    """A setting that is written twice, and of which Copier takes only the last."""
    first: dict[str, str] = {}
    for setting in subject.template.written_settings:
        if setting.key in first and setting.key not in CONCATENATED:
            message = f"Keep one {setting.key}: {first[setting.key]} sets it already, and only the last one counts."
            yield setting.file, setting.line, message
        first.setdefault(setting.key, f"{setting.file}:{setting.line}")


@rule("condition-without-braces")
def condition_without_braces(subject: Subject) -> Iterator[Finding]:
    """A `when` or `ask` that is a text without Jinja: it is true whatever the name in it holds."""
    for question in subject.template.written_questions:
        for part in ("when", "ask"):
            value = question.spec.get(part)
            if isinstance(value, str) and "{{" not in value and "{%" not in value:
                message = f'Write {part} of {question.key} as "{{{{ {value} }}}}": without braces it is a plain text.'
                yield question.file, question.line_of(part), message


@rule("default-missing")
def default_missing(subject: Subject) -> Iterator[Finding]:
    """A question without a default: `--defaults` and updates stop at it."""
    for question in subject.template.written_questions:
        if not question.has_default:
            yield question.file, question.line, f"Give {question.key} a default: copies without a person stop at it."


@rule("include-glob")
def include_glob(subject: Subject) -> Iterator[Finding]:
    """An include by pattern: the order of the questions is then the order of the file system."""
    for include in subject.template.includes:
        if re.search(r"[*?\[]", include.pattern):
            message = f"Name each file instead of {include.pattern}: the order of a pattern is that of the file system."
            yield include.file, include.line, message


@rule("include-missing")
def include_missing(subject: Subject) -> Iterator[Finding]:
    """An include that finds nothing, which Copier ignores, and a questions file that nothing includes."""
    template = subject.template
    included = {name for include in template.includes for name in include.found}
    for include in template.includes:
        if not include.found:
            yield include.file, include.line, f"Create {include.pattern} or correct its name: nothing is included."
    folders = {template.root / "generator/questions", *((template.root / name).parent for name in included)}
    for folder in sorted(folders):
        for path in sorted([*folder.glob("*.yml"), *folder.glob("*.yaml")]):
            name = path.relative_to(template.root).as_posix()
            if name not in template.nodes:
                yield name, 1, "Include this file in copier.yml: its questions are not asked."


@rule("include-order")
def include_order(subject: Subject) -> Iterator[Finding]:
    """Includes that do not follow the numbers of the file names, or name a file twice."""
    last: dict[str, str] = {}
    for include in subject.template.includes:
        for name in include.found:
            folder = str(Path(name).parent)
            if name <= last.get(folder, ""):
                message = f"Move or rename {name}: includes follow the file names, and {last[folder]} comes before it."
                yield include.file, include.line, message
            last[folder] = max(name, last.get(folder, ""))


# Names


@rule("question-order")
def question_order(subject: Subject) -> Iterator[Finding]:
    """A text of a question that uses an answer which is not there yet."""
    template = subject.template
    order = {question.key: number for number, question in enumerate(template.questions)}
    for text in template.texts:
        if text.place != "question":
            continue
        for name in sorted(template.names.used(text.source) - template.names.guarded(text.source)):
            early = order.get(name, -1) > order[text.key] or (name == text.key and text.part != "validator")
            if early:
                line = template.line_with(text.file, name, text.line)
                message = f"Move {name} before {text.key}, or leave it out of its {text.part}: it has no answer yet."
                yield text.file, line, message


@rule("undefined-name")
def undefined_name(subject: Subject) -> Iterator[Finding]:
    """A Jinja text that uses a name which no question defines."""
    template = subject.template
    answers = frozenset(template.by_key) | CONTEXT
    for text in template.texts:
        if text.place != "shared":
            known = answers | {"UNSET"} if text.part == "default" else answers
            known |= set(YIELD.findall(text.file)) if text.place in ("path", "body") else set()
            yield from _undefined(template, text.source, text.file, text.line, known)


def _undefined(template: Template, source: str, file: str, line: int, known: frozenset[str]) -> Iterator[Finding]:
    """Names outside `known` in a text and in what it includes; `known` is empty for what gets no context."""
    names = template.names
    for name in sorted(names.own(source) - names.guarded(source) - known):
        message = f"Define {name} or correct it: no question has that name."
        if not known:
            message = f"Pass {name} as an argument, or import this file with context: it is imported without."
        yield file, template.line_with(file, name, line) if (template.root / file).is_file() else line, message
    for target, with_context in names.targets(source):
        inner = names.source(target)
        if inner is not None and target != file:
            seen = known | names.stored(source) if with_context else frozenset()
            yield from _undefined(template, inner, target, 1, seen)


@rule("question-unused")
def question_unused(subject: Subject) -> Iterator[Finding]:
    """A question whose answer changes nothing."""
    yield from _unused(subject, computed=False, advice="nothing depends on the answer")


@rule("computed-unused")
def computed_unused(subject: Subject) -> Iterator[Finding]:
    """A computed value that nothing reads."""
    yield from _unused(subject, computed=True, advice="nothing reads the value")


def _unused(subject: Subject, computed: bool, advice: str) -> Iterator[Finding]:
    for question in subject.template.questions:
        if question.computed == computed and not subject.users.get(question.key, frozenset()) - {question.key}:
            message = f"Use {question.key} in a question or a template, or remove it: {advice}."
            yield question.file, question.line, message


@rule("detail-keeps")
def detail_keeps(subject: Subject) -> Iterator[Finding]:
    """A question of `detail: everything` that forgets an answer given to it: Copier keeps it only while it is asked."""
    for question in subject.template.questions:
        kept = re.search(rf"""(['"]){re.escape(question.key)}\1 in _copier_answers""", str(question.when))
        if DETAIL.search(str(question.when)) and not kept:
            message = f"Add `or '{question.key}' in _copier_answers`: else an answer that was given is lost."
            yield question.file, question.line_of("when"), message


# YAML


@rule("yaml-scalar")
def yaml_scalar(subject: Subject) -> Iterator[Finding]:
    """An unquoted scalar that YAML 1.1 reads as something else than the text that is written."""
    template = subject.template
    for file, documents in template.nodes.items():
        table = next((table for table in template.tables if table.file == file), None)
        for document in documents:
            for node, path in _scalars(document, ()):
                yield from _scalar_findings(template, file, table, node, path)


def _scalar_findings(
    template: Template, file: str, table: Table | None, node: yaml.ScalarNode, path: tuple[str, ...]
) -> Iterator[Finding]:
    line = node.start_mark.line + 1
    question = template.by_key.get(path[0]) if table is None and path else None
    if node.style:
        of_yaml = path[1:] == ("choices",) or (
            path[1:] == ("default",) and question and question.type in ("yaml", "json")
        )
        if node.style == "|" and of_yaml:
            yield from _rendered_scalars(file, line + 1, node.value)
        return
    kind = node.tag.rpartition(":")[2]
    reading = _misreading(kind, node.value)
    if kind == "float" and table is not None and _is_text_column(table, path[-1:]):
        reading = reading or "a number"
    if kind in ("float", "bool") and question is not None and question.type == "str" and path[1:2] in TEXT_ENTRIES:
        reading = reading or f"a {kind}"
    if reading:
        yield file, line, f'Quote "{node.value}": YAML 1.1 reads {reading}.'


def _is_text_column(table: Table, column: tuple[str, ...]) -> bool:
    """Whether a column holds versions, or text in some other row; empty for the keys of rows."""
    cells = [row.cells.get(name) for row in table.rows if isinstance(row.cells, dict) for name in column]
    return "version" in "".join(column).lower() or any(isinstance(cell, str) for cell in cells)


def _rendered_scalars(file: str, line: int, source: str) -> Iterator[Finding]:
    """The same for a Jinja text that renders YAML, as far as it is fixed text; `line` is its first line."""
    try:
        document = yaml.compose(_fixed(source), Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return  # YAML only once it is rendered: the interviews read it
    for node, _ in _scalars(document, ()) if document is not None else ():
        if not node.style and (reading := _misreading(node.tag.rpartition(":")[2], node.value)):
            yield file, line + node.start_mark.line, f'Quote "{node.value}": YAML 1.1 reads {reading}.'


def _fixed(source: str) -> str:
    """A Jinja text without its tags, with `x` for each expression, line by line in the same place."""
    fixed = re.sub(r"\{%.*?%\}|\{#.*?#\}", lambda tag: "\n" * tag[0].count("\n"), source, flags=re.DOTALL)
    return EXPRESSION.sub(lambda tag: "x" + "\n" * tag[0].count("\n"), fixed)


def _scalars(node: yaml.Node, path: tuple[str, ...]) -> Iterator[tuple[yaml.ScalarNode, tuple[str, ...]]]:
    """Every scalar below a node, keys included, with the keys that lead to it."""
    if isinstance(node, yaml.ScalarNode):
        yield node, path
    elif isinstance(node, yaml.SequenceNode):
        for child in node.value:
            yield from _scalars(child, path)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _scalars(key, path)
            yield from _scalars(value, (*path, str(key.value)))


def _misreading(kind: str, text: str) -> str:
    """What an unquoted scalar of a YAML type is read as, where that can hardly be meant; empty otherwise."""
    if kind == "timestamp":
        return "a date"
    if kind == "bool" and text.lower() not in ("true", "false"):
        return "a boolean; or write true or false"
    if kind in ("int", "float") and ":" in text:
        return "a number to the base 60"
    if kind in ("int", "float"):
        value = yaml_text.parse(text)
        return "" if str(value) == text.replace("_", "").lstrip("+") else f"the number {value}"
    return ""


@rule("duplicate-key")
def duplicate_key(subject: Subject) -> Iterator[Finding]:
    """A key that is written twice in one mapping, such as a row of a table: YAML takes the last one in silence."""
    tables = {table.file for table in subject.template.tables}
    for file, documents in subject.template.nodes.items():
        for document in documents:
            # Keys of a whole document of questions are questions and settings, which have rules of their own.
            inner = [document] if file in tables else [value for _, value in _pairs(document)]
            for key in (key for node in inner for key in _repeated_keys(node)):
                yield file, key.start_mark.line + 1, f"Rename or remove {key.value}: the same mapping has it already."


def _pairs(node: yaml.Node) -> list[tuple[yaml.Node, yaml.Node]]:
    """Keys and values that are written in a mapping itself, without those that `<<` merged into it."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return [(key, value) for key, value in pairs if node.start_mark.index <= key.start_mark.index < node.end_mark.index]


def _repeated_keys(node: yaml.Node) -> Iterator[yaml.Node]:
    seen: set[str] = set()
    for key, value in _pairs(node):
        if str(key.value) in seen:
            yield key
        seen.add(str(key.value))
        yield from _repeated_keys(value)
    for child in node.value if isinstance(node, yaml.SequenceNode) else ():
        yield from _repeated_keys(child)


# Defaults


@rule("default-fails")
def default_fails(subject: Subject) -> Iterator[Finding]:
    """A default that Copier itself refuses beside one or two other answers, which ends in a traceback."""
    failing: dict[tuple[str, str], list[Play]] = {}
    for play in _plays(subject):
        if play.stopped and not play.steps[play.stopped].refused:
            failing.setdefault((play.stopped, play.steps[play.stopped].failure), []).append(play)
    for (key, reason), plays in failing.items():
        question = subject.template.by_key[key]
        reason = reason.removeprefix(f"Validation error for question '{key}': ").rstrip(".")
        simplest = min(plays, key=lambda play: len(play.chosen))
        beside = ", ".join(f"{name}: {value}" for name, value in simplest.chosen.items()) or "the default answers"
        more = len(plays) - 1
        others = f" (and {more} other combination{'' if more == 1 else 's'})" if more else ""
        message = f"Change the default of {key}: with {beside}{others}, Copier refuses it ({reason})."
        yield question.file, question.line_of("default"), message


def _plays(subject: Subject) -> Iterator[Play]:
    """Interviews with every base, every change of one choice in it, and every change of one more after that."""
    for base in subject.bases:
        yield base
        for position, changed in _changes(subject, base, 0):
            yield changed
            yield from (play for _, play in _changes(subject, changed, position + 1))


def _changes(subject: Subject, start: Play, first: int) -> Iterator[tuple[int, Play]]:
    """Interviews that change one choice of another one, from the question at position `first` on, with its position."""
    questions = subject.template.questions if not start.stopped else ()
    for position, question in enumerate(questions[first:], first):
        if start.steps[question.key].asked and question.key not in start.chosen:
            for value in _alternatives(subject, question, start):
                yield position, subject.interview.play({**start.chosen, question.key: value}, start)


def _alternatives(subject: Subject, question: Question, base: Play) -> Iterator[Any]:
    """Every other choice; of several choices, each one more, one less, and alone."""
    value, options = base.answers.get(question.key), subject.interview.options(question, base)
    if not question.multiselect:
        yield from (option for option in options if option != value)
        return
    current = value if isinstance(value, list) else []
    for option in options:
        yield [other for other in options if (other in current) != (other == option)]
        yield [option]


# Files of the output tree


@rule("jinja-suffix")
def jinja_suffix(subject: Subject) -> Iterator[Finding]:
    """A file that is rendered for nothing."""
    for file in subject.template.files:
        if file.rendered and file.text is not None:
            kinds = {kind for _, kind, _ in subject.template.names.environment.lex(file.text)}
            if not kinds & {"variable_begin", "block_begin"}:
                yield file.file, 1, "Remove the suffix .jinja: there is no Jinja tag in the file."


@rule("static-tag")
def static_tag(subject: Subject) -> Iterator[Finding]:
    """A Jinja tag in a file that is copied as it is."""
    for file in subject.template.files:
        for number, line in enumerate((file.text or "").splitlines(), 1) if not file.rendered else ():
            tags = [tag[0] for tag in STATIC_EXPRESSION.finditer(line) if _is_jinja(tag, subject.template)]
            tags += re.findall(r"\{%-?\s*\w+.*?%\}", line)
            for tag in tags:
                yield file.file, number, f"Add the suffix .jinja, or take {tag} out: the file is copied as it is."


def _is_jinja(tag: re.Match[str], template: Template) -> bool:
    """Whether `{{ ... }}` makes sense only when rendered: an answer, or a Jinja expression with spaces inside.

    API Management writes named values as `{{named-value}}`; a `$` before the braces belongs to a pipeline.
    """
    space, name, rest = tag.groups()
    ends = not rest.strip() or re.match(r"\s*[.|\[(~]|\s+(if|or|and|in)\b", rest) is not None
    return ends and (name in template.by_key or name.startswith("_copier") or bool(space))


@rule("path-condition")
def path_condition(subject: Subject) -> Iterator[Finding]:
    """A conditional part of a path that may be empty, although no other file takes its place."""
    targets = [tuple(TAG.sub("", part) for part in Path(file.path).parts) for file in subject.template.files]
    for file, target in zip(subject.template.files, targets, strict=True):
        for part, fixed in zip(Path(file.path).parts, target, strict=True):
            if not re.search(r"\{%-?\s*if\b", part):
                continue
            alternative = re.search(r"\{%-?\s*else\b", part) is not None or targets.count(target) > 1
            if not fixed.removesuffix(".jinja") or not alternative:
                message = f"Give the file a plain name instead of {part} and name it in an _exclude block."
                yield file.file, 1, message


@rule("path-characters")
def path_characters(subject: Subject) -> Iterator[Finding]:
    """A path that Windows or a shell does not take."""
    for file in subject.template.files:
        for part in file.path.split("/"):
            bad = sorted({char for char in part if char in ILLEGAL_ON_WINDOWS or ord(char) < 32})
            bad += ["'"] if "'" in TAG.sub("", EXPRESSION.sub("", part)) else []
            if bad:
                yield file.file, 1, f"Rename {part} without {' '.join(bad)}: Windows or a shell does not take it."
            elif part != part.rstrip(" .") or RESERVED_ON_WINDOWS.match(part):
                yield file.file, 1, f"Rename {part}: Windows reserves the name, or drops its last character."


@rule("path-length")
def path_length(subject: Subject) -> Iterator[Finding]:
    """A path that gets too long in a checkout on Windows."""
    for file in subject.template.files:
        if len(file.file) > LONGEST_PATH:
            message = f"Shorten the path to at most {LONGEST_PATH} characters (now {len(file.file)})."
            yield file.file, 1, message


@rule("exclude-pattern")
def exclude_pattern(subject: Subject) -> Iterator[Finding]:
    """A pattern that excludes nothing, or that leaves an empty folder behind."""
    for file, line, pattern in _patterns(subject.template, "_exclude"):
        if pattern.rstrip().endswith("/"):
            yield file, line, f"Remove the slash at the end of {pattern}: the folder itself would be made."
        elif not _matches_any(pattern.removeprefix("!"), subject.template.files):
            yield file, line, f"Correct or remove {pattern.strip()} in _exclude: no template file has that path."


@rule("skip-pattern")
def skip_pattern(subject: Subject) -> Iterator[Finding]:
    """A pattern that protects nothing."""
    for file, line, pattern in _patterns(subject.template, "_skip_if_exists"):
        if not _matches_any(pattern, subject.template.files):
            yield file, line, f"Correct or remove {pattern.strip()} in _skip_if_exists: no template file has that path."


def _patterns(template: Template, key: str) -> Iterator[tuple[str, int, str]]:
    """Every pattern of a setting as it reads when all its conditions hold, with its file and line."""
    for setting in template.written_settings:
        for entry in setting.value if setting.key == key and isinstance(setting.value, list) else ():
            fixed = EXPRESSION.sub("*", TAG.sub("", re.sub(r"\{#.*?#\}", "", str(entry), flags=re.DOTALL)))
            for pattern in fixed.splitlines():
                if pattern.strip() and not pattern.startswith("#"):
                    yield setting.file, template.line_with(setting.file, pattern.strip(), setting.line), pattern


def _matches_any(pattern: str, files: tuple[TemplateFile, ...]) -> bool:
    """Whether a pattern matches a file, or the fixed parts of a path whose other parts are expressions."""
    spec = pathspec.PathSpec.from_lines("gitignore", [pattern])
    wanted = pattern.strip("/").split("/")
    for file in files:
        target = TAG.sub("", file.path).removesuffix(".jinja")
        if spec.match_file(EXPRESSION.sub("x", target)):
            return True
        parts = [re.sub(r"(\\\{){2}.*?(\\\}){2}", "[^/]+", re.escape(part)) for part in target.split("/")]
        if "{{" in target and re.fullmatch("/".join(parts[: len(wanted)]), "/".join(wanted)):
            return True
    return False


@rule("raw-answer")
def raw_answer(subject: Subject) -> Iterator[Finding]:
    """Free text that is put into YAML, JSON or Bicep without escaping it for that place."""
    for file in subject.template.files:
        target = file.path.removesuffix(".jinja")
        if not file.rendered or file.text is None or not target.endswith(ESCAPED_FORMATS):
            continue
        for output in subject.template.names.tree(file.text).find_all(nodes.Output):
            for name in (name for node in output.nodes for name in _raw_names(node)):
                if name.name in subject.free_texts:
                    message = f"Pass {name.name} through to_json or a macro: quotes and braces in it break the file."
                    yield file.file, name.lineno, message


def _raw_names(node: nodes.Node) -> Iterator[nodes.Name]:
    """Names whose text an expression inserts as it is."""
    if isinstance(node, nodes.Name):
        yield node
    elif isinstance(node, nodes.Filter) and node.node is not None and node.name not in ESCAPING_FILTERS:
        yield from _raw_names(node.node)
    elif isinstance(node, nodes.CondExpr):
        for branch in (node.expr1, node.expr2):
            yield from _raw_names(branch) if branch is not None else ()
    elif isinstance(node, nodes.Concat):
        for child in node.nodes:
            yield from _raw_names(child)
    elif isinstance(node, nodes.Add):
        yield from _raw_names(node.left)
        yield from _raw_names(node.right)
    elif isinstance(node, nodes.Getitem):
        yield from _raw_names(node.node)
    elif isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr):
        # A method of the text itself, such as `.upper()`; on anything else it is a macro.
        yield from (name for name in _raw_names(node.node.node) if name.ctx == "load")


# Decision tables


@rule("row-source")
def row_source(subject: Subject) -> Iterator[Finding]:
    """A row of a decision table that does not say where its facts come from, and when they were checked."""
    for table in subject.template.tables:
        for row in table.rows:
            for need in _source_needs(row):
                yield table.file, row.line, f"Give row {row.key} {need}."


def _source_needs(row: Row) -> Iterator[str]:
    cells = row.cells if isinstance(row.cells, dict) else {}
    if not str(cells.get("source") or "").startswith("https://"):
        yield "a source, the address of a page"
    checked = cells.get("checked")
    if isinstance(checked, date):
        return  # not quoted, which another rule says
    try:
        datetime.strptime(str(checked), "%Y-%m-%d")
    except ValueError:
        yield 'a date on which it was checked, such as checked: "2026-01-31"'


@rule("row-unused")
def row_unused(subject: Subject) -> Iterator[Finding]:
    """A table that nothing loads, or a row that nothing refers to."""
    for table in subject.template.tables:
        name = Path(table.file)
        spelled = (f"{quote}{text}{quote}" for quote in "'\"" for text in (name.name, name.stem))
        by_code = any(text in subject.mentions for text in spelled)
        if not table.keys and not by_code:
            yield table.file, 1, "Load this table in a computed question or in the generator, or remove it."
        elif table.keys and not _used_whole(subject.template, table):
            for row in table.rows:
                if not re.search(rf"(?<![\w-]){re.escape(row.key)}(?![\w-])", subject.mentions):
                    message = (
                        f"Remove row {row.key} or use it: no question, template file or generator module names it."
                    )
                    yield table.file, row.line, message


@rule("column-unused")
def column_unused(subject: Subject) -> Iterator[Finding]:
    """A column that nothing reads."""
    for table in subject.template.tables:
        first: dict[str, Row] = {}
        for row in table.rows:
            for column in row.cells if isinstance(row.cells, dict) else ():
                first.setdefault(str(column), row)
        for column, row in first.items():
            word = re.escape(column)
            if column in ("source", "checked") or re.search(rf"[.]{word}\b|(['\"]){word}\1", subject.mentions):
                continue
            line = subject.template.line_with(table.file, column, row.line)
            yield table.file, line, f"Remove column {column} or use it: no question, template or module reads it."


def _used_whole(template: Template, table: Table) -> bool:
    """Whether some text goes through all rows; copying the table into a data file is not yet a use."""
    for text in template.texts:
        data_file = text.place == "body" and text.file.endswith((".json.jinja", ".yml.jinja", ".yaml.jinja"))
        if not data_file and any(_whole(node) in table.keys for node in _candidates(template.names.tree(text.source))):
            return True
    return False


def _candidates(tree: nodes.Template) -> Iterator[nodes.Node]:
    """Expressions that are gone through: what a loop iterates, what a filter takes, what a call is given."""
    yield from (loop.iter for loop in tree.find_all(nodes.For))
    yield from (filtered for filtered in tree.find_all(nodes.Filter) if filtered.name not in DUMPING_FILTERS)
    for call in tree.find_all(nodes.Call):
        yield from call.args


def _whole(node: nodes.Node | None) -> str:
    """The name of the table that an expression stands for as a whole, else empty."""
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Filter) and node.name not in DUMPING_FILTERS:
        return _whole(node.node)
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr):
        return _whole(node.node.node) if node.node.attr in ("items", "values", "keys") else ""
    return ""


def _below(root: Path, pattern: str) -> list[Path]:
    """Files of the generator that match a pattern, sorted."""
    return sorted(path for path in (root / "generator").rglob(pattern) if "__pycache__" not in path.parts)
