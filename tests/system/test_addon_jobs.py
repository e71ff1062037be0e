"""A job of the scheduler on a running platform: it writes to the inbox and asks the store."""

from __future__ import annotations

import re
import uuid

import httpx
import pytest

from system.installation import HELLO, wait_until

pytestmark = [pytest.mark.docker, pytest.mark.slow]
JOB = """
import os, smtplib, sys, urllib.error, urllib.request
print("job of", os.environ["DYNO"])
try:
    urllib.request.urlopen(os.environ["S3_ENDPOINT_URL"], timeout=10)
except urllib.error.HTTPError as error:
    print("the store says", error.code)
with smtplib.SMTP(os.environ["MAIL_HOST"], int(os.environ["MAIL_PORT"]), timeout=10) as sender:
    sender.login(os.environ["MAIL_USERNAME"], os.environ["MAIL_PASSWORD"])
    sender.sendmail("shop@example.com", ["you@example.com"], "Subject: Of the job\\n\\nHello.")
sys.exit(int(sys.argv[1]))
"""


class Person:
    """Somebody at an add-on's pages, through the platform, without scripts."""

    def __init__(self, app, service):
        (addon,) = [each for each in app.api("GET", "/addons")
                    if each["addon_service"]["name"] == service]  # fmt: skip
        form = app.api("GET", f"/addons/{addon['id']}/sso")
        self._client = httpx.Client(trust_env=False, timeout=30, follow_redirects=True)
        page = self._client.post(form["action"], data=form)
        assert page.status_code == 200, page.text
        self.base = str(page.url)

    def get(self, path=""):
        return self._client.get(self.base + path).text

    def send(self, path, **fields):
        csrf = re.search(r'name="csrf" value="([^"]+)"', self.get("jobs/new"))[1]
        answer = self._client.post(self.base + path, data={"csrf": csrf, **fields})
        assert answer.status_code == 200, answer.text
        return answer.text


def test_a_job_runs_as_a_dyno_and_its_end_is_known(new_app):
    """Its output is in the log, its exit status in the history, its letter in the inbox.

    The provider is killed while it runs: it is started once, and its end is known all the same.
    """
    app = new_app(HELLO | {"job.py": JOB})
    for service in ("scheduler", "mail", "objectstore"):
        app.kedge("addons:create", service)
    app.push()
    person = Person(app, "scheduler")
    person.send("jobs", id=str(uuid.uuid4()), command="python3 job.py 3", kind="ten",
                size="Basic")  # fmt: skip
    job = re.search(r'id="job-([0-9a-f-]+)"', person.get())[1]
    person.send(f"jobs/{job}/run", id=str(uuid.uuid4()))
    app.platform.kill("addons")

    history = wait_until(lambda: "failed" in (page := seen(person, job)) and page, 120)
    dyno = re.search(r"scheduler\.\d+", history)[0]
    assert len(set(re.findall(r"scheduler\.\d+", history))) == 1
    assert re.search(r"<td>3</td>", history)
    log = app.log(dyno=dyno)
    assert f"job of {dyno}" in log
    assert "the store says 403" in log
    assert "Of the job" in Person(app, "mail").get()


def seen(person, job):
    """The page of a job; nothing while the provider is on its way up again."""
    try:
        return person.get(f"jobs/{job}")
    except httpx.HTTPError:
        return ""
