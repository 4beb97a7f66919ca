"""Why: one module knows the Kubernetes client. It gives the rest raw JSON over one pool of connections.

Only the client's configuration and its REST layer are used: its typed models cost about 60 kB a pod.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import NamedTuple, TypedDict, Unpack
from urllib.parse import urlencode, urlsplit

import aiohttp
import yaml
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.client.rest import RESTClientObject, RESTResponse
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config
from pydantic import JsonValue

from chaosctl.cluster.clock import ServerClock, boot_time
from chaosctl.cluster.responses import clean
from chaosctl.errors import Invalid, Lost

TIMEOUT = 10.0  # seconds, of a whole request
LARGEST = 64 * 1024 * 1024  # bytes of an answer
CHUNK = 64 * 1024
JSON = "application/json"
KUBECONFIG = "~/.kube/config"

# The client has no types here.
from_file: Callable[..., Awaitable[object]] = load_kube_config
from_inside: Callable[[Configuration], None] = load_incluster_config


class NoCluster(Invalid):
    """No cluster was named, and none is the default."""


class Parts(TypedDict, total=False):
    """What a request may have besides its method and path; `largest`: bytes of the answer."""

    query: Mapping[str, str] | None
    body: JsonValue
    content_type: str
    largest: int


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Connection:
    """Requests to one API server. Every answer tells the clock what time it is there."""

    def __init__(self, configuration: Configuration, clock: ServerClock) -> None:
        self.clock = clock
        self._configuration = configuration
        self._rest = RESTClientObject(configuration)
        self._send: Callable[..., Awaitable[RESTResponse]] = self._rest.request

    async def close(self) -> None:
        await self._rest.close()

    @property
    def _server(self) -> str:
        """For messages: without the path, which may carry a token."""
        parts = urlsplit(self._configuration.host)
        return f"{parts.scheme}://{parts.hostname}:{parts.port}" if parts.port else parts.hostname or ""

    async def request(self, method: str, path: str, **more: Unpack[Parts]) -> Answer:
        """Raises Lost where no whole answer came in time."""
        query, body, largest = more.get("query"), more.get("body"), more.get("largest", LARGEST)
        content_type = more.get("content_type", JSON)
        url = f"{path}?{urlencode(query)}" if query else path
        async with self._translated(url), self._open(method, url, body, content_type, TIMEOUT) as response:
            pieces = bytearray()
            async for piece in response.content.iter_chunked(CHUNK):
                pieces += piece
                if len(pieces) > largest:
                    raise Lost(f"{method} {path}: the answer has more than {largest} bytes")
            return Answer(response.status, response.headers, bytes(pieces))

    async def stream(
        self, path: str, query: Mapping[str, str], seconds: float
    ) -> AsyncIterator[tuple[int, bytes]]:
        """The status and the lines of an answer, as they come. Raises Lost."""
        url = f"{path}?{urlencode(query)}"
        async with self._translated(url), self._open("GET", url, None, JSON, seconds) as response:
            rest = b""
            async for piece in response.content.iter_any():
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    yield response.status, line
                if len(rest) > LARGEST:
                    raise Lost(f"GET {path}: a line has more than {LARGEST} bytes")
            if rest:
                yield response.status, rest

    @asynccontextmanager
    async def _open(
        self, method: str, url: str, body: JsonValue, content_type: str, seconds: float
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        headers = {"Accept": JSON, "Content-Type": content_type, **await self._credentials()}
        sent = boot_time()
        limit = aiohttp.ClientTimeout(total=seconds, connect=TIMEOUT)
        where = f"{self._configuration.host}{url}"
        answer = await self._send(method, where, headers=headers, body=body, _request_timeout=limit)
        async with answer.response as response:
            self._tell_time(response.headers.get("Date", ""), sent)
            yield response

    async def _credentials(self) -> dict[str, str]:
        settings = await self._configuration.auth_settings()
        token = settings.get("BearerToken")
        if token:
            return {token["key"]: str(token["value"])}
        basic = self._configuration.username and self._configuration.get_basic_auth_token()
        return {"authorization": str(basic)} if basic else {}

    def _tell_time(self, date: str, sent: float) -> None:
        try:
            self.clock.heard(parsedate_to_datetime(date), sent, boot_time())
        except ValueError:
            return  # a proxy in between that sends no date; others will

    @asynccontextmanager
    async def _translated(self, url: str) -> AsyncIterator[None]:
        path = url.partition("?")[0]
        try:
            yield
        except TimeoutError as error:
            raise Lost(f"{path}: {self._server} did not answer in time") from error
        except (aiohttp.ClientError, OSError) as error:
            why = clean(str(error) or type(error).__name__)
            raise Lost(
                f"{path}: no answer from the API server at {self._server} ({why}); "
                "is the cluster up, and is this the right context?"
            ) from error


@asynccontextmanager
async def connection(context: str = "", kubeconfig: str = "") -> AsyncIterator[Connection]:
    """Connect as kubectl would: the file given, $KUBECONFIG, ~/.kube/config, or from inside the cluster.

    Raises Invalid where there is no such file or context.
    """
    opened = Connection(await _configuration(context, kubeconfig), ServerClock())
    try:
        yield opened
    finally:
        await opened.close()


async def _configuration(context: str, kubeconfig: str) -> Configuration:
    configuration = Configuration()
    file = kubeconfig or os.environ.get("KUBECONFIG", "") or KUBECONFIG
    try:
        if not kubeconfig and not context and not _any_exists(file):
            from_inside(configuration)
        else:
            await _load(file, context, configuration)
    except ConfigException as error:
        raise (Invalid if context else NoCluster)(_advice(clean(str(error)), file, context)) from error
    return configuration


async def _load(file: str, context: str, configuration: Configuration) -> None:
    if not _any_exists(file):
        raise Invalid(f"{file}: there is no such kubeconfig; name one with --kubeconfig")
    try:
        await from_file(file, context or None, configuration, persist_config=False)
    except (OSError, yaml.YAMLError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise Invalid(f"{file}: not a kubeconfig: {clean(str(error))}") from error


def _any_exists(files: str) -> bool:
    return any(Path(file).expanduser().is_file() for file in files.split(os.pathsep) if file)


def _advice(why: str, file: str, context: str) -> str:
    if context:
        return f"{file}: no usable context {context!r} ({why}); `kubectl config get-contexts` lists them"
    return f"no cluster to talk to: {why}; name one with --kubeconfig or --context, or set KUBECONFIG"
