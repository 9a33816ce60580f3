"""Verdicts: whether projects compile, are well-formed and keep the requirements."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from os import cpu_count
from pathlib import Path
from typing import Any

from generator import tools
from generator.answers import of_project
from generator.checks import DoesNotApply, Finding, registry
from generator.compiler import Compiler, Diagnostic
from generator.evaluation import Project, evaluate
from generator.requirements import Requirement, load

HOLDS = "holds"
BROKEN = "broken"
ABSENT = "does not apply"


@dataclass(frozen=True)
class Verdict:
    """The verdict on one requirement.

    Args:
        id: Requirement id.
        sentence: What must be true.
        verdict: holds, broken, or does not apply.
        reason: Why it does not apply, or what is broken and what to change.
        evidence: Resources or files that were looked at.
    """

    id: str
    sentence: str
    verdict: str
    reason: str
    evidence: list[str]


@dataclass(frozen=True)
class Result:
    """Everything that was found out about one project.

    Args:
        project: Its name.
        diagnostics: Remarks of the compiler and of the evaluation.
        tools: What each tool found.
        requirements: One verdict for each requirement that has a check.
    """

    project: str
    diagnostics: list[str]
    tools: list[tools.ToolResult]
    requirements: list[Verdict]

    @property
    def broken(self) -> bool:
        """Whether anything is."""
        return bool(
            self.diagnostics
            or any(item.verdict == BROKEN for item in self.tools)
            or any(item.verdict == BROKEN for item in self.requirements)
        )

    def data(self) -> dict[str, Any]:
        """Everything as plain data, for JSON."""
        return {**asdict(self), "broken": self.broken}


def judge(requirement: Requirement, project: Project) -> Verdict | None:
    """The verdict on one requirement, or None when it has no check yet."""
    if requirement.check is None:
        return None
    if not requirement.applies_to(project.answers):
        return Verdict(requirement.id, requirement.sentence, ABSENT, requirement.otherwise, [])
    try:
        findings = list(registry()[requirement.id](project))
    except DoesNotApply as absent:
        return Verdict(requirement.id, requirement.sentence, ABSENT, str(absent), [])
    except Exception as error:
        findings = [Finding(False, "the check itself", f"It failed: {type(error).__name__}: {error}")]
    if not findings:
        findings = [
            Finding(False, "nothing", "There was nothing to look at: what the requirement is about is missing.")
        ]
    faults = [finding for finding in findings if not finding.holds]
    evidence = [finding.evidence for finding in (faults or findings)]
    reason = "; ".join(f"{finding.evidence}: {finding.detail}" for finding in faults)
    return Verdict(requirement.id, requirement.sentence, BROKEN if faults else HOLDS, reason, evidence)


def verify(root: Path, compiler: Compiler, name: str | None = None, run_tools: bool = True) -> Result:
    """Compile and evaluate every environment of a project, run the tools and judge the requirements.

    Args:
        root: Folder of the project.
        compiler: A started compiler.
        name: What to call the project; the folder's name when None.
        run_tools: Whether the tool of each kind of file looks at it too.

    Raises:
        GroundplanError: The folder is no generated project.
    """
    return verify_evaluated(evaluate(root, of_project(root), compiler), compiler, name, run_tools)


def verify_evaluated(project: Project, compiler: Compiler, name: str | None = None, run_tools: bool = True) -> Result:
    """The same for a project that is compiled and evaluated already.

    Args:
        project: The evaluated project.
        compiler: A started compiler, for the format of its files.
        name: What to call the project; the folder's name when None.
        run_tools: Whether the tool of each kind of file looks at it too.
    """
    root = project.root
    diagnostics = [_remark(root, remark) for remark in project.diagnostics]
    for environment in project.environments.values():
        diagnostics += [f"{environment.name}: {remark}" for remark in environment.diagnostics]
    diagnostics += _unformatted(root, compiler)
    verdicts = [judge(item, project) for item in load()] if project.template else []
    found = tools.run(project) if run_tools else []
    return Result(name or root.name, diagnostics, found, [item for item in verdicts if item])


def _remark(root: Path, remark: Diagnostic) -> str:
    place = remark.source.replace(f"{root.resolve()}/", "").replace(f"{root}/", "")
    return f"{place}:{remark.line} {remark.level} {remark.code}: {remark.message}"


def _unformatted(root: Path, compiler: Compiler) -> list[str]:
    """Bicep files that the formatter would write differently."""
    files = sorted((root / "infra").rglob("*.bicep")) + sorted((root / "infra").glob("*.bicepparam"))
    return [
        f"{path.relative_to(root)}: run `bicep format` on it"
        for path in files
        if compiler.format(path) != path.read_text(encoding="utf-8")
    ]


_worker: Compiler | None = None


def _start() -> None:
    """Start the one compiler of a worker process; it ends with the process."""
    global _worker
    _worker = Compiler().__enter__()


def _verify(root: Path, name: str, run_tools: bool) -> Result:
    assert _worker is not None
    return verify(root, _worker, name, run_tools)


def verify_many(
    projects: Mapping[str, Path],
    workers: int | None = None,
    on_done: Callable[[str], None] = lambda name: None,
    run_tools: bool = True,
) -> list[Result]:
    """Verify many projects in a pool of processes, each with one compiler.

    Args:
        projects: Name -> folder.
        workers: Number of processes; the number of cores when None.
        on_done: Called with the name of each project that is done.
        run_tools: Whether the tools run.

    Returns:
        One result a project, in the order of `projects`.

    Raises:
        GroundplanError: A folder is no generated project, or there is no compiler.
    """
    registry()
    count = max(1, min(workers or cpu_count() or 1, len(projects)))
    results: dict[str, Result] = {}
    with ProcessPoolExecutor(count, initializer=_start) as pool:
        futures = {pool.submit(_verify, root, name, run_tools): name for name, root in projects.items()}
        for future in as_completed(futures):
            results[futures[future]] = future.result()
            on_done(futures[future])
    return [results[name] for name in projects]


def counts(verdicts: Sequence[Verdict]) -> dict[str, int]:
    """Number of verdicts of each kind."""
    return {kind: sum(item.verdict == kind for item in verdicts) for kind in (HOLDS, BROKEN, ABSENT)}


def require_compiler() -> str:
    """Start the compiler once and tell its version, so that a pool does not fail in each worker.

    Raises:
        GroundplanError: There is none (exit code 1).
    """
    with Compiler() as compiler:
        return compiler.version()
