"""Real tools over a generated project, one module for each family.

A tool that is missing, or that looked at nothing although there was something, has broken: it never counts as a pass.
"""

from collections.abc import Callable
from pathlib import Path

from generator.evaluation import Project
from generator.tools.azure_ml_yaml import check_azure_ml
from generator.tools.azure_pipelines import check_pipeline_scripts, check_pipelines
from generator.tools.common import ABSENT, BROKEN, HOLDS, ToolResult, files
from generator.tools.coverage import check_coverage
from generator.tools.databricks import check_databricks
from generator.tools.diagrams import check_diagrams
from generator.tools.documents import check_json, check_links, check_markdown, check_yaml
from generator.tools.expressions import check_expressions
from generator.tools.kql import check_queries
from generator.tools.kubernetes import check_kubernetes
from generator.tools.openapi import check_openapi
from generator.tools.plain import check_dockerfiles, check_makefiles, check_notebooks, check_requirements, check_toml
from generator.tools.policies import check_policies
from generator.tools.python_code import check_python
from generator.tools.security import check_security
from generator.tools.shell import check_scripts
from generator.tools.workbooks import check_workbooks
from generator.tools.workflows import check_workflow_scripts, check_workflow_security, check_workflows

__all__ = ["ABSENT", "BROKEN", "HOLDS", "ON_FILES", "ON_PROJECTS", "ToolResult", "files", "run"]

ON_FILES: tuple[Callable[[Path], ToolResult], ...] = (
    check_json,
    check_yaml,
    check_markdown,
    check_links,
    check_diagrams,
    check_python,
    check_scripts,
    check_toml,
    check_requirements,
    check_notebooks,
    check_makefiles,
    check_dockerfiles,
    check_azure_ml,
    check_databricks,
    check_kubernetes,
    check_workbooks,
    check_openapi,
    check_workflows,
    check_workflow_security,
    check_workflow_scripts,
    check_pipelines,
    check_pipeline_scripts,
    check_coverage,
)
"""Tools that read the files of a project only."""

ON_PROJECTS: tuple[Callable[[Project], ToolResult], ...] = (
    check_queries,
    check_policies,
    check_expressions,
    check_security,
)
"""Tools that need its evaluated resources too."""


def run(project: Project) -> list[ToolResult]:
    """Every tool over a generated project, in a fixed order."""
    return [tool(project.root) for tool in ON_FILES] + [tool(project) for tool in ON_PROJECTS]
