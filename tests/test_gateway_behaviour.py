"""Gateways behave: calls over real HTTP through the rendered policies and the evaluated pools, breakers and limits.

Each behaviour is a function; it holds on the project as rendered, and fails on one from which the thing that it rests
on was taken.
"""

import json
import re
import shutil
from collections import Counter
from dataclasses import replace
from threading import Event

import pytest
from rich.console import Console

from generator.answers import of_project
from generator.commands.storm import command, table
from generator.compiler import TENANT_ID, Compiler
from generator.errors import GroundplanError
from generator.evaluation import Environment, Resource
from generator.gateway_simulation.configuration import sections
from generator.gateway_simulation.elements import refuse_unknown
from generator.gateway_simulation.messages import Headers, Request, SimulationError
from generator.gateway_simulation.storm import storm
from generator.rendering import render
from tests.gateway_support import SECRET, FakeModel, Reply, World, begin_change, finish, refusal, used
from tests.support import assert_refused, groundplan

ANSWERS = {
    "project_name": "Three teams",
    "workload": "three",
    "functions": ["online_inference"],
    "criticality": "high",
    "chat_model": "gpt-5.4",
    "peak_tokens_per_minute": 600000,
    "steady_share_percent": 40,
    "consumers": [
        {"name": name, "tokens_per_minute": tokens, "requests_per_minute": requests, "monthly_token_quota": quota}
        for name, tokens, requests, quota in (
            ("intranet", 300000, 600, 300000000),
            ("service-desk", 200000, 200, 120000000),
            ("reports", 100000, 100, 50000000),
            ("shopfloor", 1000, 60, 1000000),
        )
    ],
}
"""Provisioned throughput first, then two regions; own models; four consumers, of which one is kept away from tokens."""
FOUNDATION, MODELS = "gateway/policies/foundation.xml", "gateway/policies/models.xml"
CONSUMER = "gateway/policies/consumer.xml"
API, OWN, VALUES = (f"infra/modules/gateway/{name}.bicep" for name in ("foundation-api", "models-api", "policy"))


@pytest.fixture(scope="module")
def compiler():
    with Compiler() as started:
        yield started


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A rendered project whose owner keeps one consumer away from tokens."""
    root = tmp_path_factory.mktemp("gateway") / "three"
    render(ANSWERS, root)
    file = root / "gateway/consumers/shopfloor.yml"
    file.write_text(re.sub(r"(tokensPerMinute): \d+", r"\1: 0", file.read_text(encoding="utf-8")), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def prod(project, compiler):
    return snapshot(project, compiler)


@pytest.fixture
def world(prod):
    with World(prod, AUDIENCE) as started:
        yield started


AUDIENCE = "api://ai-gateway-three-prod"


def snapshot(root, compiler):
    """Production as the compiler evaluates it."""
    found = compiler.snapshot(root / "infra/prod.bicepparam", of_project(root)["location"])
    return Environment("prod", tuple(Resource(body) for body in found["predictedResources"]), {}, [], {})


# Foundation models


def fails_over(world):
    """A refusal of the provisioned member costs nothing: the same call is served by the next priority."""
    world["provisioned"].reply = refusal(429, "provisioned", **{"Retry-After": "7"})
    status, _, body = world.chat()
    assert status == 200, "the caller saw the refusal"
    assert json.loads(body)["usage"] == {"total_tokens": 10}
    assert world.asked() == {"provisioned": 1, "primary": 1}, "not asked in the order of priorities"
    assert world["primary"].seen[0][2] == world["provisioned"].seen[0][2], "the request was not sent again"


def pays_for_provisioned_first(world):
    """As long as it answers, all calls go to the member that is paid for anyway."""
    assert [world.chat()[0] for _ in range(4)] == [200] * 4
    assert world.asked() == {"provisioned": 4}, "not asked in the order of priorities"


def opens_and_closes(world):
    """A breaker leaves a member alone for as long as it has asked for, or a minute, and not longer."""
    for status, headers, seconds in ((429, {"Retry-After": "7"}, 7), (503, {}, 60)):
        seen = world["provisioned"].seen
        world["provisioned"].reply = refusal(status, "provisioned", **headers)
        world.chat()
        world["provisioned"].reply = Reply()
        before = len(seen)
        world.clock.sleep(seconds - 0.1)
        assert (world.chat()[0], len(seen)) == (200, before), "a member was not left alone"
        world.clock.sleep(0.1)
        assert (world.chat()[0], len(seen)) == (200, before + 1), "a member was left alone for too long"


def admits_exhaustion(world):
    """When nobody can answer callers hear 429 and when to come back, and nothing about members."""
    members = ("provisioned", "primary", "secondary")
    for name in members:
        world[name].reply = refusal(429, name, **{"Retry-After": "30"})
    for wait in ("30", "10", "10"):
        status, headers, body = world.chat()
        assert (status, headers.get("retry-after")) == (429, wait), "not refused as busy"
        reveals_nothing(world, headers, body)
    assert world.asked() == dict.fromkeys(members, 1), "a member was asked that had asked to be left alone"


def reveals_nothing(world, headers, body):
    """Neither names nor addresses of back ends or pools."""
    said = f"{headers} {body}".lower()
    names = [*world.fakes, *world.simulation.pools, "provisioned", "primary", "secondary", "127.0.0.1", "azure.com"]
    assert [name for name in names if re.search(rf"\b{name}\b", said)] == [], "a back end is named"


def survives_dead_member(world):
    """A member that refuses connections costs one more attempt of one call."""
    world["provisioned"].die()
    status, headers, body = world.chat()
    assert (status, world.asked()) == (200, {"primary": 1}), "a dead member cost the answer"
    reveals_nothing(world, headers, body)
    tried = []
    send = world.simulation.transport.send
    world.simulation.transport.send = lambda name, *rest: tried.append(name) or send(name, *rest)
    assert [world.chat()[0] for _ in range(3)] == [200] * 3
    assert [name.rpartition("-")[2] for name in tried] == ["primary"] * 3, "a dead member was tried again"


def admits_death(world):
    """When nobody is there callers hear 503 after one attempt of each member."""
    for name in ("provisioned", "primary", "secondary"):
        world[name].die()
    status, headers, body = world.chat()
    assert (status, headers.get("retry-after")) == (503, "10"), "not refused as unavailable"
    reveals_nothing(world, headers, body)


def limits_tokens_a_minute(world):
    """A consumer over its token rate gets 429; others do not notice; a minute later it may again."""
    world["provisioned"].reply = used(300000)
    assert world.chat()[0] == 200
    status, headers, _ = world.chat()
    assert (status, int(headers.get("retry-after", 0)) > 0) == (429, True), "over the token rate"
    assert world.chat("service-desk")[0] == 200, "another consumer was touched"
    assert world.asked() == {"provisioned": 2}
    world.clock.sleep(61)
    assert world.chat()[0] == 200


def limits_tokens_a_month(world):
    """A consumer over its monthly quota gets 403 until the next month; others do not notice."""
    world["provisioned"].reply = used(300000000)
    assert world.chat()[0] == 200
    world.clock.sleep(61)
    assert world.chat()[0] == 403, "over the quota"
    assert world.chat("service-desk")[0] == 200, "another consumer was touched"
    world.clock.sleep(31 * 24 * 3600)
    assert world.chat()[0] == 200


def knows_the_caller(world):
    """Without a valid token, or with the key of nobody, a call goes nowhere."""
    now = world.clock.now()
    faulty = {
        "missing": None,
        "no token": "Bearer nonsense",
        "expired": world.token(now=now - 7200),
        "of another tenant": world.token(tenant="99999999-9999-4999-8999-999999999999"),
        "for another audience": world.token(audience="api://something-else"),
        "forged": world.token()[:-4] + "AAAA",
    }
    for call in (world.chat, world.score):
        for name, token in faulty.items():
            assert call(Authorization=token)[0] == 401, f"a token that is {name}"
        for key in (None, "key-of-nobody"):
            assert call(api_key=key)[0] == 401
    assert world.asked() == {}


def hands_out_no_credentials(world):
    """Back ends see the identity of the gateway, neither the key nor the token of the caller."""
    world.chat()
    world.score()
    for name, resource in (
        ("provisioned", "https://cognitiveservices.azure.com"),
        ("own-models", "https://ml.azure.com"),
    ):
        _, headers, _ = world[name].seen[0]
        assert headers["Authorization"].endswith(f"resource={resource}"), "no token of the gateway"
        assert "key-of-intranet" not in str(headers), "the key of the caller was passed on"


def keeps_to_allowed_models(world):
    """Only deployments of the list may be asked for, each for its purpose, and only by consumers with tokens."""
    assert world.chat(model="gpt-5.4-of-others")[0] == 400, "a foreign model"
    assert world.chat(model="text-embedding-3-large")[0] == 400, "a model for another purpose"
    assert world.chat(path="/deployments/other/chat/completions")[0] == 404
    assert world.chat("shopfloor")[0] == 401, "a consumer without tokens"
    assert world.asked() == {}
    assert world.score("shopfloor")[0] == 200


def survives_any_body(world):
    """What is no JSON object, or asks for no model in words, is refused as the fault of the caller."""
    for body in (
        b"",
        b"{",
        b"null",
        b"[]",
        b'"model"',
        b'{"model": 5}',
        b'{"model": {"name": "gpt-5.4"}}',
        b"\xff\xfe",
    ):
        status, headers, text = world.raw("intranet", "/foundation/v1/chat/completions", body)
        assert (status, headers.get("content-type")) == (400, "application/json"), f"{status} for {body}"
        assert json.loads(text)["error"]["message"].startswith("Send a JSON object with model set to gpt-5.4")
    assert world.asked() == {}


def streams(world):
    """Chunks arrive as they are sent: the member sends its second only after the caller has the first."""
    gate = Event()
    first, last = b'data: {"choices": []}\n\n', b'data: {"usage": {"total_tokens": 42}}\n\n'
    world["provisioned"].reply = Reply(200, {"Content-Type": "text/event-stream"}, (first, last), gate)
    response = world.open(
        "intranet", "/foundation/v1/chat/completions", {"model": "gpt-5.4", "messages": [], "stream": True}
    )
    read = response.read1(len(first))
    gate.set()
    rest = response.read()
    assert world["provisioned"].waited == [True], "the first chunk was held back"
    assert read + rest == first + last
    assert [spent for *_, spent in world.simulation.metrics] == [42]


def keeps_prompts_to_itself(world):
    """No log has the prompt or the answer."""
    world["provisioned"].reply = Reply(chunks=(json.dumps({"text": SECRET}).encode(),))
    assert SECRET in world.chat(question=SECRET)[2]
    world.score()
    assert [entry["diagnostic"] for entry in world.simulation.log if entry["api"] == "foundation"]
    assert SECRET not in str(world.simulation.log), "a prompt was logged"


def measures_by_consumer(world):
    """Tokens are counted for whoever caused them."""
    world.chat()
    world["provisioned"].reply = used(500)
    world.chat("reports")
    measured = [
        (dimensions["Product ID"], dimensions["Model"], spent) for _, dimensions, spent in world.simulation.metrics
    ]
    assert measured == [("intranet", "gpt-5.4", 10), ("reports", "gpt-5.4", 500)]


# Own models


def limits_calls(world):
    """A consumer over its request rate gets 429; others do not notice."""
    statuses = [world.score("shopfloor")[0] for _ in range(61)]
    assert statuses == [200] * 60 + [429], "over the request rate"
    assert world.score()[0] == 200, "another consumer was touched"
    world.clock.sleep(61)
    assert world.score("shopfloor")[0] == 200


def keeps_the_deployment(world):
    """Which deployment of an endpoint answers is not for callers to say."""
    assert world.score(azureml_model_deployment="green")[0] == 200
    path, headers, _ = world["own-models"].seen[0]
    assert path == "/score"
    assert "azureml-model-deployment" not in {name.lower() for name in headers}, "the caller chose a deployment"


def admits_exhaustion_of_own_models(world):
    """Busy endpoints are left alone, and callers hear no more than when to come back."""
    endpoints = [fake for name, fake in world.fakes.items() if "own-models" in name]
    for fake in endpoints:
        fake.reply = refusal(429, fake.name, **{"Retry-After": "30"})
    for wait in ("30", "10"):
        status, headers, body = world.score()
        assert (status, headers.get("retry-after")) == (429, wait), "not refused as busy"
        reveals_nothing(world, headers, body)
    asked = [len(fake.seen) for fake in endpoints]
    assert asked == [1] * len(endpoints), "a back end was asked that had asked to be left alone"
    for fake in endpoints:
        fake.die()
    world.clock.sleep(31)
    status, headers, body = world.score()
    assert (status, headers.get("retry-after")) == (503, "10"), "not refused as unavailable"
    reveals_nothing(world, headers, body)


def answers_from_both_regions(world):
    """Both regions answer; one that refuses, fails or has no deployment yet is left alone, and no caller notices."""
    first, second = world["own-models"], world["own-models-2"]
    assert [world.score()[0] for _ in range(4)] == [200] * 4
    assert (len(first.seen), len(second.seen)) == (2, 2), "only one region answers"
    for reply in (refusal(404, "own-models"), refusal(429, "own-models"), refusal(503, "own-models")):
        first.reply, before = reply, len(first.seen)
        assert [world.score()[0] for _ in range(4)] == [200] * 4, "a refusal of one region reached a caller"
        assert len(first.seen) == before + 1, "a region was not left alone"
        world.clock.sleep(61)
    first.die()
    assert [world.score()[0] for _ in range(4)] == [200] * 4, "the loss of a region reached a caller"


def blames_the_request(world):
    """An error that a request causes in a model reaches its caller, and nobody else."""
    for name in ("own-models", "own-models-2"):
        world[name].reply = refusal(424, name)
    assert world.score("shopfloor")[0] == 424
    assert sum(len(world[name].seen) for name in ("own-models", "own-models-2")) == 1, "asked again"
    for name in ("own-models", "own-models-2"):
        world[name].reply = Reply()
    assert [world.score()[0] for _ in range(2)] == [200] * 2
    assert world.asked() == {"models": 2, "2": 1}, "others were shut out"


def shuts_nobody_out(world):
    """An error that the request of one consumer causes in the model costs other consumers nothing."""
    world["own-models"].reply = refusal(502, "own-models")
    status, headers, body = world.score("shopfloor")
    assert status == 503
    reveals_nothing(world, headers, body)
    world["own-models"].reply = Reply()
    assert world.score()[0] == 200, "others were shut out"


def keeps_to_the_list(world):
    """A consumer asks for the models of its file, and for no other."""
    status, _, body = world.chat("shopfloor")
    assert status == 403, "a model that the list lacks"
    assert json.loads(body)["error"]["message"] == "This subscription may not ask for this kind of model."
    asked = {"model": "text-embedding-3-large", "input": "Good morning?"}
    assert world.raw("shopfloor", "/foundation/v1/embeddings", json.dumps(asked).encode())[0] == 200
    assert world.score("shopfloor")[0] == 200
    assert world.chat("reports")[0] == 200
    assert world.score("reports")[0] == 401, "own models that the list lacks"


BEHAVIOURS = (
    fails_over,
    pays_for_provisioned_first,
    opens_and_closes,
    admits_exhaustion,
    survives_dead_member,
    admits_death,
    limits_tokens_a_minute,
    limits_tokens_a_month,
    knows_the_caller,
    hands_out_no_credentials,
    keeps_to_allowed_models,
    survives_any_body,
    streams,
    keeps_prompts_to_itself,
    measures_by_consumer,
    limits_calls,
    keeps_the_deployment,
    admits_exhaustion_of_own_models,
    answers_from_both_regions,
    blames_the_request,
)
ALONE = (admits_exhaustion_of_own_models, shuts_nobody_out, keeps_to_the_list)
"""What holds where one endpoint answers, and two consumers may call less than the others."""


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.__name__)
def test_behaviour(world, behaviour):
    behaviour(world)


@pytest.fixture(scope="module")
def one_region(tmp_path_factory):
    """The same project in one region: one endpoint answers. Its owner took models from the lists of two consumers."""
    root = tmp_path_factory.mktemp("one") / "three"
    render({**ANSWERS, "criticality": "medium"}, root)
    for consumer, model in (("shopfloor", "chat"), ("reports", "own")):
        file = root / f"gateway/consumers/{consumer}.yml"
        file.write_text(file.read_text(encoding="utf-8").replace(f"  - {model}\n", ""), encoding="utf-8")
    return root


def test_behaviour_in_one_region(one_region, compiler):
    environment = snapshot(one_region, compiler)
    for behaviour in ALONE:
        with World(environment, AUDIENCE) as world:
            behaviour(world)


# Things that are taken from the rendered project, in three lots that do not get in each other's way: file, what is
# replaced (a regular expression), by what; the behaviours that must fail, with what they say.
TAKEN = {
    "pool, limits, tokens": [
        (API, r"priority: item\.priority", "priority: 1", ((pays_for_provisioned_first, "order of priorities"),)),
        (CONSUMER, r' tokens-per-minute="[^"]*"', "", ((limits_tokens_a_minute, "over the token rate"),)),
        (
            MODELS,
            r"(?s)<validate-azure-ad-token.*?</validate-azure-ad-token>",
            "",
            ((knows_the_caller, "a token that is missing"),),
        ),
        (
            MODELS,
            r'<set-header name="azureml-model-deployment" exists-action="delete" />',
            "",
            ((keeps_the_deployment, "chose"),),
        ),
        (
            OWN,
            r"priority: 1",
            "priority: name == 'own-models' ? 1 : 2",
            ((answers_from_both_regions, "only one region"),),
        ),
        (OWN, r"\n *min: 500\n", "\n            min: 424\n", ((blames_the_request, "shut out"),)),
        (FOUNDATION, r' buffer-response="false"', "", ((streams, "held back"),)),
    ],
    "breaker, quota": [
        (API, r"import \{ breaker.*\}", "import { fill }", ()),
        (
            API,
            r"\n *circuitBreaker: .*",
            "",
            ((opens_and_closes, "not left alone"), (fails_over, "saw the refusal")),
        ),
        (
            OWN,
            r"circuitBreaker: (.*)",
            # Removed, it would leave an unused variable, which does not compile.
            r"circuitBreaker: empty(prefix) ? null : \1",
            ((admits_exhaustion_of_own_models, "not refused as busy"),),
        ),
        (
            CONSUMER,
            r' token-quota="[^"]*" token-quota-period="Monthly"',
            "",
            ((limits_tokens_a_month, "over the quota"),),
        ),
        (
            "gateway/policies/consumer-own-models.xml",
            r"<rate-limit-by-key [^>]*/>",
            "",
            ((limits_calls, "request rate"),),
        ),
        (
            FOUNDATION,
            r'<set-header name="api-key" exists-action="delete" />',
            "",
            ((hands_out_no_credentials, "key of the caller"),),
        ),
        (
            FOUNDATION,
            r'&amp;&amp; \(?\(string\)context.Variables\["model"\] == "[^"]*"( \|\| \S+ == "[^"]*"\))?',
            "",
            ((keeps_to_allowed_models, "foreign model"),),
        ),
    ],
    "retry, on-error": [
        (
            FOUNDATION,
            r"</?retry[^>]*>",
            "",
            ((fails_over, "saw the refusal"), (survives_dead_member, "cost the answer")),
        ),
        (
            FOUNDATION,
            r"@\{ try \{ return (.*); \} catch \{ return \"\"; \} \}",
            r"@(\1)",
            ((survives_any_body, "500 for"),),
        ),
        (API, r"promptLogging == 'full'", "promptLogging != 'none'", ((keeps_prompts_to_itself, "was logged"),)),
        (VALUES, r"acceptRetryAfter: true", "acceptRetryAfter: false", ((opens_and_closes, "for too long"),)),
        (
            FOUNDATION,
            r"(?s)(<outbound>\s*<base />).*(</outbound>)",
            r"\1\2",
            ((admits_exhaustion, "not refused|named"),),
        ),
        (MODELS, r"</?retry[^>]*>", "", ((answers_from_both_regions, "reached a caller"),)),
        (
            MODELS,
            r"(?s)(<on-error>\s*<base />).*(</on-error>)",
            r"\1\2",
            ((admits_exhaustion_of_own_models, "not refused"),),
        ),
        (FOUNDATION, r"(?s)(<on-error>\s*<base />).*(</on-error>)", r"\1\2", ((admits_death, "not refused"),)),
    ],
}
LOST = [
    pytest.param(lot, behaviour, says, id=f"{lot}: {behaviour.__name__}")
    for lot, edits in TAKEN.items()
    for *_, lost in edits
    for behaviour, says in lost
]


@pytest.fixture(scope="module")
def without(project, compiler, tmp_path_factory):
    """The project without the things of a lot, evaluated once."""
    known = {}

    def evaluated(lot):
        if lot not in known:
            root = tmp_path_factory.mktemp("taken") / "three"
            shutil.copytree(project, root)
            for name, pattern, by, _ in TAKEN[lot]:
                file = root / name
                text, count = re.subn(pattern, by, file.read_text(encoding="utf-8"))
                assert count, f"{name} has no {pattern}"
                file.write_text(text, encoding="utf-8")
            known[lot] = snapshot(root, compiler)
        return known[lot]

    return evaluated


@pytest.mark.parametrize(("lot", "behaviour", "says"), LOST)
def test_behaviour_is_lost(without, lot, behaviour, says):
    with World(without(lot), AUDIENCE) as world, pytest.raises(AssertionError, match=says):
        behaviour(world)


def test_one_endpoint_is_left_alone_only_when_it_asks_for_it(one_region, compiler, tmp_path):
    root = tmp_path / "three"
    shutil.copytree(one_region, root)
    file = root / OWN
    file.write_text(file.read_text(encoding="utf-8").replace("loneBreaker", "breaker"), encoding="utf-8")
    with World(snapshot(root, compiler), AUDIENCE) as world, pytest.raises(AssertionError, match="shut out"):
        shuts_nobody_out(world)


# A change of the chat model

SUCCESSOR = "gpt-5.5"
SHARES = (0, 10, 50, 100)


@pytest.fixture(scope="module")
def changing(project, compiler, tmp_path_factory):
    """Production while another model takes over; the provisioned account does not deploy it."""
    root = tmp_path_factory.mktemp("changing") / "three"
    shutil.copytree(project, root)
    begin_change(root / "infra/prod.bicepparam", SUCCESSOR, ("primary", "secondary"))
    return snapshot(root, compiler)


def revision_of(percent):
    return 1 + SHARES.index(percent)


def models_asked(world):
    """How often each model was asked for, and by which back ends."""
    found = Counter()
    for name, fake in world.fakes.items():
        found.update((json.loads(body)["model"], name.rpartition("-")[2]) for _, _, body in fake.seen)
    return found


def test_a_change_is_a_revision_for_each_share(changing):
    apis = [item for item in changing.of_type("Microsoft.ApiManagement/service/apis") if "foundation" in item.name]
    assert [item.name.partition(";rev=")[2] for item in apis] == ["1", "2", "3", "4"]
    told = [item.properties["apiRevisionDescription"] for item in apis]
    assert told == [f"chat is gpt-5.4, and {SUCCESSOR} for {percent} %" for percent in SHARES]
    pools = {
        item.name.rpartition("/")[2]: {row["id"].rpartition("-")[2] for row in item.properties["pool"]["services"]}
        for item in changing.of_type("Microsoft.ApiManagement/service/backends")
        if item.properties["type"] == "Pool" and "chat" in item.name
    }
    assert pools == {
        "chat-gpt-5.4": {"provisioned", "primary", "secondary"},
        f"chat-{SUCCESSOR}": {"primary", "secondary"},
    }


@pytest.mark.parametrize("percent", SHARES)
def test_chat_is_shared_as_the_revision_says(changing, percent):
    with World(changing, AUDIENCE, revision=revision_of(percent)) as world:
        assert [world.chat(model="chat")[0] for _ in range(200)] == [200] * 200
        asked = models_asked(world)
        assert set(asked) <= {("gpt-5.4", "provisioned"), (SUCCESSOR, "primary")}, "a pool of another model was asked"
        measured = Counter(dimensions["Model"] for _, dimensions, _ in world.simulation.metrics)
    got = asked[SUCCESSOR, "primary"]
    assert measured == Counter({"gpt-5.4": 200 - got, SUCCESSOR: got}) + Counter()
    # Binomial: six deviations around the share.
    assert abs(got - 2 * percent) <= 6 * (2 * percent * (1 - percent / 100)) ** 0.5


@pytest.mark.parametrize("percent", SHARES)
def test_whoever_names_a_model_gets_it(changing, percent):
    with World(changing, AUDIENCE, revision=revision_of(percent)) as world:
        for model in ("gpt-5.4", SUCCESSOR):
            assert [world.chat(model=model)[0] for _ in range(20)] == [200] * 20
        assert models_asked(world) == {("gpt-5.4", "provisioned"): 20, (SUCCESSOR, "primary"): 20}
        status, _, body = world.chat(model="gpt-4")
        assert (status, f"gpt-5.4 or {SUCCESSOR} or chat for chat" in body) == (400, True)


def test_without_a_change_chat_is_the_one_model(world):
    body = {"model": "chat", "messages": [{"role": "user", "content": "Grüße?"}], "stream": False, "user": "me"}
    assert finish(world.open("intranet", "/foundation/v1/chat/completions", body))[0] == 200
    assert json.loads(world["provisioned"].seen[0][2]) == {**body, "model": "gpt-5.4"}, "more than the name changed"
    vector = json.dumps({"model": "chat", "input": "x"}).encode()
    assert world.raw("intranet", "/foundation/v1/embeddings", vector)[0] == 400, "vectors of any model"


def test_the_list_of_a_consumer_holds_for_chat_and_for_the_successor(one_region, compiler, tmp_path):
    root = tmp_path / "three"
    shutil.copytree(one_region, root)
    begin_change(root / "infra/prod.bicepparam", SUCCESSOR, ("primary",))
    with World(snapshot(root, compiler), AUDIENCE, revision=revision_of(100)) as world:
        for model in ("chat", "gpt-5.4", SUCCESSOR):
            assert (world.chat("shopfloor", model)[0], world.chat("reports", model)[0]) == (403, 200), model


def test_cached_answers_of_two_models_stay_apart(compiler, tmp_path):
    root = tmp_path / "three"
    render({**ANSWERS, "semantic_cache": True}, root)
    begin_change(root / "infra/prod.bicepparam", SUCCESSOR, ("primary", "secondary"))
    environment = snapshot(root, compiler)
    with World(environment, AUDIENCE, revision=revision_of(50)) as world:
        assert [world.chat(model="chat")[0] for _ in range(40)] == [200] * 40
        assert sorted(model for model, _ in models_asked(world)) == ["gpt-5.4", SUCCESSOR]
        assert sum(models_asked(world).values()) == 2, "asked again, or answered by the other model"
        assert world.chat(model=SUCCESSOR)[0] == 200
        assert sum(models_asked(world).values()) == 2, "a name is another model than the choice"
    mixing = in_policy('<vary-by>@((string)context.Variables["model"])</vary-by>', "")
    with World(altered(environment, *mixing), AUDIENCE, revision=revision_of(50)) as world:
        assert [world.chat(model="chat")[0] for _ in range(40)] == [200] * 40
        assert sum(models_asked(world).values()) == 1, "the test sees no mixture"


def test_refusals_are_those_of_the_contract(project, prod):
    """What the contract tests of the project expect of the gateway in Azure, its policies do here."""
    contracts = json.loads((project / "tests/contract/contracts.json").read_text(encoding="utf-8"))
    refused = [(row, case) for row in contracts.values() for case in row["cases"] if case["status"] >= 400]
    assert {case["status"] for _, case in refused} == {400, 401}
    with World(prod, AUDIENCE) as world:
        for row, case in refused:
            unknown = {"api_key": None} if case.get("anonymous") else {}
            answer = finish(world.open(row["consumer"], row["path"] + case["path"], case["body"], **unknown))
            assert answer[0] == case["status"], case["name"]


def test_a_list_is_kept_by_the_policy_of_the_product(one_region, compiler, tmp_path):
    root = tmp_path / "three"
    shutil.copytree(one_region, root)
    file = root / CONSUMER
    text, count = re.subn(r"(?s)<choose>\s*<when condition='@\(!.*?</choose>", "", file.read_text(encoding="utf-8"))
    assert count == 1
    file.write_text(text, encoding="utf-8")
    with World(snapshot(root, compiler), AUDIENCE) as world, pytest.raises(AssertionError, match="that the list lacks"):
        keeps_to_the_list(world)


def test_storm(prod, capsys):
    members, tallies = storm(prod, "gpt-5.4")
    with capsys.disabled():
        Console(width=150).print(table(members, tallies))
    assert [name.rpartition("-")[2] for name in members] == ["provisioned", "primary", "secondary"]
    assert sum(tally.calls for tally in tallies.values()) == 10_000
    assert all(tally.served[member] for tally in tallies.values() for member in members)
    refused = {name: set(tally.refused) for name, tally in tallies.items()}
    assert refused["intranet"] == {"429 members"}, "a consumer within its limits hears of full members only"
    assert {"429 tokens"} <= refused["service-desk"]
    assert {"429 request rate"} <= refused["reports"]
    assert [dict(tally.leaked) for tally in tallies.values()] == [{}, {}, {}]


def test_storm_notices_leaks(without):
    _, tallies = storm(without("retry, on-error"), "gpt-5.4", 4000)
    assert sum(sum(tally.leaked.values()) for tally in tallies.values())


def test_storm_as_a_command(project, tmp_path):
    run = groundplan("storm", project, "--calls", 300)
    assert run.returncode == 0, run.stderr
    assert "foundation-provisioned" in run.stdout and "leaked 429" in run.stdout
    assert_refused(groundplan("storm", tmp_path), "is no generated project")
    with pytest.raises(GroundplanError, match="There is no environment moon"):
        command(project, "moon")


def altered(environment, kind, change):
    """The environment with something else in each resource of a type."""
    resources = []
    for item in environment.resources:
        body = json.loads(json.dumps(dict(item.body)))
        if item.type == kind:
            change(body)
        resources.append(Resource(body))
    return replace(environment, resources=tuple(resources))


def in_policy(old, new):
    def change(body):
        body["properties"]["value"] = body["properties"]["value"].replace(old, new)

    return "Microsoft.ApiManagement/service/apis/policies", change


UNKNOWN = {
    "element": (*in_policy("<outbound>", '<outbound><trace source="x" />'), "element trace is not simulated"),
    "attribute": (
        *in_policy("buffer-request-body", "follow-redirects"),
        "follow-redirects of retry/forward-request|of forward-request",
    ),
    "child": (*in_policy("<audiences>", "<required-claims /><audiences>"), "required-claims is not simulated"),
    "section": (*in_policy("outbound>", "outside>"), "outside, which is no section"),
    "text": (*in_policy("</outbound>", ""), "not well-formed"),
    "code": (*in_policy("context.Response.StatusCode == 429", "context.Answer == 1"), "does not compile"),
    "back end": (
        "Microsoft.ApiManagement/service/backends",
        lambda body: body["properties"].update(proxy={}),
        "proxy is not",
    ),
    "diagnostic": (
        "Microsoft.ApiManagement/service/apis/diagnostics",
        lambda body: body["properties"].update(operationNameFormat="Url"),
        "operationNameFormat of the diagnostic",
    ),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_not_simulated_is_refused(prod, name):
    kind, change, says = UNKNOWN[name]
    with pytest.raises(SimulationError, match=says):
        World(altered(prod, kind, change), AUDIENCE)


SAFETY = (
    '<llm-content-safety backend-id="own-models" shield-prompt="true" enforce-on-completions="true">'
    '<categories output-type="FourSeverityLevels"><category name="Hate" threshold="4" /></categories>'
    "</llm-content-safety>"
)
LOOKUP = (
    '<llm-semantic-cache-lookup score-threshold="0.05" embeddings-backend-id="own-models" '
    'embeddings-backend-auth="system-assigned"><vary-by>@(context.Subscription.Id)</vary-by>'
    '<vary-by>@(((Jwt)context.Variables["caller"]).Subject)</vary-by></llm-semantic-cache-lookup>'
)


def test_content_is_judged_on_both_ways(prod):
    """Policies of content safety, written here because the judge is a stand-in."""
    environment = altered(prod, *in_policy('<set-variable name="model"', f'{SAFETY}<set-variable name="model"'))
    with World(environment, AUDIENCE, judge=lambda text: SECRET in text) as world:
        assert world.chat(question=SECRET)[0] == 403
        assert world.asked() == {}
        world["provisioned"].reply = Reply(chunks=(SECRET.encode(),))
        status, _, body = world.chat()
        assert (status, SECRET in body) == (403, False)
        world["provisioned"].reply = Reply(200, {"Content-Type": "text/event-stream"}, (b"fair\n", SECRET.encode()))
        assert world.chat()[2] == "fair\n"
        world["provisioned"].reply = Reply()
        assert world.chat()[0] == 200


def test_answers_are_kept_for_those_who_asked(prod):
    def change(body):
        text = body["properties"]["value"]
        if "createChatCompletion" in text:
            text = text.replace("<outbound>", '<outbound><llm-semantic-cache-store duration="60" />')
            text = text.replace('<set-variable name="model"', f'{LOOKUP}<set-variable name="model"')
            text = text.replace(
                "failed-validation-httpcode", 'output-token-variable-name="caller" failed-validation-httpcode'
            )
        body["properties"]["value"] = text

    environment = altered(prod, "Microsoft.ApiManagement/service/apis/policies", change)
    with World(environment, AUDIENCE) as world:
        again = [world.chat("intranet"), world.chat("intranet"), world.chat("reports")]
        another = world.chat("intranet", Authorization=world.token(sub="somebody else"))
        assert [status for status, *_ in (*again, another)] == [200] * 4
        assert world.asked() == {"provisioned": 3}
        world.clock.sleep(61)
        world.chat("intranet")
        assert world.asked() == {"provisioned": 4}


def test_key_of_an_endpoint_on_a_cluster_is_fetched_once(prod, rendered_variants):
    """The policy of another variant in the place of this one's, since the rest is the same."""
    text = (rendered_variants / "kubernetes-models/gateway/policies/models.xml").read_text(encoding="utf-8")
    given = {
        "audience": AUDIENCE,
        "tenant-id": TENANT_ID,
        "models-backend": "own-models",
        "path": "/score",
        "vault-uri": "https://vault/",
        "gateway-client-id": "gateway",
    }
    for name, value in given.items():
        text = text.replace("{{" + name + "}}", value)

    def change(body):
        if "/models" in body["name"]:
            body["properties"]["value"] = text

    environment = altered(prod, "Microsoft.ApiManagement/service/apis/policies", change)
    with World(environment, AUDIENCE) as world:
        vault = world.fakes["vault"] = FakeModel("vault")
        world.simulation.transport.ports["vault"] = vault.port
        vault.reply = Reply(chunks=(b'{"value": "the key"}',))
        for elapsed, fetched in ((0, 1), (599, 1), (2, 2)):
            world.clock.sleep(elapsed)
            assert world.score()[0] == 200
            assert world["own-models"].seen[-1][1]["Authorization"] == "Bearer the key"
            assert len(vault.seen) == fetched
        path, headers, _ = vault.seen[0]
        assert path == "/secrets/models-key?api-version=7.4"
        assert headers["Authorization"] == "Bearer identity=gateway;resource=https://vault.azure.net"
        vault.die()
        world.clock.sleep(601)
        assert world.score()[0] == 503


def test_every_policy_of_every_variant_is_simulated(rendered_variants):
    paths = sorted(rendered_variants.glob("*/gateway/policies/*.xml"))
    assert len(paths) > 20
    for path in paths:
        for nodes in sections(path.read_text(encoding="utf-8"), str(path)).values():
            refuse_unknown([node for node in nodes if node.tag != "base"])


def test_members_of_the_context_that_are_not_simulated_are_refused(prod):
    environment = altered(prod, *in_policy("context.Operation.Id ==", "context.User.Email =="))
    with World(environment, AUDIENCE) as world, pytest.raises(SimulationError, match=r"context\.User is not simulated"):
        headers = Headers([("api-key", "key-of-intranet"), ("Authorization", world.token())])
        world.simulation.handle(Request("POST", "/foundation/v1/chat/completions", headers, b"{}"))


def test_a_gateway_is_needed(prod):
    empty = replace(prod, resources=())
    with pytest.raises(SimulationError, match="no API behind a gateway"):
        World(empty, AUDIENCE)
