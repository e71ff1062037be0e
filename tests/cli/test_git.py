from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cli.conftest import Kedge
from cli.fake_platform import TOKEN, FakePlatform, certificates
from kedge.cli.checkout import app_in

Git = Callable[..., str]


def test_create_adds_the_remote(platform: FakePlatform, kedge: Kedge, checkout: Git):
    """In a checkout `kedge create` adds the remote `kedge`, with no token in its URL."""
    done = kedge("create", "shop")
    assert done.status == 0, done.err
    assert checkout("remote", "get-url", "kedge").strip() == f"{platform.url}/shop.git"
    assert TOKEN not in Path(".git/config").read_text()


def test_git_gets_the_token_without_asking(platform: FakePlatform, kedge: Kedge, checkout: Git):
    """Git asks kedge for the token of the platform's URL, and kedge answers only the question."""
    kedge("git:remote", "-a", "shop")
    question = f"protocol=http\nhost=localhost:{platform.port}\npath=shop.git\n\n"
    answer = checkout("credential", "fill", stdin=question)
    assert f"password={TOKEN}" in answer.splitlines()


@pytest.mark.parametrize(
    ("operation", "host"), [("get", "github.com"), ("store", "localhost"), ("erase", "localhost")]
)
def test_token_goes_nowhere_else(platform: FakePlatform, program: Kedge, operation: str, host: str):
    """As the helper for every URL kedge answers for platforms only, and keeps nothing."""
    question = f"protocol=http\nhost={host}:{platform.port}\n\n".encode()
    done = program("git:credentials", operation, stdin=question)
    assert (done.status, done.out) == (0, "")


def test_helper_finds_the_same_home(
    fake: FakePlatform, tmp_path: Path, kedge: Kedge, checkout: Git, monkeypatch: pytest.MonkeyPatch
):
    """A push from a shell without KEDGE_HOME still gets that home's token."""
    home = tmp_path / "my home"
    home.mkdir()
    (home / "token").write_text(TOKEN)
    (home / "url").write_text(fake.url)
    monkeypatch.setenv("KEDGE_HOME", str(home))
    assert kedge("git:remote", "-a", "shop").status == 0
    monkeypatch.delenv("KEDGE_HOME")
    question = f"protocol=http\nhost=localhost:{fake.port}\n\n"
    assert f"password={TOKEN}" in checkout("credential", "fill", stdin=question).splitlines()


def test_create_leaves_another_remote_alone(platform: FakePlatform, kedge: Kedge, checkout: Git):
    """A remote `kedge` that leads elsewhere stays; `git:remote` points it anew."""
    checkout("remote", "add", "kedge", "http://elsewhere/blog.git")
    assert "stays so" in kedge("create", "shop").err
    assert checkout("remote", "get-url", "kedge").strip() == "http://elsewhere/blog.git"
    kedge("git:remote", "-a", "shop")
    assert checkout("remote", "get-url", "kedge").strip() == f"{platform.url}/shop.git"


def test_no_checkout_is_told(platform: FakePlatform, kedge: Kedge):
    """`git:remote` outside of a checkout fails in words, `create` makes the app alone."""
    assert kedge("git:remote", "-a", "shop").status == 1
    assert kedge("create", "shop").status == 0


@pytest.mark.parametrize(
    ("remotes", "option", "app"),
    [
        ({"kedge": "http://localhost/shop.git", "heroku": "http://localhost/blog.git"}, [], "shop"),
        ({"heroku": "https://localhost:8443/shop.git"}, [], "shop"),
        ({"heroku": "https://git.heroku.com/shop.git"}, [], None),
        ({"origin": "https://github.com/me/shop.git"}, [], None),
        ({"kedge": "http://l/blog.git", "staging": "http://l/shop.git"}, ["-r", "staging"], "shop"),
    ],
    ids=["kedge first", "heroku understood", "Heroku's own is not ours", "others are not", "-r"],
)
def test_app_comes_from_the_remote(
    platform: FakePlatform, kedge: Kedge, checkout: Git, remotes, option, app
):
    """Without `-a` the app is the one the remote `kedge`, else `heroku`, else `-r`, names."""
    for name, url in remotes.items():
        checkout("remote", "add", name, url)
    done = kedge("config:get", "A", *option)
    assert (done.out == "1\n") is (app == "shop")
    if app is None:
        assert done.status == 1
        assert "-a APP" in done.err


def test_option_beats_variable_beats_remote(
    platform: FakePlatform, kedge: Kedge, checkout: Git, monkeypatch: pytest.MonkeyPatch
):
    """`-a` beats KEDGE_APP, which beats HEROKU_APP and the remote."""
    checkout("remote", "add", "kedge", "http://l/remote.git")
    monkeypatch.setenv("HEROKU_APP", "heroku-app")
    for arguments, name in (([], "heroku-app"), (["-a", "option"], "option")):
        kedge("config", *arguments)
        assert platform.asked[-1].path == f"/apps/{name}/config-vars"
    monkeypatch.setenv("KEDGE_APP", "kedge-app")
    kedge("config")
    assert platform.asked[-1].path == "/apps/kedge-app/config-vars"


def test_rename_and_destroy_follow(platform: FakePlatform, kedge: Kedge, checkout: Git):
    """Remotes follow an app that is renamed, and go with one that is destroyed; others stay."""
    kedge("git:remote", "-a", "shop")
    checkout("remote", "add", "origin", "https://github.com/me/shop.git")
    kedge("apps:rename", "store", "-a", "shop")
    assert checkout("remote", "get-url", "kedge").strip().endswith("/store.git")
    kedge("git:remote", "-a", "shop")
    kedge("apps:destroy", "-a", "shop", "--confirm", "shop")
    assert checkout("remote").split() == ["origin"]


def test_app_in_urls():
    """The app is the last part of a remote's URL, with or without `.git`."""
    assert app_in("http://localhost:8080/shop.git") == "shop"
    assert app_in("https://x@localhost/shop") == "shop"


def test_git_trusts_the_platforms_ca(
    tmp_path: Path, program: Kedge, checkout: Git, monkeypatch: pytest.MonkeyPatch
):
    """For an https platform git in this checkout trusts its CA; what hides it is told."""
    ca_file, context = certificates(tmp_path)
    secure = FakePlatform(context)
    try:
        done = program("login", secure.url, "--ca", str(ca_file), stdin=TOKEN.encode())
        assert done.status == 0, done.err
        assert "Warning" not in program("git:remote", "-a", "shop").err
        kept = checkout("config", f"http.{secure.url}.sslCAInfo").strip()
        assert Path(kept).read_bytes() == ca_file.read_bytes()
        monkeypatch.setenv("GIT_SSL_CAINFO", "/etc/other.pem")
        assert "GIT_SSL_CAINFO" in program("git:remote", "-a", "shop").err
    finally:
        secure.close()
