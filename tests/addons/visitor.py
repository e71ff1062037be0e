"""A person at a provider's pages: signed in by the platform's form, with cookies and forms."""

import re
from html.parser import HTMLParser

import httpx

from partner_contract import sso_fields


class Visitor:
    """A browser without scripts, signed in for one resource."""

    def __init__(self, side, service, resource_id):
        self.base = f"{side.url}/provider/{service}/resources/{resource_id}/"
        self.client = httpx.Client(trust_env=False, timeout=60, verify=False)
        subject = side.subject(service)
        answer = self.client.post(str(subject.sso_url), data=sso_fields(subject, str(resource_id)))
        assert answer.status_code == 303, answer.text
        assert answer.headers["Location"].endswith(f"/{resource_id}/")

    def get(self, path="", status=200):
        answer = self.client.get(self.base + path)
        assert answer.status_code == status, f"{answer.status_code}: {answer.text[:800]}"
        return answer

    def post(self, path, page="", status=303, **fields):
        """Send a form, with the csrf token of the page it is on."""
        form = {"csrf": self.csrf(page), **fields}
        answer = self.client.post(self.base + path, data=form)
        assert answer.status_code == status, f"{answer.status_code}: {answer.text[:800]}"
        return answer

    def csrf(self, page=""):
        return re.search(r'name="csrf" value="([^"]+)"', self.get(page).text)[1]

    def close(self):
        self.client.close()


class _Check(HTMLParser):
    def __init__(self):
        super().__init__()
        self.bad = []

    def handle_starttag(self, tag, attrs):
        names = dict(attrs)
        inline = [name for name in names if name.startswith("on") or name == "style"]
        outside = [v for k, v in names.items() if k in ("src", "href") and v and "//" in v]
        if inline or outside or (tag == "script" and "src" not in names) or tag == "style":
            self.bad.append((tag, attrs))


def assert_strict(answer):
    """A page has nothing inline, loads nothing from outside, and its policy says so."""
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    check = _Check()
    check.feed(answer.text)
    assert check.bad == []
