"""Why: whoever runs chaosctl must know what it reads, where it writes, and where its limits are."""

from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module

from chaosctl.operations.sandbox import READY_WITHIN
from chaosctl.sandbox.api.resources import RESOURCES
from chaosctl.sandbox.cluster import SandboxConfig
from chaosctl.sandbox.model import settings, versions
from chaosctl.sandbox.node.images import SAMPLE_MODELS
from chaosctl.spec.amounts import show_duration
from chaosctl.traffic import proxy as fault_proxy
from chaosctl.watchdog.rules import CONFIG, Rules
from generator import markdown

VARIABLES = (
    ("CHAOSCTL_HOME", "the state folder; default `$XDG_STATE_HOME/chaosctl`"),
    (
        "CHAOSCTL_STORE",
        "where [journals](../how-to/keep-journals.md) are: a path, or `postgresql://…`; default `store.db`",
    ),
    ("CHAOSCTL_LEDGER_KEY", "for `guardian --ledger`: the key of that ledger alone; a run's own Job gets it"),
    (
        "CHAOSCTL_KEY_FILE",
        "the file of the installation's key, 64 hexadecimal digits, as a Secret is mounted; default `key`",
    ),
    ("XDG_STATE_HOME", "where programs keep their state; default `~/.local/state`"),
    (
        "KUBECONFIG",
        "the kubeconfig where `--kubeconfig` is not given; default `~/.kube/config`, or the pod's own",
    ),
    (
        "CHAOSCTL_NAMESPACE",
        "the namespace of our Leases; default `chaosctl-system`, for `serve` and `guardian` their own",
    ),
    ("POD_NAMESPACE", "the namespace that a pod of ours runs in; default what its service account says"),
    ("NO_COLOR", "anything in it: no colours"),
    ("TMPDIR", "where the details of a bug are written; default `/tmp`"),
)
STATE = """
| path under the state folder | what |
|---|---|
| `store.db` | journals and readings (SQLite), unless `CHAOSCTL_STORE` names another place |
| `key` | the installation's key, by which ledgers are ours, unless `CHAOSCTL_KEY_FILE` names another |
| `runs/RUN/` | the post-mortem, and a request to stop |
| `sandbox/` | the sandbox that `sandbox up` started: `kubeconfig`, `sandbox.log`, `config.yaml` |
| `sandbox-PID/` | one that was started for a run, and goes with it |
"""
OTHER_VARIABLES = """
A header's value in a playbook may name any variable: `{env: NAME}`. It is read where chaosctl runs, and
never written to a journal or a report. The sample model reads its own variables: see [sandbox](sandbox.md).
"""
LIMITS: tuple[tuple[str, str, str], ...] = (
    ("a file that people write", "spec.source.MAX_BYTES", "bytes"),
    ("values in such a file", "spec.events.MAX_VALUES", ""),
    ("depth of such a file", "spec.events.MAX_DEPTH", ""),
    ("problems shown of one file", "spec.problems.MAX_PROBLEMS", ""),
    ("the longest run (lint)", "catalog.lint.LONGEST_RUN", ""),
    ("age of the facts that guards judge", "engine.guards.FRESH_FOR", ""),
    ("tries to undo an entry before it is stuck", "engine.decide.MAX_TRIES", ""),
    ("the same, with tries that nobody answered", "engine.decide.MAX_UNHEARD", ""),
    ("the longest pause between them", "engine.decide.LONGEST_PAUSE", ""),
    ("requests to stop until nobody waits for the recovery", "engine.decide.HURRY", ""),
    ("failures of the workload until it is given up", "engine.decide.MAX_TROUBLES", ""),
    ("readings without data in a row until an abort check aborts", "engine.judge.NO_DATA_LIMIT", ""),
    ("times of a schedule that `missed: all` makes up for", "calendars.schedule.MOST_MISSED", ""),
    ("times that `schedule` shows", "operations.forecast.MOST", ""),
    ("how far windows are looked ahead", "calendars.windows.HORIZON", ""),
    ("a calendar of freezes", "spec.windows.MAX_BYTES", "bytes"),
    ("events in it", "calendars.ics.MAX_EVENTS", ""),
    ("events in it that repeat", "calendars.ics.MAX_RULES", ""),
    ("an event that repeats lasts", "calendars.ics.LONGEST", ""),
    ("a COUNT of such an event reaches over", "calendars.recurrence.LONGEST_COUNT", ""),
    ("a clock may be wrong before a schedule begins anew", "calendars.schedule.SKEW", ""),
    ("undo data of one target", "cluster.ledger.LARGEST", "bytes"),
    ("a ledger stays after its outcomes are in the journal", "cluster.guardian.LEDGER_TTL", ""),
    ("a ledger stays that nobody journalled", "cluster.guardian.UNREAD_TTL", ""),
    ("pause between two sweeps of a guardian", "cluster.guardian.EVERY", ""),
    ("a run waits for its own guardian", "cluster.job_guardian.WITHIN", ""),
    ("a run waits for one whose pod is in trouble", "cluster.job_guardian.PATIENCE", ""),
    ("a run's own guardian waits for its ledger", "cluster.solo.PATIENCE", ""),
    (
        "a run's own guardian stays at most, after the longest that the run takes",
        "cluster.job_manifests.LINGER",
        "",
    ),
    ("its Job stays after its end", "cluster.job_manifests.TTL", ""),
    ("a guardian counts as alive after its last renewal", "cluster.lease.ALIVE_WITHIN", ""),
    ("a Kubernetes request", "cluster.kubernetes.TIMEOUT", "seconds"),
    ("a Kubernetes answer", "cluster.kubernetes.LARGEST", "bytes"),
    ("a controller's Lease lasts", "controller.leader.LASTING", ""),
    ("others wait beside that, until they take it", "controller.leader.GRACE", "seconds"),
    ("runs of one controller at once", "controller.turns.AT_ONCE", ""),
    ("pause between two lists of all Run objects", "controller.desk.AGAIN", "seconds"),
    ("Kubernetes Events that wait to be written; more are dropped", "controller.voice.WAITING", ""),
    ("a message in a status", "controller.conditions.LONGEST", "characters"),
    ("proxies must pass traffic on unharmed within", "cluster.proxies.TRANSPARENT_WITHIN", ""),
    ("the longest delay that a proxy makes", "traffic.proxy.delays.LONGEST_DELAY", "seconds"),
    ("a body that a proxy puts in an answer's place", "traffic.proxy.faults.LONGEST_BODY", "characters"),
    ("what a proxy of TCP holds back of one direction", "traffic.proxy.pipes.HIGH_WATER", "bytes"),
    ("copies of requests on their way to a mirror", "traffic.proxy.mirrors.AT_ONCE", ""),
    ("what one copy holds back", "traffic.proxy.mirrors.MOST_WAITING", "bytes"),
    ("a copy lasts", "traffic.proxy.mirrors.LASTS_SECONDS", "seconds"),
    ("requests in flight of the workload", "traffic.pool.MAX_IN_FLIGHT", ""),
    ("the body of a model's answer", "traffic.client.BODY_LIMIT", "bytes"),
    ("the head of a model's answer", "traffic.client.HEAD_LIMIT", "bytes"),
    ("answers kept for checks", "operations.stage.KEPT", ""),
    ("answers kept at most", "streams.samples.LIMIT", ""),
    ("a request of the http and prometheus probes", "operations.http.TIMEOUT", "seconds"),
    ("the body of its answer", "operations.http.LARGEST", "bytes"),
    ("pause between two looks for a request to stop", "operations.stopping.LOOK_AGAIN", "seconds"),
    ("readings under one seal", "store.chain.BLOCK", ""),
    ("an exported bundle", "store.bundle.LARGEST", "bytes"),
    ("a text of a reading, until it is kept as JSON", "store.readings.LONGEST", "characters"),
    ("an append waits for another writer of the same file", "store.sqlite.WAIT_S", "seconds"),
    ("an append waits for another session in PostgreSQL", "store.postgres.LOCK_S", "seconds"),
    ("a session may sleep amid an append in PostgreSQL", "store.postgres.PAUSED_S", "seconds"),
    ("PostgreSQL answers within", "store.postgres.ANSWER_S", "seconds"),
    ("whoever needs PostgreSQL tries again for", "store.database.PATIENCE_S", "seconds"),
    ("the oldest PostgreSQL", "store.postgres.OLDEST", ""),
    ("the watchdog counts rollbacks back for", "watchdog.memory.KEPT", ""),
    ("restarts of a new revision's container that are a crash loop", "watchdog.symptoms.RESTARTS", ""),
)
IMAGES_ABOUT = """
Images are names for local commands; there is no registry. `{ip}` in a command becomes the pod's address. An
image that is not listed fails as in a cluster: ErrImagePull, then ImagePullBackOff.
"""
API_ABOUT = """
Custom resources are served once their CustomResourceDefinition is there. Controllers exist for Deployments,
ReplicaSets, Jobs, Services (EndpointSlices and Endpoints), PodDisruptionBudgets, scheduling and garbage
collection; other kinds are stored and served, and nothing acts on them.
"""
WATCHDOG_ABOUT = f"""
It watches Deployments with the label `chaosctl.dev/watchdog: enabled`. What a model owes its users is said in
the ConfigMap `{CONFIG}` of its namespace: one key for each Deployment, with YAML as its value. Without one,
the defaults hold. Rules that cannot be read are no rules: it says so in a Kubernetes Event, and does not act.
Its [events](events.md#of-the-watchdog) are in a journal of its own.
"""


def environment() -> str:
    rows = ((f"`{name}`", text) for name, text in VARIABLES)
    variables = markdown.table(("variable", "what"), rows)
    return markdown.page("Environment and files", variables, OTHER_VARIABLES, "## Files", STATE)


def limits() -> str:
    intro = "Every limit is a constant in the code; what exceeds it is refused or cut with a message."
    rows = [(what, _shown(constant(path), unit), f"`{path}`") for what, path, unit in LIMITS]
    return markdown.page("Limits", intro, markdown.table(("what", "limit", "where"), rows))


def constant(path: str) -> object:
    """The value of `room.module.NAME`."""
    module, _, name = path.rpartition(".")
    return getattr(import_module(f"chaosctl.{module}"), name)


def sandbox() -> str:
    schema = SandboxConfig.model_json_schema()
    resources = sorted({f"`{resource.plural}` ({resource.group_version})" for resource in RESOURCES})
    ready = f"`sandbox up` waits up to {READY_WITHIN:g} s until the model is ready."
    return markdown.page(
        "Sandbox",
        ready,
        "## Configuration (`--config FILE`)",
        markdown.fields(schema, schema.get("$defs", {})),
        "## Images",
        IMAGES_ABOUT,
        markdown.table(("image", "what it does"), _images()),
        "## The sample model",
        markdown.about(settings),
        "## Resources that it serves",
        API_ABOUT,
        ", ".join(resources) + ".",
    )


def proxy() -> str:
    why, text = markdown.about(fault_proxy).split("\n\n", 1)
    return markdown.page("Fault proxy", text, f"*{why}*")


def watchdog() -> str:
    schema = Rules.model_json_schema()
    definitions = schema["$defs"]
    inner = [
        f"### {name}\n\n{definitions[name].get('description', '')}\n\n"
        + markdown.fields(definitions[name], definitions)
        for name in ("Objectives", "Limits", "AtMost", "AtLeast")
    ]
    return markdown.page(
        "Watchdog",
        WATCHDOG_ABOUT,
        "## Rules",
        markdown.about(Rules),
        markdown.fields(schema, definitions),
        *inner,
    )


def _images() -> Iterator[tuple[str, str]]:
    for image in SAMPLE_MODELS:
        version = versions.VERSIONS[image.rpartition(":")[2]]
        said = [f"answers {version.delay:g} s late"] if version.delay else []
        said += ["its memory grows"] if version.leaks else []
        said += [] if version.weights == versions.Version().weights else [f"weights: `{version.weights}`"]
        yield f"`{image}`", ", ".join(said) or "answers rightly"


def _shown(value: object, unit: str) -> str:
    if isinstance(value, timedelta):
        return show_duration(value)
    return f"{value:,} {unit}".rstrip()
