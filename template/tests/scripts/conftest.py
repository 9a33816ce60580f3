"""The scripts as modules, and an Azure that remembers what it was asked."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))


class Azure:
    """Answers commands of the Azure CLI by their first words, and keeps them.

    `answers` holds the answer to each command that begins with some words, `turns` the answers that come before it,
    `bodies` what requests carried in files.
    """

    def __init__(self):
        self.answers = {}
        self.turns = {}
        self.asked = []
        self.bodies = []

    def __call__(self, *arguments):
        command = " ".join(arguments)
        self.asked.append(command)
        self.bodies += [json.loads(Path(word[1:]).read_text("utf-8")) for word in arguments if word.startswith("@/")]
        known = [words for words in self.answers if command.startswith(words)]
        if not known:
            return None
        words = max(known, key=len)
        return self.turns[words].pop(0) if self.turns.get(words) else self.answers[words]

    def said(self, words):
        """Every command that begins with these words."""
        return [command for command in self.asked if command.startswith(words)]


@pytest.fixture
def azure(monkeypatch):
    found = Azure()
    # Helpers of azure_cli ask by the same door.
    monkeypatch.setattr("azure_cli.az", found)
    return found
