"""What can go wrong with the batch rows (BAT), and what the detail of the check must say."""

from tests.checks_support import Mutation, answer, drop, edit
from tests.mutations.common import CENTRAL, DATABRICKS, DEPLOYMENT

FILE = "ml/resources/batch.yml"

MUTATIONS: list[Mutation] = [
    ("BAT-03", CENTRAL, "none", drop("prod", DEPLOYMENT, "-batch"), "deploy exactly one"),
    ("BAT-03", CENTRAL, "another residency", answer(data_residency="region"), "deploy exactly one nothing"),
    ("BAT-04", DATABRICKS, "no policy", edit(FILE, "policy_id:", "name:"), "policy_id"),
    (
        "BAT-04",
        DATABRICKS,
        "shared cluster",
        edit(FILE, "    job_cluster_key: batch\n", "    existing_cluster_id: x\n"),
        "job cluster",
    ),
    ("BAT-04", DATABRICKS, "managed", edit(FILE, "EXTERNAL", "MANAGED"), "make the volume batch_input"),
    ("BAT-04", DATABRICKS, "another container", edit(FILE, "batch-output@", "data@"), "make the volume batch_output"),
]

FILE_ROWS: set[str] = {"BAT-04"}
