"""Flags that operators set while the service runs, read from App Configuration.

Each has its name and meaning in `flags.json`. One that is missing or not understood is off, and so are all of them
until the store has been read. A store that cannot be reached changes nothing: what was read last stays.

Sources: https://learn.microsoft.com/azure/azure-app-configuration/rest-api-key-value
https://learn.microsoft.com/azure/azure-app-configuration/feature-management-python-reference
"""

import asyncio
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
from featuremanagement import FeatureManager

from orchestrator.identity import Tokens
from orchestrator.settings import Settings

PAUSED = "paused"
CANDIDATE = "candidate-instructions"
KNOWN: Mapping[str, str] = json.loads((Path(__file__).parent / "flags.json").read_text(encoding="utf-8"))

AUDIENCE = "https://appconfig.azure.com"
API_VERSION = "2023-11-01"
PREFIX = ".appconfig.featureflag/"
REFRESH_SECONDS = 30.0
FIRST_READ_SECONDS = 5.0
"""A new replica waits this long for its flags before it starts without."""
TIMEOUT = httpx.Timeout(10.0, connect=5.0)
SOMEBODY = "somebody"
"""Stands for a caller whom the platform did not name, as on your machine."""

log = logging.getLogger("orchestrator")


class Flags:
    """What operators have switched on.

    Args:
        settings: Where the store is.
        client: What calls.
        tokens: Tokens of the identity of the service for the store.
    """

    def __init__(self, settings: Settings, client: httpx.AsyncClient, tokens: Tokens) -> None:
        self._settings = settings
        self._client = client
        self._tokens = tokens
        self._managers: dict[str, FeatureManager] = {}
        self._told: Mapping[str, Any] = {}

    def on(self, name: str, caller: str = "") -> bool:
        """Whether a flag is on for a caller, who gets the same answer for as long as the flag stays as it is.

        Args:
            name: One of `flags.json`.
            caller: Who asks: together with the name of the flag it decides who belongs to a percentage.
        """
        return name in self._managers and _evaluate(self._managers[name], name, caller) is True

    async def start(self) -> None:
        """Read the flags for the first time, but wait only for a moment."""
        try:
            await asyncio.wait_for(self.refresh(), FIRST_READ_SECONDS)
        except TimeoutError:
            self._tell(logging.WARNING, {"flags": "unreadable", "reason": "TimeoutError"})

    async def keep(self) -> None:
        """Read the flags again and again, until it is cancelled."""
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            await self.refresh()

    async def refresh(self) -> None:
        """Read the flags. When that fails, those that were read last stay, and the log says so once."""
        try:
            texts = await self._read()
        except Exception as error:  # Whatever is wrong with the store, the service answers.
            self._tell(logging.WARNING, {"flags": "unreadable", "reason": type(error).__name__})
            return
        managers: dict[str, FeatureManager] = {}
        states: dict[str, Any] = {}
        for name, text in sorted(texts.items()):
            row = _flag(name, text)
            managers[name] = FeatureManager({"feature_management": {"feature_flags": [row]}})
            understood = _evaluate(managers[name], name, SOMEBODY) is not None
            states[name] = {key: row.get(key) for key in ("enabled", "conditions")} if understood else "not understood"
        self._managers = managers
        self._tell(logging.INFO, {"flags": states})

    async def _read(self) -> dict[str, str]:
        """The flags of the store that the service knows: name -> JSON."""
        headers = {"Authorization": f"Bearer {await self._tokens.get()}"}
        found = {}
        url = f"{self._settings.flags_url}/kv?key={PREFIX}*&label=%00&api-version={API_VERSION}"
        while url:
            answer = await self._client.get(url, headers=headers, timeout=TIMEOUT)
            answer.raise_for_status()
            page = answer.json()
            found |= {item["key"].removeprefix(PREFIX): item["value"] for item in page["items"]}
            url = urljoin(self._settings.flags_url, page["@nextLink"]) if page.get("@nextLink") else ""
        return {name: text for name, text in found.items() if name in KNOWN}

    def _tell(self, level: int, facts: Mapping[str, Any]) -> None:
        """A line for the log when something is different from the last time."""
        if facts != self._told:
            self._told = facts
            log.log(level, json.dumps(facts))


def _flag(name: str, text: str) -> dict[str, Any]:
    """A flag under the name of its key; an empty one, which is not understood, for what is no flag."""
    try:
        return {"enabled": None, **json.loads(text), "id": name}
    except (TypeError, ValueError):
        return {"enabled": None, "id": name}


def _evaluate(manager: FeatureManager, name: str, caller: str) -> bool | None:
    """Whether a flag is on for a caller; None when it holds something that the library does not understand."""
    try:
        return bool(manager.is_enabled(name, caller or SOMEBODY))
    except Exception:  # It raises errors of its own and of Python's.
        return None
