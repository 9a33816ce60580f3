"""What changes between two projects: resource by resource, property by property, from the evaluated templates."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from generator.evaluation import Environment, Project, Resource
from generator.paths import script

changes = script("changes")
"""What a generated project says about itself: the rules are the same here and there."""


@dataclass(frozen=True)
class Change:
    """One property that differs: its path, the old and the new value; None where it is absent."""

    path: str
    old: Any
    new: Any

    @property
    def replaces(self) -> bool:
        """Whether Azure must make the resource anew."""
        return self.path in changes.REPLACING

    @property
    def danger(self) -> str | None:
        """What a reviewer must not miss: the resource is made anew, public access opened, key access switched on."""
        return cast("str | None", changes.danger(self.path, self.old, self.new))


@dataclass(frozen=True)
class Difference:
    """One environment compared.

    Args:
        environment: Its name.
        added: Resources that appear.
        removed: Resources that go.
        changed: Resource id -> what differs.
    """

    environment: str
    added: list[Resource] = field(default_factory=list)
    removed: list[Resource] = field(default_factory=list)
    changed: dict[str, list[Change]] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether nothing differs."""
        return not (self.added or self.removed or self.changed)

    @property
    def dangers(self) -> list[tuple[str, str]]:
        """(what happens, resource) for whatever loses data, opens or weakens something; deletions first."""
        changed = [(change.danger, key) for key, rows in self.changed.items() for change in rows if change.danger]
        gone = [("deleted", item.id) for item in self.removed if item.type.lower() not in changes.WITHOUT_CONTENT]
        opened = [("open to the public from the start", item.id) for item in self.added if changes.born_open(item.body)]
        return gone + list(dict.fromkeys(changed)) + opened


def compare(old: Project, new: Project) -> list[Difference]:
    """Every environment of either project; one that only one of them has appears or goes as a whole.

    Names of different workloads are compared without the workload, since everything would differ otherwise.
    """
    names = [*old.environments, *(name for name in new.environments if name not in old.environments)]
    same_names = old.answers["workload"] == new.answers["workload"]
    return [
        _compare(
            name,
            _resources(old.environments.get(name), None if same_names else str(old.answers["workload"])),
            _resources(new.environments.get(name), None if same_names else str(new.answers["workload"])),
        )
        for name in names
    ]


def _resources(environment: Environment | None, workload: str | None) -> dict[str, Resource]:
    """Resources by the key under which the other project has the same one."""
    if environment is None:
        return {}
    neutral = _neutral(environment, workload) if workload else lambda resource: resource
    return {_key(item): item for item in map(neutral, environment.resources)}


def _key(resource: Resource) -> str:
    """What makes it the same resource in both projects."""
    return str(changes.key(resource.body))


def _neutral(environment: Environment, workload: str) -> Callable[[Resource], Resource]:
    """Take the workload, and the unique characters that follow from it, out of every text of a resource."""
    vaults = environment.of_type("Microsoft.KeyVault/vaults")
    suffix = vaults[0].name.rsplit("-", 1)[-1] if vaults else workload
    patterns = (
        (rf"(?<=-){workload}(?=-)", "<workload>"),
        (rf"\b(st|cr){workload}(?=dev|test|prod)", r"\1<workload>"),
        (rf"{suffix}\b", "<unique>"),
    )

    def neutral(resource: Resource) -> Resource:
        text = json.dumps(resource.body)
        for pattern, replacement in patterns:
            text = re.sub(pattern, replacement, text)
        return Resource(json.loads(text))

    return neutral


def _compare(name: str, before: Mapping[str, Resource], after: Mapping[str, Resource]) -> Difference:
    changed = {
        resource.id: leaves
        for key, resource in before.items()
        if key in after and (leaves := [Change(*leaf) for leaf in changes.changes(resource.body, after[key].body)])
    }
    return Difference(
        name,
        [resource for key, resource in after.items() if key not in before],
        [resource for key, resource in before.items() if key not in after],
        changed,
    )


def differing(old: Any, new: Any, path: str = "") -> Iterator[Change]:
    """Every leaf that differs.

    Args:
        old: A value of the old resource.
        new: The value at the same place of the new one.
        path: Where it is, as `properties.networkAcls.ipRules[0].value`.
    """
    for leaf in changes.differing(old, new, path):
        yield Change(*leaf)


def split_tags(item: Difference) -> tuple[dict[Change, int], dict[str, list[Change]]]:
    """Tags change everywhere at once: each such change with its number of resources, and what else changes in each."""
    tags = Counter(change for changes in item.changed.values() for change in changes if change.path.startswith("tags."))
    own = {
        key: rest
        for key, changes in item.changed.items()
        if (rest := [change for change in changes if not change.path.startswith("tags.")])
    }
    return dict(tags), own


def data(differences: list[Difference]) -> dict[str, Any]:
    """Differences as plain data, for JSON."""
    return {
        item.environment: {
            "added": [{"type": resource.type, "id": resource.id} for resource in item.added],
            "removed": [{"type": resource.type, "id": resource.id} for resource in item.removed],
            "dangers": [{"what": what, "id": key} for what, key in item.dangers],
            "changed": [
                {
                    "id": key,
                    "properties": [
                        {"path": change.path, "old": change.old, "new": change.new, "replaces": change.replaces}
                        for change in changes
                    ],
                }
                for key, changes in item.changed.items()
            ],
        }
        for item in differences
    }
