from pathlib import Path

import pytest

from kedge_router.errors import SettingsError
from kedge_router.settings import PARSERS, Settings


class TestSettings:
    def test_folder_is_all_it_needs(self):
        """Everything but the folder has a default."""
        assert Settings.from_environ({"KEDGE_ROUTER_DIR": "/r"}) == Settings(Path("/r"))

    def test_every_field_can_be_set(self):
        """Each field has its variable."""
        assert set(PARSERS) == set(Settings.__dataclass_fields__)

    def test_lists_are_comma_separated(self):
        """Addresses are a comma list, blanks do not matter."""
        environ = {"KEDGE_ROUTER_DIR": "/r", "KEDGE_ROUTER_HTTP_BINDS": "127.0.0.1:1, 10.0.0.1:1,"}
        assert Settings.from_environ(environ).http_binds == ("127.0.0.1:1", "10.0.0.1:1")

    @pytest.mark.parametrize(
        ("environ", "words"),
        [
            ({}, "KEDGE_ROUTER_DIR is not set"),
            ({"KEDGE_ROUTER_SLOTS": "many"}, "KEDGE_ROUTER_SLOTS must be a whole number"),
            ({"KEDGE_ROUTER_DIR": "/" + "long/" * 30}, "too long"),
            ({"KEDGE_ROUTER_DIR": "/two words"}, "blank"),
            ({"KEDGE_ROUTER_HTTPS_BINDS": "127.0.0.1:8443"}, "KEDGE_ROUTER_CERTS is not set"),
        ],
    )
    def test_wrong_ones_are_named(self, environ, words):
        """A refusal names the variable and what it should look like."""
        given = {"KEDGE_ROUTER_DIR": "/r", **environ} if environ else {}
        with pytest.raises(SettingsError, match=words):
            Settings.from_environ(given)
