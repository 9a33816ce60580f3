"""What a gateway consists of, read from the evaluated resources of an environment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from generator import yaml_text
from generator.evaluation import Environment, Resource
from generator.gateway_simulation.messages import SimulationError

SERVICE = "Microsoft.ApiManagement/service"
SECTIONS = ("inbound", "backend", "outbound", "on-error")
DEFAULT = "<policies><inbound /><backend><forward-request /></backend><outbound /><on-error /></policies>"
"""The policy of a gateway that nobody has changed."""
REVISION = re.compile(r"(.*?);rev=(\d+)")
NAMED_VALUE = re.compile(r"\{\{([^{}]+)\}\}")
UNRESOLVED_TEXT = re.compile(r"'(<policies>.*</policies>\s*)', lambda\(", re.DOTALL)
UNRESOLVED_VALUE = re.compile(r"createObject\('key', '([^']+)', 'value', (?:'((?:[^']|'')*)'\))?")

Policy = Mapping[str, list[Element]]
"""Section -> elements."""


@dataclass(frozen=True)
class Operation:
    """An operation of an API: its id, its method, its path."""

    id: str
    method: str
    path: str


@dataclass(frozen=True)
class Api:
    """An API: where it answers, how it asks for keys, its policy and what is logged of its calls."""

    name: str
    title: str
    path: str
    version: str
    operations: tuple[Operation, ...]
    key_names: tuple[str, str] | None
    policy: Policy
    diagnostics: tuple[tuple[str, Mapping[str, Any]], ...]


@dataclass(frozen=True)
class Product:
    """What a subscription gives access to, and the policy of its calls."""

    name: str
    apis: frozenset[str]
    policy: Policy


@dataclass(frozen=True)
class Configuration:
    """Everything that decides about a call before a back end sees it.

    Args:
        apis: By name.
        products: By name.
        subscriptions: Name of a subscription -> name of its product.
        policy: Of the whole gateway.
    """

    apis: Mapping[str, Api]
    products: Mapping[str, Product]
    subscriptions: Mapping[str, str]
    policy: Policy

    def policies(self) -> list[Policy]:
        """Every policy."""
        return [
            self.policy,
            *(item.policy for item in self.products.values()),
            *(item.policy for item in self.apis.values()),
        ]


def read(environment: Environment, revision: int | None = None) -> Configuration:
    """The gateway of an environment, with one revision of each API: the given one, else the first that is written.

    Raises:
        SimulationError: There is none, or a policy is malformed.
    """
    environment = _one_revision(environment, revision)
    policies = _Policies(environment)
    apis = {item.name: item for item in (_api(environment, body, policies) for body in _children(environment, "apis"))}
    if not apis:
        raise SimulationError(f"{environment.name} has no API behind a gateway: there is nothing to simulate.")
    offered = [_parts(item) for item in environment.of_type(f"{SERVICE}/products/apis")]
    products = {
        name: Product(
            name, frozenset(api for product, api in offered if product == name), policies.of(f"products/{name}")
        )
        for name, _ in _children(environment, "products")
    }
    subscriptions = {
        name: str(properties["scope"]).rpartition("/products/")[2]
        for name, properties in _children(environment, "subscriptions")
        if properties.get("state") == "active"
    }
    return Configuration(apis, products, subscriptions, policies.of("") or sections(DEFAULT))


def _children(environment: Environment, kind: str) -> list[tuple[str, dict[str, Any]]]:
    found = [(_parts(item)[-1], item.properties) for item in environment.of_type(f"{SERVICE}/{kind}")]
    if len(dict(found)) < len(found):
        raise SimulationError(f"Two resources of {kind} have one name: a call could mean either.")
    return found


def _one_revision(environment: Environment, wanted: int | None) -> Environment:
    """The environment as callers find it while one revision of each API is current."""
    numbers: dict[str, set[int]] = {}
    for item in environment.of_type(f"{SERVICE}/apis"):
        name, _, number = item.name.partition(";rev=")
        numbers.setdefault(name, set()).add(int(number or 0))
    current = {name: wanted if wanted in found else min(found) for name, found in numbers.items()}

    def answers(item: Resource) -> bool:
        found = REVISION.match(item.name)
        return not found or current.get(found[1], int(found[2])) == int(found[2])

    return replace(environment, resources=tuple(item for item in environment.resources if answers(item)))


def _parts(resource: Resource) -> list[str]:
    """Names of a child of the gateway, without the gateway and without revisions."""
    return [part.partition(";rev=")[0] for part in resource.name.split("/")[1:]]


def _api(environment: Environment, found: tuple[str, dict[str, Any]], policies: "_Policies") -> Api:
    name, body = found
    if body.get("format") != "openapi":
        raise SimulationError(f"API {name} is not deployed as OpenAPI: its operations are not known.")
    document = yaml_text.parse(str(body["value"]))
    operations = tuple(
        Operation(operation["operationId"], method.upper(), path)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in ("get", "put", "post", "delete", "patch")
    )
    names = body.get("subscriptionKeyParameterNames") or {}
    keys = (names.get("header", "Ocp-Apim-Subscription-Key"), names.get("query", "subscription-key"))
    diagnostics = tuple(
        (_parts(item)[-1], item.properties)
        for item in environment.of_type(f"{SERVICE}/apis/diagnostics")
        if _parts(item)[0] == name
    )
    version = str(body.get("apiVersion") or "")
    path = "/".join(part for part in ("", str(body["path"]), version) if part or not version)
    return Api(
        name,
        str(body.get("displayName", name)),
        "/" + path.strip("/"),
        version,
        operations,
        keys if body.get("subscriptionRequired", True) else None,
        policies.of(f"apis/{name}"),
        diagnostics,
    )


class _Policies:
    """Policies as deployed, with named values filled in, by what they belong to."""

    def __init__(self, environment: Environment) -> None:
        self.values = {
            str(body.get("displayName", name)): _known(name, str(body.get("value", "[")))
            for name, body in _children(environment, "namedValues")
        }
        self.texts = {}
        for item in environment.resources:
            kind = item.type.removeprefix(f"{SERVICE}/")
            if item.type.startswith(SERVICE) and kind.endswith("policies") and kind != "policyFragments":
                owner = "/".join([*kind.split("/")[:-1], *_parts(item)[:-1]])
                self.texts[owner] = str(item.properties["value"])

    def of(self, owner: str) -> Policy:
        """The policy of an API or a product, such as apis/models; without one nothing but the outer scope."""
        text = self.texts.get(owner)
        if text is None:
            return {section: [Element("base")] for section in SECTIONS} if owner else {}
        if text.startswith("["):
            text = _resolved(owner, text)
        return sections(NAMED_VALUE.sub(lambda name: self.values.get(name[1], name[0]), text), owner)


def _resolved(owner: str, text: str) -> str:
    """A policy with values that only a deployment knows; those become words that say so."""
    found = UNRESOLVED_TEXT.search(text)
    if not found:
        raise SimulationError(f"The policy of {owner} is known only when it is deployed.")
    values = {key: _known(key, value.replace("''", "'") or "[") for key, value in UNRESOLVED_VALUE.findall(text)}
    return NAMED_VALUE.sub(lambda name: values.get(name[1], name[0]), found[1].replace("''", "'"))


def _known(name: str, value: str) -> str:
    """A value, or a word for what only a deployment knows."""
    if not value.startswith("["):
        return value
    return f"https://{name}/" if name.endswith("uri") else f"known-when-deployed-{name}"


def sections(text: str, owner: str = "the gateway") -> Policy:
    """A policy by its sections.

    Raises:
        SimulationError: It is not well-formed, or has a section that there is none of.
    """
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise SimulationError(f"The policy of {owner} is not well-formed: {error}.") from error
    unknown = sorted({section.tag for section in root} - set(SECTIONS))
    if root.tag != "policies" or unknown:
        raise SimulationError(f"The policy of {owner} has {', '.join(unknown) or root.tag}, which is no section.")
    return {name: list(root.find(name) if root.find(name) is not None else []) for name in SECTIONS}  # type: ignore[arg-type]
