"""The application: answers with the name of its node. app.py SETTINGS.json"""

import errno
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

with open(sys.argv[1]) as file:
    SETTINGS = json.load(file)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/health":
            self.answer("text/plain", "ok\n")
        else:
            self.answer("application/json", json.dumps({"node": SETTINGS["node"], "path": self.path}) + "\n")

    def answer(self, kind, text):
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Node", SETTINGS["node"])
        self.end_headers()
        self.wfile.write(body)


def listen(address):
    return ThreadingHTTPServer((address, SETTINGS["port"]), Handler)


try:
    server = listen(SETTINGS["address"])
except OSError as error:
    # The address is that of a gateway in front of this node: listen on all of its own.
    if error.errno != errno.EADDRNOTAVAIL:
        raise
    server = listen("0.0.0.0")
server.serve_forever()
