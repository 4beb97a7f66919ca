"""Why: latency, errors and lost connections must be made where traffic passes, and must end by themselves.

`chaosctl proxy` passes HTTP/1.1 requests, or any TCP connection, on to an upstream. It is transparent until
a fault is switched on, and again from its deadline on, whoever else has died by then.

* `--listen` / `CHAOSCTL_PROXY_LISTEN`: `host:port` to serve; without a host `POD_IP`, else all addresses
* `--upstream` / `CHAOSCTL_PROXY_UPSTREAM`: `host:port` to pass on to
* `--admin` / `CHAOSCTL_PROXY_ADMIN`: `host:port` of the admin endpoint, by default `:9901`
* `--protocol` / `CHAOSCTL_PROXY_PROTOCOL`: `http` (the default), or `tcp` for everything else
* `--fault` / `CHAOSCTL_PROXY_FAULT`: a fault to start with, as JSON (below)
* `--linger` / `CHAOSCTL_PROXY_LINGER`: seconds that it still serves after SIGTERM, by default 0.7

An order is a fault and until when it lasts (RFC 3339). It takes the place of the present one at once, on
living connections too, and closes none of them by itself. Times are in seconds, rates in bytes a second.
`seed` repeats every choice. Each part, and each of its fields that has a default, may be left out.

## Of requests

With `--protocol http`, each request is looked at for itself:

    {"until": "2030-01-01T10:00:00Z",
     "fault": {"seed": 7,
               "latency": {"fixed": 0.3, "jitter": 0.1, "distribution": "normal", "share": 0.5},
               "errors": {"status": 503, "share": 0.1, "when": {"path": "/v2/models/*/infer"}},
               "disconnect": {"how": "reset", "share": 0.05},
               "body": {"how": "corrupt", "every": 100},
               "slowBody": {"rate": 1000, "when": {"method": "POST", "headers": {"x-user": "beta*"}}},
               "mirror": {"to": "other-model:8080"}}}

* `latency`: the request waits before it goes on: `distribution` is uniform (`fixed` ± `jitter`), normal
  (standard deviation `jitter`), exponential (`fixed` plus a mean of `jitter`) or pareto (the same with a
  heavy tail, shape 2)
* `errors`: it is answered with `status` (503), and never reaches the upstream
* `disconnect`: its connection ends: `how` is `reset` (TCP RST, the default) or `timeout` (no answer, ever)
* `body`: the answer's body is changed and its length with it: `how` is `corrupt` (all bits of one byte in
  `every`, 100; the default), `truncate` (to `bytes`, 0) or `replace` (by `text`)
* `slowBody`: the answer's head comes at once, its body at `rate`
* `mirror`: a copy of it goes to another place as well, whose answer is thrown away; the original never
  waits for it

`share` is one of requests (1: all). `when` chooses those that a part speaks of: patterns with `*` and `?`
for `method`, `path` (without its query) and `headers`, all of which must match. A request that is
disconnected suffers nothing else; one that is answered with an error may come late, and nothing more.

## Of connections

With `--protocol tcp`, bytes pass as they come. The toxics are those of toxiproxy. Each is for one
direction: `upstream` is from the client to the upstream, `downstream` is back.

    {"until": "2030-01-01T10:00:00Z",
     "fault": {"seed": 7,
               "upstream": {"latency": {"fixed": 0.3}, "bandwidth": {"rate": 10000, "share": 0.5}},
               "downstream": {"slicer": {"size": 100, "variation": 20, "delay": 0.01}}}}

* `latency`: every piece of data comes later, and none before an earlier one; fields as above
* `bandwidth`: at most `rate`
* `slowClose`: the end of the stream comes `delay` later
* `timeout`: nothing passes; the connection is closed `after` so long, at 0 (the default) never: what was
  held back passes when the fault ends
* `slicer`: data is cut in slices of `size` (64) ± `variation` (0) bytes, `delay` (0) apart; at 0 the
  network may join them again
* `limitData`: the connection is closed once `bytes` (0) have passed
* `reset`: the connection is reset (TCP RST, to both sides) `after` so long (0)

Beside the two directions, `down` is for whole connections: those that are there are reset, and new ones as
they come. `share` is one of connections; each throws its dice when it comes, and anew when the fault is
another one.

## The admin endpoint

* `GET /healthz`
* `GET /status`: `passed` and `failed` for another reason than the fault (requests; with TCP, connections
  that were answered, and those whose upstream could not be reached), `connections`, and under `touched` how
  many requests, or connections, each part has touched since the fault was switched on
* `POST /fault`: an order; `{}` switches off
* `POST /drain`: every answer carries `Connection: close` from then on, and connections that ask for nothing
  are closed a second later. With TCP, those are closed that are quiet for a second and do not wait for an
  answer

What makes no sense is answered 400 with one sentence, and changes nothing.
"""
