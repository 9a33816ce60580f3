"""What can go wrong with the training rows (TRN), and what the detail of the check must say."""

from tests.checks_support import Draft, Mutation, answer, drop, edit, put, remove
from tests.mutations.common import ACCOUNT, COMPUTE, DEFAULT, ROLE, TRAINING, TUNING, WORKSPACE

SCALE = "properties.properties.scaleSettings"
CLUSTER = "training-cluster"


def _without_data(draft: Draft) -> None:
    """Take the data from the identity of training."""
    draft.environments["dev"] = [
        body
        for body in draft.environments["dev"]
        if not (
            body["type"] == ROLE and "/containers/data/" in body["id"] and "dev-training'" in str(body["properties"])
        )
    ]


MUTATIONS: list[Mutation] = [
    ("TRN-01", DEFAULT, "no pipeline", remove("ml/pipelines/train.yml"), "limit the time"),
    ("TRN-01", DEFAULT, "another cadence", answer(training_cadence="daily"), "the cadence is daily"),
    ("TRN-02", DEFAULT, "a cluster asked for", answer(training_compute="cluster"), "azureml:training-cluster"),
    ("TRN-02", DEFAULT, "a deadline", answer(training_deadline_hours=8), "the run has a deadline"),
    ("TRN-02", TRAINING, "no cluster", drop("dev", COMPUTE, CLUSTER), "there must be 1"),
    ("TRN-02", TRAINING, "not distributed", answer(training_distributed=False), "instance_count to None"),
    ("TRN-03", TRAINING, "always on", put("dev", COMPUTE, f"{SCALE}.minNodeCount", 1, CLUSTER), "minNodeCount"),
    ("TRN-03", TRAINING, "more nodes", answer(training_nodes=63), "maxNodeCount to 63"),
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
    ("TRN-05", DEFAULT, "no data", _without_data, "read the container data"),
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
    ("TRN-09", TUNING, "no account", drop("dev", ACCOUNT, "-tuning/"), "there must be 1"),
]

FILE_ROWS: set[str] = {"TRN-01", "TRN-04", "TRN-07"}
