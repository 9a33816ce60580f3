"""The Bicep compiler, found on this machine or downloaded, and kept warm.

A process of its own takes six seconds for each project; one that stays alive and speaks JSON-RPC takes half a second.
"""

import hashlib
import json
import os
import platform
import shutil
import stat
import subprocess
import tempfile
import threading
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from types import TracebackType
from typing import IO, Any

from generator.errors import GroundplanError
from generator.paths import ROOT

BICEP_VERSION = "0.49.2"
"""The pinned release of github.com/Azure/bicep, whose diagnostics and formatting the tests expect."""

DOWNLOADS = {
    ("Linux", "x86_64"): ("bicep-linux-x64", "0ab9de90c2493f206f8281bae74f9ee2d5ed3605548dab1adf41fef185e1f7c5"),
}
"""System and machine -> file of the release and its SHA-256."""

TENANT_ID = "11111111-1111-1111-1111-111111111111"
SUBSCRIPTION_ID = "22222222-2222-2222-2222-222222222222"
"""Where evaluated resources pretend to live; ids and unique names follow from it."""

TIMEOUT_SECONDS = 180

RUNTIME = {
    # Without this the runtime needs an ICU library, which slim machines lack.
    "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1",
    # Code compiled well at once, and no collector beside it: the first projects take half of the processor's time.
    "DOTNET_TieredCompilation": "0",
    "DOTNET_gcConcurrent": "0",
}
"""Settings of the runtime of the compiler (environment variables); those that are set already win."""


@dataclass(frozen=True)
class Diagnostic:
    """One remark of the compiler: level (Error, Warning, Info), code, message, file and line (from 1)."""

    level: str
    code: str
    message: str
    source: str
    line: int


@dataclass(frozen=True)
class CompileResult:
    """What compiling a file gave: remarks of every level, and the template, or None when there were errors."""

    diagnostics: list[Diagnostic]
    template: dict[str, Any] | None


def find_compiler() -> Path:
    """The Bicep compiler: $BICEP, PATH, tool cache, ~/.azure/bin, shared/tools beside the checkout, or a download.

    Raises:
        GroundplanError: There is none and it cannot be downloaded (exit code 1).
    """
    configured = os.environ.get("BICEP")
    if configured:
        if not _runs(Path(configured)):
            raise GroundplanError(f"$BICEP is {configured}, which is no program: point it to the Bicep compiler.", 1)
        return Path(configured)
    on_path = shutil.which("bicep")
    places = [
        Path(on_path) if on_path else None,
        _cache(),
        Path.home() / ".azure" / "bin" / "bicep",
        ROOT.parent / "shared" / "tools" / "bicep",
    ]
    for place in places:
        if place and _runs(place):
            return place
    return _download(_cache())


def _runs(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "groundplan" / f"bicep-{BICEP_VERSION}"


def _download(target: Path) -> Path:
    """Fetch the pinned release and compare its checksum."""
    release = f"release {BICEP_VERSION} of github.com/Azure/bicep"
    absent = f"There is no Bicep compiler: install {release} and put it on the PATH or in $BICEP"
    known = DOWNLOADS.get((platform.system(), platform.machine()))
    if known is None:
        raise GroundplanError(f"{absent}.", 1)
    name, checksum = known
    address = f"https://github.com/Azure/bicep/releases/download/v{BICEP_VERSION}/{name}"
    try:
        with urllib.request.urlopen(address, timeout=120) as response:
            content = response.read()
    except OSError as error:
        raise GroundplanError(f"{absent} (the download failed: {error}).", 1) from error
    if hashlib.sha256(content).hexdigest() != checksum:
        raise GroundplanError(f"{absent} (the download has a wrong checksum).", 1)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(f".{os.getpid()}")
    partial.write_bytes(content)
    partial.chmod(partial.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    partial.replace(target)
    return target


class Compiler:
    """One long-lived compiler process that speaks JSON-RPC; use it as a context manager.

    Args:
        path: The compiler; found when None.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Take note of the program; `__enter__` starts it."""
        self.path = path
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: Queue[dict[str, Any]] = Queue()
        self._number = 0
        self._formatted: dict[tuple[str, str], str] = {}

    def __enter__(self) -> "Compiler":
        """Start the process.

        Raises:
            GroundplanError: There is no compiler.
        """
        self.path = self.path or find_compiler()
        environment = {**RUNTIME, **os.environ}
        self._log = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            [str(self.path), "jsonrpc", "--stdio"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environment,
        )
        threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True).start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        """End the process."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._log.close()

    def version(self) -> str:
        """Version of the compiler, such as 0.49.2."""
        return str(self._call("bicep/version", {})["version"])

    def compile(self, path: Path) -> CompileResult:
        """Compile a .bicep file with everything that it uses."""
        answer = self._call("bicep/compile", {"path": str(path)})
        template = json.loads(answer["contents"]) if answer.get("success") and answer.get("contents") else None
        return CompileResult(_diagnostics(answer), template)

    def compile_params(self, path: Path) -> tuple[list[Diagnostic], dict[str, Any]]:
        """Compile a .bicepparam file: remarks, and parameter values by name."""
        answer = self._call("bicep/compileParams", {"path": str(path), "parameterOverrides": {}})
        content = json.loads(answer["parameters"]) if answer.get("parameters") else {}
        return _diagnostics(answer), {key: entry.get("value") for key, entry in content.get("parameters", {}).items()}

    def snapshot(self, path: Path, location: str, resource_group: str | None = None) -> dict[str, Any]:
        """Evaluate a .bicepparam file with its template.

        Args:
            path: The parameter file.
            location: Region of the deployment itself.
            resource_group: Where a template goes that is not for a whole subscription.

        Returns:
            `predictedResources`, `diagnostics` and `outputs`.

        Raises:
            GroundplanError: The template cannot be evaluated.
        """
        metadata = {
            "tenantId": TENANT_ID,
            "subscriptionId": SUBSCRIPTION_ID,
            "location": location,
            "deploymentName": "groundplan",
            **({"resourceGroup": resource_group} if resource_group else {}),
        }
        answer = self._call("bicep/getSnapshot", {"path": str(path), "metadata": metadata, "externalInputs": []})
        snapshot: dict[str, Any] = json.loads(answer["snapshot"])
        return snapshot

    def format(self, path: Path) -> str:
        """The text of a .bicep or .bicepparam file as the formatter writes it; asked once for each text."""
        key = path.suffix, path.read_text(encoding="utf-8")
        if key not in self._formatted:
            self._formatted[key] = str(self._call("bicep/format", {"path": str(path)})["contents"])
        return self._formatted[key]

    def _call(self, method: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        assert self._process and self._process.stdin, "use the compiler as a context manager"
        self._number += 1
        body = json.dumps({"jsonrpc": "2.0", "id": self._number, "method": method, "params": parameters}).encode()
        try:
            self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
            self._process.stdin.flush()
            answer = self._answers.get(timeout=TIMEOUT_SECONDS)
        except (OSError, Empty) as error:
            raise GroundplanError(f"The Bicep compiler stopped answering: {self._words()}", 1) from error
        if not answer:
            raise GroundplanError(f"The Bicep compiler ended: {self._words()}", 1)
        if "error" in answer:
            message = " ".join(str(answer["error"].get("message", "")).split())
            raise GroundplanError(f"The Bicep compiler refused {parameters.get('path', method)}: {message}", 1)
        result: dict[str, Any] = answer["result"]
        return result

    def _words(self) -> str:
        self._log.seek(0)
        return " ".join(self._log.read().decode(errors="replace").split())[-500:] or "it said nothing."

    def _read(self, stream: IO[bytes]) -> None:
        """Put each answer into the queue; an empty one when the process ends."""
        while True:
            length = 0
            while line := stream.readline().strip():
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            if not length:
                self._answers.put({})
                return
            message = json.loads(stream.read(length))
            if "id" in message and "method" not in message:
                self._answers.put(message)


def _diagnostics(answer: Mapping[str, Any]) -> list[Diagnostic]:
    return [
        Diagnostic(
            str(item["level"]),
            str(item["code"]),
            str(item["message"]),
            str(item["source"]),
            int(item["range"]["start"]["line"]) + 1,
        )
        for item in answer.get("diagnostics") or []
    ]
