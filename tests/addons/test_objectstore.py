"""An object store in its containers, used by boto3 and looked at on its pages."""

import io
import os
import re
import threading

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from addons.looks import faults
from addons.side import wait_until
from addons.visitor import Visitor, assert_strict

pytestmark = pytest.mark.docker
EVIL = "<img src=x onerror=alert(1)>"
MB = 2**20


@pytest.fixture(scope="module")
def made(providers):
    with providers.made("objectstore") as made:
        yield made


@pytest.fixture(scope="module")
def visitor(providers, made):
    found = Visitor(providers, "objectstore", made.id)
    yield found
    found.close()


def client(made, config=None, **more):
    """A client where dynos are: on the dyno network."""
    config = {**(config or made.config), **more}
    address = made.side.tools.instances.look(made.id).address
    return boto3.client(
        "s3", endpoint_url=config["S3_ENDPOINT_URL"].replace(made.name, address),
        aws_access_key_id=config["S3_ACCESS_KEY_ID"],
        aws_secret_access_key=config["S3_SECRET_ACCESS_KEY"], region_name=config["S3_REGION"],
        config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"},
                      signature_version="s3v4", proxies={}),
    )  # fmt: skip


@pytest.fixture
def bucket(made):
    """The add-on's bucket, empty, as boto3 has it."""
    s3, name = client(made), made.config["S3_BUCKET"]
    for each in s3.list_objects_v2(Bucket=name).get("Contents", []):
        s3.delete_object(Bucket=name, Key=each["Key"])
    return Bucket(s3, name)


class Bucket:
    def __init__(self, s3, name):
        self.s3, self.name = s3, name

    def put(self, key, body=b"hello", **more):
        return self.s3.put_object(Bucket=self.name, Key=key, Body=body, **more)

    def get(self, key, **more):
        return self.s3.get_object(Bucket=self.name, Key=key, **more)["Body"].read()

    def keys(self, **more):
        found = self.s3.list_objects_v2(Bucket=self.name, **more)
        return [each["Key"] for each in found.get("Contents", [])]


def refused(call, *args, **more):
    """(status, code) of a refused call."""
    with pytest.raises(ClientError) as said:
        call(*args, **more)
    response = said.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def test_objects_are_put_got_listed_and_deleted(bucket):
    """What S3 is for: whole, in part, by prefix, copied, signed for another, in bulk."""
    key = "reports/für mich & <b>.txt"
    bucket.put(key, b"hello", ContentType="text/x-report", Metadata={"who": "me"})
    assert bucket.get(key) == b"hello"
    assert bucket.get(key, Range="bytes=1-2") == b"el"
    head = bucket.s3.head_object(Bucket=bucket.name, Key=key)
    assert (head["ContentLength"], head["ContentType"]) == (5, "text/x-report")
    bucket.s3.copy_object(Bucket=bucket.name, Key="copy", CopySource=f"{bucket.name}/{key}")
    assert bucket.keys() == ["copy", key]
    assert bucket.keys(Prefix="reports/") == [key]
    assert refused(bucket.get, "nothing") == (404, "NoSuchKey")
    wanted = [{"Key": key}, {"Key": "copy"}]
    bucket.s3.delete_objects(Bucket=bucket.name, Delete={"Objects": wanted})
    assert bucket.keys() == []


def test_a_large_object_goes_in_parts(bucket):
    """A multipart upload with parts side by side; its digest is that of its content."""
    content = os.urandom(20 * MB)
    bucket.s3.upload_fileobj(io.BytesIO(content), bucket.name, "large.bin")
    assert bucket.get("large.bin") == content


def test_a_wrong_key_is_refused(made, bucket):
    """A key nobody has, a wrong secret, no signature at all, and one that is too old: nothing."""
    wrong = client(made, S3_SECRET_ACCESS_KEY="x" * 40)
    assert refused(wrong.list_objects_v2, Bucket=bucket.name) == (403, "SignatureDoesNotMatch")
    unknown = client(made, S3_ACCESS_KEY_ID="AKIAAAAAAAAAAAAAAAAA")
    assert refused(unknown.list_objects_v2, Bucket=bucket.name) == (403, "InvalidAccessKeyId")
    bucket.put("x")
    wanted = {"Bucket": bucket.name, "Key": "x"}
    signed = bucket.s3.generate_presigned_url("get_object", wanted, ExpiresIn=60)
    with httpx.Client(trust_env=False) as stranger:
        assert stranger.get(signed).content == b"hello"
        assert stranger.get(signed[:-1] + "x").status_code == 403
        bare = signed.partition("?")[0]
        for method in ("GET", "PUT", "DELETE", "POST", "HEAD"):
            assert stranger.request(method, bare).status_code == 403
        late = bucket.s3.generate_presigned_url("get_object", wanted, ExpiresIn=1)
        wait_until(lambda: b"AccessDenied" in stranger.get(late).content, what="it is too old")
    assert bucket.get("x") == b"hello"


@pytest.mark.parametrize("key", ["../../keys.json", "../rclone.conf", "a/../../x"])
def test_no_key_leads_out_of_the_store(bucket, key):
    """A key is a path below the bucket, or refused."""
    assert refused(bucket.get, key)[0] in {400, 404}
    assert refused(bucket.put, key)[0] == 400


def test_what_it_does_not_do_is_said(bucket):
    """Conditional writes would be ignored by the server: they are refused, as are tags."""
    assert refused(bucket.put, "x", IfNoneMatch="*") == (501, "NotImplemented")
    bucket.put("x")
    tags = bucket.s3.get_object_tagging
    assert refused(tags, Bucket=bucket.name, Key="x") == (501, "NotImplemented")


KEEPER = "^python3 -P -m kedge_addons.objectstore.inside.keeper"
SAY = """import socket, sys
asked = socket.socket(socket.AF_UNIX)
asked.connect("/run/haproxy.sock")
asked.sendall(f"set map /run/space.map free {sys.argv[1]}\\n".encode())
asked.recv(100)
"""


def space(made, free):
    """Have so many bytes be free, until the keeper goes on measuring."""
    for command in (["pkill", "-STOP", "-f", KEEPER], ["python3", "-c", SAY, str(free)]):
        assert made.container.exec_run(command).exit_code == 0


def test_uploads_that_do_not_fit_are_refused(made, bucket):
    """By what is free, before their content is sent; the rest goes on, and room can be made."""
    bucket.put("kept", b"k" * 1000)
    multipart = bucket.s3.create_multipart_upload(Bucket=bucket.name, Key="parts")
    space(made, 5 * MB)
    try:
        assert refused(bucket.put, "x", b"x" * 6 * MB) == (403, "QuotaExceeded")
        bucket.put("small", b"x" * MB)
        part = {"Bucket": bucket.name, "Key": "parts", "UploadId": multipart["UploadId"],
                "PartNumber": 1}  # fmt: skip
        assert refused(bucket.s3.upload_part, **part, Body=b"x" * 6 * MB) == (403, "QuotaExceeded")
        space(made, 0)
        assert refused(bucket.put, "x", b"") == (403, "QuotaExceeded")
        assert bucket.get("kept") == b"k" * 1000
        bucket.s3.delete_objects(Bucket=bucket.name, Delete={"Objects": [{"Key": "kept"}]})
        del part["PartNumber"]
        bucket.s3.abort_multipart_upload(**part)
    finally:
        made.container.exec_run(["pkill", "-CONT", "-f", KEEPER])
    wait_until(lambda: accepts(bucket), what="what is free is measured again")


def accepts(bucket):
    try:
        return bucket.put("x", b"x")
    except ClientError:
        return None


def test_usage_is_measured(made, bucket):
    """How many objects there are and what they take, by the provider's own count."""
    bucket.put("a/b", b"x" * 1000)
    bucket.put("c", b"x" * 500)
    usage = wait_until(
        lambda: (seen := made.ask("GET")["usage"]) and seen["objects"] == 2 and seen,
        what="the usage follows",
    )
    assert usage["size_bytes"] == 1500
    assert usage["size_limit_bytes"] == 1024 * MB


def test_pages_show_what_is_in_it(made, visitor, bucket):
    """Bucket, folder, object; markup in keys is text, downloads are never shown."""
    assert_strict(visitor.get())
    assert bucket.name in visitor.get().text
    bucket.put(f"dir/{EVIL}", EVIL.encode(), ContentType="text/html")
    page = visitor.get(f"?path={bucket.name}/dir")
    assert_strict(page)
    assert EVIL not in page.text
    link = re.search(r'href="([^"]*object\?path=[^"]*)"', page.text)[1].replace("&amp;", "&")
    found = visitor.get(link.partition(f"{made.id}/")[2])
    assert found.content == EVIL.encode()
    assert found.headers["Content-Type"] == "application/octet-stream"
    assert found.headers["Content-Disposition"].startswith("attachment")
    assert_strict(visitor.get("use"))
    for path in ("../keys.json", "..", "nothing", f"{bucket.name}/../../keys.json", "%00"):
        visitor.get(f"object?path={path}", status=404)
    visitor.get("?path=..", status=404)
    assert visitor.client.post(visitor.base + "rotate").status_code == 403


def test_every_page_is_clean(chromium, visitor, bucket):
    """Axe finds nothing, wide in light and dark on a phone; nothing is wider than its screen."""
    bucket.put("long" * 40)
    bucket.put("a folder/x")
    bucket.put(EVIL)
    assert faults(chromium, visitor, [f"?path={bucket.name}", "use?rotated"]) == []


def test_keys_change_and_no_request_fails(made, visitor, bucket):
    """While a new key comes, requests with the old one wait and succeed; `force` ends it."""
    before, stopped, failed = made.config, threading.Event(), []

    def ask_on():
        while not stopped.wait(0.02):
            try:
                bucket.put("ticking", b"x")
            except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
                failed.append((error, getattr(error, "response", None)))

    asking = threading.Thread(target=ask_on)
    asking.start()
    visitor.post("rotate", page="use")
    after = made.config
    assert after["S3_ACCESS_KEY_ID"] != before["S3_ACCESS_KEY_ID"]
    wait_until(lambda: works(made, after), what="the new key is good")
    stopped.set()
    asking.join()
    assert failed == []
    assert works(made, before)
    wait_until(lambda: made.platform.config.get(str(made.id)) == after, what="the app is told")
    made.ask("POST", "/credentials/rotate", json={"force": True})
    wait_until(lambda: works(made, made.config), what="the newest key is good")
    assert not works(made, before)
    assert not works(made, after)


def works(made, config):
    try:
        return client(made, config).list_objects_v2(Bucket=config["S3_BUCKET"])
    except ClientError:
        return None


def test_objects_outlive_the_server_and_the_add_on(made, bucket):
    """Killed, it comes back with them; destroyed, it rests and is restored; plans are held."""
    bucket.put("kept", b"k")
    made.container.exec_run(["bash", "-c", "touch /data/objects/*/.rclone_temp_put_x"])
    made.container.kill()
    wait_until(lambda: made.ask("GET")["state"] == "running" and is_there(made))
    assert made.partner("DELETE").status_code in {200, 204}
    assert made.partner("POST", "/actions/restore").status_code in {200, 201}
    assert made.partner("PUT", json={"plan": "standard"}).status_code == 200
    assert Bucket(client(made), bucket.name).get("kept") == b"k"
    assert made.ask("GET")["usage"]["objects"] == 1
    told = str(made.container.attrs)
    assert made.config["S3_SECRET_ACCESS_KEY"] not in told
    left = made.container.exec_run(["ls", "-A", f"/data/objects/{bucket.name}"]).output
    assert left == b"kept\n"


def is_there(made):
    try:
        return client(made).list_buckets()
    except Exception:  # noqa: BLE001 - on its way up it answers in any way
        return None
