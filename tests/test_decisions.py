"""Needs in, recommendations out: every branch of every recommendation, asked of Copier itself.

Each row gives only what differs from the defaults. `resolve` asks Copier's own worker; test_answers proves that
`copier.run_copy(pretend=True)` says the same.
"""

import itertools

import pytest

from generator.answers import resolve

ALL_FUNCTIONS = ["eda", "training", "fine_tuning", "online_inference", "batch_inference"]
DATABRICKS = {"reuse": ["databricks"]}

PROFILES = [
    ("prototype", ["dev"], "low", "internal", "global", "public_restricted", False, 30),
    ("production", ["dev", "test", "prod"], "medium", "confidential", "data_zone", "private", False, 90),
    ("regulated", ["dev", "test", "prod"], "medium", "restricted", "region", "private_controlled_egress", True, 365),
]


@pytest.mark.parametrize("row", PROFILES, ids=[row[0] for row in PROFILES])
def test_profile_sets_the_starting_point(row):
    profile, environments, criticality, classification, residency, posture, own_keys, retention = row
    answers = resolve({"profile": profile})
    assert answers["environments"] == environments
    assert answers["criticality"] == criticality
    assert answers["data_classification"] == classification
    assert answers["data_residency"] == residency
    assert answers["network_posture"] == posture
    assert answers["customer_managed_keys"] is own_keys
    assert answers["log_retention_days"] == retention


NETWORK = [  # SEC/NET: the posture follows the data, and a hub asks for a private network
    ({"data_classification": "public"}, "public_restricted"),
    ({"data_classification": "internal"}, "public_restricted"),
    ({"data_classification": "confidential"}, "private"),
    ({"data_classification": "restricted"}, "private_controlled_egress"),
    ({"data_classification": "internal", "reuse": ["hub_network"]}, "private"),
    ({"data_classification": "restricted", "reuse": ["hub_network"]}, "private_controlled_egress"),
]


@pytest.mark.parametrize(("needs", "posture"), NETWORK)
def test_network_posture_follows_the_data(needs, posture):
    answers = resolve(needs)
    assert answers["network_posture"] == posture
    assert answers["private"] is (posture != "public_restricted")
    assert answers["controlled"] is (posture == "private_controlled_egress")
    assert answers["hub"] is ("hub_network" in answers["reuse"])
    assert answers["own_firewall"] is (answers["controlled"] and not answers["hub"])


TRAINING_RUNS = list(
    itertools.product(["adhoc", "weekly", "daily"], [1, 2, 3, 24], [False, True], [False, True], [0, 48])
)


@pytest.mark.parametrize(("cadence", "hours", "distributed", "interruptible", "deadline"), TRAINING_RUNS)
def test_training_compute_over_all_needs(cadence, hours, distributed, interruptible, deadline):
    """TRN-02: serverless for runs that are rare, short and on one node, or on spot capacity; a cluster for the rest."""
    answers = resolve(
        {
            "training_cadence": cadence,
            "training_hours": hours,
            "training_distributed": distributed,
            "training_interruptible": interruptible,
            "training_deadline_hours": deadline,
        }
    )
    short_and_rare = cadence in ("adhoc", "weekly") and hours <= 2 and not distributed
    serverless = (short_and_rare or interruptible) and deadline == 0
    assert answers["training_compute"] == ("serverless" if serverless else "cluster")
    assert answers["training_nodes"] == (4 if distributed else 1)


PLATFORMS = [  # needs -> exploration, training, batch
    ({}, "compute_instance", "azure_ml", "azure_ml"),
    (DATABRICKS, "databricks", "databricks", "databricks"),
    ({**DATABRICKS, "eda_platform": "compute_instance"}, "compute_instance", "azure_ml", "databricks"),
    ({"eda_platform": "databricks"}, "databricks", "databricks", "azure_ml"),
    ({**DATABRICKS, "functions": ["training", "batch_inference"]}, None, "databricks", "databricks"),
    ({"functions": ["training"], "environments": ["prod"]}, None, "azure_ml", None),
    ({"functions": ["batch_inference"], "model_sources": ["foundation"]}, None, None, "foundry_batch"),
    ({"functions": ["batch_inference"], "model_sources": ["own", "foundation"]}, None, None, "azure_ml"),
]


@pytest.mark.parametrize(("needs", "exploration", "training", "batch"), PLATFORMS)
def test_platforms_reuse_before_they_build(needs, exploration, training, batch):
    """GEN-02, BAT-03: what exists is used; batch deployments do not exist for one region."""
    answers = resolve(needs)
    if exploration:
        assert answers["eda_platform"] == exploration
    if training:
        assert answers["training_platform"] == training
    if batch:
        assert answers["batch_platform"] == batch


GATEWAYS = [  # GW-14: the cheapest tier that meets posture, production, zones and regions
    ({"profile": "prototype"}, "developer"),
    ({"profile": "prototype", "network_posture": "private"}, "developer"),
    (
        {
            "environments": ["prod"],
            "criticality": "low",
            "functions": ["online_inference"],
            "data_classification": "internal",
        },
        "basic_v2",
    ),
    ({"criticality": "low"}, "standard_v2"),
    ({"criticality": "medium", "data_classification": "internal"}, "premium_v2"),
    ({"criticality": "medium"}, "premium_v2"),
    ({"criticality": "high"}, "premium"),
    ({"criticality": "high", "environments": ["dev", "test"]}, "developer"),
]


@pytest.mark.parametrize(("needs", "tier"), GATEWAYS)
def test_gateway_tier_is_the_cheapest_that_fits(needs, tier):
    assert resolve(needs)["gateway_tier"] == tier


RESIDENCY = [  # GEN-05: profile, location -> residency, and the newest chat model that honours it
    ("prototype", "swedencentral", "global", "gpt-5.5"),
    ("production", "swedencentral", "data_zone", "gpt-5.5"),
    ("regulated", "swedencentral", "region", "gpt-5.1"),
    ("production", "eastus2", "data_zone", "gpt-5.5"),
    ("regulated", "eastus2", "region", "gpt-5.1"),
    ("regulated", "germanywestcentral", "data_zone", "gpt-5.5"),
    ("production", "uksouth", "global", "gpt-5.5"),
]


@pytest.mark.parametrize(("profile", "location", "residency", "chat"), RESIDENCY)
def test_models_fit_the_residency(profile, location, residency, chat):
    answers = resolve({"profile": profile, "location": location})
    assert answers["data_residency"] == residency
    assert answers["chat_model"] == chat
    offered = answers["models_offered"][location][residency]
    assert answers["embedding_model"] == offered["embedding"][0]
    assert {answers["models"][name]["kind"] for name in offered["chat"]} == {"chat"}


def test_every_region_offers_models_globally_and_nowhere_else_by_mistake():
    answers = resolve({})
    for location, offered in answers["models_offered"].items():
        assert offered["global"]["chat"] and offered["global"]["embedding"], location
        in_zone = bool(offered["data_zone"]["chat"] and offered["data_zone"]["embedding"])
        assert in_zone is bool(answers["regions"][location]["data_zone"]), location


@pytest.mark.parametrize("location", ["uksouth", "australiaeast", "germanywestcentral"])
def test_without_foundation_models_nothing_leaves_the_region(location):
    answers = resolve({"profile": "regulated", "location": location, "model_sources": ["own"]})
    assert answers["data_residency"] == "region"


SOURCES = [
    (["online_inference"], ["own", "foundation"]),
    (["batch_inference"], ["own", "foundation"]),
    (["fine_tuning"], ["foundation"]),
    (["training", "fine_tuning"], ["own", "foundation"]),
    (["training"], ["own"]),
    (["eda"], []),
]


@pytest.mark.parametrize(("functions", "sources"), SOURCES)
def test_model_sources_follow_the_functions(functions, sources):
    assert resolve({"functions": functions})["model_sources"] == sources


SERVING = [  # INF rows: hosting, GPU and mirroring
    ({}, "managed_endpoint", False, 10),
    ({"serving_runtime": "vllm"}, "managed_endpoint", True, 10),
    ({"serving_runtime": "triton"}, "managed_endpoint", True, 10),
    ({"serving_runtime": "custom"}, "managed_endpoint", False, 10),
    ({"own_model_hosting": "kubernetes"}, "kubernetes", False, 0),
    ({**DATABRICKS, "own_model_hosting": "databricks"}, "databricks", False, 0),
]


@pytest.mark.parametrize(("needs", "hosting", "gpu", "mirror"), SERVING)
def test_own_models_take_the_least_to_operate(needs, hosting, gpu, mirror):
    answers = resolve(needs)
    assert (answers["own_model_hosting"], answers["inference_gpu"], answers["mirror_percent"]) == (hosting, gpu, mirror)


COMPONENTS = [  # SEC-06: one identity a component, in the environments where the component lives
    ({"functions": ["eda"]}, {"exploration-workspace": ["dev"]}),
    ({"functions": ["eda"], "eda_platform": "databricks"}, {"exploration": ["dev"]}),
    ({"functions": ["eda"], **DATABRICKS}, {"exploration": ["dev"]}),
    ({"functions": ["training"]}, {"training-workspace": ["dev"]}),
    ({"functions": ["training"], "training_cadence": "daily"}, {"training": ["dev"], "training-workspace": ["dev"]}),
    (
        {"functions": ["training"], "training_hours": 9, "environments": ["test", "prod"]},
        {"training": ["test"], "training-workspace": ["test"]},
    ),
    (
        {"functions": ["training"], "model_promotion": "code", "training_compute": "cluster"},
        {"training": ["dev", "test", "prod"], "training-workspace": ["dev", "test", "prod"]},
    ),
    ({"functions": ["fine_tuning"]}, {"tuning": ["dev"]}),
    (
        {"functions": ["online_inference"], "model_sources": ["own"]},
        {
            "serving": ["dev", "test", "prod"],
            "inference-workspace": ["dev", "test", "prod"],
            "gateway": ["dev", "test", "prod"],
        },
    ),
    (
        {"functions": ["online_inference"], "model_sources": ["foundation"], "environments": ["prod"]},
        {"foundation": ["prod"], "gateway": ["prod"]},
    ),
    (
        {
            "functions": ["online_inference"],
            "model_sources": ["foundation"],
            "environments": ["prod"],
            "orchestrator": "container_apps",
            "reuse": ["api_management"],
        },
        {"foundation": ["prod"], "orchestrator": ["prod"]},
    ),
    (
        {**DATABRICKS, "functions": ["online_inference"], "model_sources": ["own"], "own_model_hosting": "databricks"},
        {"gateway": ["dev", "test", "prod"]},
    ),
    (
        {"functions": ["batch_inference"], "environments": ["prod"]},
        {"foundation": ["prod"], "batch": ["prod"], "inference-workspace": ["prod"]},
    ),
]


@pytest.mark.parametrize(("needs", "components"), COMPONENTS)
def test_components_are_exactly_what_was_asked_for(needs, components):
    rows = resolve(needs)["components"]
    assert {row["name"]: row["environments"] for row in rows} == components


LAKE = [  # EDA-07: Unity Catalog knows a path by one credential
    ({"functions": ["eda"], "eda_platform": "databricks"}, {"exploration": (["data"], ["exploration"])}),
    (DATABRICKS, {"exploration": ([], ["exploration"]), "training": (["data"], ["models"])}),
    ({**DATABRICKS, "training_platform": "azure_ml"}, {"exploration": (["data"], ["exploration"])}),
    (
        {**DATABRICKS, "functions": ["batch_inference"], "model_sources": ["own"]},
        {"batch": (["batch-input"], ["batch-output"])},
    ),
    ({"functions": ["training"]}, {}),
]


@pytest.mark.parametrize(("needs", "reached"), LAKE)
def test_each_container_belongs_to_one_function_on_databricks(needs, reached):
    answers = resolve({"functions": ["eda", "training"], **needs})
    rows = {row["name"]: row for row in answers["components"] if row["name"] in answers["databricks_connectors"]}
    assert {name: (row["reads"], row["writes"]) for name, row in rows.items()} == reached
    assert not any(row["sends_telemetry"] or row["pulls_images"] for row in rows.values())


PROMOTION = [  # versions are copied where one model is promoted and Unity Catalog is where it is used
    (DATABRICKS, True),
    ({**DATABRICKS, "model_promotion": "code"}, False),
    ({**DATABRICKS, "environments": ["dev"]}, False),
    ({}, False),
    (
        {**DATABRICKS, "functions": ["online_inference"], "model_sources": ["own"], "own_model_hosting": "databricks"},
        True,
    ),
    ({**DATABRICKS, "functions": ["training", "online_inference"], "model_sources": ["own"]}, False),
]


@pytest.mark.parametrize(("needs", "promotes"), PROMOTION)
def test_promotion_in_unity_catalog_is_for_those_who_need_it(needs, promotes):
    assert resolve({"functions": ["training"], **needs})["promotes_in_catalog"] is promotes


STORES = [  # GEN-01: storage and registry exist only for those who use them
    ({"functions": ["eda"]}, ["data", "exploration"], True),
    ({"functions": ["eda"], "eda_platform": "databricks"}, ["data", "exploration"], False),
    ({"functions": ["training"], "reuse": ["container_registry"]}, ["data", "models"], False),
    ({"functions": ["fine_tuning"]}, ["data"], False),
    ({"functions": ["online_inference"], "model_sources": ["foundation"]}, [], False),
    ({"functions": ["online_inference"], "model_sources": ["foundation"], "orchestrator": "container_apps"}, [], True),
    ({"functions": ["batch_inference"], "model_sources": ["own"]}, ["batch-input", "batch-output"], True),
    ({"functions": ["batch_inference"], "model_sources": ["foundation"]}, ["batch-input", "batch-output"], False),
]


@pytest.mark.parametrize(("needs", "containers", "registry"), STORES)
def test_storage_and_registry_only_where_used(needs, containers, registry):
    answers = resolve(needs)
    assert [row["name"] for row in answers["containers"]] == containers
    assert answers["needs_storage"] is bool(containers)
    assert answers["needs_registry"] is registry


SUBNETS = [  # NET-07: one subnet a purpose
    ({"functions": ["eda"]}, ["runners"]),
    ({"functions": ["eda"], "private_runners": False}, []),
    ({"functions": ["eda"], "data_classification": "internal"}, []),
    ({"functions": ["online_inference"]}, ["gateway", "runners"]),
    ({"functions": ["online_inference"], "internet_facing": True}, ["gateway", "ingress", "runners"]),
    ({"functions": ["online_inference"], "reuse": ["api_management"]}, ["runners"]),
    ({"functions": ["online_inference"], "own_model_hosting": "kubernetes"}, ["gateway", "runners", "kubernetes"]),
    ({"functions": ["online_inference"], "orchestrator": "container_apps"}, ["gateway", "orchestrator", "runners"]),
    ({"functions": ["training"], "data_classification": "restricted"}, ["firewall", "runners"]),
    ({"functions": ["training"], "data_classification": "restricted", "reuse": ["hub_network"]}, ["runners"]),
    (
        {"functions": ["training"], "training_platform": "databricks"},
        ["runners", "databricks-host", "databricks-container"],
    ),
    ({"functions": ["training"], **DATABRICKS}, ["runners"]),
]


@pytest.mark.parametrize(("needs", "subnets"), SUBNETS)
def test_subnets_have_a_purpose(needs, subnets):
    assert resolve(needs)["subnets"] == subnets


RESILIENCE = [  # REL-01/02: zones and a second region are for prod
    ({"criticality": "low"}, False, False, False),
    ({"criticality": "medium"}, True, False, False),
    ({"criticality": "high"}, True, True, True),
    ({"criticality": "high", "environments": ["dev", "test"]}, False, False, False),
]


@pytest.mark.parametrize(("needs", "zonal", "two_regions", "geo_redundant"), RESILIENCE)
def test_criticality_decides_zones_and_regions(needs, zonal, two_regions, geo_redundant):
    answers = resolve(needs)
    assert (answers["zonal"], answers["two_regions"]) == (zonal, two_regions)
    assert answers["geo_redundant"] is geo_redundant
    if two_regions:
        second = answers["regions"][answers["secondary_location"]]
        assert second["boundary"] == answers["region"]["boundary"] and second["zones"]


def test_every_region_recommends_a_second_region_that_its_own_validator_accepts():
    regions = resolve({})["regions"]
    for name, row in regions.items():
        if row["zones"] and row["secondary"]:
            answers = resolve({"location": name, "criticality": "high"})
            assert answers["secondary_location"] == row["secondary"], name


def test_geo_redundant_storage_needs_a_pair_inside_the_boundary():
    regions = resolve({})["regions"]
    rows = {name: row["pair_inside_boundary"] for name, row in regions.items() if row["zones"] and row["secondary"]}
    assert set(rows.values()) == {True, False}, "both branches need a region"
    for inside in (True, False):
        name = next(name for name, value in rows.items() if value is inside)
        assert resolve({"location": name, "criticality": "high"})["geo_redundant"] is inside


def test_budget_shares():
    assert resolve({"monthly_budget": 1001})["budget_shares"] == {"dev": 200, "test": 300, "prod": 1001}


CONSUMERS = [
    ({"project_name": "Contoso Vision"}, [("contosovis", 100000, 300, 100000000)], False),
    ({"model_sources": ["own"], "workload": "w1"}, [("w1", 0, 300, 0)], False),
    (
        {
            "consumers": [
                {"name": "a1", "tokens_per_minute": 1, "requests_per_minute": 1, "monthly_token_quota": 1},
                {"name": "b1", "tokens_per_minute": 1, "requests_per_minute": 1, "monthly_token_quota": 1},
            ]
        },
        [("a1", 1, 1, 1), ("b1", 1, 1, 1)],
        True,
    ),
]


@pytest.mark.parametrize(("needs", "consumers", "chargeback"), CONSUMERS)
def test_consumers_and_chargeback(needs, consumers, chargeback):
    answers = resolve(needs)
    keys = ("name", "tokens_per_minute", "requests_per_minute", "monthly_token_quota")
    assert [tuple(row[key] for key in keys) for row in answers["consumers"]] == consumers
    assert answers["chargeback"] is chargeback


WORKLOADS = [
    ("AI workload", "aiworkload"),
    ("Contoso Vision", "contosovis"),
    ("42 Answers", "answers"),
    ("数据平台", "aiworkload"),
    ("O'Brien & Sons", "obriensons"),
    ("X-1", "x1"),
]


@pytest.mark.parametrize(("name", "workload"), WORKLOADS)
def test_workload_is_derived_from_the_project_name(name, workload):
    assert resolve({"project_name": name})["workload"] == workload


PLACEHOLDERS = [
    ({}, ["operators_group_id", "data_scientists_group_id"]),
    ({"functions": ["online_inference"], "model_sources": ["foundation"]}, ["operators_group_id"]),
    (
        {"operators_group_id": "1d5f0f5e-6e3b-4c7d-8c1a-93f2b8a4c001", "reuse": ["log_analytics", "hub_network"]},
        [
            "data_scientists_group_id",
            "existing_log_analytics_id",
            "existing_hub_network_id",
            "existing_private_dns_resource_group_id",
        ],
    ),
]


@pytest.mark.parametrize(("needs", "placeholders"), PLACEHOLDERS)
def test_placeholders_are_named(needs, placeholders):
    assert resolve(needs)["placeholders"] == placeholders
