"""The guidance page of generated projects, written from the catalogue so that both always say the same.

`groundplan docs` writes template/docs/guidance.md.jinja: every row of the catalogue behind its own condition, so that
Copier alone renders the rows that apply. A file is named only where the answers bring it.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from generator.paths import TEMPLATE
from generator.requirements import AREAS, Requirement

PAGE = TEMPLATE / "docs" / "guidance.md.jinja"

RECORDS = {
    "exploration": "'eda' in functions",
    "training": "'training' in functions",
    "own-models": "own_online",
    "foundation-models": "'foundation' in model_sources",
    "batch": "batch",
    "gateway": "online",
}
"""Decision records that depend on the answers -> when a project has them; every other record is always there."""

AREA_RECORDS = {
    "GEN": "scope",
    "SEC": "data-protection",
    "NET": "network",
    "EDA": "exploration",
    "TRN": "training",
    "INF": "own-models",
    "BAT": "batch",
    "GW": "gateway",
    "MON": "operations",
    "SDP": "delivery",
    "COST": "operations",
    "REL": "placement",
}
"""Area -> the record that decides about it where no question of a requirement does."""

AML = "aml_exploration or aml_training or aml_inference"
PLACES = (
    (r"\.github/", "ci_platform == 'github'"),
    (r"\.azuredevops(/|$)", "ci_platform == 'azure_devops'"),
    (r"gateway(/|$)", "online"),
    (r"infra/modules/gateway", "online"),
    (r"tests/(load|resilience)", "online"),
    (r"infra/modules/gateway/content-safety", "foundation_online and (content_safety != 'off' or prompt_shields)"),
    (r"infra/modules/gateway/semantic-cache", "semantic_cache"),
    (r"gateway/policies/foundation", "foundation_online"),
    (r"infra/modules/foundry", "serves_foundation or 'fine_tuning' in functions"),
    (r"infra/modules/machine-learning", AML),
    (r"infra/modules/network|infra/private-dns-zones\.json", "private"),
    (r"infra/modules/databricks", "databricks_connectors"),
    (r"infra/modules/kubernetes", "own_online and own_model_hosting == 'kubernetes'"),
    (r"infra/modules/platform/storage\.bicep", f"needs_storage or {AML}"),
    (r"infra/modules/platform/container-registry\.bicep", "needs_registry"),
    (
        r"infra/modules/platform/encryption-key\.bicep",
        f"customer_managed_keys and (needs_storage or needs_registry or serves_foundation or {AML}"
        " or 'fine_tuning' in functions)",
    ),
    (r"infra/egress-rules\.json", "own_firewall"),
    (r"infra/approved-domains\.json", f"({AML}) and controlled"),
    (r"infra/modules/monitoring/log-analytics", "'log_analytics' not in reuse"),
    (r"monitoring/workbooks/consumption", "online and chargeback"),
    (r"monitoring/prices", "foundation_online and chargeback"),
    (r"infra/modules/monitoring/query-alerts", "online or 'log_analytics' not in reuse"),
    (r"infra/modules/monitoring/private-link-scope", "controlled"),
    (r"ml/schedules/drift|ml/drift-limits", "measures_drift"),
    (r"ml/pipelines|ml/components", "aml_training"),
    (r"ml/schedules$", "aml_training and training_cadence != 'adhoc'"),
    (r"ml/exploration", "'eda' in functions"),
    (r"ml/exploration/storage\.py|infra/modules/machine-learning/compute-instances", "aml_exploration"),
    (r"ml/storage\.json|ml/databricks\.yml", "databricks_connectors"),
    (r"ml/resources/training\.yml", "'training' in databricks_connectors"),
    (r"ml/resources/batch\.yml", "'batch' in databricks_connectors"),
    (r"ml/serving", "own_online and own_model_hosting == 'databricks'"),
    (r"ml/exploration/cluster-policy\.json", "'eda' in functions and eda_platform == 'databricks'"),
    (r"ml/tuning", "'fine_tuning' in functions"),
    (r"ml/models/example/deployment\.yml", "own_online and own_model_hosting != 'databricks'"),
    (r"ml/models", "own_online"),
    (r"ml/batch", "own_batch"),
    (r"infra/modules/orchestrator|orchestrator(/|$)|.*/release-orchestrator\.yml", "orchestrated"),
    (r"(tests/)?scripts/(test_)?(orchestrator_revision|flags)|.*/feature-flag", "orchestrated"),
    (r"ml/foundry_batch", "batch and batch_platform == 'foundry_batch'"),
    (
        r"(tests/)?scripts/(test_)?(rollout|endpoint|health_gate|decommission)\.py",
        "own_online and own_model_hosting != 'databricks'",
    ),
    (
        r".*online-deployment\.bicep|ml/models/example/scaling\.json",
        "own_online and own_model_hosting == 'managed_endpoint'",
    ),
    (r"ml/models/example/evaluation\.json", "own_online and own_model_hosting != 'databricks'"),
    (r"(tests/)?scripts/(test_)?batch_(rollout|run)\.py", "own_batch"),
    (r".*/retrain\.yml|scripts/retrain\.py", "'training' in functions"),
    (r".*/idle-deployments\.yml|scripts/idle_deployments\.py", "'fine_tuning' in functions"),
    (r".*/promote\.yml|scripts/promote\.py", "shares_models"),
    (r"(tests/)?scripts/(test_)?gateway_revision\.py|.*/release-gateway\.yml", "online"),
    (r"(tests/)?scripts/(test_)?model_release\.py|.*/(release-model|_?release-step)\.yml", "foundation_online"),
    (r".*/_?rollout-step\.yml", "aml_inference"),
    (r".*/(_?rollout|emergency-rollout|decommission)\.yml", "own_online and own_model_hosting != 'databricks'"),
    (r".*/(rollout|run)-batch\.yml", "own_batch"),
    (r".*/old-instances\.yml|scripts/old_instances\.py", "aml_exploration"),
    (r"tests/scripts/test_notebooks\.py", "'eda' in functions"),
)
"""Paths of a project -> when the answers bring them. Every rule that fits must hold; a test renders and looks."""


def page(requirements: Iterable[Requirement]) -> str:
    """The template of the guidance page.

    Args:
        requirements: The whole catalogue, in order.
    """
    return "\n".join(_lines(list(requirements))) + "\n"


def _lines(rows: list[Requirement]) -> Iterator[str]:
    yield "{# Written by `groundplan docs` from the catalogue of requirements. #}"
    yield f"{{% set applying = {_count(rows)} %}}"
    yield f"{{% set checked = {_count([row for row in rows if row.check])} %}}"
    yield "# Guidance"
    yield ""
    yield "What the guidance asks of these answers, how this project meets it, where it shows, where it was decided."
    yield (
        "{{ applying }} requirements apply. `groundplan verify <folder of this project>` in a checkout of the template "
        "checks {{ 'all' if applying == checked else checked }} of them"
        "{{ '; the others are not checked yet' if applying != checked }}."
    )
    areas = list(dict.fromkeys(row.area for row in rows))
    for title, area in zip(AREAS, areas, strict=True):
        yield from _section(title.capitalize(), [row for row in rows if row.area == area])


def _count(rows: list[Requirement]) -> str:
    """A Jinja expression for the number of these rows that apply."""
    return "[" + ", ".join(f"({row.applies})" for row in rows) + "] | select | list | length"


def _section(title: str, rows: list[Requirement]) -> Iterator[str]:
    conditions = list(dict.fromkeys(row.applies for row in rows))
    conditional = "true" not in conditions
    if conditional:
        yield "{% if " + " or ".join(f"({condition})" for condition in conditions) + " %}"
    yield ""
    yield f"## {title}"
    yield ""
    yield "| Id | Requirement | How it is met | Shows in | Decided in | Source | Check |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for row in rows:
        yield from _when(row.applies, _row(row))
    if conditional:
        yield "{% endif %}"


def _when(condition: str, line: str) -> Iterator[str]:
    yield from (line,) if condition == "true" else (f"{{% if {condition} %}}", line, "{% endif %}")


def _row(row: Requirement) -> str:
    check = "`groundplan verify`" if row.check else "not checked yet"
    cells = (
        row.id,
        cell(row.sentence),
        row.how,
        _places(row),
        _record(row),
        f"[{row.source.basis}]({row.source.page})",
        check,
    )
    return f"| {' | '.join(cells)} |"


def cell(text: str) -> str:
    """Text as a cell of a Markdown table."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")


def _record(row: Requirement) -> str:
    """A link to the record of the first question that tailors the requirement, else to that of its area."""
    known = questions_of_records()
    name = next((known[question] for question in row.asks if question in known), AREA_RECORDS[row.area])
    link = f"[{name.replace('-', ' ')}](decisions/{name}.md)"
    condition = RECORDS.get(name)
    if condition is None or condition == row.applies:
        return link
    return f"{{% if {condition} %}}{link}{{% else %}}[scope](decisions/scope.md){{% endif %}}"


def questions_of_records() -> dict[str, str]:
    """Question -> name of the decision record that names it."""
    return {
        question: path.name.removesuffix(".md.jinja")
        for path in sorted((TEMPLATE / "docs" / "decisions").glob("*.md.jinja"))
        for question in re.findall(r"md\.answer\('(\w+)'", path.read_text(encoding="utf-8"))
    }


def _places(row: Requirement) -> str:
    """The evidence of a row that some project has, each behind the condition of its path."""
    parts = []
    for path in _both_platforms(row.evidence):
        conditions = [condition for pattern, condition in PLACES if re.match(pattern, path)]
        if _in_template(path):
            parts.append((f"`{path}`", conditions))
    if all(not conditions for _, conditions in parts):
        return ", ".join(text for text, _ in parts) or "nothing yet"
    lists = [
        f"(['{text}'] if {_all(conditions)} else [])" if conditions else f"['{text}']" for text, conditions in parts
    ]
    return f"{{{{ ({' + '.join(lists)}) | join(', ') | default('nothing yet', true) }}}}"


def _all(conditions: list[str]) -> str:
    return conditions[0] if len(conditions) == 1 else " and ".join(f"({condition})" for condition in conditions)


def _both_platforms(evidence: Iterable[str]) -> Iterator[str]:
    """Pipelines lie elsewhere on Azure Pipelines: the folder or the file of the same name."""
    for path in evidence:
        yield path
        if path == ".github/workflows":
            yield ".azuredevops"
        elif path.startswith(".github/workflows/_"):
            yield path.replace(".github/workflows/_", ".azuredevops/templates/")
        elif path.startswith(".github/workflows/"):
            yield path.replace(".github/workflows/", ".azuredevops/")


def _in_template(path: str) -> bool:
    """Whether the template has this path, static or rendered; parameter files have a name that it computes."""
    if path in ("infra/*.bicepparam", ".copier-answers.yml"):
        return True
    folder = Path(TEMPLATE)
    return any(next(folder.glob(name), None) is not None for name in (path, f"{path}.jinja"))
