import subprocess
from pathlib import Path

import pytest

from kedge_router.app import Address, App
from kedge_router.haproxy import make_folders, write_files
from kedge_router.map import RouteMap
from kedge_router.render import map_entries, render
from kedge_router.settings import Settings

SHOP = App(
    "id1",
    1,
    "shop",
    ("*.example.org", "shop.test"),
    None,
    {"web.1-a": Address("10.0.0.1", 5000), "web.2-b": Address("fd00::1", 5000)},
)
BLANK = App("id2", 1, "blank", ("blank.test",), "H81")
ROUTES = RouteMap(4).put(SHOP).put(BLANK)


class TestMaps:
    def test_hosts_lead_to_slots(self):
        """Exact hosts and wildcards are apart, and states stand by slot."""
        assert map_entries(ROUTES) == {
            "apps": {"slot_0001": "id1:shop", "slot_0002": "id2:blank"},
            "state": {"slot_0002": "H81"},
            "hosts": {"shop.test": "slot_0001", "blank.test": "slot_0002"},
            "wild": {"example.org": "slot_0001"},
        }


class TestConfiguration:
    def test_saved_servers_are_in_it(self):
        """HAProxy starts with every server of the map, and with the empty slots."""
        text = render(Settings(Path("/r")), ROUTES)["haproxy.cfg"]
        assert "server web.1-a 10.0.0.1:5000 pool-purge-delay 4s pool-max-conn -1 id 1\n" in text
        assert text.count("\nbackend slot_") == 4

    def test_rendering_is_a_function_of_its_input(self):
        """Equal settings and maps give equal files."""
        settings = Settings(Path("/r"))
        assert render(settings, ROUTES) == render(settings, ROUTES)

    @pytest.mark.parametrize("platform_backend", ["unix@/r/web.sock", "127.0.0.1:5000"])
    def test_haproxy_accepts_it_without_a_warning(self, tmp_path, platform_backend):
        """The configuration is valid, whatever the platform listens on."""
        settings = Settings(tmp_path, platform_backend=platform_backend)
        make_folders(settings)
        write_files(settings, ROUTES)
        check = subprocess.run(
            ["haproxy", "-c", "-f", settings.config_path],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (check.returncode, check.stderr) == (0, "")
