"""Checks of the cost rows (COST): what is spent, and who is told."""

import re
from collections.abc import Iterator

from generator.checks import Finding, check
from generator.checks.reading import label, verdict
from generator.evaluation import Project, Resource

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
