"""What can go wrong with the batch rows (BAT), and what the detail of the check must say."""

from tests.checks_support import Mutation, answer, drop, edit, put, remove
from tests.mutations.common import BATCH, CENTRAL, COMPUTE, DATABRICKS, DEFAULT, DEPLOYMENT, ROLE

FILE = "ml/resources/batch.yml"
GITHUB, AZURE = ".github/workflows", ".azuredevops"
DEPLOYMENT_FILE = "ml/batch/deployment.yml"
ROLLOUT = "scripts/batch_rollout.py"


def unread(draft):
    """Take the input of batch runs from whoever starts them."""
    rows = draft.environments["prod"]
    rows[:] = [
        body
        for body in rows
        if not (
            body["type"] == ROLE
            and "/containers/batch-input/" in body["id"]
            and "pipeline" in body["properties"]["principalId"]
        )
    ]


MUTATIONS: list[Mutation] = [
    ("BAT-01", DEFAULT, "no schedule", edit(f"{GITHUB}/run-batch.yml", "  schedule:", "  workflow_call:"), "cadence"),
    ("BAT-01", BATCH, "no pipeline", remove(f"{AZURE}/run-batch.yml"), "batch_run.py"),
    ("BAT-01", BATCH, "another cadence", answer(batch_cadence="weekly"), "the answered cadence, weekly"),
    ("BAT-01", BATCH, "only after a change", edit(f"{AZURE}/run-batch.yml", "always: true", "always: false"), "always"),
    (
        "BAT-01",
        DEFAULT,
        "somebody approves",
        edit(f"{GITHUB}/run-batch.yml", "format('{0}-rollout', ", "format('{0}', "),
        "nobody approves",
    ),
    (
        "BAT-01",
        DEFAULT,
        "runs write over each other",
        edit("scripts/batch_run.py", "{day}/{run}", "latest"),
        "write below the day; write below the run",
    ),
    ("BAT-01", BATCH, "no retry", edit(DEPLOYMENT_FILE, "max_retries: 3", "max_retries: 0"), "max_retries"),
    ("BAT-01", BATCH, "files may be lost", edit(DEPLOYMENT_FILE, "error_threshold: 0", "error_threshold: -1"), "0"),
    (
        "BAT-01",
        BATCH,
        "machines that stay",
        put("prod", COMPUTE, "properties.properties.scaleSettings.minNodeCount", 1, "batch-cluster"),
        "scales to zero",
    ),
    ("BAT-01", DEFAULT, "input out of reach", unread, "read batch-input"),
    (
        "BAT-02",
        DEFAULT,
        "switched untried",
        edit(f"{GITHUB}/rollout-batch.yml", "needs: [choose, score]", "needs: [choose, create]"),
        "let switch wait for score",
    ),
    (
        "BAT-02",
        BATCH,
        "never scored",
        edit(f"{AZURE}/rollout-batch.yml", "step: score ", "step: choose "),
        "add the step score",
    ),
    ("BAT-02", BATCH, "no way back", edit(f"{AZURE}/rollout-batch.yml", " --old=$(old)", ""), "give --old="),
    ("BAT-02", DEFAULT, "tried as default", edit(ROLLOUT, ', "--deployment-name", new]', "]"), "by the name"),
    (
        "BAT-02",
        DEFAULT,
        "default at once",
        edit(ROLLOUT, '"create", *names,', '"create", "--set-default", *names,'),
        "create must",
    ),
    ("BAT-02", BATCH, "failure is ignored", edit(ROLLOUT, 'status != "Completed"', "not status"), "not scored"),
    (
        "BAT-02",
        BATCH,
        "nothing returns",
        edit(ROLLOUT, "        endpoint.set_default(old)\n", "        pass\n"),
        "former",
    ),
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

FILE_ROWS: set[str] = {"BAT-02", "BAT-04"}
