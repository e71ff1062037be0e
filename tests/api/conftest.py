"""A client of the API over the real WSGI application, whose every answer must fit the schema."""

from types import SimpleNamespace

import pytest

from api.schema import check_answer


@pytest.fixture
def application(services):
    from kedge.api.application import create

    return create(services)


@pytest.fixture
def api(application, owner):
    """Calls of the API as the installation's owner."""
    return Api(application, owner.token)


class Api:
    """Calls of the API with a token; each answer is held against the official schema."""

    def __init__(self, application, token):
        self.application, self.token = application, token

    def get(self, path, status=200, **more):
        return self.call("GET", path, status, **more)

    def post(self, path, body=None, status=201, **more):
        return self.call("POST", path, status, body, **more)

    def patch(self, path, body=None, status=200, **more):
        return self.call("PATCH", path, status, body, **more)

    def put(self, path, body=None, status=200, **more):
        return self.call("PUT", path, status, body, **more)

    def delete(self, path, status=200, **more):
        return self.call("DELETE", path, status, **more)

    def call(self, method, path, status, body=None, **more):
        """One call that must have this status; its JSON."""
        answer = self.answer(method, path, body, **more)
        assert answer.status_code == status, f"{answer.status_code}: {answer.get_data()[:500]}"
        return answer.json

    def answer(self, method, path, body=None, *, headers=None, **more):
        """One call; its whole answer."""
        headers = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        if body is not None:
            more["json"] = body
        answer = self.application.test_client().open(path, method=method, headers=headers, **more)
        check_answer(method, path, answer)
        return answer


@pytest.fixture
def hello(api):
    """An app without code."""
    return SimpleNamespace(**api.post("/apps", {"name": "hello"}))
