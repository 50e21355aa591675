"""Search by workers on a cluster of three nodes: the law, and workers, nodes and shards that go and come."""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from test_combined import QUESTIONS
from toy_sentences import HashedWords

from docsearch import AsyncSearcher, open_index
from docsearch.cluster.search.fan_out import FanOut
from docsearch.cluster.search.searcher import RaySearch, ShardedSearcher
from docsearch.cluster.search.workers import HeldShards, ShardWorker
from docsearch.engine.errors import ShardsUnavailable, UsageError
from docsearch.engine.hits import Hits
from docsearch.engine.models import sentences
from docsearch.engine.records import Query
from docsearch.engine.retrieval import first_stage
from docsearch.engine.store import open_writer, sharding
from late_pages import LateEncoder, answer, write
from local_cluster import local_cluster
from other_workers import BrokenWorker, OldWorker
from patience import DEADLINE_S

SHARDS, LATE_SHARDS = 3, 2
"""Of the sample documents, and of a toy model: each is a worker, which takes a second or two to start."""


@pytest.fixture(scope="module")
def divided(segmented_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample documents' index in three shards."""
    copy = tmp_path_factory.mktemp("divided") / "index"
    sharding.divide_copy(segmented_index, copy, SHARDS)
    return copy


@pytest.fixture
def late(tmp_path: Path) -> Path:
    """An index of a toy model in two shards."""
    write(tmp_path / "index", 0)
    with open_writer(tmp_path / "index", fingerprint=None) as writer:
        writer.divide(LATE_SHARDS)
    return tmp_path / "index"


def expected(index: Path, questions: list[str]) -> dict[str, object]:
    with open_index(index, encoder=LateEncoder(0)) as one:
        return {question: answer(one.search(question, candidates=20)) for question in questions}


def test_answers_are_those_of_one_process_to_the_last_bit(
    three_nodes: Any, divided: Path, segmented_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RaySearch("auto", cpus=0.5) as cluster, cluster.open(divided):  # its workers stay for both rounds
        for exact_vectors in (first_stage.EXACT_VECTORS, 0):
            monkeypatch.setattr(first_stage, "EXACT_VECTORS", exact_vectors)
            with open_index(segmented_index) as one, cluster.open(divided) as several:
                for mode in ("hybrid", "visual", "text"):
                    for question in QUESTIONS:
                        options = {"mode": mode, "candidates": None if exact_vectors else 5}
                        found, wanted = (each.search(question, **options) for each in (several, one))
                        assert answer(found) == answer(wanted), (question, options)
                asked = [Query(str(i), question) for i, question in enumerate(QUESTIONS * 10)]
                found, wanted = (list(each.search_many(iter(asked))) for each in (several, one))
                assert [query for query, _ in found] == asked
                assert [answer(hits) for _, hits in found] == [answer(hits) for _, hits in wanted]
                best = found[0][1][0]
                assert several.text(best.ref) == one.text(best.ref)


def test_so_are_those_by_meaning(
    three_nodes: Any, segmented_index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sentences, "load_sentence_encoder", lambda name: HashedWords())
    whole, divided = tmp_path / "whole", tmp_path / "divided"
    shutil.copytree(segmented_index, whole)
    with open_writer(whole, fingerprint=None) as writer:
        writer.set_cross_language(HashedWords.spec.name)
    sharding.divide_copy(whole, divided, SHARDS)
    for exact_vectors in (first_stage.EXACT_VECTORS, 0):
        monkeypatch.setattr(first_stage, "EXACT_VECTORS", exact_vectors)
        with open_index(whole) as one, RaySearch("auto", cpus=0.5) as cluster, cluster.open(divided) as several:
            for question in QUESTIONS:
                found, wanted = (each.search(question, mode="semantic") for each in (several, one))
                assert answer(found) == answer(wanted), (question, exact_vectors)
                assert wanted.mode == "semantic"


def test_an_event_loop_searches_on_a_cluster(three_nodes: Any, late: Path) -> None:
    """And sees commits: what was found before is closed with the searcher."""
    questions = ["w1 w2", "w5 w6"]
    wanted = expected(late, questions)

    async def ask() -> list[list[object]]:
        async with AsyncSearcher(late, encoder=LateEncoder(0), ray="auto") as index:
            found = []
            for _ in range(2):
                together = await asyncio.gather(*(index.search(each, candidates=20) for each in questions))
                found.append([answer(hits) for hits in together])
                with open_writer(late, fingerprint=None) as writer:
                    writer.divide(1)
            return found

    assert asyncio.run(ask()) == [[wanted[each] for each in questions]] * 2
    with pytest.raises(UsageError, match="one index is searched"):
        AsyncSearcher([late, late], ray="auto")


def kill_a_worker(searcher: ShardedSearcher, shard: str, replica: int = 0) -> None:
    import ray

    ray.kill(searcher.workers.actors(shard)[replica], no_restart=False)


def test_a_killed_worker_changes_no_answer(three_nodes: Any, late: Path) -> None:
    questions = [f"w{i} w{i + 1}" for i in range(30)]
    wanted = expected(late, questions)
    with (
        RaySearch("auto", replicas=2, cpus=0.25) as cluster,
        cluster.open(late, encoder=LateEncoder(0)) as several,
    ):
        for number, question in enumerate(questions):
            if number % 10 == 5:
                kill_a_worker(several, "0001", number % 2)
            assert answer(several.search(question, candidates=20)) == wanted[question]


def test_a_killed_worker_without_replica_starts_again(three_nodes: Any, late: Path) -> None:
    wanted = expected(late, ["w1 w2"])
    with RaySearch("auto", cpus=0.25) as cluster, cluster.open(late, encoder=LateEncoder(0)) as several:
        kill_a_worker(several, "0001")
        assert answer(several.search("w1 w2", candidates=20)) == wanted["w1 w2"]


@pytest.mark.parametrize(
    ("worker", "reason"), [(OldWorker, "has docsearch 0.0.1"), (BrokenWorker, "No module named 'docsearch'")]
)
def test_a_machine_with_another_version_is_refused(
    three_nodes: Any, late: Path, worker: type[ShardWorker], reason: str
) -> None:
    with open_writer(late, fingerprint=None) as writer:
        writer.divide(1)
    with (
        RaySearch("auto", cpus=0.25, worker=worker) as cluster,
        pytest.raises(UsageError, match=f"{reason}.*install the same version"),
    ):
        cluster.open(late, encoder=LateEncoder(0))


def end_workers(searcher: ShardedSearcher, shard: str) -> None:
    """End all workers of a shard for good, and wait until they are gone."""
    import ray

    for actor in searcher.workers.actors(shard):
        ray.kill(actor)
        with suppress(ray.exceptions.RayActorError):
            while True:
                ray.get(actor.__ray_ready__.remote())


class ImpatientWithTheLost(RaySearch):
    """Its time passes only while all workers that it could ask are lost: one that is slow is not given up."""

    now = 0.0

    def fan_out(self, held: HeldShards) -> FanOut:
        return FanOut(held, timeout_s=1.0, clock=lambda: self.now, sleep=self._pass)

    def _pass(self, seconds: float) -> None:
        self.now += seconds


def test_an_answer_without_a_shard_is_refused_or_says_so(three_nodes: Any, late: Path) -> None:
    with (
        ImpatientWithTheLost("auto", cpus=0.25) as cluster,
        cluster.open(late, encoder=LateEncoder(0)) as several,
    ):
        whole = several.search("w1 w2")
        assert "missing_shards" not in whole.as_dict()
        end_workers(several, "0001")
        with pytest.raises(ShardsUnavailable, match="shard 0001"):
            several.search("w1 w2")
        cluster.partial = True
        lost = set(several.snapshot.refs(several.snapshot.shard_rows[1].rows))
        found = several.search("w1 w2", k=200)
        assert found.missing_shards == ("0001",)
        assert found.as_dict()["missing_pages"] == found.missing_pages == len(lost)
        assert lost.isdisjoint(hit.ref for hit in found)
        assert "0001 did not answer" in repr(found)


class Asking:
    """Asks questions in threads until it is told to stop; keeps the answers and the errors."""

    def __init__(self, searcher: ShardedSearcher, questions: list[str], threads: int = 3) -> None:
        self.answers: list[tuple[str, Hits]] = []
        self.errors: list[Exception] = []
        self._stop = threading.Event()
        self._searcher, self._questions = searcher, questions
        self._threads = [threading.Thread(target=self._ask, args=(i,)) for i in range(threads)]

    def __enter__(self) -> Asking:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, number: int) -> None:
        while not self._stop.is_set():
            number += 1
            question = self._questions[number % len(self._questions)]
            try:
                self.answers.append((question, self._searcher.search(question, candidates=20)))
            except Exception as err:  # noqa: BLE001 - looked at by the test
                self.errors.append(err)

    def wait_for(self, count: int) -> None:
        """Wait until there are so many more answers or errors."""
        end, target = time.monotonic() + DEADLINE_S, len(self.answers) + len(self.errors) + count
        while len(self.answers) + len(self.errors) < target and time.monotonic() < end:
            time.sleep(0.02)

    def wait_for_answers(self, count: int) -> None:
        """Wait until there are so many answers."""
        end = time.monotonic() + DEADLINE_S
        while len(self.answers) < count and time.monotonic() < end:
            time.sleep(0.02)


@pytest.fixture
def own_cluster() -> Iterator[Any]:
    """A cluster whose nodes a test may remove."""
    pytest.importorskip("ray", reason="needs the extra ray")
    with local_cluster(4) as cluster:
        yield cluster


def lose_a_node(cluster: Any, searcher: ShardedSearcher) -> None:
    """Remove a node that has a worker; never the head."""
    import ray

    nodes = {node.node_id: node for node in cluster.list_all_nodes()}
    head = cluster.head_node.node_id
    actors = [actor for name in sorted(searcher.snapshot.names) for actor in searcher.workers.actors(name)]
    place = next(place for place in ray.get([actor.place.remote() for actor in actors]) if place != head)
    cluster.remove_node(nodes[place], allow_graceful=False)


@pytest.mark.slow
@pytest.mark.parametrize("replicas", [1, 2])
def test_a_lost_node(own_cluster: Any, late: Path, replicas: int) -> None:
    """With replicas no question fails; without, each is refused or answered, and no answer is wrong."""
    questions = [f"w{i} w{i + 1}" for i in range(30)]
    wanted = expected(late, questions)
    with (
        RaySearch("auto", replicas=replicas, timeout_s=DEADLINE_S if replicas > 1 else 2, cpus=0.5) as cluster,
        cluster.open(late, encoder=LateEncoder(0)) as several,
        Asking(several, questions) as asking,
    ):
        asking.wait_for_answers(30)
        lose_a_node(own_cluster, several)
        asking.wait_for(60)
    assert len(asking.answers) >= 30
    assert all(answer(hits) == wanted[question] for question, hits in asking.answers)
    if replicas > 1:
        assert asking.errors == []
    assert all(isinstance(err, ShardsUnavailable) for err in asking.errors)


@pytest.mark.slow
def test_shards_move_under_load(three_nodes: Any, late: Path) -> None:
    """The index is divided anew again and again while questions are asked: every answer is right."""
    questions = [f"w{i} w{i + 1}" for i in range(30)]
    wanted = expected(late, questions)
    with RaySearch("auto", replicas=2, cpus=0.1) as cluster:
        several = cluster.open(late, encoder=LateEncoder(0))
        try:
            for shards in (2, 4, 1, 3):
                with Asking(several, questions) as asking:
                    asking.wait_for(20)
                    with open_writer(late, fingerprint=None) as writer:
                        writer.divide(shards)
                    following = cluster.open(late, encoder=LateEncoder(0))
                    asking.wait_for(20)
                assert asking.errors == []
                assert all(answer(hits) == wanted[question] for question, hits in asking.answers)
                several.close()
                several = following
                assert len(several.snapshot.names) == shards
        finally:
            with suppress(Exception):
                several.close()
