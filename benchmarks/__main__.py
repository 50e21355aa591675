"""Measures docsearch beside its peers: `python -m benchmarks [CASE ...] [--json] [--corpora DIR]`.

Results go to stdout, what is skipped or refused to stderr too. Exit codes: 0 done or skipped; 1 a case was refused.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from . import report
from .registry import CASES, Case
from .setting import REPOSITORY, Refused, Row, Setting, Skipped


def main() -> int:
    """Run the named cases, or all, in the order of the registry."""
    arguments = parse()
    command = " ".join(["python -m benchmarks", *sys.argv[1:]])
    setting = Setting(find_corpora(arguments.corpora))
    if not arguments.json:
        print(report.where(), flush=True)
    refused = 0
    for case in CASES.values():
        if case.name in (arguments.cases or CASES):
            refused += not run(case, setting, command=command, as_json=arguments.json)
    return 1 if refused else 0


def parse() -> argparse.Namespace:
    """The command line."""
    cases = "\n".join(f"  {case.name:11} {case.summary}" for case in CASES.values())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure docsearch beside its peers. Cases, all by default:\n\n" + cases,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("cases", nargs="*", metavar="CASE", help="cases to run")
    parser.add_argument("--json", action="store_true", help="one JSON object a result line")
    parser.add_argument("--corpora", type=Path, metavar="DIR", help="folder of corpora; default $DOCSEARCH_CORPORA")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.cases if name not in CASES]:
        parser.error(f"no case {', '.join(unknown)}; there are {', '.join(CASES)}")
    if arguments.corpora is not None and not arguments.corpora.is_dir():
        parser.error(f"--corpora {arguments.corpora}: not a folder")
    return arguments


def find_corpora(given: Path | None) -> Path | None:
    """The folder of corpora: as given, $DOCSEARCH_CORPORA, or shared/corpora beside the repository; None without."""
    if given is None:
        named = os.environ.get("DOCSEARCH_CORPORA")
        given = Path(named) if named else REPOSITORY.parent / "shared/corpora"
    return given.resolve() if given.is_dir() else None


def run(case: Case, setting: Setting, *, command: str, as_json: bool) -> bool:
    """Run one case and print its rows; False if it was refused."""
    from docsearch.engine.errors import DocsearchError

    if not as_json:
        print(f"\n{case.name}: {case.summary}", flush=True)
    rows: list[Row] = []
    declined = None
    try:
        for row in case.run(setting):
            rows.append(row)
            if as_json:
                print(report.as_json(case.name, row, command), flush=True)
    except Skipped as err:
        declined = "skipped", str(err)
    except (Refused, DocsearchError) as err:
        declined = "refused", str(err)
    if rows and not as_json:
        print(report.as_table(rows), flush=True)
    if declined is not None:
        how, why = declined
        print(f"{case.name}: {how}: {why}", file=sys.stderr, flush=True)
        if as_json:
            print(json.dumps({"case": case.name, how: why}, ensure_ascii=False), flush=True)
        return how != "refused"
    return True


if __name__ == "__main__":
    sys.exit(main())
