"""Signatures after Standard Webhooks (version 1.0.0): HMAC-SHA256 over `id.timestamp.body`, in base64."""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence

PREFIX = "whsec_"
SECRET_BYTES = (24, 64)
MADE_BYTES = 32


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(MADE_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """Raises ValueError for what is no secret of the standard's form."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        key = b""
    least, most = SECRET_BYTES
    if not secret.startswith(PREFIX) or not least <= len(key) <= most:
        raise ValueError(f"expected {PREFIX} and {least} to {most} bytes in base64")
    return key


def headers(signing: Sequence[str], id_: str, at: float, body: bytes) -> dict[str, str]:
    """The three headers; one signature for each secret, so that a receiver may know the old or the new one."""
    timestamp = str(int(at))
    signed = b".".join((id_.encode(), timestamp.encode(), body))
    signatures = [base64.b64encode(hmac.digest(key_of(x), signed, hashlib.sha256)).decode() for x in signing]
    return {
        "webhook-id": id_,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{one}" for one in signatures),
    }
