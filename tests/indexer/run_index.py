"""Index a folder with the fake encoder, in a process that a test can kill. Usage: FOLDER INDEX SECONDS_PER_PAGE."""

from __future__ import annotations

import sys
from pathlib import Path

from docsearch.indexer import pipeline, stages
from fake_encoder import FakeEncoder


def main() -> None:
    folder, index, seconds_per_page = sys.argv[1:]
    stages.BATCH_PAGES = 2
    stages.COMMIT_AFTER_S = 0.05
    report = pipeline.index_documents(
        [Path(folder)], Path(index), encoder=FakeEncoder(seconds_per_page=float(seconds_per_page)), workers=1
    )
    print(report.pages)


if __name__ == "__main__":
    main()
