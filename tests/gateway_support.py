"""A gateway under test: the simulation behind a port, servers that stand for its back ends, and callers."""

import http.client
import json
import re
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

from generator.compiler import TENANT_ID
from generator.gateway_simulation import tokens
from generator.gateway_simulation.clock import VirtualClock
from generator.gateway_simulation.loopback import LoopbackTransport, serve
from generator.gateway_simulation.service import Simulation

SECRET = "the merger will be announced on Friday"
JSON = {"Content-Type": "application/json"}


@dataclass
class Reply:
    """What a fake back end says. After the first chunk it waits for `gate`, when there is one."""

    status: int = 200
    headers: dict = field(default_factory=lambda: dict(JSON))
    chunks: tuple = (b'{"object": "x", "usage": {"total_tokens": 10}}',)
    gate: Event | None = None


def refusal(status, name, **headers):
    """A refusal that tells more than a caller may know."""
    body = json.dumps({"error": {"message": f"{name} at https://{name}.openai.azure.com says no"}}).encode()
    return Reply(status, {**JSON, "x-ms-region": name, "Server": name, **headers}, (body,))


def used(total):
    """An answer that took so many tokens."""
    return Reply(chunks=(json.dumps({"usage": {"total_tokens": total}}).encode(),))


class FakeModel:
    """A back end on loopback: says what `reply` says, and remembers what it was asked."""

    def __init__(self, name):
        self.name, self.reply, self.seen, self.waited = name, Reply(), [], []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format, *arguments):
                pass

            def do_GET(self):
                self.do_POST()

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                fake.seen.append((self.path, dict(self.headers.items()), body))
                reply = fake.reply
                self.send_response_only(reply.status)
                for key, value in reply.headers.items():
                    self.send_header(key, value)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for number, chunk in enumerate(reply.chunks):
                    if number and reply.gate:
                        fake.waited.append(reply.gate.wait(3))
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                    self.wfile.flush()
                self.wfile.write(b"0\r\n\r\n")

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.alive = True

    def die(self):
        """Refuse connections from now on."""
        if self.alive:
            self.alive = False
            self.server.shutdown()
            self.server.server_close()


class World:
    """The gateway of an environment with a fake for each of its back ends; use it as a context manager."""

    def __init__(self, environment, audience, **settings):
        self.clock, self.audience = VirtualClock(), audience
        self.fakes = {}
        self.simulation = Simulation(environment, LoopbackTransport({}), self.clock, **settings)
        self._stack = ExitStack()

    def __enter__(self):
        self.fakes = {name: FakeModel(name) for name in self.simulation.backends}
        self.simulation.transport.ports = {name: fake.port for name, fake in self.fakes.items()}
        self._stack.enter_context(self.simulation)
        self.port = self._stack.enter_context(serve(self.simulation))
        return self

    def __exit__(self, *error):
        self._stack.__exit__(*error)
        for fake in self.fakes.values():
            fake.die()

    def __getitem__(self, name):
        """The fake whose name ends like this."""
        return next(fake for key, fake in self.fakes.items() if key.endswith(name))

    def asked(self):
        """How often each fake was asked, without those that were not."""
        return {name.rpartition("-")[2]: len(fake.seen) for name, fake in self.fakes.items() if fake.seen}

    def token(self, **changes):
        """A token of a caller, or a faulty one."""
        chosen = {"tenant": TENANT_ID, "audience": self.audience, "now": self.clock.now(), **changes}
        return f"Bearer {tokens.issue(**chosen)}"

    def raw(self, consumer, path, body):
        """Send bytes as they are: status, headers in lower case, body."""
        return finish(self.open(consumer, path, body))

    def open(self, consumer, path, body, **headers):
        """Start a call with something that is written as JSON, or with bytes; headers that are None are left out."""
        usual = {**JSON, "api-key": self.simulation.keys[consumer], "Authorization": self.token()}
        chosen = {**usual, **{key.replace("_", "-"): value for key, value in headers.items()}}
        sent = {key: value for key, value in chosen.items() if value is not None}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("POST", path, body if isinstance(body, bytes) else json.dumps(body), sent)
        return connection.getresponse()

    def chat(self, consumer="intranet", model="gpt-5.4", question="Good morning?", path="/chat/completions", **headers):
        """A chat completion: status, headers in lower case, body."""
        body = {"model": model, "messages": [{"role": "user", "content": question}]}
        return finish(self.open(consumer, f"/foundation/v1{path}", body, **headers))

    def score(self, consumer="intranet", **headers):
        """A call of the own models."""
        return finish(self.open(consumer, "/models/v1/score", {"data": [1]}, **headers))


def finish(response):
    """Status, headers in lower case, body."""
    return response.status, {key.lower(): value for key, value in response.getheaders()}, response.read().decode()


def begin_change(file, successor, accounts):
    """Write into a parameter file that some accounts deploy another chat model, which takes over."""
    text = file.read_text(encoding="utf-8")
    names = f"name: '{successor}'\n        model: '{successor}'"
    capacity = "version: '1'\n        sku: 'DataZoneStandard'\n        capacity: 10"
    row = f"deployments: [\n      {{\n        {names}\n        {capacity}\n      }}"
    for account in accounts:
        text, count = re.subn(rf"(name: '{account}'\n    location: '\w+'\n    )deployments: \[", rf"\g<1>{row}", text)
        assert count == 1, account
    file.write_text(text.replace("successor: ''", f"successor: '{successor}'"), encoding="utf-8")
