"""How large the body of a request may be."""

from __future__ import annotations

from .settings import ServerSettings

BODY_MAX_BYTES = 1 << 20
PICTURE_MAX_BYTES = 8 << 20
"""A picture to search for; in base64 it takes a third more."""
SEARCH_PATH = "/v1/search"
UPLOAD_PATH = "/v1/documents"


def body_limit(settings: ServerSettings, path: str) -> int:
    """The bytes that the body of a request to `path` may have."""
    if path == SEARCH_PATH:
        return BODY_MAX_BYTES + PICTURE_MAX_BYTES * 4 // 3
    return settings.upload_max_bytes if path == UPLOAD_PATH else BODY_MAX_BYTES
