"""The compiler: found or its absence told, one process for many questions, and never a stale answer."""

import hashlib
import shutil

import pytest

from generator import compiler as module
from generator.compiler import BICEP_VERSION, DOWNLOADS, Compiler, find_compiler
from generator.errors import GroundplanError
from tests.support import assert_refused, groundplan

MAIN = """targetScope = 'subscription'

param location string

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-one'
  location: location
}
"""


@pytest.fixture(scope="module")
def warm():
    with Compiler() as compiler:
        yield compiler


@pytest.fixture
def project(tmp_path):
    (tmp_path / "main.bicep").write_text(MAIN)
    (tmp_path / "dev.bicepparam").write_text("using 'main.bicep'\n\nparam location = 'swedencentral'\n")
    return tmp_path


def test_version_is_the_pinned_one(warm):
    assert warm.version() == BICEP_VERSION


def test_compile_evaluate_and_format(warm, project):
    result = warm.compile(project / "main.bicep")
    assert result.diagnostics == [] and result.template["parameters"] == {"location": {"type": "string"}}
    remarks, parameters = warm.compile_params(project / "dev.bicepparam")
    assert remarks == [] and parameters == {"location": "swedencentral"}
    snapshot = warm.snapshot(project / "dev.bicepparam", "swedencentral")
    assert [resource["name"] for resource in snapshot["predictedResources"]] == ["rg-one"]
    assert warm.format(project / "main.bicep") == MAIN


def test_remarks_have_level_code_file_and_line(warm, project):
    (project / "main.bicep").write_text(MAIN + "\nparam nobody string\n")
    result = warm.compile(project / "main.bicep")
    remark = next(item for item in result.diagnostics if item.code == "no-unused-params")
    assert remark.level in ("Warning", "Error") and remark.line == 10 and remark.source.endswith("main.bicep")


def test_changed_files_are_read_again(warm, project):
    warm.compile(project / "main.bicep")
    (project / "main.bicep").write_text(MAIN.replace("rg-one", "rg-two"))
    snapshot = warm.snapshot(project / "dev.bicepparam", "swedencentral")
    assert snapshot["predictedResources"][0]["name"] == "rg-two"


def test_what_cannot_be_evaluated_is_one_sentence(warm, project):
    (project / "dev.bicepparam").write_text("using 'main.bicep'\n")
    with pytest.raises(GroundplanError) as refused:
        warm.snapshot(project / "dev.bicepparam", "swedencentral")
    assert "\n" not in refused.value.message


def test_a_compiler_that_dies_is_one_sentence(project):
    with Compiler() as compiler:
        compiler.version()
        compiler._process.kill()
        compiler._process.wait()
        with pytest.raises(GroundplanError, match="The Bicep compiler"):
            compiler.compile(project / "main.bicep")


def test_configured_compiler_comes_first(monkeypatch, tmp_path):
    real = find_compiler()
    link = tmp_path / "my-bicep"
    link.symlink_to(real)
    monkeypatch.setenv("BICEP", str(link))
    assert find_compiler() == link


def test_a_wrong_compiler_is_refused():
    run = groundplan("verify", "default", env={"BICEP": "/nowhere/bicep"})
    assert_refused(run, "$BICEP is /nowhere/bicep", code=1)


def test_no_compiler_and_no_network_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.delenv("BICEP", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(module, "ROOT", tmp_path / "checkout")

    def unreachable(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr(module.urllib.request, "urlopen", unreachable)
    with pytest.raises(GroundplanError) as refused:
        find_compiler()
    assert refused.value.exit_code == 1 and "github.com/Azure/bicep" in refused.value.message


def test_download_with_a_wrong_checksum_is_refused(monkeypatch, tmp_path):
    class Response:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def read(self):
            return b"something else"

    monkeypatch.setattr(module.urllib.request, "urlopen", lambda *_, **__: Response())
    monkeypatch.setattr(module.platform, "system", lambda: "Linux")
    monkeypatch.setattr(module.platform, "machine", lambda: "x86_64")
    with pytest.raises(GroundplanError, match="wrong checksum"):
        module._download(tmp_path / "bicep")
    assert not (tmp_path / "bicep").exists()


def test_pinned_checksum_is_that_of_the_compiler_in_use():
    path = find_compiler()
    if shutil.which("bicep") == str(path):
        path = path.resolve()
    assert hashlib.sha256(path.read_bytes()).hexdigest() in {checksum for _, checksum in DOWNLOADS.values()}
