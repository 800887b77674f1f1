"""A local server that hands out files, well or badly."""

import contextlib
import http.server
import re
import threading
import time


class FileServer(http.server.ThreadingHTTPServer):
    """Serves one file, well or badly, as its attributes say.

    `cuts` holds, for each coming connection, how many bytes it brings before
    it breaks; `statuses` the errors that come first. A range begins `earlier`
    bytes before the one that was asked for, as its header says. `pause` is how
    many seconds it waits after each `piece` bytes. `requests` keeps the range
    each request asked for.
    """

    daemon_threads = True

    def __init__(self, contents):
        super().__init__(("127.0.0.1", 0), Handler)
        self.contents = contents
        self.etag = '"1"'
        self.has_ranges = True
        self.has_length = True
        self.is_chunked = False
        self.honours_if_range = True
        self.earlier = 0
        self.cuts = []
        self.statuses = []
        self.silence = None
        self.piece, self.pause = None, 0
        self.requests = []

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def url(self):
        return f"{self.address}/file.bin"

    def handle_error(self, request, client_address):
        """Says nothing: those who ask may be gone."""

    def answer(self, handler):
        """Sends what a path asks for."""
        handler.send_contents(self.contents)

    @contextlib.contextmanager
    def running(self):
        thread = threading.Thread(target=self.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield self
        finally:
            self.shutdown()
            self.server_close()
            thread.join()


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers one request as the server says."""

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        self.server.requests.append(self.headers.get("Range"))
        if self.server.statuses:
            self.send_error(self.server.statuses.pop(0))
        else:
            self.server.answer(self)

    def send_contents(self, contents):
        server = self.server
        asked = self.headers.get("Range")
        start = 0
        is_same = self.headers.get("If-Range") in (None, server.etag)
        if asked and server.has_ranges:
            if is_same or not server.honours_if_range:
                start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1])
                start -= server.earlier
        size = len(contents)
        if start >= size:
            self.send_error(416)
            return
        body = contents[start:]
        if server.is_chunked:
            self.protocol_version = "HTTP/1.1"
            self.close_connection = True
        self.send_response(206 if start else 200)
        if start:
            span = f"bytes {start}-{size - 1}/{size}"
            self.send_header("Content-Range", span)
        if server.is_chunked:
            self.send_header("Transfer-Encoding", "chunked")
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        elif server.has_length:
            self.send_header("Content-Length", str(len(body)))
        if server.etag:
            self.send_header("ETag", server.etag)
        self.end_headers()
        if server.silence is not None:
            self.wfile.write(body[: server.silence])
            self.wfile.flush()
            time.sleep(1)
            return
        if server.cuts:
            body = body[: server.cuts.pop(0)]
        with contextlib.suppress(ConnectionError):
            step = server.piece or len(body) or 1
            for begin in range(0, len(body), step):
                self.wfile.write(body[begin : begin + step])
                time.sleep(server.pause)
