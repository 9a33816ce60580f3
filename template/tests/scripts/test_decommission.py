"""What is switched off, in which order, and what is not."""

import decommission
import pytest
from online import Endpoint, requests

PLACE = ["--workload=demo", "--environment=test", "--name=green"]
DELETE = ["delete", *PLACE, "--since=96400", "--minutes=60"]


def run(endpoint, *arguments):
    return decommission.main(list(arguments), lambda workload, environment: endpoint)


@pytest.fixture
def endpoint():
    """Blue answers, and green is left over."""
    found = Endpoint({"blue": 100, "green": 0}, {"deployed_by": "2"})
    found.metrics["RequestsPerMinute", "blue"] = requests(100)
    return found


def test_unused_deployment_is_deleted(endpoint):
    assert run(endpoint, "unused", *PLACE, "--minutes=60") == 0
    assert run(endpoint, "disable", *PLACE) == 0
    assert run(endpoint, *DELETE, "--confirm=green") == 0
    assert endpoint.changed()[-1] == "delete green"
    assert run(endpoint, *DELETE, "--confirm=green") == 0


@pytest.mark.parametrize("confirm", [[], ["--confirm=blue"]])
def test_nothing_is_deleted_without_its_name(endpoint, capsys, confirm):
    assert run(endpoint, *DELETE, *confirm) == 1
    assert "must repeat the name" in capsys.readouterr().err
    assert not endpoint.changed()


def test_called_deployment_stays(endpoint, capsys):
    endpoint.metrics["RequestsPerMinute", "green"] = requests(1)
    assert run(endpoint, "unused", *PLACE, "--minutes=60") == 1
    assert run(endpoint, *DELETE, "--confirm=green") == 1
    assert "was called 1 times" in capsys.readouterr().err
    assert not endpoint.changed()


def test_deployment_with_traffic_stays(endpoint, capsys):
    endpoint.traffic = {"blue": 90, "green": 10}
    assert run(endpoint, *DELETE, "--confirm=green") == 1
    assert "10 % of the traffic" in capsys.readouterr().err


def test_last_known_good_deployment_stays(endpoint, capsys):
    names = [name.replace("green", "blue") for name in DELETE]
    assert run(endpoint, *names, "--confirm=blue") == 1
    assert "last known good" in capsys.readouterr().err


def test_without_any_metric_nothing_is_deleted(endpoint, capsys):
    endpoint.metrics = {}
    assert run(endpoint, *DELETE, "--confirm=green") == 1
    assert "nobody knows" in capsys.readouterr().err


def test_skipped_wait_stops_the_deletion(endpoint, capsys):
    endpoint.time -= 1
    assert run(endpoint, *DELETE, "--confirm=green") == 1
    assert "59 of 60 minutes" in capsys.readouterr().err


def test_a_first_rollout_leaves_nothing_to_delete(endpoint):
    place = ["--workload=demo", "--environment=test", "--name="]
    assert run(endpoint, "delete", *place, "--since=96400", "--minutes=60", "--confirm=") == 0
    assert not endpoint.changed()
