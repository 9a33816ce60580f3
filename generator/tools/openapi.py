"""API definitions of the gateway: valid OpenAPI, and what policies and consumers rely on."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from generator.tools.common import MissingTool, ToolResult, below, judge, read_yaml

METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}


def check_openapi(root: Path) -> ToolResult:
    """Definitions are valid OpenAPI (openapi-spec-validator), and each operation has an id and a response."""

    def faults(paths: Sequence[Path]) -> list[str]:
        found = []
        for path in paths:
            data = _read(path)
            said = _definition(data) if isinstance(data, dict) else ["it holds no definition"]
            found += [f"{path.relative_to(root)}: {fault}" for fault in said]
        return found

    return judge("openapi", below(root, ["gateway/apis"], ".json", ".yml", ".yaml"), faults)


def _read(path: Path) -> Any:
    """A definition with texts as keys: YAML reads the status 200 as a number."""
    if path.suffix == ".json":
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            return None
    return _keys(read_yaml(path))


def _keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _keys(item) for key, item in value.items()}
    return [_keys(item) for item in value] if isinstance(value, list) else value


def _definition(data: dict[str, Any]) -> Iterator[str]:
    try:
        from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator
    except ImportError:
        raise MissingTool("openapi-spec-validator is not installed: install it from PyPI.") from None
    version = str(data.get("openapi", ""))
    validators = {"3.0": OpenAPIV30SpecValidator, "3.1": OpenAPIV31SpecValidator}
    if version[:3] not in validators:
        yield f"openapi is {version or 'missing'}: write 3.0 or 3.1"
        return
    for error in validators[version[:3]](data).iter_errors():
        place = ".".join(str(part) for part in getattr(error, "path", []))
        yield f"{place + ': ' if place else ''}{getattr(error, 'message', error)}"
    for path, item in data.get("paths", {}).items():
        for method, operation in item.items() if isinstance(item, dict) else ():
            if method in METHODS and isinstance(operation, dict) and not operation.get("operationId"):
                yield f"{method} {path} has no operationId"
