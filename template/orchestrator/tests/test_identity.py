"""Tokens of the identity of the service."""

AUDIENCE = "api://ai-gateway"
QUESTION = {"messages": [{"role": "user", "content": "What is the capital of France?"}]}


def test_the_gateway_sees_a_token_which_is_kept(service, fake):
    for _ in range(3):
        assert service.post("/answers", json=QUESTION).status_code == 200
    assert {asked["headers"]["authorization"] for asked in fake.asked} == {f"Bearer {AUDIENCE}-1"}
    assert fake.tokens[AUDIENCE] == 1


def test_a_token_is_renewed_before_it_expires(service, fake):
    fake.lifetime = 200
    for _ in range(2):
        service.post("/answers", json=QUESTION)
    tokens = [asked["headers"]["authorization"] for asked in fake.asked]
    assert tokens == [f"Bearer {AUDIENCE}-1", f"Bearer {AUDIENCE}-2"]


def test_without_a_token_the_gateway_is_not_asked(service, fake):
    fake.token_status = 500
    response = service.post("/answers", json=QUESTION)
    assert (response.status_code, response.json()["error"]["code"]) == (502, "NoToken")
    assert fake.asked == []
