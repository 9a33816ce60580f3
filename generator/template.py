"""The template as data: settings, questions, decision tables and files, each with the line where it is written.

Copier merges copier.yml with its includes and forgets which line said what. Lint, reference documents and answer checks
need exactly that, without a prompt, a clone or a copy; so the files are read here by the rules of Copier's own loader.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import yaml
from copier._jinja_ext import SandboxedEnvironment, YieldExtension
from jinja2 import FileSystemLoader, StrictUndefined, Undefined, meta, nodes
from jinja2 import Template as JinjaTemplate

from generator import yaml_text
from generator.errors import GroundplanError

CONCATENATED = ("_exclude", "_jinja_extensions", "_secret_questions", "_skip_if_exists")
"""Settings that Copier concatenates over all documents; of every other setting the last one wins."""

CONTEXT = frozenset(
    (
        "_commit",
        "_copier_answers",
        "_copier_conf",
        "_copier_operation",
        "_copier_phase",
        "_copier_python",
        "_external_data",
        "_folder_name",
        "_src_path",
        "_stage",
        "_version_current",
        "_version_from",
        "_version_pep440_current",
        "_version_pep440_from",
        "_version_pep440_to",
        "_version_to",
        "make_secret",
        "now",
    )
)
"""Names that Copier itself adds to the answers when it renders."""

TYPES = ("bool", "float", "int", "json", "str", "yaml", "path")
"""Question types; a question without one has the type of its default, or yaml."""

DECISIONS = "generator/decisions"
SHARED = ("generator/macros", "generator/messages")
"""Folders of texts that other texts import or include."""


@dataclass(frozen=True)
class Question:
    """One question or computed value, as it is written.

    Args:
        key: Name in the answers.
        file: File that defines it, relative to the template root, with slashes.
        line: Line of the key, from 1.
        spec: Everything under the key; a short form `key: value` is `{"default": value}`.
        lines: Line of each entry of `spec`.
    """

    key: str
    file: str
    line: int
    spec: Mapping[str, Any]
    lines: Mapping[str, int] = field(default_factory=dict)

    @property
    def type(self) -> str:
        """The type as written, else what Copier infers from the default."""
        inferred = type(self.spec.get("default", {})).__name__
        return str(self.spec.get("type") or (inferred if inferred in TYPES else "yaml"))

    @property
    def has_default(self) -> bool:
        """Whether a default is written, even an empty one."""
        return "default" in self.spec

    @property
    def default(self) -> Any:
        """The default as written, not rendered; None where there is none."""
        return self.spec.get("default")

    @property
    def choices(self) -> Any:
        """The choices as written: a list, a mapping, or a Jinja text of YAML; empty without choices."""
        return self.spec.get("choices", [])

    @property
    def multiselect(self) -> bool:
        """Whether several choices may be taken."""
        return bool(self.spec.get("multiselect", False))

    @property
    def when(self) -> str | bool:
        """The condition under which it is asked."""
        written: str | bool = self.spec.get("when", True)
        return written

    @property
    def ask(self) -> str | bool:
        """The condition under which a person is asked, instead of taking the default."""
        written: str | bool = self.spec.get("ask", True)
        return written

    @property
    def validator(self) -> str:
        """Jinja text that renders a sentence for a wrong answer."""
        return str(self.spec.get("validator", ""))

    @property
    def help(self) -> str:
        """The text that a person reads."""
        return str(self.spec.get("help", ""))

    @property
    def computed(self) -> bool:
        """Whether it is never asked: `when` is literally false."""
        return self.when is False

    def line_of(self, part: str) -> int:
        """Line of one entry, such as `default`, or of the question where it is not written."""
        return self.lines.get(part, self.line)


@dataclass(frozen=True)
class Setting:
    """One setting in one document, before merging: key with its underscore, value, file and line."""

    key: str
    value: Any
    file: str
    line: int


@dataclass(frozen=True)
class Include:
    """One `!include`: the pattern, where it is written, and the files it finds, sorted."""

    pattern: str
    file: str
    line: int
    found: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """One row of a decision table: its key (or its number, from 0, in a list), its line and its cells."""

    key: str
    line: int
    cells: Any


@dataclass(frozen=True)
class Table:
    """One decision table: the file, its rows, and the keys of the computed questions that load it."""

    file: str
    rows: tuple[Row, ...]
    keys: tuple[str, ...]


@dataclass(frozen=True)
class TemplateFile:
    """One file of the output tree.

    Args:
        path: Relative to the subdirectory of the template, with slashes, tags and suffix included.
        source: The file on disk.
        file: Relative to the template root, with slashes.
        rendered: Whether Copier renders its text: the name ends with the suffix of templates.
    """

    path: str
    source: Path
    file: str
    rendered: bool

    @cached_property
    def text(self) -> str | None:
        """The text, or None for a binary file."""
        try:
            return self.source.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            return None


@dataclass(frozen=True)
class Text:
    """One Jinja text and where it stands.

    Args:
        source: The text.
        file: File that holds it, relative to the template root.
        line: First line to look at.
        place: `question`, `setting`, `path`, `body`, or `shared` for what others import or include.
        part: The entry of the question (`default`, `when` ...), or the key of the setting.
        key: The question, else empty.
    """

    source: str
    file: str
    line: int
    place: str
    part: str = ""
    key: str = ""


class _Loader(yaml_text.LOADER):  # type: ignore[misc, valid-type]
    """PyYAML's safe loader; a class of its own, so that tags added here stay here."""


class _Reader:
    """Reads copier.yml and what it includes, in order, and keeps the line of everything."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.settings: list[Setting] = []
        self.questions: list[Question] = []
        self.includes: list[Include] = []
        self.nodes: dict[str, list[yaml.Node]] = {}

    def read(self, path: Path) -> None:
        file = path.relative_to(self.root).as_posix()
        self.nodes[file] = []
        loader = _Loader(_read(path))
        try:
            while loader.check_node():
                node = loader.get_node()
                if node is not None:
                    self.nodes[file].append(node)
                    self._document(loader, node, file)
        except (yaml.YAMLError, ValueError) as error:
            raise GroundplanError(yaml_sentence(file, error)) from error
        finally:
            loader.dispose()

    def _document(self, loader: _Loader, node: yaml.Node, file: str) -> None:
        """Take one document: an include, a mapping, or a list of them; Copier flattens lists."""
        if node.tag == "!include":
            found = sorted(path.resolve() for path in self.root.glob(str(node.value)))
            names = tuple(path.relative_to(self.root).as_posix() for path in found if path.is_relative_to(self.root))
            self.includes.append(Include(str(node.value), file, _line(node), names))
            for name in names:
                self.read(self.root / name)
        elif isinstance(node, yaml.SequenceNode):
            for child in node.value:
                self._document(loader, child, file)
        elif isinstance(node, yaml.MappingNode):
            loader.flatten_mapping(node)
            for key, value in node.value:
                self._entry(str(key.value), loader.construct_object(value, deep=True), key, value, file)

    def _entry(self, key: str, value: Any, key_node: yaml.Node, node: yaml.Node, file: str) -> None:
        if key.startswith("_"):
            self.settings.append(Setting(key, value, file, _line(key_node)))
            return
        short = not isinstance(value, dict)
        lines = {} if short else {str(name.value): _line(name) for name, _ in node.value}
        self.questions.append(Question(key, file, _line(key_node), {"default": value} if short else value, lines))


@dataclass(frozen=True)
class Template:
    """Everything that a Copier template says.

    Args:
        root: Folder of copier.yml.
        settings: Settings with their underscore, merged over all documents as Copier merges them.
        written_settings: The same, one for each document that has it.
        questions: Questions and computed values, in the order in which Copier takes them.
        written_questions: The same, with those that a later one of the same key replaces.
        includes: The `!include`s in order.
        tables: Decision tables.
        files: Files of the output tree.
        nodes: YAML nodes of copier.yml, of the included files and of the tables, by file.
    """

    root: Path
    settings: Mapping[str, Any]
    written_settings: tuple[Setting, ...]
    questions: tuple[Question, ...]
    written_questions: tuple[Question, ...]
    includes: tuple[Include, ...]
    tables: tuple[Table, ...]
    files: tuple[TemplateFile, ...]
    nodes: Mapping[str, list[yaml.Node]]

    @classmethod
    def load(cls, root: Path) -> "Template":
        """Read a template.

        Args:
            root: Folder that holds copier.yml.

        Raises:
            GroundplanError: There is no copier.yml, or a file is not well-formed YAML.
        """
        root = root.resolve()
        config = next((root / name for name in ("copier.yml", "copier.yaml") if (root / name).is_file()), None)
        if config is None:
            raise GroundplanError(f"There is no copier.yml in {root}: name the folder of a Copier template.")
        reader = _Reader(root)
        reader.read(config)
        settings = _merged(reader.settings)
        # A question that is written twice keeps its first place and takes its last words, as in Copier.
        questions = tuple({question.key: question for question in reader.questions}.values())
        tables = tuple(_tables(root, questions, reader.nodes))
        files = tuple(_files(root, settings))
        return cls(
            root,
            settings,
            tuple(reader.settings),
            questions,
            tuple(reader.questions),
            tuple(reader.includes),
            tables,
            files,
            reader.nodes,
        )

    @cached_property
    def by_key(self) -> Mapping[str, Question]:
        """Questions and computed values by key, in order."""
        return {question.key: question for question in self.questions}

    @cached_property
    def names(self) -> "Names":
        """Which names a Jinja text of this template uses."""
        return Names(self.root, environment(self.root, self.settings))

    @cached_property
    def texts(self) -> tuple[Text, ...]:
        """Every Jinja text: questions, settings, paths and bodies of rendered files, macros and messages."""
        return (*self._question_texts(), *self._setting_texts(), *self._file_texts(), *self._shared_texts())

    def _question_texts(self) -> Iterator[Text]:
        for question in self.questions:
            for part, value in question.spec.items():
                for source in strings(value):
                    yield Text(source, question.file, question.line_of(part), "question", part, question.key)

    def _setting_texts(self) -> Iterator[Text]:
        for setting in self.written_settings:
            if setting.key not in ("_envops", "_min_copier_version", "_subdirectory", "_templates_suffix"):
                for source in strings(setting.value):
                    yield Text(source, setting.file, setting.line, "setting", setting.key)

    def _file_texts(self) -> Iterator[Text]:
        for file in self.files:
            yield Text(file.path, file.file, 1, "path")
            if file.rendered and file.text is not None:
                yield Text(file.text, file.file, 1, "body")

    def _shared_texts(self) -> Iterator[Text]:
        for folder in SHARED:
            for path in sorted((self.root / folder).glob("*")):
                if path.is_file():
                    yield Text(_read(path), path.relative_to(self.root).as_posix(), 1, "shared")

    def line_with(self, file: str, word: str, start: int = 1) -> int:
        """First line from `start` on that holds `word` as a whole word; `start` when none does."""
        pattern = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")
        for number, line in enumerate(_read(self.root / file).splitlines(), 1):
            if number >= start and pattern.search(line):
                return number
        return start


class Environment(SandboxedEnvironment):
    """A Jinja environment that compiles each text once: Copier's questions compile theirs at every look."""

    def __init__(self, **options: Any) -> None:
        """Take the options of jinja2.Environment."""
        super().__init__(**options)
        self._compiled: dict[str, JinjaTemplate] = {}

    def from_string(self, source: Any, *args: Any, **kwargs: Any) -> JinjaTemplate:
        """Compile a text, or give what it was compiled to before; raises TypeError for anything but a text."""
        if not isinstance(source, str):
            raise TypeError(f"{type(source).__name__} is not a text")
        if source not in self._compiled:
            self._compiled[source] = super().from_string(source, *args, **kwargs)
        return self._compiled[source]


class Names:
    """The names that Jinja texts use, followed through the files that they include or import.

    Args:
        root: Folder of copier.yml, where included files are looked up.
        environment: Copier's Jinja environment of the template.
    """

    def __init__(self, root: Path, environment: Environment) -> None:
        """Start with nothing parsed; every text is parsed once."""
        self.root = root
        self.environment = environment
        self._trees: dict[str, nodes.Template] = {}
        self._own: dict[str, frozenset[str]] = {}

    def tree(self, source: str) -> nodes.Template:
        """The syntax tree of a text; raises jinja2.TemplateSyntaxError."""
        if source not in self._trees:
            self._trees[source] = self.environment.parse(source)
        return self._trees[source]

    def own(self, source: str) -> frozenset[str]:
        """Names that the text itself takes from its context; raises jinja2.TemplateSyntaxError."""
        if source not in self._own:
            # Jinja counts a name that only one branch sets as undeclared, even where only that branch reads it.
            undeclared = meta.find_undeclared_variables(self.tree(source))
            self._own[source] = frozenset(undeclared - _set_in_branches(self.tree(source)))
        return self._own[source]

    def guarded(self, source: str) -> frozenset[str]:
        """Names that may be undefined: the text gives them a `default`, or asks whether they are `defined`."""
        found: set[str] = set()
        for node in self.tree(source).find_all((nodes.Filter, nodes.Test)):
            if isinstance(node.node, nodes.Name) and node.name in ("default", "d", "defined", "undefined"):
                found.add(node.node.name)
        return frozenset(found)

    def targets(self, source: str) -> tuple[tuple[str, bool], ...]:
        """Files that the text includes or imports by a fixed name, each with whether it gets the context."""
        found: list[tuple[str, bool]] = []
        for node in self.tree(source).find_all(nodes.Stmt):
            if isinstance(node, (nodes.Include, nodes.Import, nodes.FromImport)) and isinstance(
                node.template, nodes.Const
            ):
                found.append((str(node.template.value), bool(node.with_context)))
        return tuple(found)

    def source(self, name: str) -> str | None:
        """Text of a file of the template, or None where there is no such file."""
        path = self.root / name
        return path.read_text(encoding="utf-8") if path.is_file() else None

    def stored(self, source: str) -> frozenset[str]:
        """Names that the text sets itself, which an included file sees too."""
        return frozenset(name.name for name in self.tree(source).find_all(nodes.Name) if name.ctx != "load")

    def used(self, source: str) -> frozenset[str]:
        """Every name of the context that the text uses, itself or through what it includes or imports with context."""
        return self._closure(source, frozenset())

    def _closure(self, source: str, seen: frozenset[str]) -> frozenset[str]:
        found = set(self.own(source))
        for name, with_context in self.targets(source):
            inner = self.source(name)
            if with_context and inner is not None and name not in seen:
                found |= self._closure(inner, seen | {name}) - self.stored(source)
        return frozenset(found)


def environment(root: Path, settings: Mapping[str, Any]) -> Environment:
    """Copier's Jinja environment for a template, without cloning it.

    Args:
        root: Folder of copier.yml.
        settings: Merged settings, with their underscore.

    Source: `Worker.jinja_env` of Copier 9.19.
    """
    options = {"keep_trailing_newline": True, **settings.get("_envops", {})}
    strict = options.get("undefined") == "jinja2.StrictUndefined"
    options["undefined"] = StrictUndefined if strict else Undefined
    extensions = ["jinja2_ansible_filters.AnsibleCoreFiltersExtension", YieldExtension]
    result = Environment(
        loader=FileSystemLoader(str(root)),
        extensions=[*extensions, *settings.get("_jinja_extensions", [])],
        **options,
    )
    result.globals["pathjoin"] = lambda *parts: str(PurePosixPath(*parts))
    return result


def _set_in_branches(tree: nodes.Template) -> set[str]:
    return {
        name.name
        for branch in tree.find_all(nodes.If)
        for assignment in branch.find_all((nodes.Assign, nodes.AssignBlock))
        for name in assignment.find_all(nodes.Name)
        if name.ctx == "store"
    }


def yaml_sentence(file: str, error: Exception) -> str:
    """One sentence for a file that PyYAML cannot read: the place, and what stands in the way."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    place = f"{file}:{mark.line + 1}" if mark else file
    return f"Correct the YAML of {place}: {problem}."


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise GroundplanError(f"Save {path.name} as UTF-8: byte {error.start} is not.") from error


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def strings(value: Any) -> Iterator[str]:
    """Every text inside a value, keys of mappings included: labels of choices are rendered too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from strings(key)
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def _merged(settings: Iterable[Setting]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for setting in settings:
        if setting.key in CONCATENATED and isinstance(setting.value, list):
            merged[setting.key] = [*merged.get(setting.key, []), *setting.value]
        else:
            merged[setting.key] = setting.value
    return merged


def _tables(root: Path, questions: Iterable[Question], found: dict[str, list[yaml.Node]]) -> Iterator[Table]:
    """Decision tables, each with the computed questions that include it; adds their nodes to `found`."""
    loaders = {question.key: str(question.default) for question in questions}
    for path in sorted((root / DECISIONS).glob("*.yml")):
        file = path.relative_to(root).as_posix()
        loader = _Loader(_read(path))
        try:
            node = loader.get_single_node()
            rows = tuple(_rows(loader, node)) if node is not None else ()
        except (yaml.YAMLError, ValueError) as error:
            raise GroundplanError(yaml_sentence(file, error)) from error
        finally:
            loader.dispose()
        found[file] = [node] if node is not None else []
        yield Table(file, rows, tuple(key for key, default in loaders.items() if file in default))


def _rows(loader: _Loader, node: yaml.Node) -> Iterator[Row]:
    if isinstance(node, yaml.MappingNode):
        loader.flatten_mapping(node)
        for key, value in node.value:
            yield Row(str(key.value), _line(key), loader.construct_object(value, deep=True))
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield Row(str(number), _line(value), loader.construct_object(value, deep=True))


def _files(root: Path, settings: Mapping[str, Any]) -> Iterator[TemplateFile]:
    top = root / str(settings.get("_subdirectory", ""))
    suffix = settings.get("_templates_suffix")
    suffix = ".jinja" if suffix is None else str(suffix)
    for source in sorted(top.rglob("*")):
        path = source.relative_to(top)
        if source.is_file() and not {".git", "__pycache__"} & set(path.parts):
            yield TemplateFile(
                path.as_posix(), source, source.relative_to(root).as_posix(), source.name.endswith(suffix)
            )
