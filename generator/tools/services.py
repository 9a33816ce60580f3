"""Checkers that stay alive: a process takes a JSON text a line and answers with one.

Starting an interpreter and loading a parser takes seconds; one more project then takes milliseconds.
"""

import json
import os
import select
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from typing import IO, Any

from generator.paths import ROOT
from generator.tools.common import MissingTool

TIMEOUT_SECONDS = 120


class Service:
    """One running process.

    Args:
        name: What to call it in messages.
        command: How it starts.

    Raises:
        MissingTool: It does not start.
    """

    def __init__(self, name: str, command: list[str]) -> None:
        """Start the process."""
        self.name = name
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        try:
            self._process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log
            )
        except OSError as error:
            raise MissingTool(f"{name} does not start: {error}") from None

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()

    def ask(self, request: Mapping[str, Any]) -> Any:
        """What the process answers.

        Raises:
            MissingTool: It ended, failed or stopped answering.
        """
        assert self._process.stdin and self._process.stdout
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
            ready, _, _ = select.select([self._process.stdout], [], [], TIMEOUT_SECONDS)
            answer = self._process.stdout.readline() if ready else b""
        except OSError:
            answer = b""
        if not answer:
            self.stop()
            self._log.seek(0)
            said = " ".join(self._log.read().decode(errors="replace").split())[-300:]
            raise MissingTool(f"{self.name} ended without an answer: {said or 'it said nothing'}")
        found = json.loads(answer)
        if "error" in found:
            raise MissingTool(f"{self.name} failed: {found['error']}")
        return found["answer"]


running: dict[tuple[int, str], Service] = {}
"""By process id, because a forked process must not share them, and name."""


def ask(name: str, command: Callable[[], list[str]], request: Mapping[str, Any]) -> Any:
    """Ask a service, started at the first question of this process. It ends when its standard input closes.

    Raises:
        MissingTool: Something that it needs is not installed, or it failed.
    """
    key = (os.getpid(), name)
    service = running.get(key)
    if service is None or not service.alive:
        service = running[key] = Service(name, command())
    return service.ask(request)
