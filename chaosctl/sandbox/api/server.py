"""Why: one aiohttp server on loopback is the whole API server: who asks, for what, and which part answers."""

import asyncio
import logging
from collections.abc import Iterable

from aiohttp import web
from aiohttp.typedefs import Middleware

from chaosctl.sandbox.api import discovery, openapi
from chaosctl.sandbox.api.answers import as_json, refusal
from chaosctl.sandbox.api.audit import Audit, nowhere
from chaosctl.sandbox.api.authz import Attributes, Authorizer, Identities, Identity, bootstrap
from chaosctl.sandbox.api.calls import LARGEST_BODY, Call
from chaosctl.sandbox.api.errors import ApiError, bad_request, method_not_allowed, no_such_path
from chaosctl.sandbox.api.objects import Json
from chaosctl.sandbox.api.places import locate, verb_of
from chaosctl.sandbox.api.pods import Backend, NoBackend
from chaosctl.sandbox.api.rest import Rest
from chaosctl.sandbox.api.store import Store

VERSION: Json = {
    "major": "1",
    "minor": "32",
    "gitVersion": "v1.32.4+sandbox",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "2025-04-22T16:03:58Z",
    "goVersion": "go1.23.6",
    "compiler": "gc",
    "platform": "linux/amd64",
}
_PATHS = ["/api", "/apis", "/healthz", "/openapi/v2", "/openapi/v3", "/version"]
_HEALTH = frozenset({"healthz", "livez", "readyz"})
_SHUTDOWN_S = 1.0
_log = logging.getLogger(__name__)


class ApiServer:
    """Serves a store. The URL that `start` gives is the admin's; others get theirs from `url_for`."""

    def __init__(
        self,
        store: Store,
        backend: Backend | None = None,
        *,
        middlewares: Iterable[Middleware] = (),
        audit: Audit = nowhere,
    ) -> None:
        self.store, self.identities = store, Identities()
        self.authorizer = Authorizer(store, audit)
        bootstrap(store)
        self._rest = Rest(store, self.authorizer, self.identities, backend or NoBackend())
        self._middlewares = tuple(middlewares)
        self._runner: web.AppRunner | None = None
        self._calls: set[asyncio.Task[object]] = set()
        self.origin = ""

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen, and give the admin's URL. Port 0 takes a free one. Raises OSError."""
        application = web.Application(client_max_size=LARGEST_BODY, middlewares=self._middlewares)
        application.router.add_route("*", "/{path:.*}", self._handle)
        application.on_shutdown.append(self._end_streams)
        self._runner = web.AppRunner(
            application, access_log=None, handler_cancellation=True, shutdown_timeout=_SHUTDOWN_S
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        bound_host, bound_port = self._runner.addresses[0][:2]
        self.origin = f"http://{bound_host}:{bound_port}"
        return self.url_for(self.identities.admin_token)

    async def stop(self) -> None:
        """End every watch and close the port."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def url_for(self, token: str) -> str:
        """The server URL that carries a token."""
        return f"{self.origin}/t/{token}"

    def issue(self, user: str, groups: tuple[str, ...] = ()) -> str:
        """A token for a user or a ServiceAccount (`system:serviceaccount:NAMESPACE:NAME`)."""
        return self.identities.issue(user, groups)

    async def _end_streams(self, _: web.Application) -> None:
        for task in self._calls:
            task.cancel()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        task = asyncio.current_task()
        if task is not None:
            self._calls.add(task)
            task.add_done_callback(self._calls.discard)
        try:
            return await self._answer(request)
        except ApiError as error:
            return refusal(error)
        except RecursionError:
            return refusal(bad_request("the object is nested too deeply"))
        except Exception:  # noqa: BLE001  # a bug of ours must reach the log and leave the client an answer
            _log.exception("%s %s", request.method, _token(request)[1])  # the token stays out of logs
            return refusal(ApiError(500, "InternalError", "Internal error occurred: see the sandbox's log"))

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        token, path = _token(request)
        who = self._who(request, self.identities.of(token))
        parts = [part for part in path.split("/") if part]
        if len(parts) > 1 and parts[0] in {"api", "apis"} and len(parts) > (2 if parts[0] == "api" else 3):
            return await self._on_resource(request, who, parts)
        verb = request.method.lower()
        self.authorizer.check(who, Attributes(verb, path="/" + "/".join(parts)))
        return self._on_path(request, parts)

    def _who(self, request: web.Request, who: Identity) -> Identity:
        """Who asks, or whom they impersonate. Raises ApiError 403."""
        user = request.headers.get("Impersonate-User")
        groups = tuple(request.headers.getall("Impersonate-Group", ()))
        return self.authorizer.impersonated(who, user, groups) if user else who

    async def _on_resource(self, request: web.Request, who: Identity, parts: list[str]) -> web.StreamResponse:
        place = locate(self.store, parts)
        watching = request.query.get("watch", "").lower() in {"true", "1"}
        try:
            verb = verb_of(request.method, place, watching=watching)
            if not place.subresource and verb not in discovery.verbs_of(place.resource):
                raise method_not_allowed()
        except KeyError:
            raise method_not_allowed() from None
        return await self._rest.answer(Call(request, place, verb, who))

    def _on_path(self, request: web.Request, parts: list[str]) -> web.StreamResponse:
        match parts:
            case ["version"]:
                return as_json(VERSION)
            case [health] if health in _HEALTH:
                return web.Response(text="ok")
            case ["openapi", "v2"]:
                return _openapi_v2(request.headers.get("Accept", ""))
            case ["openapi", "v3"]:
                return as_json(openapi.index(self.store.resources, self.store.definitions_version))
            case ["openapi", "v3", _, *rest]:
                return as_json(openapi.document(self.store, "/".join(rest)))
            case ["api" | "apis", *_]:
                return self._discovered(request, parts)
            case []:
                return as_json({"paths": _PATHS})
        raise no_such_path()

    def _discovered(self, request: web.Request, parts: list[str]) -> web.Response:
        accept = request.headers.get("Accept", "")
        aggregated = len(parts) == 1 and "g=apidiscovery.k8s.io;v=v2;" in accept
        found = discovery.answer(self.store.resources, parts, aggregated=aggregated)
        return as_json(found, content_type=discovery.AGGREGATED if aggregated else "application/json")


def _openapi_v2(accept: str) -> web.Response:
    """The older document, which describes nothing: fields are checked when they arrive."""
    if "proto-openapi.spec.v2" in accept:
        return web.Response(body=openapi.V2_PROTOBUF, headers={"Content-Type": openapi.V2_PROTOBUF_TYPE})
    return as_json(openapi.V2)


def _token(request: web.Request) -> tuple[str, str]:
    """The token, out of the URL or the header, and the path that is asked for."""
    path = request.path
    if path.startswith("/t/"):
        token, _, rest = path.removeprefix("/t/").partition("/")
        return token, f"/{rest}"
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else "", path
