import pytest

from kedge_router.app import Address, App
from kedge_router.errors import Conflict, Invalid

GOOD = {
    "version": 3,
    "name": "shop",
    "hosts": ["Shop.localhost", "*.example.org", "shop.localhost."],
    "state": None,
    "servers": {"web.1-a1": {"host": "10.0.0.5", "port": 5000}},
}


class TestApp:
    def test_hosts_are_normalised(self):
        """Hosts are lower case, without a trailing dot, each once."""
        assert App.parse("1", GOOD).hosts == ("*.example.org", "shop.localhost")

    def test_body_is_what_parse_takes(self):
        """An app survives the way through JSON unchanged."""
        app = App.parse("1", GOOD)
        assert App.parse("1", app.body()) == app

    @pytest.mark.parametrize(
        "change",
        [
            {"version": "3"},
            {"name": "two words"},
            {"name": "semi;colon"},
            {"hosts": ["no spaces.org"]},
            {"hosts": ["*.*.example.org"]},
            {"hosts": ["evil.org\nshow"]},
            {"hosts": [7]},
            {"hosts": "shop.localhost"},
            {"state": "H12"},
            {"state": 10},
            {"servers": {"web 1": {"host": "10.0.0.5", "port": 5000}}},
            {"servers": {"web.1; del server": {"host": "10.0.0.5", "port": 5000}}},
            {"servers": {"web.1": {"host": "db.internal", "port": 5000}}},
            {"servers": {"web.1": {"host": "10.0.0.5", "port": 0}}},
            {"servers": {"web.1": "10.0.0.5:5000"}},
        ],
    )
    def test_what_haproxy_could_misread_is_refused(self, change):
        """Nothing gets into HAProxy's command line or maps but names, addresses and codes."""
        with pytest.raises(Invalid):
            App.parse("1", {**GOOD, **change})

    def test_platform_hosts_are_reserved(self):
        """No app can take over a host of the platform."""
        with pytest.raises(Conflict, match="platform's own"):
            App.parse("1", {**GOOD, "hosts": ["LOCALHOST"]}, reserved=("localhost",))

    def test_app_without_dynos_is_h14(self):
        """An app without web dynos answers H14, and the state it was put in goes before that."""
        idle = {**GOOD, "servers": {}}
        assert App.parse("1", idle).code == "H14"
        assert App.parse("1", {**idle, "state": "H81"}).code == "H81"
        assert App.parse("1", GOOD).code is None


class TestAddress:
    def test_ipv6_is_bracketed(self):
        """An IPv6 address is written so that its port can be told apart."""
        assert str(Address.parse({"host": "fd00::5", "port": 80})) == "[fd00::5]:80"
