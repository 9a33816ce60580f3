"""Send the sample request to a server on this machine, and check that every row gets an answer."""

from __future__ import annotations

import argparse
import json
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any


def call(url: str, body: dict[str, Any], patience_seconds: float = 60) -> Any:
    """POST `body` as JSON and return the parsed answer; wait while the server starts.

    Raises:
        urllib.error.URLError: Nobody listens after `patience_seconds`, or the answer is an error.
    """
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    give_up = time.monotonic() + patience_seconds
    while True:
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError:
            raise
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > give_up:
                raise
            time.sleep(1)


def smoke(url: str, body: dict[str, Any]) -> list[Any]:
    """Return the answers, one a row.

    Raises:
        ValueError: The number of answers differs from the number of rows.
    """
    table = body.get("input_data") or body["dataframe_split"]
    if url.endswith("/invocations"):
        # The MLflow server calls the same table by another name than the endpoint in Azure.
        body = {"dataframe_split": {key: table[key] for key in ("columns", "data")}}
    answer = call(url, body)
    answers = answer["predictions"] if isinstance(answer, dict) else answer
    if len(answers) != len(table["data"]):
        raise ValueError(f"{len(table['data'])} rows got {len(answers)} answers.")
    return list(answers)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True, help="address that scores")
    parser.add_argument("--request", type=Path, required=True, help="JSON file of the request")
    arguments = parser.parse_args()
    try:
        answers = smoke(arguments.url, json.loads(arguments.request.read_text(encoding="utf-8")))
    except (ValueError, OSError) as fault:
        sys.exit(f"{arguments.url} does not answer as it should: {fault}")
    print(f"Answers: {answers}")


if __name__ == "__main__":
    main()
