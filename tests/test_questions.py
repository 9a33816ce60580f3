"""The questionnaire: its public contract, its length, and the sentence that refuses each kind of wrong answer."""

import re

import pytest
import yaml
from jinja2 import nodes

from generator.answers import resolve
from generator.errors import GroundplanError
from generator.paths import ROOT
from generator.refusals import template
from generator.template import Template, strings

# The public contract: key -> choice values (None: free). Projects store keys and values: only add to it.
CONTRACT = {
    "profile": ["prototype", "production", "regulated"],
    "detail": ["essentials", "everything"],
    "project_name": None,
    "workload": None,
    "owner_email": None,
    "cost_center": None,
    "functions": ["eda", "training", "fine_tuning", "online_inference", "batch_inference"],
    "model_sources": ["own", "foundation"],
    "environments": ["dev", "test", "prod"],
    "criticality": ["low", "medium", "high"],
    "data_classification": ["public", "internal", "confidential", "restricted"],
    "location": None,
    "secondary_location": None,
    "data_residency": ["region", "data_zone", "global"],
    "reuse": ["databricks", "api_management", "log_analytics", "container_registry", "ml_registry", "hub_network"],
    "existing_databricks_id": None,
    "existing_api_management_id": None,
    "existing_log_analytics_id": None,
    "existing_container_registry_id": None,
    "existing_ml_registry_id": None,
    "existing_private_dns_resource_group_id": None,
    "existing_firewall_private_ip": None,
    "existing_hub_network_id": None,
    "network_posture": ["public_restricted", "private", "private_controlled_egress"],
    "vnet_address_prefix": None,
    "allowed_ip_ranges": None,
    "customer_managed_keys": None,
    "operators_group_id": None,
    "data_scientists_group_id": None,
    "eda_platform": ["compute_instance", "databricks"],
    "eda_seats": None,
    "eda_gpu": None,
    "eda_idle_minutes": None,
    "eda_start": None,
    "eda_stop": None,
    "eda_time_zone": None,
    "training_platform": ["azure_ml", "databricks"],
    "training_cadence": ["adhoc", "weekly", "daily"],
    "training_hours": None,
    "training_gpu": None,
    "training_distributed": None,
    "training_interruptible": None,
    "training_nodes": None,
    "training_deadline_hours": None,
    "training_compute": ["serverless", "cluster"],
    "model_promotion": ["artifact", "code"],
    "own_model_hosting": ["managed_endpoint", "kubernetes", "databricks"],
    "hosting_reason": None,
    "serving_runtime": ["mlflow", "custom", "triton", "vllm"],
    "inference_gpu": None,
    "latency_p95_ms": None,
    "peak_requests_per_minute": None,
    "steady_share_percent": None,
    "streaming": None,
    "chat_model": None,
    "embedding_model": None,
    "peak_tokens_per_minute": None,
    "batch_platform": ["azure_ml", "foundry_batch", "databricks"],
    "batch_cadence": ["daily", "weekly"],
    "orchestrator": ["none", "container_apps"],
    "gateway_tier": ["developer", "basic_v2", "standard_v2", "premium_v2", "premium"],
    "internet_facing": None,
    "consumers": None,
    "chargeback": None,
    "content_safety": ["off", "low", "medium", "high"],
    "prompt_shields": None,
    "semantic_cache": None,
    "end_user_tokens": None,
    "alert_email": None,
    "availability_objective": None,
    "log_retention_days": None,
    "prompt_logging": ["none", "metadata", "full"],
    "monthly_budget": None,
    "budget_start_date": None,
    "ci_platform": ["github", "azure_devops"],
    "repository": None,
    "private_runners": None,
    "rollout_steps": None,
    "bake_minutes": None,
    "mirror_percent": None,
    "owner_name": None,
}

OTHER_TYPE = (
    "/subscriptions/1d5f0f5e-6e3b-4c7d-8c1a-93f2b8a4c001/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv"
)
GUID = "1d5f0f5e-6e3b-4c7d-8c1a-93f2b8a4c001"
ONE = {"name": "a1", "tokens_per_minute": 1, "requests_per_minute": 1, "monthly_token_quota": 1}


def test_asked_keys_are_the_contract():
    asked = {question.key for question in Template.load(ROOT).questions if not question.computed}
    assert asked == set(CONTRACT)


MULTIPLE = ("functions", "model_sources", "environments", "reuse")


@pytest.mark.parametrize("key", [key for key, values in CONTRACT.items() if values])
def test_choice_values_are_the_contract(key):
    """A value of the contract is taken, or refused for a reason; one that is invented is no choice at all."""
    for value in CONTRACT[key]:
        try:
            resolve({key: [value] if key in MULTIPLE else value})
        except GroundplanError as refused:
            assert "is not in" not in refused.message, value
    with pytest.raises(GroundplanError, match="is not in"):
        resolve({key: ["nonsense"] if key in MULTIPLE else "nonsense"})


def test_essentials_ask_about_25_questions_of_a_typical_architect():
    answers = resolve({"project_name": "Contoso Vision"})
    assert len(answers["_stored"]) <= 27


WRONG = [
    # bad slug and names
    ("workload", {"workload": "Has-Dash"}, "2 to 10 lowercase letters"),
    ("workload", {"workload": "7up"}, "a letter first"),
    ("workload", {"workload": "null"}, "YAML reads it as something else"),
    ("workload", {"workload": "abcdefghijk"}, "2 to 10"),
    ("project_name", {"project_name": "ab"}, "3 to 60 characters"),
    ("project_name", {"project_name": "x" * 61}, "3 to 60 characters"),
    ("project_name", {"project_name": "two\nlines"}, "one line"),
    ("owner_email", {"owner_email": "nobody"}, "one e-mail address"),
    ("alert_email", {"alert_email": "a@b"}, "one e-mail address"),
    ("cost_center", {"cost_center": " padded"}, "Remove the spaces"),
    ("owner_name", {"owner_name": "x"}, "2 to 60"),
    # scope
    ("functions", {"functions": []}, "at least one function"),
    ("model_sources", {"model_sources": []}, "at least one source"),
    ("model_sources", {"functions": ["fine_tuning"], "model_sources": ["own"]}, "Add foundation"),
    ("environments", {"environments": []}, "at least one environment"),
    ("environments", {"environments": ["dev", "dev"]}, "once"),
    ("environments", {"environments": "[test, test]"}, "once"),
    ("environments", {"environments": ["prod"]}, "Add dev"),
    # placement
    ("location", {"location": "atlantis"}, "is not in"),
    ("location", {"location": "northcentralus"}, "no availability zones"),
    ("location", {"location": "australiaeast", "criticality": "high"}, "no second region"),
    (
        "data_residency",
        {"location": "australiaeast", "data_residency": "data_zone"},
        "has all models that are asked for",
    ),
    ("data_residency", {"location": "francecentral", "data_residency": "region"}, "for itself alone"),
    ("location", {"profile": "regulated", "location": "uksouth"}, "only globally"),
    ("secondary_location", {"criticality": "high", "secondary_location": "eastus"}, "outside the residency boundary"),
    ("secondary_location", {"criticality": "high", "secondary_location": "swedencentral"}, "the first region already"),
    (
        "secondary_location",
        {"criticality": "high", "location": "eastus2", "secondary_location": "northcentralus"},
        "no availability zones",
    ),
    (
        "secondary_location",
        {"criticality": "high", "location": "eastus", "data_residency": "region", "secondary_location": "centralus"},
        "deploys none of the models",
    ),
    ("reuse", {"functions": ["training"], "reuse": ["api_management"]}, "Leave api_management out"),
    ("reuse", {"functions": ["fine_tuning"], "reuse": ["databricks"]}, "Leave databricks out"),
    ("reuse", {"functions": ["fine_tuning"], "reuse": ["container_registry"]}, "Leave container_registry out"),
    ("reuse", {"functions": ["fine_tuning"], "reuse": ["ml_registry"]}, "Leave ml_registry out"),
    *(
        (f"existing_{kind}_id", {"reuse": [kind], f"existing_{kind}_id": "/subscriptions/x"}, "whole resource id")
        for kind in ("databricks", "api_management", "log_analytics", "container_registry", "ml_registry")
    ),
    (
        "existing_log_analytics_id",
        {
            "reuse": ["log_analytics"],
            "existing_log_analytics_id": OTHER_TYPE,
        },
        "Microsoft.OperationalInsights/workspaces",
    ),
    ("existing_hub_network_id", {"reuse": ["hub_network"], "existing_hub_network_id": "vnet"}, "whole resource id"),
    (
        "existing_private_dns_resource_group_id",
        {"reuse": ["hub_network"], "existing_private_dns_resource_group_id": f"/subscriptions/{GUID}"},
        "id of the resource group",
    ),
    (
        "own_model_hosting",
        {"criticality": "high", "own_model_hosting": "kubernetes", "hosting_reason": "We operate clusters already."},
        "answers in one region only",
    ),
    (
        "own_model_hosting",
        {"criticality": "high", "own_model_hosting": "databricks"},
        "Databricks answers in one region",
    ),
    # security and network
    ("network_posture", {"reuse": ["hub_network"], "network_posture": "public_restricted"}, "leave hub_network out"),
    ("network_posture", {"profile": "regulated", "network_posture": "public_restricted"}, "restricted data"),
    ("vnet_address_prefix", {"vnet_address_prefix": "10.0.0.0/24"}, "/16 to /22"),
    ("vnet_address_prefix", {"vnet_address_prefix": "10.0.0.0/8"}, "/16 to /22"),
    ("vnet_address_prefix", {"vnet_address_prefix": "10.300.0.0/20"}, "/16 to /22"),
    ("vnet_address_prefix", {"vnet_address_prefix": "8.8.0.0/20"}, "private range"),
    ("vnet_address_prefix", {"vnet_address_prefix": "10.40.1.0/20"}, "clear the host bits"),
    ("vnet_address_prefix", {"vnet_address_prefix": "172.17.0.0/20"}, "overlaps"),
    ("eda_platform", {"vnet_address_prefix": "10.0.0.0/22", "eda_platform": "databricks"}, "too small"),
    ("training_platform", {"vnet_address_prefix": "10.0.0.0/22", "training_platform": "databricks"}, "too small"),
    ("batch_platform", {"vnet_address_prefix": "10.0.0.0/22", "batch_platform": "databricks"}, "too small"),
    ("own_model_hosting", {"vnet_address_prefix": "10.0.0.0/22", "own_model_hosting": "kubernetes"}, "too small"),
    (
        "own_model_hosting",
        {"network_posture": "public_restricted", "data_classification": "internal", "own_model_hosting": "kubernetes"},
        "open to every address",
    ),
    (
        "own_model_hosting",
        {"vnet_address_prefix": "10.0.0.0/22", "own_model_hosting": "kubernetes", "reuse": ["databricks"]},
        "too small",
    ),
    (
        "existing_firewall_private_ip",
        {"reuse": ["hub_network"], "existing_firewall_private_ip": "10.40.0.4"},
        "overlap",
    ),
    (
        "existing_firewall_private_ip",
        {"reuse": ["hub_network"], "existing_firewall_private_ip": "8.8.8.8"},
        "private IPv4",
    ),
    ("allowed_ip_ranges", {"profile": "prototype", "allowed_ip_ranges": ["10.0.0.0/16"]}, "public IPv4 range"),
    ("allowed_ip_ranges", {"profile": "prototype", "allowed_ip_ranges": ["203.0.113.1/24"]}, "clear host bits"),
    ("allowed_ip_ranges", {"profile": "prototype", "allowed_ip_ranges": ["0.0.0.0/0"]}, "public IPv4 range"),
    ("allowed_ip_ranges", {"profile": "prototype", "allowed_ip_ranges": "203.0.113.0/24"}, "Write a list"),
    ("allowed_ip_ranges", {"profile": "prototype", "allowed_ip_ranges": ["203.0.113.0/24"] * 2}, "twice"),
    ("operators_group_id", {"operators_group_id": "admins"}, "object id of an Entra group"),
    ("data_scientists_group_id", {"data_scientists_group_id": "admins"}, "object id of an Entra group"),
    # exploration and training
    ("eda_seats", {"eda_seats": 0}, "from 1 to 50"),
    ("eda_seats", {"eda_seats": 51}, "from 1 to 50"),
    ("eda_idle_minutes", {"eda_idle_minutes": 14}, "from 15 to 4320"),
    ("eda_start", {"eda_start": "7:00"}, "HH:MM"),
    ("eda_stop", {"eda_stop": "24:00"}, "HH:MM"),
    ("eda_stop", {"eda_start": "09:00", "eda_stop": "08:00"}, "when the working day starts"),
    ("eda_time_zone", {"eda_time_zone": "Europe/Paris"}, "is not in"),
    ("training_hours", {"training_hours": 169}, "from 1 to 168"),
    ("training_nodes", {"training_nodes": 65}, "from 1 to 64"),
    ("training_nodes", {"training_distributed": True, "training_nodes": 1}, "at least 2 nodes"),
    ("training_deadline_hours", {"training_deadline_hours": -1}, "from 0 to 168"),
    (
        "training_deadline_hours",
        {"training_hours": 9, "training_deadline_hours": 8},
        "hours, the length of a typical run",
    ),
    ("training_compute", {"training_deadline_hours": 5, "training_compute": "serverless"}, "Choose cluster"),
    # inferencing
    ("own_model_hosting", {"own_model_hosting": "databricks"}, "no Databricks workspace"),
    ("hosting_reason", {"own_model_hosting": "kubernetes", "hosting_reason": "because"}, "20 to 300"),
    (
        "serving_runtime",
        {"reuse": ["databricks"], "own_model_hosting": "databricks", "serving_runtime": "triton"},
        "Databricks serves MLflow",
    ),
    (
        "serving_runtime",
        {"reuse": ["databricks"], "own_model_hosting": "databricks", "serving_runtime": "vllm"},
        "Databricks serves MLflow",
    ),
    ("latency_p95_ms", {"latency_p95_ms": 9}, "from 10 to 60000"),
    ("peak_requests_per_minute", {"peak_requests_per_minute": 0}, "from 1 to 1000000"),
    ("peak_tokens_per_minute", {"peak_tokens_per_minute": 999}, "from 1000 to 10000000"),
    ("steady_share_percent", {"steady_share_percent": 101}, "from 0 to 100"),
    (
        "steady_share_percent",
        {"data_residency": "global", "chat_model": "gpt-5.4-mini", "steady_share_percent": 30},
        "has no provisioned deployment",
    ),
    ("chat_model", {"chat_model": "gpt-2"}, "is not in"),
    ("chat_model", {"data_residency": "region", "chat_model": "gpt-5.5"}, "is not deployed in"),
    (
        "embedding_model",
        {"location": "westus3", "data_residency": "region", "embedding_model": "text-embedding-3-small"},
        "is not deployed in",
    ),
    ("orchestrator", {"profile": "prototype", "orchestrator": "container_apps"}, "private network"),
    ("batch_platform", {"model_sources": ["own"], "batch_platform": "foundry_batch"}, "no foundation model"),
    *(
        (
            "batch_platform",
            {"model_sources": ["foundation"], "data_residency": "global", "batch_platform": platform},
            "Choose foundry_batch: only foundation models",
        )
        for platform in ("azure_ml", "databricks")
    ),
    ("batch_platform", {"data_residency": "region", "batch_platform": "foundry_batch"}, "no batch deployments"),
    (
        "data_residency",
        {"functions": ["batch_inference"], "model_sources": ["foundation"], "data_residency": "region"},
        "does not deploy for itself alone",
    ),
    # gateway
    ("internet_facing", {"reuse": ["api_management"], "internet_facing": True}, "its owner's"),
    ("internet_facing", {"network_posture": "public_restricted", "internet_facing": True}, "passed by"),
    ("semantic_cache", {"reuse": ["api_management"], "semantic_cache": True}, "its owner decides"),
    ("semantic_cache", {"network_posture": "public_restricted", "semantic_cache": True}, "stand open"),
    ("semantic_cache", {"customer_managed_keys": True, "semantic_cache": True}, "a key of your own"),
    ("gateway_tier", {"criticality": "high", "gateway_tier": "premium_v2"}, "stays in one region"),
    ("gateway_tier", {"criticality": "medium", "gateway_tier": "standard_v2"}, "no availability zones"),
    ("gateway_tier", {"gateway_tier": "developer"}, "no service level agreement"),
    ("gateway_tier", {"gateway_tier": "basic_v2"}, "both directions"),
    ("consumers", {"consumers": []}, "at least one consumer"),
    ("consumers", {"consumers": "everybody"}, "at least one consumer"),
    ("consumers", {"consumers": [{"name": "a1"}]}, "exactly name"),
    ("consumers", {"consumers": [{**ONE, "name": "A 1"}]}, "Rename consumer"),
    ("consumers", {"consumers": [ONE, ONE]}, "listed twice"),
    ("consumers", {"consumers": [{**ONE, "name": "orchestrator"}]}, "Rename consumer orchestrator"),
    ("consumers", {"consumers": [{**ONE, "requests_per_minute": 0}]}, "requests_per_minute"),
    ("consumers", {"consumers": [{**ONE, "tokens_per_minute": "many"}]}, "whole numbers"),
    ("consumers", {"consumers": [{**ONE, "tokens_per_minute": 0}]}, "at least 1 in tokens_per_minute"),
    ("consumers", {"consumers": [{**ONE, "tokens_per_minute": 9}]}, "Raise monthly_token_quota"),
    ("consumers", {"model_sources": ["own"], "consumers": [ONE]}, "to 0"),
    # operations and delivery
    ("availability_objective", {"availability_objective": "100"}, "99.0 to 99.99"),
    ("log_retention_days", {"log_retention_days": 29}, "from 30 to 730"),
    ("prompt_logging", {"profile": "regulated", "prompt_logging": "full"}, "restricted data are not logged"),
    ("monthly_budget", {"monthly_budget": 0}, "from 10"),
    ("budget_start_date", {"budget_start_date": "2026-12-02"}, "first day of a month"),
    ("repository", {"repository": "just-a-name"}, "organisation/name"),
    ("rollout_steps", {"rollout_steps": "10,50"}, "end in 100"),
    ("rollout_steps", {"rollout_steps": "50,10,100"}, "ascending"),
    ("bake_minutes", {"bake_minutes": "60,240"}, "one number of minutes for each"),
    ("bake_minutes", {"bake_minutes": "240,60,1440"}, "none shorter"),
    ("mirror_percent", {"mirror_percent": 51}, "from 0 to 50"),
    ("mirror_percent", {"own_model_hosting": "kubernetes", "mirror_percent": 5}, "only managed online endpoints"),
]


@pytest.mark.parametrize(
    ("key", "answers", "says"), WRONG, ids=[f"{row[0]}-{index}" for index, row in enumerate(WRONG)]
)
def test_wrong_answers_are_refused_with_one_sentence(key, answers, says):
    with pytest.raises(GroundplanError) as refused:
        resolve(answers)
    message = refused.value.message
    assert key in message and says in message
    assert "\n" not in message.strip() and "Traceback" not in message


def sentences(question):
    """What the validators of a question and of its choices can say; a star stands for what is filled in."""
    for part in ("choices", "validator"):
        for source in strings(question.spec.get(part)):
            for written in template().names.tree(source).find_all(nodes.Output):
                whole = "".join(row.data if isinstance(row, nodes.TemplateData) else "*" for row in written.nodes)
                yield from whole.split("validator: >-")
                for branch in written.find_all(nodes.CondExpr):
                    for side in (branch.expr1, branch.expr2):
                        if side is not None and not isinstance(side, nodes.CondExpr):
                            yield "".join(
                                str(row.value) for row in (side, *side.find_all(nodes.Const)) if constant(row)
                            )


def constant(node):
    return isinstance(node, nodes.Const) and isinstance(node.value, str)


def labels(question):
    """What stands beside the choices for people to read."""
    choices = question.choices
    if isinstance(choices, str):
        choices = {} if "{% for" in choices else yaml.safe_load(choices)
    return set(choices)


def test_every_sentence_that_refuses_is_asked_for_above():
    """What cannot be combined is the list above; a new validator, or one more branch of it, needs a row there."""
    silent = []
    for question in template().questions:
        known = [says for key, _, says in WRONG if key == question.key]
        for sentence in (" ".join(text.split()) for text in sentences(question)):
            refuses = re.match(r"[A-Z*][^:\"]* [^\"]*[.:]", sentence) and sentence not in labels(question)
            if refuses and "value:" not in sentence and not any(says in sentence for says in known):
                silent.append(f"{question.key}: {sentence}")
    assert silent == []


def test_an_answer_given_beforehand_is_kept_although_essentials_do_not_ask_for_it():
    answers = resolve({"criticality": "high"})
    assert answers["detail"] == "essentials"
    assert "criticality" in answers["_stored"] and "network_posture" not in answers["_stored"]
    assert answers["two_regions"]
