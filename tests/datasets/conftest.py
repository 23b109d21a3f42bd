"""An HTTP server on this machine that can misbehave."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from rich.progress import Progress


class Server(ThreadingHTTPServer):
    """Serves ``files``; notes each request's ``Range``.

    ``break_after`` holds, request by request, after how many bytes the connection is closed; after ``pause_after``
    bytes nothing comes any more.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files, self.ranges, self.break_after, self.statuses = {}, [], [], []
        self.knows_ranges = self.says_length = True
        self.pause_after = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self):
        server, wanted = self.server, self.headers.get("Range")
        server.ranges.append(wanted)
        body = server.files.get(self.path.lstrip("/"))
        status = server.statuses.pop(0) if server.statuses else 200 if body is not None else 404
        if status != 200 or body is None:
            self.send_error(status)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and server.knows_ranges else 0
        if start >= len(body) > 0:
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if server.says_length:
            self.send_header("Content-Length", str(len(body) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        self.end_headers()
        limit = server.break_after.pop(0) if server.break_after else server.pause_after
        self.wfile.write(body[start:] if limit is None else body[start : start + limit])
        if server.pause_after is not None:
            self.connection.recv(1)  # returns when the client has gone

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def progress():
    return Progress(disable=True)
