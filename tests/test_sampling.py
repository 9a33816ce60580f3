"""Random legal answer sets: legal, repeatable, and together they reach every choice."""

from generator.answers import resolve
from generator.refusals import template
from generator.sampling import AWKWARD, VALUES, sample

SEEDS = range(200)


def test_same_seed_same_answers():
    assert [sample(seed) for seed in range(5)] == [sample(seed) for seed in range(5)]
    assert sample(1) != sample(2)


def test_every_sample_is_legal():
    for seed in range(25):
        answers = resolve(sample(seed))
        assert answers["environments"], seed


def test_samples_reach_every_choice_and_every_question():
    seen = {}
    for seed in SEEDS:
        for key, value in sample(seed).items():
            seen.setdefault(key, set()).update(map(str, value) if isinstance(value, list) else [str(value)])
    asked = {question.key for question in template().questions if not question.computed and question.ask is not False}
    assert asked <= set(seen)
    for key, values in {
        "profile": {"prototype", "production", "regulated"},
        "functions": {"eda", "training", "fine_tuning", "online_inference", "batch_inference"},
        "environments": {"dev", "test", "prod"},
        "criticality": {"low", "medium", "high"},
        "data_classification": {"public", "internal", "confidential", "restricted"},
        "data_residency": {"region", "data_zone", "global"},
        "reuse": {
            "databricks",
            "api_management",
            "log_analytics",
            "container_registry",
            "ml_registry",
            "hub_network",
        },
        "network_posture": {"public_restricted", "private", "private_controlled_egress"},
        "own_model_hosting": {"managed_endpoint", "kubernetes", "databricks"},
        "serving_runtime": {"mlflow", "custom", "triton", "vllm"},
        "batch_platform": {"azure_ml", "foundry_batch", "databricks"},
        "gateway_tier": {"developer", "basic_v2", "standard_v2", "premium_v2", "premium"},
        "ci_platform": {"github", "azure_devops"},
        "prompt_logging": {"none", "metadata", "full"},
    }.items():
        assert values <= seen[key], key


def test_free_text_is_hostile():
    keys = [key for key, values in VALUES.items() if AWKWARD in values]
    assert {"project_name", "owner_name", "cost_center"} <= set(keys)
