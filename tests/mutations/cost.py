"""What can go wrong with the cost rows (COST), and what the detail of the check must say."""

from tests.checks_support import Mutation, add, drop, edit, put, remove
from tests.mutations.common import CHAT, DEFAULT

BUDGET = "Microsoft.Consumption/budgets"
SPENT = "properties.notifications.spent-80-percent"
FORECAST = ("forecast-100-percent", "forecast-110-percent")


def no_forecast(draft):
    for name in FORECAST:
        del draft.first("prod", BUDGET)["properties"]["notifications"][name]


def of_consumption(old, new):
    """Replace a text in every workbook of prod."""

    def change(draft):
        for body in draft.of_type("prod", "Microsoft.Insights/workbooks"):
            body["properties"]["serializedData"] = body["properties"]["serializedData"].replace(old, new)

    return change


# Requirement, variant, what goes wrong, how, and what the detail must say.
MUTATIONS: list[Mutation] = [
    ("COST-01", DEFAULT, "no budget", drop("prod", BUDGET), "there is none"),
    ("COST-01", DEFAULT, "another amount", put("prod", BUDGET, "properties.amount", 1), "set it to"),
    ("COST-01", DEFAULT, "yearly", put("prod", BUDGET, "properties.timeGrain", "Annually"), "not monthly"),
    ("COST-01", DEFAULT, "nobody told", put("prod", BUDGET, f"{SPENT}.contactEmails", []), "does not reach"),
    ("COST-01", DEFAULT, "no forecast", no_forecast, "nobody is told of forecasted"),
    (
        "COST-01",
        DEFAULT,
        "mid-month",
        put("prod", BUDGET, "properties.timePeriod.startDate", "2026-11-15"),
        "the first",
    ),
    ("COST-02", CHAT, "no prices", remove("monitoring/prices.json"), "there is none"),
    (
        "COST-02",
        CHAT,
        "a model without a line",
        edit("monitoring/prices.json", '"gpt-5.4"', '"gpt-0"'),
        "gpt-5.4 has no line",
    ),
    (
        "COST-02",
        CHAT,
        "a price in nothing",
        edit("monitoring/prices.json", '"prompt": null', '"prompt": 2.5'),
        "have no currency",
    ),
    ("COST-02", CHAT, "a word", edit("monitoring/prices.json", '"prompt": null', '"prompt": "2"'), "is no number"),
    ("COST-02", CHAT, "of how many", edit("monitoring/prices.json", "1000000", "0"), "set tokensPerUnit"),
    (
        "COST-02",
        CHAT,
        "prices that were not loaded",
        edit("monitoring/prices.json", '"currency": null', '"currency": "EUR"'),
        "does not hold the prices",
    ),
    ("COST-02", CHAT, "no workbook", of_consumption("let prices", "let costs"), "no query prices tokens"),
    (
        "COST-02",
        CHAT,
        "other key",
        of_consumption("on CorrelationId", "on OperationId"),
        "otherwise than by CorrelationId",
    ),
    ("COST-02", CHAT, "no calls", of_consumption("ApiManagementGatewayLogs", "AppRequests"), "does not read Api"),
    ("COST-02", CHAT, "all in one", of_consumption("Subscription", "Caller"), "tell Subscription apart"),
    ("COST-02", CHAT, "free", of_consumption("no price", "0"), "looks like no cost"),
    (
        "COST-03",
        DEFAULT,
        "something idle that is not told",
        edit("docs/cost.md", "| `Microsoft.Network/natGateways`", "| NAT gateways"),
        "natgateways: it costs money in dev while nobody uses it",
    ),
    (
        "COST-03",
        CHAT,
        "provisioned throughput that is not told",
        edit("docs/cost.md", "| `Microsoft.CognitiveServices/accounts/deployments`", "| deployments"),
        "accounts/deployments: it costs money in prod",
    ),
    (
        "COST-03",
        DEFAULT,
        "a line too many",
        edit(
            "docs/cost.md",
            "MachineLearningServices/registries` | dev |",
            "MachineLearningServices/registries` | dev, prod |",
        ),
        "it does not exist in prod",
    ),
    ("COST-03", DEFAULT, "what is gone", drop("test", "Microsoft.Network/natGateways"), "it does not exist in test"),
    ("COST-03", DEFAULT, "a type nobody thought of", add("prod", "Microsoft.Foo/bars", "x"), "whether it costs money"),
    ("COST-03", DEFAULT, "no page", remove("docs/cost.md"), "add a line"),
    (
        "COST-03",
        DEFAULT,
        "no estimate",
        edit("docs/cost.md", "## Estimate when idle", "## Idle"),
        "the section is missing",
    ),
]
