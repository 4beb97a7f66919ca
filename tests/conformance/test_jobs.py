"""Jobs: what is done, what failed, and how it is told."""

import pytest

from conformance.api import poll
from conformance.bodies import job
from conformance.looks import condition, says


def test_a_job_that_is_done_says_so(space):
    space.create("jobs", job("once", "true"))
    body = space.until("jobs", "once", says("Complete"))
    status = body["status"]
    assert (status["succeeded"], status["ready"], status.get("failed")) == (1, 0, None)
    assert status.keys() >= {"startTime", "completionTime"}
    assert "active" not in status
    told = condition(body, "Complete")
    assert (told["reason"], told["message"]) == (
        "CompletionsReached",
        "Reached expected number of succeeded pods",
    )
    assert condition(body, "SuccessCriteriaMet")["reason"] == "CompletionsReached"


def test_its_pods_are_labelled_and_stay(space):
    made = space.create("jobs", job("once", "true"))
    space.until("jobs", "once", says("Complete"))
    (pod,) = space.items("pods", labelSelector="batch.kubernetes.io/job-name=once")
    assert pod["status"]["phase"] == "Succeeded"
    assert pod["metadata"]["labels"]["job-name"] == "once"
    assert pod["metadata"]["labels"]["batch.kubernetes.io/controller-uid"] == made["metadata"]["uid"]
    assert pod["metadata"]["ownerReferences"][0]["kind"] == "Job"
    assert pod["metadata"].get("finalizers") is None


def test_completions_run_side_by_side(space):
    space.create("jobs", job("many", "sleep 0.3", completions=3, parallelism=2))
    version = space.list("jobs")["metadata"]["resourceVersion"]
    body = space.until("jobs", "many", says("Complete"))
    assert body["status"]["succeeded"] == 3
    with space.watch("jobs", resourceVersion=version, timeoutSeconds=1) as events:
        most = max((event.object["status"].get("active", 0) for event in events), default=0)
    assert most <= 2
    assert len(space.items("pods")) == 3


def test_an_indexed_job_gives_each_pod_its_number(space):
    script = 'echo "$JOB_COMPLETION_INDEX"'
    made = job("numbered", script, completions=2, parallelism=2, completionMode="Indexed")
    space.create("jobs", made)
    body = space.until("jobs", "numbered", says("Complete"))
    assert body["status"]["completedIndexes"] == "0,1"
    key = "batch.kubernetes.io/job-completion-index"
    found = {each["metadata"]["annotations"][key]: each["metadata"] for each in space.items("pods")}
    assert sorted(found) == ["0", "1"]
    assert all(each["labels"][key] == index for index, each in found.items())
    assert all(each["name"].startswith(f"numbered-{index}-") for index, each in found.items())
    logs = {space.api.send("GET", space.path("pods", each["name"], "log")).body for each in found.values()}
    assert logs == {b"0\n", b"1\n"}
    assert {each["spec"]["hostname"] for each in space.items("pods")} == {"numbered-0", "numbered-1"}


def test_a_job_fails_beyond_its_back_off_limit(space):
    space.create("jobs", job("bad", "exit 3", backoffLimit=0))
    body = space.until("jobs", "bad", says("Failed"))
    told = condition(body, "Failed")
    assert (told["reason"], told["message"]) == (
        "BackoffLimitExceeded",
        "Job has reached the specified backoff limit",
    )
    assert (body["status"]["failed"], body["status"].get("succeeded")) == (1, None)
    assert "completionTime" not in body["status"]
    assert condition(body, "FailureTarget")["reason"] == "BackoffLimitExceeded"
    (pod,) = space.items("pods")
    assert pod["status"]["phase"] == "Failed"


def test_a_failed_pod_is_replaced_within_the_limit(space):
    space.create("jobs", job("bad", "exit 1", backoffLimit=1))
    space.until("jobs", "bad", lambda body: body["status"].get("failed") == 2)
    space.until("jobs", "bad", says("Failed"))
    assert len(space.items("pods")) == 2


def test_on_failure_restarts_the_container_in_place(space):
    space.create("jobs", job("bad", "exit 1", backoffLimit=1, restartPolicy="OnFailure"))
    space.until("jobs", "bad", says("Failed", "True", "BackoffLimitExceeded"))


def test_a_job_fails_after_its_deadline(space):
    space.create("jobs", job("slow", "sleep 100", activeDeadlineSeconds=1))
    body = space.until("jobs", "slow", says("Failed"))
    told = condition(body, "Failed")
    assert (told["reason"], told["message"]) == (
        "DeadlineExceeded",
        "Job was active longer than specified deadline",
    )
    poll(lambda: not _running(space), "its pods are ended")


def test_a_suspended_job_runs_nothing_until_it_is_resumed(space):
    space.create("jobs", job("later", "true", suspend=True))
    body = space.until("jobs", "later", says("Suspended"))
    told = condition(body, "Suspended")
    assert (told["reason"], told["message"]) == ("JobSuspended", "Job suspended")
    assert "startTime" not in body["status"]
    assert space.items("pods") == []
    space.patch("jobs", "later", {"spec": {"suspend": False}})
    body = space.until("jobs", "later", says("Complete"))
    told = condition(body, "Suspended")
    assert (told["status"], told["reason"], told["message"]) == ("False", "JobResumed", "Job resumed")


def test_suspending_ends_what_runs(space):
    space.create("jobs", job("long", "sleep 100"))
    space.until("jobs", "long", lambda body: body["status"].get("active") == 1)
    space.patch("jobs", "long", {"spec": {"suspend": True}})
    space.until("jobs", "long", says("Suspended"))
    poll(lambda: space.items("pods") == [], "its pods are removed")


def test_a_finished_job_goes_after_its_time_to_live(space):
    space.create("jobs", job("once", "true", ttlSecondsAfterFinished=0))
    space.until_gone("jobs", "once")
    poll(lambda: space.items("pods") == [], "its pods go with it")


def test_parallelism_can_be_changed_and_nothing_else_of_the_plan(space):
    space.create("jobs", job("long", "sleep 100", completions=4, parallelism=1))
    space.until("jobs", "long", lambda body: body["status"].get("active") == 1)
    space.patch("jobs", "long", {"spec": {"parallelism": 2}})
    space.until("jobs", "long", lambda body: body["status"].get("active") == 2)
    space.delete("jobs", "long", propagationPolicy="Background")
    poll(lambda: not _running(space), "its pods go with it")


@pytest.mark.parametrize(("policy", "stays"), [(None, True), ("Background", False)])
def test_deleting_a_job_leaves_its_pods_unless_it_is_told_otherwise(space, policy, stays):
    space.create("jobs", job("once", "true"))
    space.until("jobs", "once", says("Complete"))
    space.delete("jobs", "once", propagationPolicy=policy)
    space.until_gone("jobs", "once")
    if stays:
        assert [each["metadata"].get("ownerReferences") for each in space.items("pods")] == [None]
    else:
        poll(lambda: space.items("pods") == [], "its pods go with it")


def _running(space):
    return [
        each
        for each in space.items("pods")
        if each["status"]["phase"] in {"Pending", "Running"} and "deletionTimestamp" not in each["metadata"]
    ]
