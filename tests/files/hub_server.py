"""A local server that speaks what the Hugging Face hub speaks of models."""

import hashlib
import json
import re
import urllib.parse

from tests.files.file_server import FileServer


class HubServer(FileServer):
    """Serves one repository, `org/name`, whose files can be replaced.

    Large files (`.h5`, `.keras`) are redirected to another path, as the hub
    keeps them elsewhere; `authorizations` notes who was told the token.
    """

    def __init__(self, files):
        super().__init__(b"")
        self.files = dict(files)
        self.wrong = {}
        self.authorizations = {"api": [], "resolve": [], "elsewhere": []}

    @property
    def commit(self):
        names = sorted(self.files.items())
        return hashlib.sha1(repr(names).encode()).hexdigest()

    def answer(self, handler):
        path = urllib.parse.urlsplit(handler.path).path
        token = handler.headers.get("Authorization")
        if match := re.fullmatch(r"/api/models/org/name/revision/(.+)", path):
            self.authorizations["api"].append(token)
            if match[1] not in ("main", "v1", self.commit):
                self._refuse(handler, "RevisionNotFound")
            else:
                self._send(handler, self._listing())
        elif match := re.fullmatch(r"/org/name/resolve/(\w+)/(.+)", path):
            self.authorizations["resolve"].append(token)
            name = match[2]
            if match[1] != self.commit or name not in self.files:
                self._refuse(handler, "EntryNotFound")
            elif _is_large(name):
                handler.send_response(302)
                handler.send_header("Location", f"/elsewhere/{name}")
                handler.send_header("Content-Length", "0")
                handler.end_headers()
            else:
                handler.send_contents(self.files[name])
        elif path.startswith("/elsewhere/"):
            self.authorizations["elsewhere"].append(token)
            name = path.removeprefix("/elsewhere/")
            handler.send_contents(self.wrong.get(name, self.files[name]))
        else:
            self._refuse(handler, "RepoNotFound")

    def _listing(self):
        siblings = []
        for name, contents in self.files.items():
            header = b"blob %d\0" % len(contents)
            entry = {
                "rfilename": name,
                "size": len(contents),
                "blobId": hashlib.sha1(header + contents).hexdigest(),
            }
            if _is_large(name):
                digest = hashlib.sha256(contents).hexdigest()
                entry["lfs"] = {
                    "sha256": digest,
                    "size": len(contents),
                    "pointerSize": 130,
                }
            siblings.append(entry)
        return {"id": "org/name", "sha": self.commit, "siblings": siblings}

    def _send(self, handler, value):
        body = json.dumps(value).encode()
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def _refuse(self, handler, code):
        handler.send_response(404)
        handler.send_header("X-Error-Code", code)
        handler.send_header("Content-Length", "0")
        handler.end_headers()


def _is_large(name):
    return name.endswith((".h5", ".keras"))
