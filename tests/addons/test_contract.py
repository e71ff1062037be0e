"""Every built-in service keeps the contract of the Add-on Partner API."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from kedge_addons.offers import OFFERS
from partner_contract import CHECKS, name_of

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def outcomes(providers):
    """What came of each check of each service; they are made side by side."""
    with ThreadPoolExecutor(3) as pool:
        yield {
            (name, check): pool.submit(check, providers.subject(name))
            for name in providers.lifecycle.services
            for check in CHECKS
        }


@pytest.mark.parametrize("service", [offer.name for offer in OFFERS])
@pytest.mark.parametrize("check", CHECKS, ids=name_of)
def test_contract(check, service, outcomes):
    """A built-in provider is asked as any other, and answers as any other should."""
    outcomes[service, check].result()
