"""`vp-tui serve`: who may ask, what a tab is, and how everything ends. Real processes, real pipes."""

import asyncio
import os
import signal
import socket
from contextlib import asynccontextmanager
from pathlib import Path

import pyte
import pytest
import stored_runs
from served import serving

from vp_tui.core.store.home import Home
from vp_tui.tui.commands import serve

aiohttp = pytest.importorskip("aiohttp", reason="needs the web extra: pip install 'vp-tui[web]'")
is_loopback = pytest.importorskip("vp_tui.tui.web.server").is_loopback

SECONDS = 20.0


class Tab:
    """What a browser does with the websocket, and a terminal that shows the picture."""

    def __init__(self, socket):
        self._socket = socket
        self.screen = pyte.Screen(80, 24)
        self._stream = pyte.ByteStream(self.screen)

    @property
    def rows(self):
        return self.screen.display

    @property
    def text(self):
        return "\n".join(self.rows)

    async def press(self, keys):
        await self._socket.send_json(["stdin", keys])

    async def resize(self, width, height):
        self.screen.resize(height, width)
        await self.wish(width, height)

    async def wish(self, width, height):
        """A size that only the server hears of."""
        await self._socket.send_json(["resize", {"width": width, "height": height}])

    async def until(self, *words, column=0):
        """All words are in the picture, and something at or right of the column."""
        async with asyncio.timeout(SECONDS):
            while not (all(word in self.text for word in words) and any(row[column:].strip() for row in self.rows)):
                message = await self._socket.receive()
                assert message.type == aiohttp.WSMsgType.BINARY, f"{message}\n{self.text}"
                self._stream.feed(message.data)

    async def until_closed(self):
        """The server has nothing more to say."""
        async with asyncio.timeout(SECONDS):
            while not self._socket.closed:
                await self._socket.receive()


@asynccontextmanager
async def opened(served, **headers):
    address = served.at("/ws", "width=80&height=24")
    async with aiohttp.ClientSession(headers=headers) as session, session.ws_connect(address) as connection:
        yield Tab(connection)


async def until(condition):
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.02)


def is_alive(pid):
    """Neither gone nor a zombie."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A home whose path a shell would take apart, with one finished run."""
    from vp_tui.migrations import upgrade

    home = Home(tmp_path_factory.mktemp("served") / "my $HOME; it's")
    upgrade(home)
    stored_runs.complete(home, name="finished")
    return home


@pytest.fixture(scope="module")
def _server(place):
    with serving(place) as one:
        yield one


@pytest.fixture
async def served(_server):
    """One server for all tests that leave it alive, once the tabs of the test before are gone."""
    await until(lambda: not _server.dashboards)
    return _server


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", ""])
def test_an_address_others_can_reach_is_refused_with_the_reason_and_the_way_out(call, host):
    code, out, err = call("serve", "--host", host)
    assert (code, out) == (2, "")
    assert repr(host) in err
    assert "encrypted" in err
    assert "ssh -L 8000:localhost:8000 HOST" in err
    assert "--allow-public" in err


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_this_machine_is_known_by_its_names(host):
    assert is_loopback(host)


@pytest.mark.parametrize("port", ["70000", "-1", "http"])
def test_a_port_that_is_none_is_refused(call, port):
    code, _, err = call("serve", "--port", port)
    assert code == 2
    assert "--port" in err


def test_a_port_in_use_is_said_so(call):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, out, err = call("serve", "--port", port)
    assert (code, out) == (2, "")
    assert f"--port {port} is in use on 127.0.0.1" in err


def test_an_address_of_another_machine_is_said_so(call):
    code, _, err = call("serve", "--host", "192.0.2.7", "--allow-public")
    assert code == 2
    assert "cannot listen on --host '192.0.2.7' --port 8000" in err


def test_without_the_extra_the_reader_is_told_what_to_install(call, monkeypatch):
    monkeypatch.setattr(serve.importlib.util, "find_spec", lambda name: None)
    code, _, err = call("serve")
    assert code == 2
    assert "pip install 'vp-tui[web]'" in err


@pytest.mark.parametrize("path", ["/", "/ws", "/static/js/textual.js"])
@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Host": "["}, {"Host": '"><script>'}, {"Origin": "http://evil.example"}]
)
async def test_a_strange_name_or_page_gets_nothing(served, path, headers):
    async with aiohttp.ClientSession() as session, session.get(served.at(path), headers=headers) as answer:
        assert answer.status == 403
    assert not served.dashboards


@pytest.mark.parametrize("path", ["/", "/ws", "/static/js/textual.js"])
@pytest.mark.parametrize("token", ["", "?token=", "?token=wrong"])
async def test_without_the_token_of_the_address_nothing_is_answered(served, path, token):
    """Another user of this machine can connect, and does not know it."""
    async with aiohttp.ClientSession() as session, session.get(served.url + path + token) as answer:
        assert answer.status == 403
    assert not served.dashboards


async def test_the_page_keeps_the_token_as_a_cookie_that_no_script_reads(served):
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        async with session.get(served.address) as page:
            assert page.status == 200
        (cookie,) = jar
        assert (cookie["httponly"], cookie["samesite"]) == (True, "Strict")
        async with session.get(served.url + "/static/js/textual.js") as script:
            assert script.status == 200


@pytest.mark.parametrize("size", ["width=1000000000&height=24", "width=80&height=-1", "width=x", "width=" + "9" * 30])
async def test_a_size_that_would_take_all_memory_starts_no_dashboard(served, size):
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError, match="400"):
            await session.ws_connect(served.at("/ws", size))
    assert not served.dashboards


async def test_tabs_are_bounded():
    from types import SimpleNamespace

    from vp_tui.tui.web import server

    one = server._TabServer("true", "t", only_local=True)
    one._tabs = set(range(server.MOST_TABS))
    with pytest.raises(aiohttp.web.HTTPServiceUnavailable):
        await one.handle_websocket(SimpleNamespace(query={}))


async def test_a_resize_beyond_all_screens_is_cut(served):
    async with opened(served) as tab:
        await tab.until("1 Live", "PASS")
        await tab.wish(1_000_000_000, 30)
        await tab.press("2")
        await tab.until("finished")
        (pid,) = served.dashboards
        assert int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 < 2**30


async def test_another_port_of_this_machine_is_a_strange_page(served):
    """Whatever else is served here, a notebook of somebody, may not drive the dashboard."""
    with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
        async with opened(served, Origin="http://127.0.0.1:1"):
            pass


async def test_the_page_asks_nobody_else_and_follows_a_forwarded_port(served):
    host = {"Host": "localhost:9123"}
    async with aiohttp.ClientSession() as session, session.get(served.at("/"), headers=host) as answer:
        text = await answer.text()
    assert "ws://localhost:9123/ws" in text
    assert "http://localhost:9123/static/js/textual.js" in text
    assert served.url not in text
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


async def test_a_public_server_answers_to_any_name_but_to_its_own_page_only(place):
    with serving(place, "--host", "0.0.0.0", "--allow-public") as public:
        async with aiohttp.ClientSession() as session:
            async with session.get(public.at("/"), headers={"Host": "gpu7.example"}) as answer:
                assert answer.status == 200
            async with session.get(public.at("/"), headers={"Host": "gpu7", "Origin": "http://evil"}) as answer:
                assert answer.status == 403
        public.process.terminate()
        assert "encrypted" in public.process.stderr.read()
        assert public.process.wait(SECONDS) == 0


async def test_a_tab_is_the_dashboard_of_this_home_with_its_keys_and_its_size(served):
    async with opened(served, Origin=served.url) as tab:
        await tab.until("1 Live", "PASS")
        await tab.press("2")
        await tab.until("finished", "lowest")
        await tab.resize(120, 30)
        await tab.until("lowest", column=80)


async def test_each_tab_is_a_process_that_ends_with_it(served):
    async with opened(served) as stays:
        await stays.until("1 Live")
        first = served.dashboards
        assert len(first) == 1
        async with opened(served) as goes:
            await goes.until("1 Live")
            second = served.dashboards - first
            assert len(second) == 1
        await until(lambda: not is_alive(*second))
        assert is_alive(*first)
        await stays.press("2")
        await stays.until("lowest")
    await until(lambda: not is_alive(*first))


async def test_leaving_in_the_tab_ends_the_session(served):
    async with opened(served) as tab:
        await tab.until("1 Live", "PASS")
        await tab.press("q")
        await tab.until_closed()
    await until(lambda: not served.dashboards)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
async def test_a_signal_ends_the_dashboard_of_a_tab(served, number):
    async with opened(served) as tab:
        await tab.until("1 Live", "PASS")
        (pid,) = served.dashboards
        os.kill(pid, number)
        await tab.until_closed()
    await until(lambda: not is_alive(pid))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_server_ends_cleanly_with_all_its_tabs(place, number):
    with serving(place) as one:
        async with opened(one) as first, opened(one) as second:
            await first.until("1 Live")
            await second.until("1 Live")
            pids = one.dashboards
            one.process.send_signal(number)
            await first.until_closed()
            await second.until_closed()
        assert one.process.wait(SECONDS) == 0
        assert "Traceback" not in one.process.stderr.read()
    assert len(pids) == 2
    assert not any(map(is_alive, pids))


async def test_a_killed_server_leaves_no_dashboard_behind(place):
    with serving(place) as one:
        async with opened(one) as tab:
            await tab.until("1 Live", "PASS")
            (pid,) = one.dashboards
            one.process.kill()
            await until(lambda: not is_alive(pid))
