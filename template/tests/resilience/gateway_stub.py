"""What a policy of the gateway does once it asks models, without a gateway: its retries, and what callers are told.

It runs the sections backend, outbound and on-error of a policy file against back ends that answer as a drill wants, in
a time of its own. Limits, tokens and content filters stand in the section inbound and play no part. An element or an
expression that it does not know ends the drill: silence would be a promise.
"""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REFUSED, SILENT = "refused", "silent"
"""A back end that takes no connection, and one that takes it and never answers."""
OPENS = {True: {429, 500, 501, 502, 503}, False: {429, 503}}
"""Whether others stand in for a back end -> the answers after which it is left alone (infra/modules/gateway)."""
PASSED = ("base", "llm-semantic-cache-store")
"""Elements that change nothing about an answer."""
WORDS = (
    (r"\(\w+\)context\.Variables", "variables"),
    (r"context\.Response\.Headers\.GetValueOrDefault\(", "response.headers.get("),
    (r"context\.Response\.StatusCode", "response.status"),
    (r"context\.Response\b", "response"),
    (r"context\.LastError\.Reason", "error.reason"),
    (r"context\.LastError\.Source", "error.source"),
    (r"\|\|", " or "),
    (r"&&", " and "),
    (r"\bnull\b", "None"),
)
"""Words of an expression -> the same in Python."""


@dataclass
class Answer:
    """An answer: of a back end, or of the gateway to its caller."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    text: str = "{}"

    def body(self) -> Any:
        """The text, read as JSON."""
        return json.loads(self.text)


class Trouble(Exception):
    """What on-error is told: which element failed, and why."""

    def __init__(self, reason: str, status: int) -> None:
        super().__init__(reason)
        self.source, self.reason, self.status = "forward-request", reason, status


class Returned(Exception):
    """The policy has answered."""


class Gateway:
    """One call through a policy.

    Args:
        policy: File of the policy.
        members: What each back end of the pool answers, in the order in which they are asked.
    """

    def __init__(self, policy: Path, members: Sequence[Answer | str]) -> None:
        text = policy.read_text(encoding="utf-8")
        # As Bicep does: every other member may be asked once.
        text = text.replace("{{retries}}", str(max(1, len(members) - 1)))
        self.sections = ET.fromstring(text)
        self.members = list(members)
        self.closed: set[int] = set()
        self.asked: list[int] = []
        self.seconds = 0.0
        self.pooled = False
        self.response: Answer | None = None
        self.error: Trouble | None = None

    def call(self) -> Answer:
        """The answer that the caller gets."""
        try:
            try:
                self.run("backend")
                self.run("outbound")
            except Trouble as trouble:
                self.error = trouble
                self.response = None
                self.run("on-error")
                # The gateway's own words; callers should never see them.
                self.response = Answer(trouble.status, {}, json.dumps({"message": f"member: {trouble.reason}"}))
        except Returned:
            pass
        if self.response is None:
            raise AssertionError("The policy asks no back end.")
        return self.response

    def run(self, section: str) -> None:
        """Run the elements of a section."""
        for element in self.sections.find(section) or ():
            self.element(element)

    def element(self, element: ET.Element) -> None:
        """Run one element."""
        name = "do_" + element.tag.replace("-", "_")
        if element.tag in PASSED:
            return
        if not hasattr(self, name):
            raise AssertionError(f"The stub does not know <{element.tag}>: teach it what it does.")
        getattr(self, name)(element)

    def value(self, text: str) -> Any:
        """A text, or the value of the expression that it is."""
        if not text.startswith("@"):
            return text
        python = text[2:-1]
        for pattern, word in WORDS:
            python = re.sub(pattern, word, python)
        if re.search(r"\bcontext\b|;|__", python):
            raise AssertionError(f"The stub does not understand {text}: teach it what it means.")
        # The expression is a file of this repository, and sees these names alone.
        names = {"response": self.response, "error": self.error, "variables": Variables(), "bool": bool}
        return eval(python, {"__builtins__": {}}, names)

    def do_set_backend_service(self, element: ET.Element) -> None:
        """The pool is chosen anew for each try."""
        self.pooled = True

    def do_forward_request(self, element: ET.Element) -> None:
        """Ask the next back end that is not left alone."""
        others = len(self.members) > 1
        number = next((place for place in range(len(self.members)) if place not in self.closed), None)
        if number is None:
            raise Trouble("BackendUnavailable", 503)
        self.asked.append(number)
        found = self.members[number]
        if found == SILENT:
            self.seconds += float(element.get("timeout", "300"))
            raise Trouble("Timeout", 504)
        if found == REFUSED:
            if others:
                self.closed.add(number)
            raise Trouble("BackendConnectionFailure", 500)
        if not isinstance(found, Answer):
            raise AssertionError(f"The stub does not know a back end that is {found}.")
        if found.status in OPENS[others]:
            self.closed.add(number)
        self.response = Answer(found.status, dict(found.headers), found.text)

    def do_retry(self, element: ET.Element) -> None:
        """Children once, and again while the condition holds; an error counts as the answer that it means."""
        left, interval = int(element.get("count", "0")), float(element.get("interval", "0"))
        while True:
            trouble = None
            try:
                for child in element:
                    self.element(child)
            except Trouble as found:
                trouble = found
                self.response = Answer(found.status)
            if not left or not self.value(element.get("condition", "")):
                break
            left -= 1
            self.seconds += interval
        if trouble:
            raise trouble

    def do_choose(self, element: ET.Element) -> None:
        """The first branch whose condition holds."""
        for branch in element:
            if branch.tag == "otherwise" or self.value(branch.get("condition", "")):
                for child in branch:
                    self.element(child)
                return

    def do_set_header(self, element: ET.Element) -> None:
        """Change a header of the answer."""
        if self.response:
            self.header(self.response, element)

    def do_return_response(self, element: ET.Element) -> None:
        """Answer in place of the back end."""
        answer = Answer(200, {}, "")
        for child in element:
            if child.tag == "set-status":
                answer.status = int(child.get("code", ""))
            elif child.tag == "set-header":
                self.header(answer, child)
            elif child.tag == "set-body":
                answer.text = str(self.value((child.text or "").strip()))
            else:
                raise AssertionError(f"The stub does not know <{child.tag}> in an answer: teach it what it does.")
        self.response = answer
        raise Returned

    def header(self, answer: Answer, element: ET.Element) -> None:
        """Set or delete a header."""
        name = element.get("name", "")
        if element.get("exists-action") == "delete":
            answer.headers.pop(name, None)
        else:
            answer.headers[name] = str(self.value((element.findtext("value") or "").strip()))


class Variables(dict[str, Any]):
    """Variables that the section inbound has set; none of them matters to a drill."""

    def __missing__(self, name: str) -> Any:
        return None
