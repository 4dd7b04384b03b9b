"""Single lookups over HTTP, for what wrk does not do: reading the answers."""

import http.client
import json
from urllib.parse import quote


class Client:
    """One kept connection to a server."""

    def __init__(self, server):
        self.server = server
        self.connection = http.client.HTTPConnection(server.address, timeout=10)

    def reply(self, telephone: str) -> tuple[http.client.HTTPResponse, bytes]:
        """The whole reply, status and headers included."""
        path = f"/bench/lookup?telephone={quote(telephone, safe='')}&dnid=0310000000&token={self.server.token}"
        self.connection.request("GET", path)
        response = self.connection.getresponse()
        return response, response.read()

    def caller(self, telephone: str) -> dict:
        """The six fields of an answer."""
        response, body = self.reply(telephone)
        if response.status != 200:
            raise RuntimeError(f"{self.server.name} answered {response.status}: {body[:200]!r}")
        return json.loads(body)


def answers(server, telephone: str) -> bool:
    """Whether a lookup is answered at all; for waiting until a server is ready."""
    try:
        return Client(server).reply(telephone)[0].status == 200
    except (OSError, http.client.HTTPException):
        return False
