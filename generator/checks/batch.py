"""Batch (BAT rows): batch deployments of foundation models, and jobs on Databricks."""

from collections.abc import Iterator

from generator.checks import Finding, check
from generator.checks.inferencing import DEPLOYMENT
from generator.checks.reading import value_at, verdict
from generator.checks.training import volume_faults, yaml_file
from generator.evaluation import Project

BATCH_SKUS = {"global": "GlobalBatch", "data_zone": "DataZoneBatch"}


@check("BAT-03")
def batch_by_residency(project: Project) -> Iterator[Finding]:
    """BAT-03: each environment has one batch deployment, of the type that keeps the residency.

    Source: https://learn.microsoft.com/azure/ai-foundry/openai/how-to/batch
    """
    wanted = BATCH_SKUS.get(project.answers["data_residency"])
    for environment in project.environments.values():
        found = [str(item.sku.get("name")) for item in environment.of_type(DEPLOYMENT)]
        skus = [name for name in found if name.endswith("Batch")]
        faults = [] if skus == [wanted] else [f"deploy exactly one {wanted or 'nothing'}, there is {skus or 'none'}"]
        yield verdict(f"{environment.name}: batch deployment", faults)


@check("BAT-04")
def job_cluster_of_its_own(project: Project) -> Iterator[Finding]:
    """BAT-04: each task of the batch job runs on a job cluster under a policy, not on an all-purpose cluster.

    Its volumes are folders of the containers that the identity of batch runs reaches.
    Source: https://learn.microsoft.com/azure/well-architected/service-guides/azure-databricks
    """
    resources = yaml_file(project, "ml/resources/batch.yml").get("resources") or {}
    job = value_at(resources, "jobs.score_files") or {}
    clusters = job.get("job_clusters") or []
    faults = [] if clusters else ["add a job cluster"]
    faults += ["set policy_id"] if not all(value_at(row, "new_cluster.policy_id") for row in clusters) else []
    keys, tasks = {row["job_cluster_key"] for row in clusters}, job.get("tasks") or []
    own = all(task.get("job_cluster_key") in keys and "existing_cluster_id" not in task for task in tasks)
    faults += [] if tasks and own else ["run each task on the job cluster"]
    for name in ("input", "output"):
        faults += volume_faults(resources, f"batch_{name}", f"batch-{name}")
    yield verdict("ml/resources/batch.yml", faults)
