"""Scores the files of one day with the default deployment of the batch endpoint; fails when they were not scored."""

import argparse
import sys
import time
from datetime import UTC, date, datetime

from azure_cli import Failure, az, exit_code, show, sign_in
from batch_rollout import Endpoint

ENDED = ("Completed", "Failed", "Canceled", "NotResponding")
# Seconds between two looks at a run, and between two signs-in: a session ends after an hour.
POLL = 60
SESSION = 1800


def start(endpoint: Endpoint, day: date, run: str) -> str:
    """Start a run on the files of a day and return its name.

    The output has the version of the model, the day and the run in its path: no run writes over another.

    Args:
        endpoint: The batch endpoint.
        day: Names the folder of the container `batch-input` that is scored.
        run: What started it, such as the number of a pipeline run.

    Raises:
        Failure: No deployment is the default, or it does not say which version it has.
    """
    deployment = endpoint.default()
    if not deployment:
        raise Failure("The batch endpoint has no default deployment: bring a model to it with rollout-batch first.")
    names = ["--name", deployment, "--endpoint-name", endpoint.name]
    version = (az("ml", "batch-deployment", "show", *names, *endpoint.place).get("tags") or {}).get("model_version")
    if not version:
        raise Failure(f"The deployment {deployment} has no tag model_version: roll the model out again.")
    source = f"azureml://datastores/batch_input/paths/{day}"
    target = f"azureml://datastores/batch_output/paths/version-{version}/{day}/{run}"
    print(f"{deployment} with version {version} scores {source} into {target}.")
    where = ["--input", source, "--input-type", "uri_folder", "--output-path", target]
    # By name: the default may change before the run starts, and the path of the output tells this version.
    called = ["--name", endpoint.name, "--deployment-name", deployment]
    return str(az("ml", "batch-endpoint", "invoke", *called, *where, *endpoint.place)["name"])


def wait(endpoint: Endpoint, job: str, hours: float) -> None:
    """Wait until a run ended.

    Args:
        endpoint: The batch endpoint.
        job: Name of the run.
        hours: After so many, the run is stopped.

    Raises:
        Failure: It did not complete, or not in time.
    """
    seconds = 0
    while True:
        status = az("ml", "job", "show", "--name", job, *endpoint.place)["status"]
        if status in ENDED:
            break
        if seconds >= hours * 3600:
            show("ml", "job", "cancel", "--name", job, *endpoint.place)
            raise Failure(f"Run {job} was not done after {hours:g} hours and was stopped.")
        time.sleep(POLL)
        seconds += POLL
        if seconds % SESSION == 0:
            sign_in()
    if status != "Completed":
        raise Failure(f"Run {job} ended as {status}: its files were not scored.")
    print(f"Run {job} completed.")


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; 1 when the files were not scored."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workload", required=True)
    parser.add_argument("--environment", required=True)
    parser.add_argument("--run", required=True, help="what starts it; a part of the path of the output")
    parser.add_argument("--day", default="", help="folder of batch-input, such as 2026-03-01; today (UTC) for none")
    parser.add_argument("--hours", type=float, default=5, help="most hours that it takes")
    options = parser.parse_args(arguments)
    return exit_code(lambda: run(options))


def run(options: argparse.Namespace) -> None:
    """Score one day and wait for it."""
    try:
        day = date.fromisoformat(options.day) if options.day else datetime.now(UTC).date()
    except ValueError:
        raise Failure(f"{options.day} is no day: write it as 2026-03-01.") from None
    endpoint = Endpoint(options.workload, options.environment)
    wait(endpoint, start(endpoint, day, options.run), options.hours)


if __name__ == "__main__":
    sys.exit(main())
