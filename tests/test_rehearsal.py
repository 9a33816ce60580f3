"""A rollout does what it must with every kind of new version, and whatever dies on the way.

`python -m tests.rehearsal` prints the whole table.
"""

import pytest

from tests.rehearsal import CASES, Behaviour, network, project, rehearsal, rehearse, start, table


@pytest.fixture(scope="module", autouse=True)
def processes():
    with network():
        yield


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    known = {}

    def find(name):
        if name not in known:
            known[name] = project(name, tmp_path_factory.mktemp("rehearsal"))
        return known[name]

    return find


@pytest.mark.parametrize(("name", "with_crashes"), [("default", True), ("kubernetes-models", False)])
def test_every_case_ends_as_it_must(scripts, name, with_crashes):
    rows = rehearsal(scripts(name), name, with_crashes)
    print(table(rows))
    assert len(rows) >= len(CASES) + 3
    assert [row for row in rows if row[3]] == []


def test_requests_went_through_the_splitter_in_the_shares(scripts):
    run = start(scripts("default"), Behaviour())
    run.platform.traffic = {"blue": 90, "green": 10}
    run.platform.deployments["green"] = (1, {})
    run.platform.live(60)
    count = {
        name: sum(sum(row.statuses.values()) for (who, _), row in run.platform.minutes.items() if who == name)
        for name in ("blue", "green")
    }
    assert count["green"] == pytest.approx(sum(count.values()) / 10, abs=3)


@pytest.mark.parametrize(
    ("script", "instead", "case"),
    [
        ("health_gate", "def judge(*arguments):\n    return ''\n", "errors from 50 %"),
        ("health_gate", "def judge(*arguments):\n    return ''\n", "no metrics"),
        ("rollout", "def evaluate(endpoint, name):\n    pass\n", "wrong when called by name"),
        ("rollout", "def restore(endpoint, state, good):\n    return False\n", "errors from 50 %"),
    ],
)
def test_the_rehearsal_notices_what_is_missing(tmp_path, script, instead, case):
    def spoil(root):
        path = root / "scripts" / f"{script}.py"
        path.write_text(f"{path.read_text()}\n\n{instead}")

    spoiled = project("default", tmp_path, spoil)
    assert rehearse(spoiled, next(row for row in CASES if row.name == case))[1]
