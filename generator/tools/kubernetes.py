"""Kubernetes manifests: every document with `apiVersion` and `kind` keeps the schema of its kind, to the last field."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from generator import yaml_text
from generator.tools.common import MissingTool, ToolResult, below, floating, judge

FOLDERS = ("infra", "ml", "kubernetes")

FOREIGN_KINDS = {
    ("amlarc.azureml.com/v1alpha1", "InstanceType"): "a custom resource of the Azure Machine Learning extension",
    ("amlarc.azureml.com/v1alpha1", "InstanceTypeList"): "a custom resource of the Azure Machine Learning extension",
}
"""Kinds that no published schema describes, with the reason why they are left out; only their name is looked at."""


def check_kubernetes(root: Path) -> ToolResult:
    """Manifests pass kubernetes-validate in strict mode; a kind that it does not know is a fault."""

    def faults(paths: Sequence[Path]) -> list[str]:
        found = []
        for path in paths:
            text = path.read_text(encoding="utf-8")
            said = [fault for document in _documents(path) for fault in _document(document)]
            said += [f"{name} changes by itself" for name in floating(text)]
            found += [f"{path.relative_to(root)}: {fault}" for fault in said]
        return found

    return judge("kubernetes", [path for path in below(root, FOLDERS, ".yml", ".yaml") if _documents(path)], faults)


def _documents(path: Path) -> list[dict[str, Any]]:
    text = path.read_text(encoding="utf-8")
    if "apiVersion" not in text:
        return []
    try:
        documents = yaml_text.parse_all(text)
    except yaml.YAMLError:
        return []
    return [item for item in documents if isinstance(item, dict) and {"apiVersion", "kind"} <= item.keys()]


def _document(document: dict[str, Any]) -> Iterator[str]:
    try:
        import kubernetes_validate
    except ImportError:
        raise MissingTool("kubernetes-validate is not installed: install it from PyPI.") from None
    kind = (str(document["apiVersion"]), str(document["kind"]))
    name = (document.get("metadata") or {}).get("name")
    if not name and not kind[1].endswith("List"):
        yield f"{kind[1]} has no metadata.name"
    if kind in FOREIGN_KINDS:
        return
    try:
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)
    except kubernetes_validate.ValidationError as error:
        place = ".".join(str(part) for part in error.path)
        yield f"{kind[1]} {name}: {place + ': ' if place else ''}{error.message}"
    except kubernetes_validate.SchemaNotFoundError:
        yield f"there is no schema for {kind[0]} {kind[1]}"
