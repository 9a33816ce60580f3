"""Says what a change of the files does to the platform: what appears, goes and changes in each environment.

Both sides are evaluated by the snapshot command of the Bicep compiler, without Azure: the files as they were at a
revision of git, and the files as they are now. So it answers for pull requests and, before the commit, for updates:

    python3 scripts/changes.py HEAD

What loses data, opens or weakens something comes first. What only a deployment knows stays text in both sides; the plan
of the pipelines asks Azure itself.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

REPLACING = ("location", "name", "type", "kind")
"""Parts of a resource that Azure cannot change in place: the resource is made anew."""

WITHOUT_CONTENT = ("microsoft.authorization/roleassignments", "microsoft.insights/diagnosticsettings")
"""Types whose deletion loses nothing that the next deployment could not bring back."""

OPENS = {
    "publicNetworkAccess": ("Disabled", "SecuredByPerimeter"),
    "defaultAction": ("Deny",),
    "allowBlobPublicAccess": (False,),
    "anonymousPullEnabled": (False,),
    "remoteLoginPortPublicAccess": ("Disabled",),
    "sshPublicAccess": ("Disabled",),
    "enableNodePublicIp": (False,),
    "enablePrivateCluster": (True,),
}
"""Last part of a property's path -> the values that keep a resource closed."""

KEYS_OFF = {
    "disableLocalAuth": (True,),
    "DisableLocalAuth": (True,),
    "disableLocalAccounts": (True,),
    "allowSharedKeyAccess": (False,),
    "adminUserEnabled": (False,),
    "authMode": ("AADToken",),
}
"""Last part of a property's path -> the values that keep keys and passwords from being accepted."""

ROLE_ASSIGNMENT = "microsoft.authorization/roleassignments"
NOBODY = "11111111-1111-1111-1111-111111111111"
"""Tenant and subscription of both sides; names that follow from them differ from the real ones in the same way."""

LONGEST = 60_000
"""Characters that a comment of a pull request surely takes."""

Body = Mapping[str, Any]
Leaf = tuple[str, Any, Any]


class Failure(Exception):
    """Why nothing can be said, in one sentence."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; 1 when one of the sides cannot be evaluated."""
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=layout)
    parser.add_argument("revision", help="what to compare with, such as HEAD or origin/main")
    parser.add_argument("--markdown", type=Path, help="file for the answer")
    options = parser.parse_args(arguments)
    try:
        text = report(*sides(Path(__file__).resolve().parents[1], options.revision))
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    print(text)
    if options.markdown:
        options.markdown.write_text(f"{text}\n", encoding="utf-8")
    return 0


def sides(root: Path, revision: str) -> tuple[dict[str, list[Body]], dict[str, list[Body]]]:
    """Resources of each environment at a revision, and now.

    Raises:
        Failure: One of the sides cannot be evaluated.
    """
    compiler = find_compiler()
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "before", Path(folder) / "after"
        before.mkdir()
        archive = run(["git", "archive", "--format=tar", revision, "."], root)
        run(["tar", "--extract", "--file=-"], before, archive)
        listed = run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], root).decode()
        for name in filter(None, listed.split("\0")):
            if (root / name).is_file():
                (after / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(root / name, after / name)
        return evaluated(before, compiler), evaluated(after, compiler)


def evaluated(root: Path, compiler: str) -> dict[str, list[Body]]:
    """Resources of each environment of a project."""
    found: dict[str, list[Body]] = {}
    for path in sorted((root / "infra").glob("*.bicepparam")):
        location = re.search(r"^param location = '(\w+)'", path.read_text(encoding="utf-8"), re.MULTILINE)
        place = ["--tenant-id", NOBODY, "--subscription-id", NOBODY, "--location", location[1] if location else ""]
        command = [compiler, "snapshot", str(path), "--mode", "overwrite", *place, "--deployment-name", "platform"]
        run(command, root)
        snapshot = json.loads(path.with_suffix(".snapshot.json").read_text(encoding="utf-8"))
        found[path.stem] = snapshot["predictedResources"]
    return found


def find_compiler() -> str:
    """The Bicep compiler that `az bicep install` brings, or another one.

    Raises:
        Failure: There is none.
    """
    own = Path.home() / ".azure" / "bin" / "bicep"
    found = os.environ.get("BICEP") or (str(own) if own.is_file() else shutil.which("bicep"))
    if not found:
        raise Failure("The Bicep compiler is missing: az bicep install.")
    return found


def run(command: list[str], cwd: Path, stdin: bytes | None = None) -> bytes:
    """Output of a command.

    Raises:
        Failure: It failed.
    """
    done = subprocess.run(command, cwd=cwd, input=stdin, capture_output=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).decode(errors="replace").strip()
        raise Failure(f"{Path(command[0]).name} {command[1]} failed: {said}")
    return done.stdout


def report(old: Mapping[str, list[Body]], new: Mapping[str, list[Body]]) -> str:
    """What differs, as Markdown.

    Args:
        old: Environment -> its resources before.
        new: The same after.
    """
    names = [*old, *(name for name in new if name not in old)]
    parts = [section(name, keyed(old.get(name, [])), keyed(new.get(name, []))) for name in names]
    text = "\n\n".join(["## What this does to the platform", *parts])
    if len(text) > LONGEST:
        cut = text[:LONGEST].rpartition("\n")[0]
        text = f"{cut}\n\nThere is more: `python3 scripts/changes.py <revision>` prints all of it."
    return text


def keyed(resources: list[Body]) -> dict[str, Body]:
    """Resources by what makes them the same one on both sides."""
    return {key(body): body for body in resources}


def key(body: Body) -> str:
    """The id; of a role assignment, whose name is a hash, what it says."""
    if body["type"].lower() != ROLE_ASSIGNMENT:
        return str(body["id"]).lower()
    grant = body.get("properties") or {}
    scope = str(body["id"]).rsplit("/providers/", 1)[0]
    return f"{scope}|{grant.get('principalId')}|{grant.get('roleDefinitionId')}".lower()


def section(name: str, before: Mapping[str, Body], after: Mapping[str, Body]) -> str:
    """One environment."""
    added = [body for item, body in after.items() if item not in before]
    removed = [body for item, body in before.items() if item not in after]
    leaves = {item: changes(before[item], after[item]) for item in before if item in after}
    changed = {item: rows for item, rows in leaves.items() if rows}
    if not (added or removed or changed):
        return f"### {name}\n\nNothing changes."
    warnings = {
        (what, key(body)): f"- :warning: **{what}**: {told(body)}"
        for what, body in dangers(added, removed, [(after[item], rows) for item, rows in changed.items()])
    }
    parts = [f"### {name}", f"{len(added)} appear, {len(removed)} go, {len(changed)} change."]
    if warnings:
        parts.append("\n".join(warnings.values()))
    for title, bodies in (("Appear", added), ("Go", removed)):
        if bodies:
            parts.append(folded(title, [f"- {told(body)}" for body in bodies]))
    if changed:
        parts.append(folded("Change", list(lines({item: (after[item], rows) for item, rows in changed.items()}))))
    return "\n\n".join(parts)


def lines(changed: Mapping[str, tuple[Body, list[Leaf]]]) -> Iterator[str]:
    """Each property; a tag that changes everywhere once, with the number of resources."""
    tags = Counter(
        (path, shown(old), shown(new))
        for _, rows in changed.values()
        for path, old, new in rows
        if path.startswith("tags.")
    )
    for (path, old, new), count in tags.items():
        yield f"- {count} resources: `{path}`: {old} to {new}"
    for body, rows in changed.values():
        own = [row for row in rows if not row[0].startswith("tags.")]
        if own:
            yield f"- {told(body)}"
        for path, old, new in own:
            note = danger(path, old, new)
            yield f"  - `{path}`: {shown(old)} to {shown(new)}{f' (**{note}**)' if note else ''}"


def folded(title: str, rows: list[str]) -> str:
    """A list that opens when somebody wants to read it."""
    return "\n".join([f"<details><summary>{title}</summary>", "", *rows, "", "</details>"])


def told(body: Body) -> str:
    """Type and name of a resource; of a role assignment, the role and where."""
    if body["type"].lower() == ROLE_ASSIGNMENT:
        where = str(body["id"]).rsplit("/providers/", 2)
        role = str((body.get("properties") or {}).get("roleDefinitionId", "")).rpartition("/")[2]
        return f"`{body['type']}` role `{role}` at `{where[1] if len(where) > 2 else where[0]}`"
    return f"`{body['type']}` `{body['name']}`"


def shown(value: Any) -> str:
    """A value in one line."""
    text = "absent" if value is None else json.dumps(value, ensure_ascii=False)
    return f"`{text if len(text) <= 100 else f'{text[:97]}...'}`".replace("|", "\\|")


def changes(old: Body, new: Body) -> list[Leaf]:
    """What differs between two states of a resource; the hash that names a role assignment is no difference."""
    hidden = ("id", "name") if new["type"].lower() == ROLE_ASSIGNMENT else ()
    before = {name: value for name, value in old.items() if name not in hidden}
    after = {name: value for name, value in new.items() if name not in hidden}
    return list(differing(before, after))


def differing(old: Any, new: Any, path: str = "") -> Iterator[Leaf]:
    """Every leaf that differs: its path, the old and the new value; None where it is absent.

    Args:
        old: A value of the old resource.
        new: The value at the same place of the new one.
        path: Where it is, as `properties.networkAcls.ipRules[0].value`.
    """
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in [*old, *(name for name in new if name not in old)]:
            yield from differing(old.get(name), new.get(name), f"{path}.{name}" if path else str(name))
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            before = old[index] if index < len(old) else None
            after = new[index] if index < len(new) else None
            yield from differing(before, after, f"{path}[{index}]")
    elif old != new:
        yield path, old, new


def dangers(
    added: list[Body], removed: list[Body], changed: list[tuple[Body, list[Leaf]]]
) -> Iterator[tuple[str, Body]]:
    """(what happens, resource) for whatever loses data, opens or weakens something; deletions first."""
    for body in removed:
        if body["type"].lower() not in WITHOUT_CONTENT:
            yield "deleted", body
    for body, rows in changed:
        for path, old, new in rows:
            if what := danger(path, old, new):
                yield what, body
    for body in added:
        if born_open(body):
            yield "open to the public from the start", body


def danger(path: str, old: Any, new: Any) -> str | None:
    """What a reviewer must not miss: the resource is made anew, public access opened, key access switched on."""
    name = path.rpartition(".")[2]
    if path in REPLACING:
        return "made anew"
    if old in OPENS.get(name, ()) and new not in OPENS[name]:
        return "public access opened"
    if old in KEYS_OFF.get(name, ()) and new not in KEYS_OFF[name]:
        return "key access switched on"
    return None


def born_open(body: Body) -> bool:
    """Whether a new resource takes every address: its endpoint is public and no rule denies by default."""
    properties = body.get("properties") or {}
    rules = properties.get("networkAcls") or properties.get("networkRuleSet") or {}
    return properties.get("publicNetworkAccess") == "Enabled" and rules.get("defaultAction") != "Deny"


if __name__ == "__main__":
    sys.exit(main())
