"""Brings a model version to the batch endpoint: scored by name first, then the default, and back at the first doubt."""

import argparse
import sys
from pathlib import Path
from typing import Any

from azure_cli import Failure, az, deployed_outputs, exit_code, show

FILE = Path(__file__).parents[1] / "ml" / "batch" / "deployment.yml"


class Endpoint:
    """The batch endpoint of one environment.

    Args:
        workload: Short name of the workload.
        environment: dev, test or prod.
    """

    def __init__(self, workload: str, environment: str) -> None:
        self.name: str = deployed_outputs(environment)["batchEndpointName"]
        self.place = [
            "--resource-group",
            f"rg-{workload}-{environment}-inference",
            "--workspace-name",
            f"mlw-{workload}-{environment}-inference",
        ]

    def default(self) -> str:
        """Name of the deployment that scores unless another is named; empty for none."""
        found: dict[str, Any] = az("ml", "batch-endpoint", "show", "--name", self.name, *self.place)
        return str((found.get("defaults") or {}).get("deployment_name") or "")

    def set_default(self, deployment: str) -> None:
        """Make a deployment the one that scores."""
        change = f"defaults.deployment_name={deployment}"
        az("ml", "batch-endpoint", "update", "--name", self.name, "--set", change, *self.place)


def create(endpoint: Endpoint, options: argparse.Namespace) -> None:
    """Make the new deployment beside the default one."""
    settings = [
        f"model=azureml://registries/{options.registry}/models/example/versions/{options.version}",
        f"tags.model_version={options.version}",
        f"tags.git_sha={options.commit}",
        f"tags.deployed_by={options.run}",
    ]
    names = ["--name", options.new, "--endpoint-name", endpoint.name]
    az("ml", "batch-deployment", "create", *names, "--file", str(FILE), "--set", *settings, *endpoint.place)


def score(endpoint: Endpoint, new: str, sample: str) -> None:
    """Score a sample with the new deployment, by name, and wait for the end.

    Raises:
        Failure: The run did not complete.
    """
    names = ["--name", endpoint.name, "--deployment-name", new]
    job = az("ml", "batch-endpoint", "invoke", *names, "--input", sample, *endpoint.place)["name"]
    show("ml", "job", "stream", "--name", job, *endpoint.place)
    status = az("ml", "job", "show", "--name", job, *endpoint.place)["status"]
    if status != "Completed":
        raise Failure(f"Run {job} of {new} ended as {status}.")


def rollback(endpoint: Endpoint, old: str) -> None:
    """Make the former deployment the default again; the new one stays, for whoever looks for the cause."""
    if old and endpoint.default() != old:
        endpoint.set_default(old)
    print(f"{old or 'Nothing'} was the default before this rollout.")


def main(arguments: list[str] | None = None) -> int:
    """Run one step; 1 when it must not go on."""
    options = parse(arguments)
    return exit_code(lambda: run(Endpoint(options.workload, options.environment), options))


def run(endpoint: Endpoint, options: argparse.Namespace) -> None:
    """Run the command that the options name."""
    if options.command == "choose":
        old = endpoint.default()
        print(f"old={old}\nnew={'green' if old == 'blue' else 'blue'}")
    elif options.command == "create":
        create(endpoint, options)
    elif options.command == "score":
        score(endpoint, options.new, options.sample)
    elif options.command == "switch":
        endpoint.set_default(options.new)
    else:
        rollback(endpoint, options.old)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command and its options."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("choose", "create", "score", "switch", "rollback"):
        command = commands.add_parser(name)
        command.add_argument("--workload", required=True)
        command.add_argument("--environment", required=True)
        if name == "rollback":
            command.add_argument("--old", default="")
        elif name != "choose":
            command.add_argument("--new", required=True, choices=["blue", "green"])
        if name == "create":
            command.add_argument("--registry", required=True)
            command.add_argument("--version", required=True)
            command.add_argument("--commit", required=True)
            command.add_argument("--run", required=True)
        if name == "score":
            command.add_argument("--sample", required=True, help="address of a table, or path of its folder")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
