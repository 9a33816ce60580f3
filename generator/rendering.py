"""Projects from answers, many at a time.

Copier compiles every Jinja text again for each project and asks git about each file: most of its time. Here a `Worker`
of Copier's own keeps compiled texts for the life of the process and skips git, which changes nothing in a destination
that is no repository. A test compares the result with `copier copy` byte for byte.
"""

import atexit
import os
import shutil
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import jinja2
import yaml
from copier._jinja_ext import SandboxedEnvironment, get_yield_context
from copier._main import Worker
from copier._template import Template
from copier._user_data import CAST_STR_TO_NATIVE
from copier.errors import CopierError
from jinja2 import FileSystemBytecodeCache, TemplateError

from generator import yaml_text
from generator.errors import GroundplanError
from generator.paths import ROOT
from generator.refusals import check_types, refuse_unasked, sentence


class SharedCache(FileSystemBytecodeCache):
    """Compiled file templates, shared by all processes and runs of a user.

    Copier clones a template into a new folder each time, so the file name is no part of the key; Jinja itself compares
    the checksum of the source.
    """

    def __init__(self) -> None:
        """Use the user's cache folder."""
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = base / "groundplan" / f"jinja-{jinja2.__version__}"
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(str(folder))

    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        """Key of a template: its name within the template's root."""
        return super().get_cache_key(name)


def _parse_yaml(text: str) -> Any:
    """What Copier's own `parse_yaml_string` returns, sooner.

    Raises:
        ValueError: It is no YAML.
    """
    try:
        return yaml_text.parse(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


# Each interview parses every table of decisions, which the parser in Python makes its longest part.
cast(dict[str, Any], CAST_STR_TO_NATIVE)["yaml"] = _parse_yaml

_compiled: dict[tuple[str, str], Any] = {}
_templates: dict[tuple[Any, ...], Template] = {}


def shared_template(root: Path) -> Template:
    """Copier's view of a template, cloned and read once in a process, again when one of its files changed.

    Args:
        root: The template; of a git repository the working tree counts, not the newest tag.
    """
    key = (root, *_fingerprint(root))
    if key not in _templates:
        template = Template(url=str(root), ref="HEAD")
        atexit.register(template._cleanup)
        _templates[key] = template
    return _templates[key]


def _fingerprint(root: Path) -> list[tuple[str, int, int]]:
    """Path, time of change (nanoseconds) and size (bytes) of each file that decides what is rendered."""
    folders = [root / "template", root / "generator"]
    files = [root / "copier.yml", *(path for folder in folders for path in folder.rglob("*") if path.suffix != ".pyc")]
    return [(str(path), status.st_mtime_ns, status.st_size) for path in files if (status := path.stat())]


class FastWorker(Worker):
    """Copier's worker with one clone and compiled texts kept between projects, and no git subprocess for each file."""

    @cached_property
    def template(self) -> Template:
        """The template, shared by all workers of the process."""
        return shared_template(Path(str(self.src_path)))

    @cached_property
    def jinja_env(self) -> SandboxedEnvironment:
        """Copier's environment; questions, defaults and path parts are compiled once in a process."""
        environment: SandboxedEnvironment = super().jinja_env
        environment.bytecode_cache = SharedCache()
        compile_text = environment.from_string
        scope = str(self.template.local_abspath)

        def from_string(source: Any, *args: Any, **kwargs: Any) -> Any:
            if not isinstance(source, str) or args or kwargs or "{% yield" in source:
                return compile_text(source, *args, **kwargs)
            key = (scope, source)
            _forget_yield(environment)
            if key not in _compiled:
                _compiled[key] = environment.compile(source)
            return environment.template_class.from_code(environment, _compiled[key], environment.make_globals(None))

        environment.from_string = from_string  # type: ignore[method-assign]
        return environment

    @property
    def answers_relpath(self) -> Path:
        """Path of the answers file, which Copier renders anew for every part of every path."""
        path = self.answers_file or self.template.answers_relpath
        return super().answers_relpath if "{" in str(path) else Path(path)

    def _render_string(self, string: str, extra_context: dict[str, Any] | None = None) -> str:
        """Render a part of a path, or a pattern; one without a tag is what it is."""
        if "{" in string:
            return str(super()._render_string(string, extra_context))
        _forget_yield(self.jinja_env)
        return string

    def _ask(self) -> None:
        """Ask, after a look at the kinds of the answers, and refuse those that nothing asks for."""
        root = Path(str(self.src_path))
        check_types(self.data, root)
        super()._ask()
        refuse_unasked(self.data, stored_keys(self), self.answers.combined, root)

    def _render_file(self, *args: Any, **kwargs: Any) -> None:
        """Render one file; Copier forgets a `yield` of a path only when it compiles, which happens once here."""
        _forget_yield(self.jinja_env)
        super()._render_file(*args, **kwargs)

    def _sync_git_index_executable_bit(self, *_: Any) -> None:
        """A destination that is no repository has no index to keep in step."""


def stored_keys(worker: Worker) -> set[str]:
    """Keys that Copier writes into the answers file."""
    return {key for key in worker._answers_to_remember() if not key.startswith("_")}


def _forget_yield(environment: SandboxedEnvironment) -> None:
    context = get_yield_context(environment)
    context.yield_name = context.yield_iterable = None


@dataclass(frozen=True)
class Job:
    """One project to render: its name, its answers and where it goes."""

    name: str
    answers: Mapping[str, Any]
    destination: Path


def interview(data: dict[str, Any], root: Path = ROOT) -> tuple[dict[str, Any], set[str]]:
    """Ask Copier for every value that follows from answers, without writing anything.

    Args:
        data: Answers by key.
        root: The template.

    Returns:
        Every value by key, and the keys that Copier stores.

    Raises:
        ValueError, CopierError: An answer is refused.
    """
    with FastWorker(
        src_path=str(root), dst_path=Path(os.devnull), data=data, defaults=True, quiet=True, pretend=True
    ) as worker:
        worker._ask()
        combined = dict(worker.answers.combined)
        stored = stored_keys(worker)
    keys = worker.template.questions_data
    return {key: value for key, value in combined.items() if key in keys}, stored


def render(answers: Mapping[str, Any], destination: Path, root: Path = ROOT) -> None:
    """Write one project.

    Args:
        answers: Answers by key, as from `generator.answers.load`.
        destination: A folder that does not exist or is empty.
        root: The template; a git repository is taken at its working tree.

    Raises:
        GroundplanError: The destination is not empty, or an answer is refused. Nothing is left behind.
    """
    refuse_occupied(destination)
    existed = destination.exists()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with FastWorker(
                src_path=str(root), dst_path=destination, data=dict(answers), defaults=True, quiet=True
            ) as worker:
                worker.run_copy()
    except BaseException as error:
        if not existed:
            shutil.rmtree(destination, ignore_errors=True)
        if isinstance(error, TemplateError):
            problem = " ".join(str(error).split())
            raise GroundplanError(f"The template fails on these answers ({problem}): please report them.", 1) from error
        if isinstance(error, (ValueError, CopierError, TypeError, AttributeError)):
            raise GroundplanError(sentence(error)) from error
        raise


def refuse_occupied(destination: Path) -> None:
    """Refuse a destination that has something in it already."""
    if destination.is_file():
        raise GroundplanError(f"{destination} is a file: give a folder that does not exist yet.")
    if destination.is_dir() and any(destination.iterdir()):
        raise GroundplanError(f"{destination} is not empty: give a folder that does not exist yet.")


def render_many(
    jobs: Sequence[Job],
    workers: int | None = None,
    on_done: Callable[[Job, GroundplanError | None], None] = lambda job, error: None,
    root: Path = ROOT,
) -> list[tuple[Job, GroundplanError]]:
    """Write many projects in a pool of processes.

    Args:
        jobs: What to render.
        workers: Number of processes; the number of cores when None.
        on_done: Called after each project with its error, if any.
        root: The template.

    Returns:
        The jobs that failed, each with its sentence; the others are written.
    """
    failed: list[tuple[Job, GroundplanError]] = []
    count = min(workers or os.cpu_count() or 1, len(jobs)) or 1
    with ProcessPoolExecutor(count) as pool:
        futures = {pool.submit(render, dict(job.answers), job.destination, root): job for job in jobs}
        for future in as_completed(futures):
            error = future.exception()
            if error is not None and not isinstance(error, GroundplanError):
                raise error
            if error is not None:
                failed.append((futures[future], error))
            on_done(futures[future], error)
    return failed
