"""The command line as a user runs it."""

import os
import subprocess
import sys

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
