"""Measures docsearch and its peers: `python -m benchmarks [CASE ...] [--json] [--save] [--corpora DIR]`.

Results go to stdout; what is skipped or refused is reported on stderr too. Exit codes: 0 done or skipped; 1 a case was
refused.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from . import processor, report, saved_runs
from .registry import CASES, Case
from .setting import REPOSITORY, Refused, Row, Setting, Skipped
from .time_limit import TimeIsUp, time_limit


def main() -> int:
    """Run the named cases, or all, in the order of the registry."""
    arguments = parse()
    command = " ".join(["python -m benchmarks", *sys.argv[1:]])
    setting = Setting(find_corpora(arguments.corpora))
    today = datetime.now(UTC).date() if arguments.save else None
    if not arguments.json:
        print(report.where(), flush=True)
    refused = 0
    for case in CASES.values():
        if case.name in (arguments.cases or CASES):
            limited = case if arguments.limit is None else replace(case, limit_s=arguments.limit)
            refused += not run(limited, setting, command=command, as_json=arguments.json, save_as=today)
    return 1 if refused else 0


def parse() -> argparse.Namespace:
    """The command line."""
    cases = "\n".join(f"  {case.name:14} {case.limit_s:5} s  {case.summary}" for case in CASES.values())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure docsearch and its peers. Cases, all by default, and when each is stopped:\n\n" + cases,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("cases", nargs="*", metavar="CASE", help="cases to run")
    parser.add_argument("--json", action="store_true", help="print one JSON object per result line")
    saved = saved_runs.RESULTS.relative_to(REPOSITORY)
    parser.add_argument("--save", action="store_true", help=f"also keep the rows in {saved}, by date and processor")
    parser.add_argument("--limit", type=int, metavar="S", help="stop each case after S seconds instead")
    parser.add_argument("--corpora", type=Path, metavar="DIR", help="folder of corpora; default $DOCSEARCH_CORPORA")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.cases if name not in CASES]:
        parser.error(f"no case {', '.join(unknown)}; there are {', '.join(CASES)}")
    if arguments.corpora is not None and not arguments.corpora.is_dir():
        parser.error(f"--corpora {arguments.corpora}: not a folder")
    return arguments


def find_corpora(given: Path | None) -> Path | None:
    """The folder of corpora: `given`, else $DOCSEARCH_CORPORA, else shared/corpora beside the repository, else None."""
    if given is None:
        named = os.environ.get("DOCSEARCH_CORPORA")
        given = Path(named) if named else REPOSITORY.parent / "shared/corpora"
    return given.resolve() if given.is_dir() else None


def run(case: Case, setting: Setting, *, command: str, as_json: bool, save_as: date | None = None) -> bool:
    """Run one case and print its rows; False if it was refused.

    With `save_as`, the rows are also kept, as those of that day; of a refused case none are. A case that reaches its
    limit is stopped, and its last row says so.
    """
    from docsearch.engine.errors import DocsearchError

    if not as_json:
        print(f"\n{case.name}: {case.summary}", flush=True)
    rows: list[Row] = []
    declined = None
    try:
        with time_limit(case.limit_s, lambda: _say_stopped(case)):
            for row in case.run(setting):
                rows.append(row)
                if as_json:
                    print(report.as_json(case.name, row, command), flush=True)
    except TimeIsUp:
        _say_stopped(case)
        rows.append({"what": "the rest", "skipped": f"the case was stopped after its limit of {case.limit_s} s"})
        if as_json:
            print(report.as_json(case.name, rows[-1], command), flush=True)
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
        if how == "refused":
            return False
    if rows and save_as is not None:
        file = saved_runs.file_of(case.name, day=save_as, model_name=processor.name())
        saved_runs.save([report.as_json(case.name, row, command) for row in rows], file)
        print(f"{case.name}: rows saved to {file}", file=sys.stderr, flush=True)
    return True


def _say_stopped(case: Case) -> None:
    print(f"{case.name}: stopped after its limit of {case.limit_s} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
