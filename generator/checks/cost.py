"""Checks of the cost rows (COST): what is spent, and who is told."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from generator.checks import Finding, check
from generator.checks.expected import owners_types
from generator.checks.reading import label, object_of, text_of, verdict, workbook_queries
from generator.checks.tables import IDLE_FREE, IDLE_PAID
from generator.evaluation import Environment, Project, Resource

BUDGET = "Microsoft.Consumption/budgets"
PRICES = "monitoring/prices.json"
PRICED = re.compile(r"let prices = dynamic\((\{.*\})\);")
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


@check("COST-02")
def consumers_see_their_cost(project: Project) -> Iterator[Finding]:
    """A workbook prices the tokens of consumers and models by the table of its owner, or says that a price is missing.

    Looks at `monitoring/prices.json` (a line for each model that callers may ask for; null is a price that nobody has
    looked up) and at the queries of the evaluated workbooks.

    Source: https://learn.microsoft.com/azure/api-management/api-management-howto-llm-logs
    """
    answers = project.answers
    prices = object_of(project.root / PRICES)
    models = {str(answers["chat_model"]), str(answers["embedding_model"])}
    yield verdict(PRICES, _price_faults(prices, models))
    logged = answers["new_gateway"] and answers["prompt_logging"] != "none"
    sources = ("ApiManagementGatewayLlmLog", "ApiManagementGatewayLogs") if logged else ("AppMetrics",)
    for environment in project.environments.values():
        found = [
            text
            for item in environment.of_type("Microsoft.Insights/workbooks")
            for text in (workbook_queries(str(item.properties.get("serializedData"))) or {}).values()
            if "let prices" in text
        ]
        faults = [] if found else ["no query prices tokens, add the workbook of consumption"]
        for text in found:
            faults += [f"a query does not read {name}, join it" for name in sources if name not in text]
            faults += (
                []
                if not logged or "on CorrelationId" in text
                else ["a query joins calls otherwise than by CorrelationId"]
            )
            faults += [
                f"a query does not tell {name} apart" for name in ("Product", "Subscription") if name not in text
            ]
            given = PRICED.search(text)
            if given is None or json.loads(given[1]) != prices:
                faults.append(f"a query does not hold the prices of {PRICES}, load them")
        if found and not any('"no price"' in text for text in found):
            faults.append("a missing price looks like no cost, show it")
        yield verdict(f"{environment.name}: cost of consumers", sorted(set(faults)))


def _price_faults(prices: Mapping[str, Any], models: Iterable[str]) -> Iterator[str]:
    """What is wrong with the owner's table of prices."""
    if not prices:
        yield "there is none, add it"
        return
    rows = prices.get("models") or {}
    values = [row.get(kind) for row in rows.values() for kind in ("prompt", "completion")]
    for name in sorted(set(models) - rows.keys()):
        yield f"{name} has no line, add it"
    if not isinstance(prices.get("tokensPerUnit"), int) or prices["tokensPerUnit"] <= 0:
        yield "it does not say for how many tokens a price is, set tokensPerUnit"
    if any(value is not None and (isinstance(value, (bool, str)) or value < 0) for value in values):
        yield "a price is no number, correct it"
    if any(values) and not re.fullmatch(r"[A-Z]{3}", str(prices.get("currency"))):
        yield "its prices have no currency, set its code of three letters"


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
