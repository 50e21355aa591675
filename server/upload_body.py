"""Receives an upload: streams the body of a request into a file, and checks its size and type."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.concurrency import run_in_threadpool

from ..engine.errors import UsageError
from ..indexer.kinds import PDF_MAGIC_WITHIN, is_supported, read_kinds
from .http_errors import TooLarge, UnsupportedType
from .stored_uploads import IncomingUpload
from .upload_status import UploadStatus
from .uploads import UploadQueue

BLOCK_BYTES = 1 << 20
"""Bytes that are written at a time, and the most of an upload that is held in memory."""


async def receive(uploads: UploadQueue, name: str, body: AsyncIterator[bytes], *, max_bytes: int) -> UploadStatus:
    """Store a file that the client calls `name`, and queue it; it is durable when this returns.

    Raises Busy, TooLarge, UnsupportedType, UsageError for an empty file, StorageFull, and what `body` raises.
    """
    incoming: IncomingUpload | None = None
    block, received = bytearray(), 0
    try:
        async for chunk in body:
            received += len(chunk)
            if received > max_bytes:
                raise TooLarge(f"the file is larger than {max_bytes:,} bytes (--upload-max-mb)")
            block += chunk
            if len(block) >= BLOCK_BYTES:
                incoming = await run_in_threadpool(_write, uploads, name, incoming, block)
                block = bytearray()
        if not received:
            raise UsageError("the file is empty (0 bytes)")
        incoming = await run_in_threadpool(_write, uploads, name, incoming, block)
    except BaseException:
        if incoming is not None:
            uploads.discard(incoming)
        raise
    return await run_in_threadpool(uploads.accept, incoming)


def _write(uploads: UploadQueue, name: str, incoming: IncomingUpload | None, block: bytearray) -> IncomingUpload:
    """Write a block. Before the first one, check the file type and reserve a place in the queue."""
    if incoming is None:
        if not is_supported(name, bytes(block[:PDF_MAGIC_WITHIN])):
            raise UnsupportedType(f"not a kind of file that is read; {read_kinds()}")
        incoming = uploads.begin(name)
        try:
            incoming.write(block)
        except BaseException:
            uploads.discard(incoming)
            raise
        return incoming
    incoming.write(block)
    return incoming
