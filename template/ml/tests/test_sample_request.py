"""The sample request keeps the data contract, and the smoke test notices a missing answer."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pandas as pd
import pytest
from example_model import data, smoke

REQUEST = json.loads((Path(__file__).parents[1] / "models/example/sample-request.json").read_text())
(TABLE,) = REQUEST.values()


class Server(BaseHTTPRequestHandler):
    """Answers the first row only."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"[0]")

    def log_message(self, *arguments):
        pass


def test_the_sample_request_keeps_the_contract():
    data.check(pd.DataFrame(TABLE["data"], columns=TABLE["columns"]), labelled=False)


def test_a_missing_answer_is_noticed():
    server = HTTPServer(("127.0.0.1", 0), Server)
    Thread(target=server.serve_forever, daemon=True).start()
    with pytest.raises(ValueError, match="2 rows got 1 answers"):
        smoke.smoke(f"http://127.0.0.1:{server.server_port}/score", REQUEST)
    server.shutdown()
    server.server_close()
