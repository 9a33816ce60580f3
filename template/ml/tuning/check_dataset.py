"""Check a data set for fine-tuning before it costs anything: one sentence for each fault."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

ROLES = ("system", "developer", "user", "assistant", "tool")
# Fewer are refused by the service.
FEWEST_EXAMPLES = 10
# Longer examples are cut off while training. About 4 characters are one token.
MOST_TOKENS = 65_536
CHARACTERS_PER_TOKEN = 4


def faults(path: Path) -> list[str]:
    """Return what is wrong with a JSON Lines file of chats, in the order of its lines.

    Args:
        path: File with one `{"messages": [...]}` a line, in UTF-8.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        return [f"{path.name} is not UTF-8."]
    found = [f"Line {number}: {fault}" for number, line in enumerate(lines, 1) for fault in faults_of_line(line)]
    if len(lines) < FEWEST_EXAMPLES:
        found.append(f"There are {len(lines)} examples: give at least {FEWEST_EXAMPLES}.")
    repeated = len(lines) - len(set(lines))
    if repeated:
        found.append(f"{repeated} examples repeat another one.")
    return found


def faults_of_line(line: str) -> list[str]:
    """Return what is wrong with one example."""
    try:
        example = json.loads(line)
    except json.JSONDecodeError as fault:
        return [f"it is not JSON ({fault.msg})."]
    messages = example.get("messages") if isinstance(example, dict) else None
    if not isinstance(messages, list) or not messages:
        return ["it has no messages."]
    found = [fault for message in messages for fault in faults_of_message(message)]
    roles = [message.get("role") for message in messages if isinstance(message, dict)]
    if "user" not in roles:
        found.append("no message is of the user.")
    if roles and roles[-1] != "assistant":
        found.append("the last message is not of the assistant: there is nothing to learn.")
    if any(role in ("system", "developer") for role in roles[1:]):
        found.append("the system message is not the first one.")
    if len(line) > MOST_TOKENS * CHARACTERS_PER_TOKEN:
        found.append(f"it is longer than {MOST_TOKENS} tokens.")
    return found


def faults_of_message(message: Any) -> list[str]:
    """Return what is wrong with one message."""
    if not isinstance(message, dict):
        return ["a message is not an object."]
    role = message.get("role")
    if role not in ROLES:
        return [f"the role {role!r} is none of {', '.join(ROLES)}."]
    if role == "assistant" and message.get("tool_calls"):
        return []
    content = message.get("content")
    if not (isinstance(content, list) and content) and not (isinstance(content, str) and content.strip()):
        return [f"a message of the {role} is empty."]
    if message.get("weight", 1) not in (0, 1):
        return [f"the weight {message['weight']!r} is neither 0 nor 1."]
    return []


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path, nargs="+", help="JSON Lines file of chats")
    found = [f"{path}: {fault}" for path in parser.parse_args().dataset for fault in faults(path)]
    if found:
        sys.exit("\n".join(found))
    print("Nothing is wrong.")


if __name__ == "__main__":
    main()
