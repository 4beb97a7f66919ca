"""Jobs: completions, retries, indexes and ends."""

from sandbox.node.lab import Json, Lab, container


def job(script: str, **spec) -> Json:
    main = container("test/shell:1", args=[script])
    template = {"spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [main]}}
    return {"metadata": {"name": "work"}, "spec": {"template": template, **spec}}


def ended(lab: Lab) -> tuple[str, str]:
    conditions = lab.status("jobs", "work").get("conditions") or [{"type": "", "reason": ""}]
    return conditions[-1]["type"], conditions[-1]["reason"]


async def test_a_job_runs_until_enough_pods_succeeded(lab: Lab):
    lab.create("jobs", job("exit 0", completions=3, parallelism=2))
    async with lab.recorded() as changes:
        await lab.until(lambda: ended(lab)[0] == "Complete")
    status = lab.status("jobs", "work")
    assert status["succeeded"] == 3
    assert {"startTime", "completionTime"} <= status.keys()
    assert max(c.object["status"].get("active", 0) for c in changes if c.resource.plural == "jobs") <= 2
    assert len(lab.all("pods")) == 3


async def test_every_index_runs_once_and_knows_itself(lab: Lab):
    script = 'test "$JOB_COMPLETION_INDEX" = "$0$INDEX"'
    body = job(script, completions=3, parallelism=3, completionMode="Indexed")
    field = {"fieldRef": {"fieldPath": "metadata.annotations['batch.kubernetes.io/job-completion-index']"}}
    main = body["spec"]["template"]["spec"]["containers"][0]
    main |= {"env": [{"name": "INDEX", "valueFrom": field}], "args": [script, ""]}
    lab.create("jobs", body)
    await lab.until(lambda: ended(lab)[0] == "Complete")
    assert lab.status("jobs", "work")["completedIndexes"] == "0-2"
    assert {p["metadata"]["name"][:7] for p in lab.all("pods")} == {"work-0-", "work-1-", "work-2-"}


async def test_a_job_gives_up_after_its_back_off_limit(lab: Lab):
    lab.create("jobs", job("exit 7", backoffLimit=1))
    await lab.until(lambda: ended(lab) == ("Failed", "BackoffLimitExceeded"))
    assert lab.status("jobs", "work")["failed"] == 2


async def test_a_job_that_takes_too_long_is_ended(lab: Lab):
    lab.create("jobs", job("sleep 600", activeDeadlineSeconds=1))
    await lab.until(lambda: ended(lab) == ("Failed", "DeadlineExceeded"))
    await lab.until(lambda: not [p for p in lab.all("pods") if p["status"]["phase"] == "Running"])


async def test_a_finished_job_goes_after_its_time_to_live(lab: Lab):
    lab.create("jobs", job("exit 0", ttlSecondsAfterFinished=1))
    await lab.until(lambda: lab.find("jobs", "work") is None and not lab.all("pods"))


async def test_a_suspended_job_has_no_pods(lab: Lab):
    lab.create("jobs", job("sleep 600"))
    await lab.until(lambda: lab.status("jobs", "work").get("ready") == 1)
    lab.edit("jobs", "work", lambda body: body["spec"].update(suspend=True))
    await lab.until(lambda: not lab.all("pods"))
    lab.edit("jobs", "work", lambda body: body["spec"].update(suspend=False))
    await lab.until(lambda: lab.status("jobs", "work").get("ready") == 1)


async def test_a_job_that_is_made_suspended_starts_when_it_is_told_to_and_its_time_runs_from_then(lab: Lab):
    lab.create("jobs", job("sleep 600", suspend=True, activeDeadlineSeconds=1))
    await lab.until(lambda: ended(lab) == ("Suspended", "JobSuspended"))
    assert "startTime" not in lab.status("jobs", "work")
    assert not lab.all("pods")

    lab.edit("jobs", "work", lambda body: body["spec"].update(suspend=False))
    await lab.until(lambda: "startTime" in lab.status("jobs", "work"))
    assert "SuccessfulCreate" in lab.reasons("work")
    await lab.until(lambda: ended(lab) == ("Failed", "DeadlineExceeded"))
    conditions = {each["type"]: each["status"] for each in lab.status("jobs", "work")["conditions"]}
    assert conditions == {"Suspended": "False", "Failed": "True"}


async def test_what_a_job_owns_goes_with_it(lab: Lab):
    made = lab.create("jobs", job("exit 0", ttlSecondsAfterFinished=1, suspend=True))
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": "work", "uid": made["metadata"]["uid"]}
    for plural in ("secrets", "serviceaccounts"):
        lab.create(plural, {"metadata": {"name": "owned", "ownerReferences": [owner]}})

    lab.edit("jobs", "work", lambda body: body["spec"].update(suspend=False))

    await lab.until(lambda: lab.find("jobs", "work") is None)
    assert lab.find("secrets", "owned") is None
    assert lab.find("serviceaccounts", "owned") is None
