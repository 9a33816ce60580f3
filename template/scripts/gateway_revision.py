"""Makes a revision of an API of the gateway the current one: called by its number first, and back at the first doubt.

The deployment only creates revisions; this releases them.
"""

import argparse
import json
import re
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from azure_cli import Failure, az, deployed, exit_code

SAMPLES = Path(__file__).parents[1] / "gateway" / "samples"
SHARE = re.compile(r" for [1-9]\d* %$")
"""How the description of a revision ends that gives another chat model a share of the calls."""
TIMEOUT_SECONDS = 180
"""Longer than the gateway waits for a model."""


class Api:
    """An API of the gateway of one environment.

    Args:
        environment: dev, test or prod.
        name: Name of the API on the gateway.
    """

    def __init__(self, environment: str, name: str) -> None:
        found = deployed(environment)
        self.name = name
        self.gateway: str = found["outputs"]["gatewayId"]["value"]
        self.url: str = found["outputs"]["gatewayUrl"]["value"]
        self.audience: str = found["parameters"].get("callerAudience", {}).get("value", "")
        parts = self.gateway.split("/")
        self.place = ["--subscription", parts[2], "--resource-group", parts[4], "--service-name", parts[8]]

    def revisions(self) -> dict[int, bool]:
        """Number of each revision -> whether it is the current one."""
        rows = az("apim", "api", "revision", "list", "--api-id", self.name, *self.place)
        return {int(row["apiRevision"]): bool(row["isCurrent"]) for row in rows}

    def told(self) -> dict[int, str]:
        """Number of each revision -> its description."""
        rows = az("apim", "api", "revision", "list", "--api-id", self.name, *self.place)
        return {int(row["apiRevision"]): row.get("description") or "" for row in rows}

    def current(self) -> int:
        """Number of the revision that answers.

        Raises:
            Failure: None does.
        """
        found = [number for number, answers in self.revisions().items() if answers]
        if not found:
            raise Failure(f"No revision of {self.name} is current: deploy the platform first.")
        return found[0]

    def release(self, revision: int, notes: str) -> None:
        """Make a revision the current one."""
        names = ["--api-id", self.name, "--api-revision", str(revision)]
        az("apim", "api", "release", "create", *names, "--notes", notes, *self.place)

    def address(self, revision: int | None) -> str:
        """Address of a revision; that of the current one for None."""
        return f"{self.url}/{self.name}/v1" + (f";rev={revision}" if revision else "")

    def headers(self, consumer: str) -> dict[str, str]:
        """What a consumer presents: its key and, where one is asked for, a token."""
        secrets = f"https://management.azure.com{self.gateway}/subscriptions/{consumer}/listSecrets"
        key = az("rest", "--method", "post", "--uri", f"{secrets}?api-version=2024-05-01")["primaryKey"]
        if not self.audience:
            return {"api-key": key}
        token = az("account", "get-access-token", "--scope", f"{self.audience}/.default")["accessToken"]
        return {"api-key": key, "Authorization": f"Bearer {token}"}


def choose(api: Api, wanted: int | None) -> tuple[int, int]:
    """The revision that answers, and the one that shall: the newest, unless another is wanted.

    A share of a change of the chat model is nothing new: only a release of that change moves to it.

    Raises:
        Failure: There is nothing to release.
    """
    known, old = api.revisions(), api.current()
    new = wanted or max(number for number, text in api.told().items() if not SHARE.search(text))
    if not wanted and new < old:
        raise Failure(f"Nothing newer than revision {old} of {api.name} is there: to go back, name the number.")
    if new not in known:
        raise Failure(f"{api.name} has no revision {new}: deploy it first.")
    if new == old:
        raise Failure(f"Revision {new} of {api.name} answers already: raise it in gateway/revisions.json and deploy.")
    return old, new


def test(api: Api, consumer: str, revision: int | None) -> None:
    """Call a revision as a stranger and as a consumer.

    Raises:
        Failure: A stranger gets in, or the consumer gets no answer.
    """
    sample = json.loads((SAMPLES / f"{api.name.rpartition('-')[2]}.json").read_text(encoding="utf-8"))
    address = api.address(revision) + sample["path"]
    status = post(address, sample["body"], {})
    if status != 401:
        raise Failure(f"{address} answers a caller without a key with {status}, not with 401.")
    status = post(address, sample["body"], api.headers(consumer))
    if status != 200:
        raise Failure(f"{address} answers {consumer} with {status}, not with 200.")
    print(f"{address} answers {consumer} and nobody else.")


def post(address: str, body: Any, headers: dict[str, str]) -> int:
    """Status of the answer to a request.

    Raises:
        Failure: Nothing answers.
    """
    headers = {**headers, "Content-Type": "application/json"}
    request = urllib.request.Request(address, data=json.dumps(body).encode(), headers=headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        return refusal.code
    except OSError as error:
        raise Failure(f"{address} does not answer: {error}") from error


def rollback(api: Api, old: int) -> None:
    """Make the former revision the current one again; the new one stays, for whoever looks for the cause."""
    if api.current() != old:
        api.release(old, "Rollback")
    print(f"Revision {old} of {api.name} answers.")


def main(arguments: list[str] | None = None) -> int:
    """Run one step; 1 when it must not go on."""
    options = parse(arguments)
    return exit_code(lambda: run(Api(options.environment, options.api), options))


def run(api: Api, options: argparse.Namespace) -> None:
    """Run the command that the options name."""
    if options.command == "choose":
        old, new = choose(api, options.revision)
        print(f"old={old}\nnew={new}")
    elif options.command == "test":
        test(api, options.consumer, options.revision)
    elif options.command == "release":
        api.release(options.revision, f"Run {options.run}")
    else:
        rollback(api, options.revision)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command and its options."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("choose", "test", "release", "rollback"):
        command = commands.add_parser(name)
        command.add_argument("--environment", required=True)
        command.add_argument("--api", required=True, help="name of the API on the gateway")
        number = name in ("release", "rollback")
        command.add_argument("--revision", type=revision, required=number, help="number; none or 0 for the default")
        if name == "test":
            command.add_argument("--consumer", required=True, help="name of a subscription on the gateway")
        if name == "release":
            command.add_argument("--run", required=True)
    return parser.parse_args(arguments)


def revision(text: str) -> int | None:
    """A number of a revision; None for nothing, or 0."""
    return int(text) or None if text else None


if __name__ == "__main__":
    sys.exit(main())
