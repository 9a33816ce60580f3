"""Gateway policies: well-formed, four sections, known elements and attributes in the right place, values that exist.

The rules are rows of generator/decisions/policy-elements.yml. Looked at are the files of `gateway/policies` and every
policy that the evaluated resources deploy, with the values of each environment filled in. Not seen: whether an
attribute's text makes sense beyond its type, and whether a back end or a logger of that name exists.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from generator.evaluation import Environment, Project
from generator.tools.common import ABSENT, BROKEN, HOLDS, MissingTool, ToolResult, below, decision

SECTIONS = ("inbound", "backend", "outbound", "on-error")
NAMED_VALUE = re.compile(r"\{\{([^{}]+)\}\}")
UNRESOLVED = "["
"""What a value begins with that only a deployment can know."""
FILLED = re.compile(r"createObject\('key', '([^']+)'")
"""Names that such a value fills in by itself, with a pattern in which 0 stands for the name."""


def check_policies(project: Project) -> ToolResult:
    """Policies as files and as deployed keep the element table; named values exist."""
    paths = policy_files(project.root)
    deployed = [
        (f"{environment.name}: {resource.name}", str(resource.properties.get("value", "")), environment)
        for environment in project.environments.values()
        for resource in environment.resources
        if is_policy(resource.type)
    ]
    if not paths and not deployed:
        return ToolResult("policies", 0, ABSENT, [])
    try:
        faults = _unused(project.root, paths) if project.environments else []
        for path in paths:
            name, text = str(path.relative_to(project.root)), path.read_text(encoding="utf-8")
            faults += [f"{name}{fault}" for fault in policy_faults(text)]
        for name, text, environment in deployed:
            faults += [f"{name}{fault}" for fault in _deployed_faults(text, environment)]
    except MissingTool as missing:
        return ToolResult("policies", 0, BROKEN, [str(missing)])
    return ToolResult("policies", len(paths) + len(deployed), BROKEN if faults else HOLDS, list(dict.fromkeys(faults)))


def policy_files(root: Path) -> list[Path]:
    """Every policy file of a project."""
    return below(root, ["gateway/policies"], ".xml")


def is_policy(resource_type: str) -> bool:
    """Whether a resource type is a policy or a fragment of the gateway."""
    kind = resource_type.lower()
    return kind.startswith("microsoft.apimanagement/service/") and kind.endswith(("/policies", "/policyfragments"))


def policy_faults(text: str) -> list[str]:
    """What is wrong with a policy, each with its line; named values count as any value."""
    etree = _etree()
    try:
        root = etree.fromstring(text.encode(), etree.XMLParser(resolve_entities=False))
    except etree.XMLSyntaxError as error:
        return [f":{error.lineno}: not well-formed: {error.msg}"]
    if root.tag == "fragment":
        return _located(_policies(root, None))
    if root.tag != "policies":
        return [f":{root.sourceline}: the root is {root.tag}; write policies, or fragment for a fragment"]
    return _located(_sections(root))


def named_values(environment: Environment) -> set[str]:
    """Names by which policies reach the named values of an environment."""
    return {
        str(resource.properties.get("displayName") or resource.name.rsplit("/", 1)[-1])
        for resource in environment.of_type("Microsoft.ApiManagement/service/namedValues")
    }


def _etree() -> Any:
    try:
        from lxml import etree
    except ImportError:
        raise MissingTool("lxml is not installed: install it from PyPI.") from None
    return etree


def _unused(root: Path, paths: Iterable[Path]) -> list[str]:
    """Policy files that nothing deploys."""
    bicep = "".join(path.read_text(encoding="utf-8") for path in below(root, ["infra"], ".bicep"))
    return [
        f"{path.relative_to(root)}: no Bicep file loads it"
        for path in paths
        if path.relative_to(root).as_posix() not in bicep
    ]


def _deployed_faults(text: str, environment: Environment) -> list[str]:
    resolved = not text.startswith(UNRESOLVED)
    known = named_values(environment) | (set() if resolved else {*FILLED.findall(text), "0"})
    faults = [f": there is no named value {name}" for name in NAMED_VALUE.findall(text) if name not in known]
    return faults + policy_faults(text) if resolved else faults


def _located(found: Iterable[tuple[Any, str]]) -> list[str]:
    return [f":{element.sourceline}: {message}" for element, message in found]


def _sections(root: Any) -> Iterator[tuple[Any, str]]:
    present = [section.tag for section in root if isinstance(section.tag, str)]
    for name in SECTIONS:
        if present.count(name) != 1:
            yield root, f"section {name} is there {present.count(name)} times, not once"
    for section in root:
        if not isinstance(section.tag, str):
            continue
        if section.tag not in SECTIONS:
            yield section, f"there is no section {section.tag}"
            continue
        yield from _base(section)
        yield from _policies(section, section.tag)


def _base(section: Any) -> Iterator[tuple[Any, str]]:
    """Without <base /> the policies of the outer scopes are skipped; a back end may forward by itself instead."""
    count = len(section.findall("base"))
    forwards = section.tag == "backend" and section.find(".//forward-request") is not None
    if count != 1 and not (forwards and count == 0):
        yield section, f"section {section.tag} has {count} <base />, not one"
    if forwards and count:
        yield section, "<base /> and forward-request together would call the back end twice"


def _policies(parent: Any, section: str | None) -> Iterator[tuple[Any, str]]:
    for element in _elements(parent):
        row = decision("policy-elements.yml").get(element.tag)
        if row is None:
            yield element, f"the table of policy elements does not know {element.tag}"
        elif "sections" not in row:
            yield element, f"{element.tag} belongs into {' or '.join(row['parents'])}, not here"
        elif section and section not in row["sections"]:
            yield element, f"{element.tag} is not allowed in {section}, only in {', '.join(row['sections'])}"
        else:
            yield from _element(element, row, section)


def _element(element: Any, row: Mapping[str, Any], section: str | None) -> Iterator[tuple[Any, str]]:
    yield from ((element, message) for message in _attributes(element, row))
    if element.text and element.text.strip() and not row.get("text"):
        yield element, f"{element.tag} takes no text"
    children = row.get("children", [])
    if children == "policies":
        yield from _policies(element, section)
        return
    table = decision("policy-elements.yml")
    for child in _elements(element):
        if child.tag not in children:
            yield child, f"{child.tag} is not allowed in {element.tag}"
        else:
            yield from _element(child, table.get(child.tag, {}), section)


def _elements(parent: Any) -> list[Any]:
    """Child elements without comments."""
    return [child for child in parent if isinstance(child.tag, str)]


def _attributes(element: Any, row: Mapping[str, Any]) -> Iterator[str]:
    required, optional = row.get("required", {}), row.get("optional", {})
    given = dict(element.attrib)
    for name in required:
        if name not in given:
            yield f"{element.tag} lacks {name}"
    one_of = row.get("one_of", [])
    if one_of and not set(one_of) & given.keys():
        yield f"{element.tag} needs {' or '.join(one_of)}"
    for name, value in given.items():
        kind = {**required, **optional, "id": "string"}.get(name)
        if kind is None:
            yield f"{element.tag} has no attribute {name}"
        elif value.startswith(("@(", "@{")):
            if name in row.get("literal", []):
                yield f"{name} of {element.tag} takes no expression"
        elif "@(" in value:
            yield f"{name} of {element.tag} mixes text and expression: the gateway evaluates whole values only"
        elif not NAMED_VALUE.search(value) and not _fits(value, str(kind)):
            yield f"{name} of {element.tag} is {value!r}, not {kind}"


def _fits(value: str, kind: str) -> bool:
    if "|" in kind or kind not in ("string", "boolean", "integer", "number"):
        return value in [choice.strip() for choice in kind.split("|")]
    if kind == "boolean":
        return value in ("true", "false")
    if kind == "integer":
        return re.fullmatch(r"\d+", value) is not None
    return kind == "string" or re.fullmatch(r"\d+(\.\d+)?", value) is not None
