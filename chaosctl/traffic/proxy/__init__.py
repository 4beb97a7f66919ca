"""Why: latency, errors and lost connections must be made where traffic passes, and must end by themselves.

`chaosctl proxy`: an HTTP/1.1 reverse proxy that is
transparent until a fault is switched on, and again from its deadline on, whoever else has died by then.

* `--listen` / `CHAOSCTL_PROXY_LISTEN`: `host:port` to serve; without a host `POD_IP`, else all addresses
* `--upstream` / `CHAOSCTL_PROXY_UPSTREAM`: `host:port` to pass on to
* `--admin` / `CHAOSCTL_PROXY_ADMIN`: `host:port` of the admin endpoint, by default `:9901`
* `--fault` / `CHAOSCTL_PROXY_FAULT`: a fault to start with, as JSON (below)
* `--linger` / `CHAOSCTL_PROXY_LINGER`: seconds that it still serves after SIGTERM, by default 0.7

A fault and until when it lasts (RFC 3339). Each of its parts may be left out; shares are of requests, times
are in seconds:

    {"until": "2030-01-01T10:00:00Z",
     "fault": {"seed": 7,
               "latency": {"fixed": 0.3, "jitter": 0.1, "distribution": "normal", "share": 0.5},
               "errors": {"status": 503, "share": 0.1},
               "disconnect": {"how": "reset", "share": 0.05}}}

`distribution`: uniform (fixed ± jitter), normal (standard deviation jitter), exponential (fixed plus a mean
of jitter), pareto (the same with a heavy tail, shape 2). `how`: reset (TCP RST) or timeout (no answer, ever).

The admin endpoint: `GET /healthz`; `GET /status` (`passed`, `failed` for another reason than the fault,
`connections`, and under `touched` the requests that each part of the fault touched since it was switched on);
`POST /fault` (`{}` switches off); `POST /drain`: every answer carries `Connection: close` from then on, and
connections that ask for nothing are closed a second later.
"""
