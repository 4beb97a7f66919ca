"""Why: "it failed" does not say that a certificate has run out; each trouble of TLS has its name."""

import asyncio
import ssl
import subprocess
import time

import pytest
from traffic.conftest import DEADLINE, HOST, listening, read_request

from chaosctl.errors import Invalid
from chaosctl.spec.load import Load, Share
from chaosctl.traffic.load import Part, play

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


async def good(reader, writer):
    while True:
        await read_request(reader)
        writer.write(OK)


def certificate(folder, name=HOST, days=2):
    """A certificate that signs itself, for an address; its files."""
    key, file = folder / f"{name}.key", folder / f"{name}.crt"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    made = [*command, "-keyout", key, "-out", file, "-days", str(days), "-subj", "/CN=model"]
    subprocess.run([*made, "-addext", f"subjectAltName=IP:{name}"], check=True, capture_output=True)
    return file, key


def speaking(files):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    return context


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("tls"))


async def asked(port, authorities=""):
    """What came of ten requests over TLS: the errors, and how many were good."""
    load = Load(url=f"https://{HOST}:{port}", users=2, requests=10, lasting="30s", authorities=authorities)
    heard = []
    part = Part(load, Share(), time.time())
    await asyncio.wait_for(play(part, lambda _index, second: heard.append(second)), DEADLINE)
    errors = {}
    for second in heard:
        errors.update(second.errors)
    return set(errors), sum(second.good for second in heard)


async def test_whom_one_trusts_is_asked_over_tls(files):
    async with listening(good, ssl=speaking(files)) as port:
        assert await asked(port, files[0].read_text()) == (set(), 10)


async def test_a_certificate_of_strangers_is_named(files):
    async with listening(good, ssl=speaking(files)) as port:
        assert await asked(port) == ({"tls: self-signed certificate"}, 0)


async def test_a_certificate_for_somebody_else_is_named(tmp_path):
    others = certificate(tmp_path, "127.0.0.77")
    async with listening(good, ssl=speaking(others)) as port:
        (said,), count = await asked(port, others[0].read_text())
    assert count == 0
    assert said.startswith("tls: IP address mismatch")


async def test_a_server_that_speaks_no_tls_is_named():
    async def plain(reader, writer):
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")

    async with listening(plain) as port:
        (said,), count = await asked(port)
    assert count == 0
    assert said in ("tls: wrong version number", "tls: record layer failure")


async def test_what_is_no_certificate_is_refused_before_anything_is_sent():
    with pytest.raises(Invalid, match="cannot be read"):
        await asked(1, "-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n")
