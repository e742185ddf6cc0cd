"""No request can make the server reach a private address (design, G13): the table of ways that were tried elsewhere."""

import socket
from collections.abc import Sequence

import pytest

from backburner.core.clock import SystemClock
from backburner.outbound.addresses import CheckedResolver, Forbidden, check, networks
from backburner.outbound.webhooks import WebhookPost
from tests.doubles.receiver import Receiver

PUBLIC = "93.184.216.34"
NAMES = {
    "example.com": [PUBLIC],
    "xn--bcher-kva.example": [PUBLIC],
    "example.com.": [PUBLIC],
    "six.example": ["2606:2800:220:1:248:1893:25c8:1946"],
    "localhost": ["127.0.0.1", "::1"],
    "localhost.": ["127.0.0.1"],
    "ten.example": ["10.1.2.3"],
    "two.example": [PUBLIC, "10.1.2.3"],  # one public address does not excuse the other
    "mapped.example": ["::ffff:10.0.0.1"],
    "metadata.google.internal": ["169.254.169.254"],
}


async def resolve(host: str) -> Sequence[str]:
    if host in NAMES:
        return NAMES[host]
    # what inet_aton reads as an address every resolver does: 127.1, 0x7f.1, 2130706433
    return list(
        dict.fromkeys(str(x[4][0]) for x in socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST))
    )


REFUSED = """
https://127.0.0.1/ https://127.1/ https://2130706433/ https://0x7f.1/ https://0177.0.0.1/ https://0x7f000001/
https://0.0.0.0/ https://0/ https://127.255.255.254/ https://localhost/ https://localhost./ https://LOCALHOST/
https://10.0.0.1/ https://172.16.0.1/ https://172.31.255.255/ https://192.168.1.1/ https://169.254.169.254/latest
https://100.64.0.1/ https://100.127.255.255/ https://192.0.0.192/ https://198.18.0.1/ https://224.0.0.1/
https://239.255.255.250/ https://240.0.0.1/ https://255.255.255.255/ https://192.88.99.1/ https://192.0.2.1/
https://[::]/ https://[::1]/ https://[::127.0.0.1]/ https://[::ffff:127.0.0.1]/ https://[::ffff:7f00:1]/
https://[::ffff:169.254.169.254]/ https://[64:ff9b::7f00:1]/ https://[64:ff9b:1::a00:1]/ https://[2002:7f00:1::]/
https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/ https://[fc00::1]/ https://[fd00:ec2::254]/ https://[fe80::1]/
https://[fe80::1%25eth0]/ https://[fec0::1]/ https://[ff02::1]/ https://[2001:db8::1]/ https://[100::1]/
https://ten.example/ https://two.example/ https://mapped.example/ https://metadata.google.internal/
http://example.com/ https://example.com:22/ https://example.com:80/ https://a@example.com/ https://a:b@example.com/
https://example.com@127.0.0.1/ https://127.0.0.1#@example.com/ https://example.com\\@127.0.0.1/ \\\\127.0.0.1\\x
file:///etc/passwd gopher://example.com/ ftp://example.com/ data:text/plain,x gs://bucket/x //example.com/ example.com
https:/// https:///x https://example.com:99999/ https://[::1 https://b\u00fccher.example/ https://example.com/\t
https://%31%32%37.0.0.1/ https://example.com%00.evil.example/
""".split(" ")
REFUSED = [url for line in REFUSED for url in line.split("\n") if url]
TAKEN = (
    "https://example.com/hook https://example.com:443/ https://example.com:8443/a?b=c https://EXAMPLE.com./ "
    "https://six.example/ https://93.184.216.34/ https://[2606:2800:220:1:248:1893:25c8:1946]/ "
    "https://xn--bcher-kva.example/"
).split(" ")


def test_the_table_is_a_table() -> None:
    assert len(REFUSED) >= 60


@pytest.mark.parametrize("url", REFUSED)
async def test_what_leads_inside_is_refused(url: str) -> None:
    with pytest.raises(Forbidden) as refused:
        await check(url, (), resolve)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 200


@pytest.mark.parametrize("url", TAKEN)
async def test_what_is_public_is_taken(url: str) -> None:
    await check(url, (), resolve)


async def test_a_network_that_was_opened_may_be_called_and_no_other() -> None:
    opened = networks(["10.1.0.0/16", "fd00::/8"])
    for url in ("http://ten.example:9000/", "https://[fd00::1]/", "http://[::ffff:10.1.0.9]/"):
        await check(url, opened, resolve)
    for url in (
        "https://10.2.0.1/",
        "https://two.example:9000/",
        "http://example.com/",
        "https://127.0.0.1/",
    ):
        with pytest.raises(Forbidden):
            await check(url, opened, resolve)


async def test_a_name_that_changes_its_mind_gains_nothing() -> None:
    """DNS rebinding: public when the URL was judged, private when the connection is made."""
    answers = iter([[PUBLIC], [PUBLIC], ["127.0.0.1"]])

    async def rebinding(host: str) -> Sequence[str]:
        return next(answers)

    await check("https://example.com/", (), rebinding)
    posted = await WebhookPost(SystemClock(), (), rebinding)("https://example.com/", b"{}", {})
    assert (posted.status, "not public" in posted.why) == (None, True)
    with pytest.raises(OSError, match="not public"):
        await CheckedResolver((), resolve).resolve("ten.example", 443)


async def test_no_redirect_is_followed_and_no_proxy_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    async with Receiver(302) as receiver:

        async def named(host: str) -> Sequence[str]:
            return ["127.0.0.1"]

        post = WebhookPost(SystemClock(), networks(["127.0.0.0/8"]), named)
        posted = await post(f"http://receiver.example:{receiver.port}/hook", b"{}", {"webhook-id": "x"})
        await post.close()
        assert posted.status == 302
        assert [event.headers["webhook-id"] for event in receiver.events] == ["x"]
