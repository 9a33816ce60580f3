"""Entra tokens of the simulation: JSON web tokens, signed with a secret for each tenant, not with the keys of Entra."""

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any


def issue(tenant: str, audience: str, now: float, lifetime: float = 3600, **claims: Any) -> str:
    """A token of a tenant.

    Args:
        tenant: Tenant id.
        audience: Who it is for.
        now: Seconds since 1970.
        lifetime: Seconds until it expires.
        claims: More claims, or others than the usual ones.
    """
    body = {
        "iss": f"https://login.microsoftonline.com/{tenant}/v2.0",
        "aud": audience,
        "nbf": int(now),
        "exp": int(now + lifetime),
        "azp": "00000000-0000-0000-0000-000000000001",
        "sub": "somebody",
        **claims,
    }
    text = f"{_encode({'alg': 'HS256', 'typ': 'JWT'})}.{_encode(body)}"
    return f"{text}.{_sign(tenant, text)}"


def fault(token: str, tenant: str, audiences: list[str], applications: list[str], now: float) -> str | None:
    """Why a token is not accepted, as an error code of the gateway; None when it is."""
    claims = claims_of(token)
    if claims is None:
        return "JwtInvalid"
    expected = {f"https://login.microsoftonline.com/{tenant}/v2.0", f"https://sts.windows.net/{tenant}/"}
    if claims.get("iss") not in expected:
        return "TokenIssuerNotAllowed"
    text, _, signature = token.rpartition(".")
    if not hmac.compare_digest(_sign(tenant, text), signature):
        return "TokenSignatureInvalid"
    if claims.get("exp", 0) <= now or claims.get("nbf", 0) > now:
        return "TokenExpired"
    if audiences and claims.get("aud") not in audiences:
        return "TokenAudienceNotAllowed"
    if applications and claims.get("azp", claims.get("appid")) not in applications:
        return "TokenClaimValueNotAllowed"
    return None


def claims_of(token: str) -> dict[str, Any] | None:
    """What a token claims, whoever has signed it; None when it is no token."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=="))
    except (ValueError, binascii.Error):
        return None
    return claims if isinstance(claims, dict) else None


def _encode(document: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


def _sign(tenant: str, text: str) -> str:
    digest = hmac.new(f"key of {tenant}".encode(), text.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
