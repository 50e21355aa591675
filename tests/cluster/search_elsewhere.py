"""Search an index through the client server of a cluster, once with an event loop and once without.

Usage: ray://HOST:PORT/FOLDER
"""

from __future__ import annotations

import asyncio
import json
import sys

from docsearch import AsyncSearcher, Hits, open_index
from fake_encoder import FakeEncoder


def main() -> None:
    with open_index(sys.argv[1], encoder=FakeEncoder()) as index:
        show(index.search("dues"))
    show(asyncio.run(ask()))


async def ask() -> Hits:
    async with AsyncSearcher(sys.argv[1], encoder=FakeEncoder()) as index:
        return await index.search("dues")


def show(hits: Hits) -> None:
    print(json.dumps([[hit.ref.page, hit.score] for hit in hits]))


if __name__ == "__main__":
    main()
