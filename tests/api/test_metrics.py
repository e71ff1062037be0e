"""Metrics as they are counted, kept and shown."""

import uuid
from datetime import timedelta

import pytest

from kedge.engine.protocols import AccessLine, Usage
from kedge.loops.metrics import Metrics
from kedge.loops.usage import DynoUsage
from kedge.ops import metrics
from kedge.plan.metrics import Requests, Samples, minute_of


def line(services, app_id, status=200, service_ms=20, code=None, ago=timedelta()):
    at_ns = int((services.now() - ago).timestamp() * 10**9)
    return AccessLine(
        at_ns=at_ns, app_id=uuid.UUID(str(app_id)), dyno="web.1", text="",
        code=code, status=status, service_ms=service_ms, bytes=100,
    )  # fmt: skip


def sample(app_id, memory_mb=64.0, cpu_seconds=1.0, dyno_id=None):
    return DynoUsage(
        dyno_id or uuid.uuid4(), uuid.UUID(app_id), "dyno", "web.1", "Standard-1X",
        Usage(memory_mb, cpu_seconds),
    )  # fmt: skip


def shown(api, query=""):
    return api.get(f"/kedge/apps/hello/metrics{query}")


class TestCounting:
    def test_requests_are_shown_by_class_and_time(self, api, services, hello):
        """What the router answered is counted by class and code, with response times."""
        counting = Metrics(services)
        counting.count([line(services, hello.id), line(services, hello.id, 404)])
        counting.count([line(services, hello.id, 503, None, "H12")])
        counting.look([])
        found = shown(api)

        assert {kind: sum(counts) for kind, counts in found["requests"].items()} == {
            "2xx": 1, "3xx": 0, "4xx": 1, "5xx": 1,
        }  # fmt: skip
        assert sum(found["errors"]["H12"]) == 1
        assert sum(found["sent_bytes"]) == 300
        (median,) = [each for each in found["response_ms"]["p50"] if each is not None]
        assert 15 < median < 25

    def test_a_minute_is_added_to(self, api, services, hello):
        """What is counted later in a minute, also by a supervisor that began anew, adds up."""
        ago = timedelta(minutes=3)
        for counting in (Metrics(services), Metrics(services)):
            counting.count([line(services, hello.id, ago=ago)] * 2)
            counting.look([])

        assert sum(shown(api)["requests"]["2xx"]) == 4

    def test_dynos_are_sampled(self, api, services, hello):
        """Memory comes with its quota; over it is an R14 in the errors."""
        counting = Metrics(services)
        counting.look([sample(hello.id, 100.0)])
        counting.look([sample(hello.id, 700.0)])
        found = shown(api)
        dyno = found["dynos"]["web.1"]

        assert dyno["memory_quota_mb"] == 512
        assert max(each for each in dyno["memory_mb_max"] if each) == 700.0
        assert sum(found["errors"]["R14"]) == 1

    def test_processor_time_is_told_from_look_to_look(self, services, hello):
        """The first look has nothing to compare with; processor time never goes backwards."""
        counting = Metrics(services)
        dyno_id = uuid.uuid4()
        looks = [sample(hello.id, cpu_seconds=each, dyno_id=dyno_id) for each in (5.0, 9.0, 1.0)]
        found = [next(iter(counting._sampled([each]).values())).cpu_sum for each in looks]

        assert found[0] == 0.0
        assert found[1] > 0.0
        assert found[2] == 0.0

    def test_an_app_that_is_gone(self, services, hello):
        """What is counted of an app that was deleted meanwhile is dropped, and harms nobody."""
        counting = Metrics(services)
        counting.count([line(services, uuid.uuid4()), line(services, hello.id)])
        counting.look([sample(str(uuid.uuid4()))])

        assert not counting._requests


class TestKeeping:
    def test_old_minutes_are_merged_and_older_ones_dropped(self, services, hello, owner):
        """After a day minutes become tens without a request lost; after a week they are gone."""
        app_id = uuid.UUID(hello.id)
        now = minute_of(services.now())
        ages = [timedelta(days=8), *(timedelta(days=2, minutes=n) for n in range(20))]
        requests, samples = {}, {}
        for age in [*ages, timedelta(minutes=5)]:
            counted, sampled = Requests(), Samples("Standard-1X")
            counted.add(200, None, 10, 1)
            sampled.add(100.0, 0.5)
            requests[app_id, now - age] = counted
            samples[app_id, now - age, "web.1"] = sampled
        metrics.add(services, requests, samples)
        metrics.trim(services)
        metrics.trim(services)
        since = now - timedelta(days=6)
        found = metrics.read(services, owner.actor, "hello", since, services.now(), 720)
        with services.database.transaction() as tx:
            kept = tx.query(metrics.RequestMinute).count(), tx.query(metrics.DynoMinute).count()

        assert sum(found.requests["2xx"]) == 21
        assert sum(each is not None for each in found.dynos["web.1"].memory_mb) >= 2
        assert kept[0] == kept[1] <= 4


class TestReading:
    def test_what_happened_is_marked(self, api, hello):
        """Releases and changes of what runs stand beside the series, with who made them."""
        api.patch("/apps/hello/config-vars", {"A": "1"})
        api.delete("/apps/hello/dynos", 202)
        markers = shown(api)["markers"]

        assert [each["words"] for each in markers if each["kind"] == "release"] == [
            "v1 Initial release", "v2 Enable Logplex", "v3 Set A config vars",
        ]  # fmt: skip
        assert markers[-1]["words"].startswith("Restarted")
        assert {each["who"] for each in markers} == {"owner@localhost"}

    def test_every_series_has_a_value_for_each_moment(self, api, services, hello):
        """A plot can put all series on one axis."""
        Metrics(services).look([sample(hello.id)])
        found = shown(api, "?points=30")

        lengths = {len(each) for each in found["requests"].values()}
        lengths |= {len(each) for each in found["response_ms"].values()}
        lengths |= {len(found["dynos"]["web.1"]["memory_mb"]), len(found["moments"])}
        assert lengths == {len(found["moments"])}
        assert len(found["moments"]) <= 31

    @pytest.mark.parametrize(
        "query",
        ["?since=yesterday", "?points=0", "?points=x", "?points=99999",
         "?since=2100-01-01T00:00:00Z",
         "?since=2000-01-01T00:00:00Z", "?until=0001-01-01T00:00:00Z"],
    )  # fmt: skip
    def test_bad_spans_are_refused(self, api, hello, query):
        """A span that cannot be shown is refused in words."""
        assert api.get(f"/kedge/apps/hello/metrics{query}", 422)["id"] == "invalid_params"
