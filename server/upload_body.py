"""The body of a request goes in, piece by piece; a stored upload comes out, or a reason why not and nothing on disk."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.concurrency import run_in_threadpool

from ..engine.errors import UsageError
from ..indexer.discover import PDF_MAGIC_WITHIN, SUFFIXES, is_of_a_kind
from .http_errors import TooLarge, WrongKind
from .stored_uploads import Receiving
from .uploads import Uploads, UploadStatus

BLOCK_BYTES = 1 << 20
"""What is written at a time, and held of an upload in memory."""


async def receive(uploads: Uploads, name: str, body: AsyncIterator[bytes], *, max_bytes: int) -> UploadStatus:
    """Store a file that the client calls `name` and queue it; it is durable when this returns.

    Raises Busy, TooLarge, WrongKind, UsageError for an empty file, StorageFull, and what `body` raises.
    """
    receiving: Receiving | None = None
    block, received = bytearray(), 0
    try:
        async for piece in body:
            received += len(piece)
            if received > max_bytes:
                raise TooLarge(f"the file has more than {max_bytes:,} bytes (--upload-max-mb)")
            block += piece
            if len(block) >= BLOCK_BYTES:
                receiving = await run_in_threadpool(_write, uploads, name, receiving, block)
                block = bytearray()
        if not received:
            raise UsageError("the file is empty (0 bytes)")
        receiving = await run_in_threadpool(_write, uploads, name, receiving, block)
    except BaseException:
        if receiving is not None:
            uploads.give_up(receiving)
        raise
    return await run_in_threadpool(uploads.accept, receiving)


def _write(uploads: Uploads, name: str, receiving: Receiving | None, block: bytearray) -> Receiving:
    """Write a block; before the first one, see what kind of file begins so, and find room for it."""
    if receiving is None:
        if not is_of_a_kind(name, bytes(block[:PDF_MAGIC_WITHIN])):
            raise WrongKind(f"neither a PDF nor a picture; docsearch reads {' '.join(SUFFIXES)}")
        receiving = uploads.begin(name)
        try:
            receiving.write(block)
        except BaseException:
            uploads.give_up(receiving)
            raise
        return receiving
    receiving.write(block)
    return receiving
