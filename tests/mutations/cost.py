"""What can go wrong with the cost rows (COST), and what the detail of the check must say."""

from tests.checks_support import Mutation, drop, put
from tests.mutations.common import DEFAULT

BUDGET = "Microsoft.Consumption/budgets"
SPENT = "properties.notifications.spent-80-percent"
FORECAST = ("forecast-100-percent", "forecast-110-percent")


def no_forecast(draft):
    for name in FORECAST:
        del draft.first("prod", BUDGET)["properties"]["notifications"][name]


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
]
