"""The end of a run is told to a command or an address, and nothing that these do changes the run."""

import http.server
import json
import os
import threading

import pytest
from records import config, finished, planned

from vp_tui.core.errors import UsageError
from vp_tui.core.runs import notify
from vp_tui.core.store import lifecycle
from vp_tui.core.store.reader import Reader
from vp_tui.core.store.writer import RunWriter


@pytest.fixture
def ended(home):
    """Id of a run that ended with FAIL, whose name is a shell's idea of a command."""
    run_id = lifecycle.create_run(home, config(name="$(touch owned); `id`"))
    lifecycle.start(home, run_id, "cpu")
    with RunWriter(home, run_id) as writer:
        writer.put(planned())
        writer.put(finished(verdict="FAIL"))
    return run_id


def told(home, run_id, command, level="always", **more):
    environment = {"PATH": os.environ["PATH"], **more}
    notify.request(environment, command, level)
    notify.tell(home, run_id, environment)


def test_the_command_gets_the_fields_of_the_run_as_they_are_and_no_shell_reads_them(home, ended, tmp_path):
    out = tmp_path / "told"
    script = tmp_path / "tell.sh"
    script.write_text('#!/bin/sh\nprintf "%s|%s|%s" "$VP_TUI_RUN_ID" "$VP_TUI_RUN_VERDICT" "$1" > "$2"\n')
    script.chmod(0o755)
    told(home, ended, f"{script} $VP_TUI_RUN_NAME {out}")
    assert out.read_text() == f"{ended}|FAIL|$VP_TUI_RUN_NAME"


@pytest.mark.parametrize("command", ["/no/such/command", "sh -c 'exit 3'", "sleep 1000"])
def test_a_command_that_fails_or_hangs_is_a_line_in_the_log(home, ended, command, monkeypatch, caplog):
    monkeypatch.setattr(notify, "PATIENCE_SECONDS", 0.2)
    told(home, ended, command)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    with Reader(home) as reader:
        assert (reader.run(ended).status, reader.run(ended).verdict) == ("completed", "FAIL")


@pytest.mark.parametrize(
    ("verdict", "levels"),
    [("PASS", ["always"]), ("WARN", ["warn", "always"]), ("FAIL", ["fail", "warn", "always"]),
     (None, ["fail", "warn", "always"])],
)  # fmt: skip
def test_a_level_is_the_least_bad_end_that_is_told(home, ended, verdict, levels):
    from dataclasses import replace

    with Reader(home) as reader:
        run = replace(reader.run(ended), verdict=verdict)
    assert [level for level in ("fail", "warn", "always") if notify.is_wanted(run, level)] == levels


def test_an_address_gets_the_fields_as_json(home, ended):
    got = []

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        told(home, ended, f"http://127.0.0.1:{server.server_port}/hook")
        thread.join(10)
    assert (got[0]["id"], got[0]["verdict"], got[0]["name"]) == (str(ended), "FAIL", "$(touch owned); `id`")


def test_what_cannot_be_read_is_refused_before_the_run_starts():
    for command, level in (("say 'it", "always"), ("true", "sometimes")):
        with pytest.raises(UsageError, match="--notify"):
            notify.request({}, command, level)
