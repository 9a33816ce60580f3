"""Azure Monitor workbooks: a notebook with known, uniquely named items, and the queries in them."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.tools.common import ToolResult, below, judge

ITEM_TYPES = {1: "text", 3: "query", 9: "parameters", 10: "metric", 11: "links", 12: "group"}
PARAMETER_TYPES = {1, 2, 4, 5, 6, 7, 8, 10}
"""Text, drop-down, time range, resource, subscription, resource type, location, options."""
PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)(?::([\w.]+))?\}")


@dataclass(frozen=True)
class WorkbookQuery:
    """A query in a workbook: where it stands, its text, its kind (0 logs, 1 Resource Graph) and parameters."""

    place: str
    text: str
    kind: int
    parameters: tuple[tuple[str, int], ...]


def check_workbooks(root: Path) -> ToolResult:
    """Workbooks are notebooks whose items have known types and names of their own."""

    def faults(paths: Sequence[Path]) -> list[str]:
        return [f"{path.relative_to(root)}: {fault}" for path in paths for fault in _workbook(path)]

    return judge("workbooks", workbook_files(root), faults)


def workbook_files(root: Path) -> list[Path]:
    """Workbooks of a project."""
    return below(root, ["monitoring/workbooks"], ".json", ".workbook")


def queries(path: Path) -> list[WorkbookQuery]:
    """Every query in a workbook, those in its groups too."""
    data = _load(path)
    items = list(_items(data.get("items"))) if isinstance(data, dict) else []
    parameters = {
        str(row.get("name")): int(row.get("type", 1))
        for item in items
        if item.get("type") == 9
        for row in (item.get("content") or {}).get("parameters") or []
    }
    found = []
    for number, item in enumerate(items, 1):
        content = item.get("content") or {}
        rows = content.get("parameters") or [] if item.get("type") == 9 else [content] if item.get("type") == 3 else []
        for row in rows:
            if isinstance(row.get("query"), str):
                place = f"{item.get('name') or f'item {number}'}{' ' + str(row['name']) if item['type'] == 9 else ''}"
                kind = int(row.get("queryType", 0))
                found.append(WorkbookQuery(place, row["query"], kind, tuple(parameters.items())))
    return found


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None


def _items(value: Any) -> Iterator[dict[str, Any]]:
    for item in value if isinstance(value, list) else []:
        if isinstance(item, dict):
            yield item
            yield from _items((item.get("content") or {}).get("items") if item.get("type") == 12 else None)


def _workbook(path: Path) -> Iterator[str]:
    data = _load(path)
    if not isinstance(data, dict):
        yield "it holds no workbook"
        return
    if data.get("version") != "Notebook/1.0":
        yield f"version is {data.get('version')!r}, not 'Notebook/1.0'"
    items = list(_items(data.get("items")))
    if not items:
        yield "it has no items"
    names = [str(item.get("name")) for item in items]
    for name in sorted({name for name in names if names.count(name) > 1 and name != "None"}):
        yield f"{names.count(name)} items are called {name}"
    for number, item in enumerate(items, 1):
        yield from (f"{item.get('name') or f'item {number}'}: {fault}" for fault in _item(item))
    for resource in data.get("fallbackResourceIds") or []:
        if re.search(r"/subscriptions/[0-9a-f]{8}-|1{8}-|2{8}-", str(resource)):
            yield f"fallbackResourceIds names one subscription: {resource}"


def _item(item: dict[str, Any]) -> Iterator[str]:
    content = item.get("content")
    if item.get("type") not in ITEM_TYPES:
        yield f"type {item.get('type')!r} is none of {', '.join(map(str, ITEM_TYPES))}"
    if not item.get("name"):
        yield "it has no name"
    if not isinstance(content, dict):
        yield "it has no content"
    elif item.get("type") == 1 and not content.get("json"):
        yield "the text is empty"
    elif item.get("type") == 3 and not content.get("query"):
        yield "the query is empty"
    elif item.get("type") == 9:
        for row in content.get("parameters") or []:
            if row.get("type") not in PARAMETER_TYPES:
                yield f"parameter {row.get('name')} has type {row.get('type')!r}"
