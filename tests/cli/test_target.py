from __future__ import annotations

import io
import json
import stat
from pathlib import Path

import pytest

from cli.conftest import Kedge
from cli.fake_platform import TOKEN, FakePlatform, certificates


@pytest.fixture
def home(tmp_path: Path, fake: FakePlatform, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home on this machine whose platform is the fake one."""
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "token").write_text(TOKEN + "\n")
    (folder / "url").write_text(fake.url + "\n")
    monkeypatch.setenv("KEDGE_HOME", str(folder))
    return folder


def _log_in(kedge: Kedge, monkeypatch: pytest.MonkeyPatch, *arguments: str, token: str = TOKEN):
    monkeypatch.setattr("sys.stdin", io.StringIO(token + "\n"))
    return kedge("login", *arguments)


def test_home_alone_is_enough(home: Path, kedge: Kedge):
    """With a home on this machine neither a URL nor a token needs to be given."""
    done = kedge("whoami")
    assert (done.status, done.out) == (0, "owner@localhost\n"), done.err


def test_home_without_url_file_uses_its_port(
    home: Path, fake: FakePlatform, kedge: Kedge, monkeypatch: pytest.MonkeyPatch
):
    """A home that wrote no URL down is reached at localhost and the port of its settings."""
    (home / "url").unlink()
    monkeypatch.setenv("KEDGE_HTTP_PORT", str(fake.port))
    assert kedge("whoami").status == 0


def test_home_token_stays_at_home(
    home: Path, kedge: Kedge, fake: FakePlatform, monkeypatch: pytest.MonkeyPatch
):
    """The home's token is not sent to a platform that is not the home's."""
    (home / "url").write_text("http://localhost:1")
    monkeypatch.setenv("KEDGE_URL", fake.url)
    done = kedge("whoami")
    assert done.status == 1
    assert "authorization" not in fake.asked[-1].headers
    assert f"kedge login {fake.url}" in done.err


def test_url_option_beats_environment(
    platform: FakePlatform, kedge: Kedge, monkeypatch: pytest.MonkeyPatch
):
    """`--url`, before or after the command, beats KEDGE_URL."""
    monkeypatch.setenv("KEDGE_URL", "http://localhost:1")
    assert kedge("--url", platform.url, "whoami").status == 0
    assert kedge("whoami", "--url", platform.url).status == 0


def test_subdomain_of_localhost_is_this_machine(platform: FakePlatform, kedge: Kedge):
    """A host below .localhost, which the C library does not resolve, is reached as localhost."""
    assert kedge("whoami", "--url", f"http://kedge.localhost:{platform.port}").status == 0


def test_heroku_api_key_is_understood(
    fake: FakePlatform, kedge: Kedge, monkeypatch: pytest.MonkeyPatch
):
    """HEROKU_API_KEY is the token where KEDGE_API_KEY is not set."""
    monkeypatch.setenv("KEDGE_URL", fake.url)
    monkeypatch.setenv("HEROKU_API_KEY", TOKEN)
    assert kedge("whoami").status == 0


def test_login_is_remembered(fake: FakePlatform, kedge: Kedge, monkeypatch: pytest.MonkeyPatch):
    """After a login no URL and no token is needed, until the logout."""
    done = _log_in(kedge, monkeypatch, fake.url)
    assert done.status == 0, done.err
    assert kedge("whoami").out == "owner@localhost\n"
    assert kedge("logout").status == 0
    assert "kedge login URL" in kedge("whoami").err


def test_credentials_are_private(
    fake: FakePlatform, kedge: Kedge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The credentials file can be read by its owner alone, and so can its folder."""
    _log_in(kedge, monkeypatch, fake.url)
    file = tmp_path / "person/.config/kedge/credentials.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert json.loads(file.read_text())["current"] == fake.url


def test_wrong_token_is_not_kept(
    fake: FakePlatform, kedge: Kedge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A login with a token the platform does not know fails and leaves nothing behind."""
    done = _log_in(kedge, monkeypatch, fake.url, token="wrong")
    assert done.status == 1
    assert "does not know this token" in done.err
    assert not (tmp_path / "person/.config/kedge").exists()


def test_no_platform_says_how_to_get_one(kedge: Kedge):
    """Without any platform the error names both ways to one."""
    done = kedge("apps")
    assert done.status == 1
    assert "kedge up" in done.err
    assert "kedge login" in done.err


def test_refused_connection_says_that_it_is_not_up(kedge: Kedge):
    """A refused connection on this machine is told as a platform that is not up."""
    done = kedge("apps", "--url", "http://localhost:1")
    assert done.status == 1
    assert "Kedge is not up" in done.err
    assert "kedge up" in done.err


def test_nonsense_url_is_refused(kedge: Kedge):
    """What is no http URL is refused in words."""
    assert "is not a URL" in kedge("apps", "--url", "ftp://x").err


def test_untrusted_certificate_says_what_to_copy(
    tmp_path: Path, kedge: Kedge, monkeypatch: pytest.MonkeyPatch
):
    """A certificate of an unknown CA is refused; `login --ca` trusts it from then on."""
    ca_file, context = certificates(tmp_path)
    secure = FakePlatform(context)
    try:
        done = _log_in(kedge, monkeypatch, secure.url)
        assert done.status == 1
        assert "not trusted" in done.err
        assert "--ca ca.pem" in done.err
        assert _log_in(kedge, monkeypatch, secure.url, "--ca", str(ca_file)).status == 0
        ca_file.unlink()
        assert kedge("whoami").status == 0
    finally:
        secure.close()


def test_broken_credentials_are_named(kedge: Kedge, tmp_path: Path):
    """A credentials file that is no JSON is named, with what to do."""
    file = tmp_path / "person/.config/kedge/credentials.json"
    file.parent.mkdir(parents=True)
    file.write_text("{")
    done = kedge("apps")
    assert done.status == 1
    assert str(file) in done.err
