"""Tokens of the identity of the service, as Container Apps hands them out.

Source: https://learn.microsoft.com/azure/container-apps/managed-identity
"""

import asyncio
import time
from collections.abc import Callable

import httpx

from orchestrator.settings import Settings

RENEW_SECONDS = 300
"""A token is renewed this long before it expires."""


class Tokens:
    """The token of the service for one callee, kept until shortly before it expires.

    Args:
        settings: Where tokens come from.
        client: What calls.
        audience: For whom they are.
        now: Seconds since 1970.
    """

    def __init__(
        self, settings: Settings, client: httpx.AsyncClient, audience: str, now: Callable[[], float] = time.time
    ) -> None:
        self._settings = settings
        self._client = client
        self._audience = audience
        self._now = now
        self._lock = asyncio.Lock()
        self._token = ""
        self._expires = 0.0

    async def get(self) -> str:
        """A token that is valid for a while.

        Raises:
            httpx.HTTPError: The platform hands out none.
        """
        async with self._lock:
            if self._now() > self._expires - RENEW_SECONDS:
                await self._renew()
            return self._token

    async def _renew(self) -> None:
        answer = await self._client.get(
            self._settings.identity_endpoint,
            params={
                "api-version": "2019-08-01",
                "resource": self._audience,
                "client_id": self._settings.client_id,
            },
            headers={"X-IDENTITY-HEADER": self._settings.identity_header},
        )
        answer.raise_for_status()
        body = answer.json()
        self._token, self._expires = body["access_token"], float(body["expires_on"])
