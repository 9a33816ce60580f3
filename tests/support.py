"""The command line as a user runs it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from generator.paths import ROOT


def groundplan(*arguments, env=None, cwd=ROOT):
    """Run `groundplan` in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200", **(env or {})}
    return subprocess.run(
        [sys.executable, "-m", "generator", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        stdin=subprocess.DEVNULL,
    )


def assert_refused(run, says, code=2):
    """One sentence on standard error, the exit code, and no traceback."""
    assert run.returncode == code, run.stderr
    lines = [line for line in run.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, run.stderr
    assert lines[0].startswith("groundplan: ") and says in lines[0]
    assert "Traceback" not in run.stderr


def uv(*arguments, cwd=ROOT, env=None):
    """Run uv, which does in seconds what takes pip a minute, and return what it says."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    command = [shutil.which("uv", path=path), *arguments]
    run = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout
