"""`/api/keys`, where nobody is asked for a key: on this machine, before the first one is made."""

from pathlib import Path

import msgspec
import pytest

from tests.unit.server.serving import serving

pytestmark = pytest.mark.slow  # a server, and a database of its own


async def test_keys_are_made_and_ended(project: Path) -> None:
    async with serving(project) as server:
        keys = f"{server.url}/api/keys"
        async with server.session.get(keys) as response:
            assert (await response.json(), response.headers["cache-control"]) == ({"keys": []}, "no-store")
        async with server.session.post(keys, json={"name": "app", "groups": ["staff"]}) as response:
            made = await response.json()
        assert (response.status, made["terms"]["groups"]) == (201, ["staff"])
        one = f"{keys}/{made['id']}"
        async with server.session.post(f"{one}/rotate") as response:
            turned = await response.json()
        assert (len(turned["secrets"]), turned["key"] == made["key"]) == (2, False)
        async with server.session.post(f"{one}/revoke", json={}) as response:
            assert (await response.json())["state"] == "revoked"
        async with server.session.get(one) as response:
            found = await response.json()
        assert ("key" in found, found["state"]) == (False, "revoked")


WRONG = (
    ("POST", "", b"{", 400, "server.body_invalid"),
    ("POST", "", b'{"name": "a", "tenant": "b"}', 400, "server.body_invalid"),
    ("POST", "", b'{"name": "a", "tenants": []}', 400, "access.terms_invalid"),
    ("DELETE", "", b"", 405, "server.method_not_allowed"),
    ("GET", "/nothing", b"", 404, "access.no_such_key"),
    ("POST", "/nothing", b"", 405, "server.method_not_allowed"),
    ("POST", "/a/rotate", b'{"grace_s": -1}', 400, "server.body_invalid"),
    ("POST", "/a/rotate", b"{}", 404, "access.no_such_key"),
    ("GET", "/a/revoke", b"", 405, "server.method_not_allowed"),
    ("POST", "/a/bless", b"", 404, "server.route_unknown"),
)


async def test_what_cannot_be_done_is_said(project: Path) -> None:
    headers = {"content-type": "application/json"}
    async with serving(project) as server:
        for method, path, body, status, code in WRONG:
            url = f"{server.url}/api/keys{path}"
            async with server.session.request(method, url, data=body, headers=headers) as response:
                said = msgspec.json.decode(await response.read())
            assert (response.status, said["error"]["code"]) == (status, code), (method, path, body)
