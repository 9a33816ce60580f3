"""What can go wrong with the training rows (TRN), and what the detail of the check must say."""

from tests.checks_support import Draft, Mutation, answer, drop, edit, put, remove, write
from tests.mutations.common import (
    ACCOUNT,
    COMPUTE,
    DATABRICKS,
    DEFAULT,
    EVERYTHING,
    KUBERNETES,
    NEW_DATABRICKS,
    ROLE,
    TRAINING,
    TUNING,
    WORKSPACE,
)

SCALE = "properties.properties.scaleSettings"
CLUSTER = "training-cluster"
RETRAIN = ".github/workflows/retrain.yml"
JOB = "ml/resources/training.yml"


def _without_data(draft: Draft) -> None:
    """Take the data from the identity of training."""
    draft.environments["dev"] = [
        body
        for body in draft.environments["dev"]
        if not (
            body["type"] == ROLE
            and "/containers/data/" in body["id"]
            and "dev-training-workspace'" in str(body["properties"])
        )
    ]


def _more_data(draft: Draft) -> None:
    """Let the identity of training read what people explore with."""
    body = next(
        item
        for item in draft.of_type("dev", ROLE)
        if "/containers/data/" in item["id"] and "dev-training-workspace'" in str(item["properties"])
    )
    more = body["id"].replace("/containers/data/", "/containers/exploration/")
    draft.environments["dev"].append({**body, "id": more})


MUTATIONS: list[Mutation] = [
    ("TRN-01", DEFAULT, "no pipeline", remove("ml/pipelines/train.yml"), "limit the time"),
    (
        "TRN-01",
        DEFAULT,
        "no pipeline job",
        edit("ml/pipelines/train.yml", "type: pipeline", "type: command"),
        "type pipeline",
    ),
    ("TRN-01", DEFAULT, "another cadence", answer(training_cadence="daily"), "the cadence is daily"),
    ("TRN-01", DEFAULT, "no search", remove("ml/pipelines/sweep.yml"), "end trials that fall behind early"),
    (
        "TRN-01",
        DEFAULT,
        "a search that ends no trial",
        edit("ml/pipelines/sweep.yml", "early_termination", "late_termination"),
        "fall behind early",
    ),
    (
        "TRN-01",
        DEFAULT,
        "a search without end",
        edit("ml/pipelines/sweep.yml", "      timeout:", "      patience:"),
        "limit the search with timeout",
    ),
    ("TRN-02", DEFAULT, "a cluster asked for", answer(training_compute="cluster"), "azureml:training-cluster"),
    (
        "TRN-02",
        DEFAULT,
        "machines without a name",
        edit("ml/pipelines/train.yml", "instance_type: Standard_D8ds_v4", "instance_type: Standard_D4ds_v4"),
        "instance_type of train",
    ),
    ("TRN-02", EVERYTHING, "nodes over a slow network", answer(training_distributed=True), "instance_type of search"),
    ("TRN-02", DEFAULT, "a deadline", answer(training_deadline_hours=8), "the run has a deadline"),
    ("TRN-02", TRAINING, "no cluster", drop("dev", COMPUTE, CLUSTER), "there must be 1"),
    ("TRN-02", TRAINING, "not distributed", answer(training_distributed=False), "instance_count to None"),
    ("TRN-03", TRAINING, "always on", put("dev", COMPUTE, f"{SCALE}.minNodeCount", 1, CLUSTER), "minNodeCount"),
    ("TRN-03", TRAINING, "more nodes", answer(training_nodes=63), "maxNodeCount to 63"),
    (
        "TRN-02",
        TRAINING,
        "another size for runs with a deadline",
        put("dev", COMPUTE, "properties.properties.vmSize", "Standard_D8ds_v4", "deadline-cluster"),
        "vmSize",
    ),
    (
        "TRN-03",
        TRAINING,
        "slow to go",
        put("dev", COMPUTE, f"{SCALE}.nodeIdleTimeBeforeScaleDown", "PT90M", CLUSTER),
        "PT5M to PT30M",
    ),
    ("TRN-04", DEFAULT, "spot asked for", answer(training_interruptible=True), "use job_tier Spot"),
    (
        "TRN-04",
        TRAINING,
        "low priority",
        put("dev", COMPUTE, "properties.properties.vmPriority", "LowPriority", CLUSTER),
        "vmPriority",
    ),
    ("TRN-04", DEFAULT, "a deadline asked for", answer(training_deadline_hours=8), "must be 1"),
    ("TRN-04", TRAINING, "no cluster of its own", drop("dev", COMPUTE, "deadline-cluster"), "must be 1"),
    ("TRN-04", TRAINING, "no deadline", answer(training_deadline_hours=0), "must be 0"),
    (
        "TRN-04",
        TRAINING,
        "a search in the way",
        edit("ml/pipelines/sweep.yml", "azureml:training-cluster", "azureml:deadline-cluster"),
        "keep the search off",
    ),
    (
        "TRN-04",
        EVERYTHING,
        "no spot for the search",
        edit("ml/pipelines/sweep.yml", "job_tier: Spot", "job_tier: Standard"),
        "ml/pipelines/sweep.yml: use job_tier Spot",
    ),
    ("TRN-04", EVERYTHING, "no checkpoints", remove("ml/src/example_model/checkpoint.py"), "keep checkpoints"),
    (
        "TRN-04",
        EVERYTHING,
        "checkpoints that nobody loads",
        edit("ml/src/example_model/train.py", "load_checkpoint(checkpoints)", "None"),
        "call load_checkpoint",
    ),
    (
        "TRN-04",
        EVERYTHING,
        "checkpoints that come too late",
        edit("ml/components/train.yml", "mode: rw_mount", "mode: upload"),
        "mount the checkpoints",
    ),
    (
        "TRN-04",
        EVERYTHING,
        "a folder that nobody is told",
        edit("ml/components/train.yml", "--checkpoints ${{outputs.checkpoints}}", ""),
        "pass the checkpoints",
    ),
    ("TRN-04", DATABRICKS, "spot workers asked for", answer(training_interruptible=True), "spot workers"),
    ("TRN-04", DATABRICKS, "a task that starts over", answer(training_interruptible=True), "try an interrupted task"),
    ("TRN-05", DEFAULT, "more data", _more_data, "take its access to"),
    ("TRN-05", DEFAULT, "no data", _without_data, "read the container data"),
    ("TRN-05", DATABRICKS, "in prod", edit(JOB, "  dev:", "  prod:"), "deploy it to dev and nowhere else"),
    (
        "TRN-05",
        DATABRICKS,
        "everywhere",
        edit(JOB, "targets:\n  dev:\n    resources:", "resources:"),
        "deploy it to dev and nowhere else",
    ),
    (
        "TRN-05",
        DATABRICKS,
        "managed",
        edit(JOB, "volume_type: EXTERNAL", "volume_type: MANAGED"),
        "the volume training",
    ),
    ("TRN-05", NEW_DATABRICKS, "the whole container", edit(JOB, "net/runs", "net/"), "the volume runs an external one"),
    (
        "TRN-05",
        NEW_DATABRICKS,
        "raw data to write",
        edit(JOB, "models@", "data@"),
        "in a folder of the container models",
    ),
    ("TRN-06", DEFAULT, "no workspace", drop("dev", WORKSPACE, "-training"), "workspace of its own"),
    (
        "TRN-07",
        DEFAULT,
        "no commit",
        edit("ml/src/example_model/register.py", '"git_sha"', '"commit"'),
        "git_sha",
    ),
    (
        "TRN-07",
        DEFAULT,
        "any version",
        edit("ml/components/train.yml", "example-training:1", "example-training@latest"),
        "version number",
    ),
    (
        "TRN-07",
        DATABRICKS,
        "a library of any version",
        edit("ml/resources/training.yml", "resources:", "# example@latest\nresources:"),
        "changes by itself",
    ),
    ("TRN-08", DEFAULT, "no workflow", remove(RETRAIN), "let people start it"),
    ("TRN-08", DEFAULT, "nobody starts it", edit(RETRAIN, "workflow_dispatch", "workflow_call"), "let people start it"),
    ("TRN-08", DEFAULT, "no monitor starts it", edit(RETRAIN, "[model-drift]", "[]"), "let a monitor start it"),
    ("TRN-08", DEFAULT, "nobody looks", edit(RETRAIN, "retrain.py drift", "retrain.py publish"), "look for drift"),
    ("TRN-08", DEFAULT, "it looks never", edit(RETRAIN, "  schedule:", "  workflow_call:"), "on a schedule"),
    ("TRN-08", DEFAULT, "it does not wait", edit(RETRAIN, "needs: drift", "needs: publish"), "train after the job"),
    ("TRN-08", TRAINING, "it looks at nothing", write(RETRAIN, "x: retrain.py drift\n"), "let people start it"),
    (
        "TRN-08",
        DEFAULT,
        "an unknown commit",
        edit("scripts/retrain.py", "create_job.inputs.git_sha", "create_job.inputs.commit"),
        "set create_job.inputs.git_sha",
    ),
    (
        "TRN-08",
        KUBERNETES,
        "a run for every change",
        edit(".azuredevops/retrain.yml", "'Manual'", "'IndividualCI'"),
        "no run for every change",
    ),
    ("TRN-08", KUBERNETES, "no cause", edit(".azuredevops/retrain.yml", "name: cause", "name: why"), "with a cause"),
    (
        "TRN-08",
        KUBERNETES,
        "drift asked for",
        answer(own_model_hosting="managed_endpoint", serving_runtime="mlflow"),
        "after the stage",
    ),
    (
        "TRN-08",
        KUBERNETES,
        "never looked for",
        answer(own_model_hosting="managed_endpoint", serving_runtime="mlflow"),
        "drift on a schedule",
    ),
    (
        "TRN-08",
        DATABRICKS,
        "twice for one cause",
        edit("scripts/retrain.py", "idempotency_token", "token"),
        "set idempotency_token",
    ),
    (
        "TRN-08",
        DATABRICKS,
        "asleep",
        edit(JOB, "pause_status: UNPAUSED", "pause_status: PAUSED"),
        "set pause_status",
    ),
    ("TRN-08", DATABRICKS, "refused", edit(JOB, "${var.pipeline}", "somebody"), "let the identity of the pipelines"),
    ("TRN-09", TUNING, "idle for ever", remove(".github/workflows/idle-deployments.yml"), "run it on a schedule"),
    (
        "TRN-09",
        TUNING,
        "idle ones are only named",
        edit(".github/workflows/idle-deployments.yml", " --remove", ""),
        "remove idle deployments of rg-drafting-dev-tuning",
    ),
    (
        "TRN-09",
        TUNING,
        "a region that nobody asked about",
        edit("scripts/preflight.json", '"tuning"', '"tuned"'),
        "whether the region tunes models",
    ),
    ("TRN-09", TUNING, "unchecked data", edit("ml/tuning/submit.py", "faults(path)", "[path]"), "check the data set"),
    ("TRN-09", TUNING, "no account", drop("dev", ACCOUNT, "-tuning/"), "there must be 1"),
]

FILE_ROWS: set[str] = {"TRN-01", "TRN-04", "TRN-07", "TRN-08"}
