"""Maximum size of request bodies."""

from __future__ import annotations

from .settings import ServerSettings

BODY_MAX_BYTES = 1 << 20
PICTURE_MAX_BYTES = 8 << 20
"""An image to search by, before base64 makes it a third larger."""
SEARCH_PATH = "/v1/search"
UPLOAD_PATH = "/v1/documents"


def body_limit(settings: ServerSettings, path: str) -> int:
    """The maximum size in bytes of the body of a request to `path`."""
    if path == SEARCH_PATH:
        return BODY_MAX_BYTES + PICTURE_MAX_BYTES * 4 // 3
    return settings.upload_max_bytes if path == UPLOAD_PATH else BODY_MAX_BYTES
