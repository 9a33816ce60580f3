"""Fine-tune a foundation model: check the data, upload them, start the job, wait for it."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from azure.identity import DefaultAzureCredential, get_bearer_token_provider
from check_dataset import faults
from openai import OpenAI

SCOPE = "https://cognitiveservices.azure.com/.default"
FINISHED = ("succeeded", "failed", "cancelled")


def connect(endpoint: str) -> OpenAI:
    """Return a client that signs in as whoever runs this, without a key.

    Args:
        endpoint: Address of the Foundry account, such as https://<name>.openai.azure.com.
    """
    token = get_bearer_token_provider(DefaultAzureCredential(), SCOPE)
    return OpenAI(base_url=f"{endpoint.rstrip('/')}/openai/v1/", api_key=token)


def upload(client: OpenAI, path: Path, poll_seconds: float) -> str:
    """Upload a data set, wait until the service has read it, and return its id.

    Raises:
        RuntimeError: The service refuses the file.
    """
    with path.open("rb") as stream:
        file = client.files.create(file=(path.name, stream), purpose="fine-tune")
    while file.status not in ("processed", "error"):
        time.sleep(poll_seconds)
        file = client.files.retrieve(file.id)
    if file.status == "error":
        raise RuntimeError(f"The service refuses {path.name}: {file.status_details}")
    return file.id


def tune(
    client: OpenAI, model: str, training: Path, validation: Path | None, suffix: str, poll_seconds: float = 30
) -> str:
    """Run a fine-tuning job to its end.

    Args:
        client: Client of the account that tunes.
        model: Name of the base model with its version.
        training: Data set to learn from.
        validation: Data set to measure with.
        suffix: Part of the name of the new model.
        poll_seconds: Time between two looks at the job.

    Returns:
        The name of the tuned model.

    Raises:
        RuntimeError: The job did not succeed.
    """
    files = {"training_file": upload(client, training, poll_seconds)}
    if validation:
        files["validation_file"] = upload(client, validation, poll_seconds)
    # The same seed, data and model give a comparable result the next time.
    job = client.fine_tuning.jobs.create(model=model, suffix=suffix, seed=7, **files)
    while job.status not in FINISHED:
        time.sleep(poll_seconds)
        job = client.fine_tuning.jobs.retrieve(job.id)
    if job.status != "succeeded" or not job.fine_tuned_model:
        reason = job.error.message if job.error else "no reason given"
        raise RuntimeError(f"Job {job.id} {job.status}: {reason}")
    return job.fine_tuned_model


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint", required=True, help="address of the Foundry account in dev that tunes")
    parser.add_argument("--model", required=True, help="base model with its version")
    parser.add_argument("--training", type=Path, required=True, help="JSON Lines file to learn from")
    parser.add_argument("--validation", type=Path, help="JSON Lines file to measure with")
    parser.add_argument("--suffix", default="example", help="part of the name of the new model")
    arguments = parser.parse_args()
    found = [fault for path in (arguments.training, arguments.validation) if path for fault in faults(path)]
    if found:
        sys.exit("\n".join(found))
    try:
        name = tune(
            connect(arguments.endpoint), arguments.model, arguments.training, arguments.validation, arguments.suffix
        )
    except RuntimeError as fault:
        sys.exit(str(fault))
    print(f"Tuned model: {name}")


if __name__ == "__main__":
    main()
