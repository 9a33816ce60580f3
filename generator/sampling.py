"""Random legal answer sets: what nobody thought of when the variants were written.

Each set is an interview in which chance answers. The same seed gives the same answers.
"""

import random
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from generator.interview import Interview, Play
from generator.paths import ROOT
from generator.refusals import template
from generator.template import Question

AWKWARD = 'O\'Brien "Jo" ${x} {{y}} <z> & \\'
"""A name with every character that breaks files which are not careful."""

GUIDS = ("1d5f0f5e-6e3b-4c7d-8c1a-93f2b8a4c001", "7F1C2F6E-3A0B-4D55-9C0E-5D8F6F2A9B11")
NETWORKS = ("10.0.0.0/16", "10.40.0.0/20", "10.255.248.0/21", "172.20.0.0/18", "192.168.8.0/22", "10.9.4.0/22")
MODES = (0.35, 0.75)
"""Share of the questions that chance answers; the others keep their defaults."""


def _resource_id(kind: str, name: str) -> str:
    return f"/subscriptions/{GUIDS[0]}/resourceGroups/rg-(shared).x_1/providers/{kind}/{name}"


VALUES: dict[str, tuple[Any, ...]] = {
    "project_name": ("Contoso Vision", AWKWARD, "Ångström Δ 数据 🚀", "x" * 60, "42 & counting"),
    "workload": ("ab", "vision7", "abcdefghij"),
    "owner_email": ("jo.o'brien@example.com", "first.last+tag@very-long-department.example.co.uk"),
    "owner_name": (AWKWARD, "Ops", "Équipe plateforme"),
    "cost_center": (AWKWARD, "CC-4711", "'", "null", "0010"),
    "alert_email": ("alerts@example.com", "a'b+c@example.com"),
    "hosting_reason": (AWKWARD * 2, "Models must run next to other services of the plant."),
    "existing_databricks_id": (_resource_id("Microsoft.Databricks/workspaces", "dbw-1"),),
    "existing_api_management_id": (_resource_id("Microsoft.ApiManagement/service", "apim-1"),),
    "existing_log_analytics_id": (_resource_id("Microsoft.OperationalInsights/workspaces", "log-1"),),
    "existing_container_registry_id": (_resource_id("Microsoft.ContainerRegistry/registries", "cr1"),),
    "existing_ml_registry_id": (_resource_id("Microsoft.MachineLearningServices/registries", "mlr-1"),),
    "existing_hub_network_id": (_resource_id("Microsoft.Network/virtualNetworks", "vnet-hub"),),
    "existing_private_dns_resource_group_id": (f"/subscriptions/{GUIDS[0]}/resourceGroups/rg-dns",),
    "existing_firewall_private_ip": ("10.1.0.4", "172.16.0.4", "192.168.0.68"),
    "vnet_address_prefix": NETWORKS,
    "allowed_ip_ranges": ([], ["203.0.113.0/24"], ["198.51.100.17/32", "203.0.113.128/25"]),
    "operators_group_id": GUIDS,
    "data_scientists_group_id": GUIDS,
    "eda_seats": (1, 7, 50),
    "eda_idle_minutes": (15, 90, 4320),
    "eda_start": ("00:00", "06:30", "23:58"),
    "eda_stop": ("00:01", "18:00", "23:59"),
    "training_hours": (1, 2, 3, 168),
    "training_nodes": (1, 2, 64),
    "training_deadline_hours": (0, 24, 168),
    "latency_p95_ms": (10, 250, 60000),
    "peak_requests_per_minute": (1, 5000, 1000000),
    "peak_tokens_per_minute": (1000, 400000, 10000000),
    "steady_share_percent": (0, 30, 100),
    "availability_objective": ("99.0", "99.95", "99.99"),
    "log_retention_days": (30, 180, 730),
    "monthly_budget": (10, 2500, 100000000),
    "repository": ("contoso/vision", "a/b.c_d-e"),
    "rollout_steps": ("100", "50,100", "5,25,100"),
    "bake_minutes": ("60", "30,60", "10,10,1440"),
    "mirror_percent": (0, 5, 50),
}
"""Answers to questions that offer no choices, boundaries included; a validator may still refuse one."""


def _consumers(chance: random.Random, play: Play) -> list[dict[str, Any]]:
    tokens = bool(play.answers.get("foundation_online"))
    names = chance.sample(["claims", "sales", "hr", "r2", "a-very-long-name-of-a-consumer1"], chance.randint(1, 5))
    return [
        {
            "name": name,
            "tokens_per_minute": chance.choice([1, 5000, 10000000]) if tokens else 0,
            "requests_per_minute": chance.choice([1, 600, 1000000]),
            "monthly_token_quota": 9_000_000_000 if tokens else 0,
        }
        for name in names
    ]


COMPUTED: dict[str, Callable[[random.Random, Play], Any]] = {"consumers": _consumers}


def sample(seed: int, root: Path = ROOT) -> dict[str, Any]:
    """One legal answer set.

    Args:
        seed: Any whole number; the same one gives the same answers.
        root: The template.

    Returns:
        The answers that chance gave; every other question keeps its default.
    """
    chance = random.Random(seed)
    interview = _interview(root)
    share = chance.choice(MODES)
    chosen: dict[str, Any] = {"detail": chance.choice(["everything", "everything", "essentials"])}
    for question in interview.template.questions:
        if question.computed or question.key in chosen:
            continue
        play = interview.play(chosen)
        if play.steps[question.key].asked and chance.random() < share:
            value = _choose(chance, interview, question, play)
            if value is not None and not interview.play({**chosen, question.key: value}).stopped:
                chosen[question.key] = value
    return chosen


def _choose(chance: random.Random, interview: Interview, question: Question, play: Play) -> Any:
    """A value that the question accepts, or None when chance found none."""
    options = interview.options(question, play)
    for _ in range(8):
        if question.multiselect:
            value: Any = [option for option in options if chance.random() < 0.5]
        elif options:
            value = chance.choice(options)
        elif question.key in COMPUTED:
            value = COMPUTED[question.key](chance, play)
        else:
            value = chance.choice(VALUES[question.key])
        if interview.accepts(question, value, play):
            return value
    return None


@lru_cache(maxsize=2)
def _interview(root: Path) -> Interview:
    return Interview(template(root))
