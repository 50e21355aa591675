"""Index a folder on a cluster with the fake encoder, in a process that a test can kill.

Usage: FOLDER INDEX ADDRESS SECONDS_PER_PAGE
"""

from __future__ import annotations

import sys
from pathlib import Path

from docsearch.cluster.connection import connected
from docsearch.cluster.indexing import coordinator, tasks
from docsearch.cluster.indexing.index import index_documents
from docsearch.cluster.indexing.pool import PoolOptions
from fake_encoder import FakeEncoder


def main() -> None:
    folder, index, address, seconds_per_page = sys.argv[1:]
    tasks.TASK_DOCUMENTS_MAX = 2
    tasks.RANGE_PAGES = 8
    coordinator.COMMIT_AFTER_S = 0.1
    coordinator.LOSSES_MAX = 100  # tests kill more workers of a few documents than a document may cost
    with connected(address):
        report = index_documents(
            [folder],
            Path(index),
            options=coordinator.ClusterOptions(PoolOptions(cpus=1)),
            encoder=FakeEncoder(seconds_per_page=float(seconds_per_page)),
        )
    print(report.pages)


if __name__ == "__main__":
    main()
