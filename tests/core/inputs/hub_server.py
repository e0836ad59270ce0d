"""A hub on the loopback: the paths that huggingface_hub asks for, and the ways a download can go wrong."""

import hashlib
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit


@dataclass
class Hub:
    """What the server holds; the tests change it between calls."""

    url: str = ""
    repositories: dict[str, dict[str, dict[str, bytes]]] = field(default_factory=dict)
    """Repository -> commit -> file -> content."""
    branches: dict[tuple[str, str], str] = field(default_factory=dict)
    """(repository, branch) -> commit."""
    gone: set[str] = field(default_factory=set)
    """Files that are in the list and not there."""
    breaks: dict[str, int] = field(default_factory=dict)
    """File -> how often its transfer breaks in the middle."""
    down: set[str] = field(default_factory=set)
    """Files that answer 503."""
    down_after_break: bool = False
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    """Method, path and Range of every request."""

    def add(self, name, files, branch="main"):
        """A commit of `files`; returns its hash."""
        commit = hashlib.sha1(json.dumps([name, sorted(files)]).encode() + b"".join(files.values())).hexdigest()
        self.repositories.setdefault(name, {})[commit] = dict(files)
        self.branches[name, branch] = commit
        return commit

    def downloads(self, file):
        """Range (None for the whole) of every transfer of `file`."""
        return [span for method, path, span in self.asked if method == "GET" and path.endswith(f"/{file}")]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self._answer()

    def do_GET(self):
        self._answer()

    def _answer(self):
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append((self.command, path, self.headers.get("Range")))
        parts = path.strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            self._api("/".join(parts[2:4]), *parts[4:])
        elif parts[2:3] != ["resolve"]:
            self._send(404, b"")
        else:
            self._file("/".join(parts[:2]), parts[3], "/".join(parts[4:]))

    def _api(self, name, what="", *rest):
        if name not in self.hub.repositories:
            return self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
        revision = "/".join(rest) or "main"
        commit = self.hub.branches.get((name, revision), revision)
        files = self.hub.repositories[name].get(commit)
        if files is None:
            return self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
        if what == "tree":
            return self._json([
                {"type": "file", "path": file, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                for file, content in files.items()
            ])  # fmt: skip
        return self._json({"id": name, "sha": commit, "siblings": [{"rfilename": file} for file in files]})

    def _file(self, name, commit, file):
        files = self.hub.repositories.get(name, {}).get(commit, {})
        if file in self.hub.down:
            return self._send(503, b"down")
        if file not in files or file in self.hub.gone:
            return self._send(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit})
        content = files[file]
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").split("-")[0])
        about = {
            "X-Repo-Commit": commit, "ETag": f'"{hashlib.sha1(content).hexdigest()}"', "Accept-Ranges": "bytes",
            "Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}",
        }  # fmt: skip
        if self.command == "GET" and self.hub.breaks.get(file, 0) > 0:
            self.hub.breaks[file] -= 1
            self.hub.down |= {file} if self.hub.down_after_break else set()
            return self._send(206 if start else 200, content[start:], about, sent=(len(content) - start) // 2)
        return self._send(206 if start else 200, content[start:], about)

    def _json(self, value):
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(self, status, body, headers=None, sent=None):
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body[:sent])
        if sent is not None:
            self.close_connection = True


@contextmanager
def serving():
    """A Hub that answers on a free port of the loopback."""
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
