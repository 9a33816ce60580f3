"""Queries over logs: parsed and bound against the columns of their tables by the language service of Kusto.

Looked at are the files under `monitoring`, the queries in workbooks, and those of the alert rules in the evaluated
resources. The tables are rows of generator/decisions/log-tables.yml. Not seen: whether a table gets any rows.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache

from generator.evaluation import Project
from generator.tools.common import ABSENT, BROKEN, HOLDS, MissingTool, ToolResult, below, decision
from generator.tools.node import ask
from generator.tools.workbooks import PLACEHOLDER, WorkbookQuery, queries, workbook_files

RESOURCE_GRAPH = 1
TIME_RANGE = 4


def check_queries(project: Project) -> ToolResult:
    """Every query parses, and names only tables and columns that exist."""
    found: dict[str, tuple[str, bool]] = {}
    faults: list[str] = []
    for path in below(project.root, ["monitoring"], ".kql"):
        found[str(path.relative_to(project.root))] = (path.read_text(encoding="utf-8"), False)
    for path in workbook_files(project.root):
        for query in queries(path):
            place = f"{path.relative_to(project.root)}: {query.place}"
            text, unknown = _fill(query)
            found[place] = (text, query.kind == RESOURCE_GRAPH)
            faults += [f"{place}: there is no parameter {name}" for name in unknown]
            if query.kind not in (0, RESOURCE_GRAPH):
                faults.append(f"{place}: queryType {query.kind} is not looked at")
    found.update(_rules(project))
    if not found:
        return ToolResult("kql", 0, ABSENT, [])
    try:
        for place, (text, graph) in found.items():
            faults += [f"{place}{fault}" for fault in _look(text, graph)]
    except MissingTool as missing:
        return ToolResult("kql", 0, BROKEN, [str(missing)])
    return ToolResult("kql", len(found), BROKEN if faults else HOLDS, faults)


def _rules(project: Project) -> Iterator[tuple[str, tuple[str, bool]]]:
    for environment in project.environments.values():
        for resource in environment.of_type("Microsoft.Insights/scheduledQueryRules"):
            criteria = (resource.properties.get("criteria") or {}).get("allOf") or []
            for number, row in enumerate(criteria, 1):
                yield f"{environment.name}: {resource.name} {number}", (str(row.get("query", "")), False)


def _fill(query: WorkbookQuery) -> tuple[str, list[str]]:
    """A workbook's query with a value for each parameter, and the names that no parameter has."""
    kinds = dict(query.parameters)
    unknown = []

    def value(found: re.Match[str]) -> str:
        name, form = found.group(1), found.group(2)
        if name not in kinds:
            unknown.append(name)
        if kinds.get(name) == TIME_RANGE:
            return {"grain": "5m", "start": "ago(1d)", "end": "now()"}.get(str(form), "> ago(1d)")
        return "value"

    return PLACEHOLDER.sub(value, query.text), unknown


@cache
def _look(text: str, graph: bool) -> tuple[str, ...]:
    if not text.strip():
        return (": the query is empty",)
    tables = {name: row["columns"] for name, row in decision("log-tables.yml").items() if _graph(row) == graph}
    answers = ask("kql.mjs", ("@kusto/language-service-next",), {"tables": tables, "queries": [text]})
    return tuple(f":{fault['line']}: {fault['message']}" for fault in answers[0])


def _graph(row: Mapping[str, object]) -> bool:
    return row.get("service") == "resource graph"
