"""Answer many prompts at half the price: write the requests, submit them as one batch, wait, collect the answers."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from azure.identity import DefaultAzureCredential, get_bearer_token_provider
from openai import OpenAI

SCOPE = "https://cognitiveservices.azure.com/.default"
FINISHED = ("completed", "failed", "expired", "cancelled")
# Batches are answered within a day, or expire.
WINDOW = "24h"


def connect(endpoint: str) -> OpenAI:
    """Return a client that signs in as whoever runs this, without a key.

    Args:
        endpoint: Address of the Foundry account, such as https://<name>.openai.azure.com.
    """
    token = get_bearer_token_provider(DefaultAzureCredential(), SCOPE)
    return OpenAI(base_url=f"{endpoint.rstrip('/')}/openai/v1/", api_key=token)


def write_requests(prompts: Iterable[str], deployment: str, path: Path) -> int:
    """Write one request a prompt as JSON Lines, and return how many.

    Args:
        prompts: Texts; empty ones are left out.
        deployment: Name of the batch deployment.
        path: File to write.
    """
    wanted = [prompt.strip() for prompt in prompts if prompt.strip()]
    requests = [
        {
            # Answers come in any order: this says which prompt each belongs to.
            "custom_id": f"prompt-{number}",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {"model": deployment, "messages": [{"role": "user", "content": prompt}]},
        }
        for number, prompt in enumerate(wanted, 1)
    ]
    path.write_text("".join(json.dumps(request) + "\n" for request in requests), encoding="utf-8")
    return len(requests)


def run(client: OpenAI, requests: Path, answers: Path, poll_seconds: float = 60) -> int:
    """Submit a file of requests, wait for the batch, and write its answers.

    Args:
        client: Client of the account.
        requests: JSON Lines file of requests.
        answers: JSON Lines file to write.
        poll_seconds: Time between two looks at the batch.

    Returns:
        The number of requests that failed; what they said is in the answers too.

    Raises:
        RuntimeError: The batch did not complete.
    """
    with requests.open("rb") as stream:
        file = client.files.create(file=(requests.name, stream), purpose="batch")
    while file.status not in ("processed", "error"):
        time.sleep(poll_seconds)
        file = client.files.retrieve(file.id)
    if file.status == "error":
        raise RuntimeError(f"The service refuses {requests.name}: {file.status_details}")
    batch = client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window=WINDOW)
    while batch.status not in FINISHED:
        time.sleep(poll_seconds)
        batch = client.batches.retrieve(batch.id)
    if batch.status != "completed":
        reasons = "; ".join(str(error.message) for error in (batch.errors.data or [])) if batch.errors else ""
        raise RuntimeError(f"Batch {batch.id} {batch.status}: {reasons or 'no reason given'}")
    parts = [client.files.content(name).text for name in (batch.output_file_id, batch.error_file_id) if name]
    texts = [part if part.endswith("\n") else f"{part}\n" for part in parts if part]
    answers.write_text("".join(texts), encoding="utf-8")
    return batch.request_counts.failed if batch.request_counts else 0


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint", required=True, help="address of the Foundry account")
    parser.add_argument("--deployment", required=True, help="name of the batch deployment")
    parser.add_argument("--prompts", type=Path, required=True, help="text file with one prompt a line")
    parser.add_argument("--answers", type=Path, required=True, help="JSON Lines file to write")
    arguments = parser.parse_args()
    requests = arguments.answers.with_suffix(".requests.jsonl")
    lines = arguments.prompts.read_text(encoding="utf-8").splitlines()
    if not write_requests(lines, arguments.deployment, requests):
        sys.exit(f"{arguments.prompts} holds no prompts.")
    try:
        failed = run(connect(arguments.endpoint), requests, arguments.answers)
    except RuntimeError as fault:
        sys.exit(str(fault))
    if failed:
        sys.exit(f"{failed} requests failed: {arguments.answers} says why.")
    print(f"Answers: {arguments.answers}")


if __name__ == "__main__":
    main()
