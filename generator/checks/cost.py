"""Checks of the cost rows (COST): what is spent, and who is told."""

import re
from collections.abc import Iterator

from generator.checks import Finding, check
from generator.checks.expected import owners_types
from generator.checks.reading import label, text_of, verdict
from generator.checks.tables import IDLE_FREE, IDLE_PAID
from generator.evaluation import Environment, Project, Resource

BUDGET = "Microsoft.Consumption/budgets"
MOST_NOTIFICATIONS = 5
"""Notifications that the platform takes on one budget."""


@check("COST-01")
def budgets_tell_somebody(project: Project) -> Iterator[Finding]:
    """Each environment has a monthly budget of the answered amount that tells of spent and of forecast cost."""
    for environment in project.environments.values():
        found = environment.of_type(BUDGET)
        if not found:
            yield verdict(f"{environment.name}: budget", ["there is none, deploy it"])
        for item in found:
            faults = list(
                _faults(item, project.answers["budget_shares"][environment.name], project.answers["alert_email"])
            )
            yield verdict(label(environment, item), faults, str(item))


def _faults(budget: Resource, amount: int, mailbox: str) -> Iterator[str]:
    """What is wrong with a budget."""
    rows = list((budget.properties.get("notifications") or {}).values())
    start = str((budget.properties.get("timePeriod") or {}).get("startDate", ""))
    if budget.properties.get("amount") != amount:
        yield f"its amount is not the one of the answers, set it to {amount}"
    if budget.properties.get("timeGrain") != "Monthly":
        yield "it is not monthly, set timeGrain to Monthly"
    if not re.match(r"\d{4}-\d{2}-01", start):
        yield "it does not start on the first of a month, correct startDate"
    for kind in ("Actual", "Forecasted"):
        if not any(row.get("thresholdType") == kind for row in rows):
            yield f"nobody is told of {kind.lower()} cost, add a notification"
    if len(rows) > MOST_NOTIFICATIONS:
        yield "more than five notifications, remove some"
    if not all(mailbox in row.get("contactEmails", []) for row in rows):
        yield "a notification does not reach the mailbox of the answers, add it"


@check("COST-03")
def idle_cost_written_down(project: Project) -> Iterator[Finding]:
    """COST-03: docs/cost.md has a line for everything that costs money while nobody uses it, and for nothing else.

    Looks at the types of the resources of each environment, at the tables IDLE_PAID and IDLE_FREE, and at the lines of
    the page, which name a type and the environments that have it.
    Source: https://learn.microsoft.com/azure/machine-learning/concept-plan-manage-cost
    """
    text = text_of(project.root / "docs" / "cost.md")
    lines = {
        found[1].lower(): {name.strip() for name in found[2].split(",")}
        for found in re.finditer(r"^\| `(Microsoft\.[\w./]+)` \| ([^|]+) \|", text, re.MULTILINE)
    }
    paid: dict[str, set[str]] = {}
    for environment in project.environments.values():
        for name in _paid_types(environment, owners_types(project.root)):
            paid.setdefault(name, set()).add(environment.name)
        yield from _unknown_types(environment, owners_types(project.root))
    for name in sorted(paid.keys() | lines.keys()):
        missing = sorted(paid.get(name, set()) - lines.get(name, set()))
        idle = sorted(lines.get(name, set()) - paid.get(name, set()))
        faults = [f"it costs money in {where} while nobody uses it, add a line" for where in missing]
        faults += [f"it does not exist in {where}, correct its line" for where in idle]
        yield verdict(f"docs/cost.md: {name}", faults)
    for heading in ("Always on", "Scales to zero", "Estimate when idle", "Estimate at the target load"):
        yield verdict(
            f"docs/cost.md: {heading}", [] if f"## {heading}\n" in text else ["the section is missing, add it"]
        )


def _paid_types(environment: Environment, owners: set[str]) -> set[str]:
    """Types (lower case) of the resources of an environment that cost money idle; deployments only when provisioned."""
    found = set()
    for resource in environment.resources:
        name = resource.type.lower()
        if name not in IDLE_PAID or name in owners:
            continue
        provisioned = "Provisioned" in str((resource.sku or {}).get("name"))
        on_cluster = (resource.body.get("properties") or {}).get("compute")
        if (name.endswith("/accounts/deployments") and not provisioned) or (name.endswith("endpoints") and on_cluster):
            continue
        found.add(name)
    return found


def _unknown_types(environment: Environment, owners: set[str]) -> Iterator[Finding]:
    """Types of which nobody has said whether they cost money idle."""
    for name in sorted({resource.type.lower() for resource in environment.resources} - owners):
        faults = (
            [] if name in IDLE_PAID | IDLE_FREE else ["say in the tables of the checks whether it costs money idle"]
        )
        yield verdict(f"{environment.name}: {name}", faults)
