"""Every built-in service keeps the contract of the Add-on Partner API."""

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest

import partner_contract
from kedge_addons.offers import OFFERS
from partner_contract import CHECKS, check_deprovision, name_of

pytestmark = pytest.mark.docker


class Lent:
    """Resources that go from check to check: real servers take their time to be made."""

    def __init__(self, made):
        self._made = made
        self._kept, self._free = defaultdict(ExitStack), defaultdict(list)

    @contextmanager
    def made(self, subject):
        free = self._free[subject.service]
        kept = self._kept[subject.service]
        resource = free.pop() if free else kept.enter_context(self._made(subject))
        yield resource
        free.append(resource)

    def close(self, service):
        self._kept[service].close()


@pytest.fixture(scope="module")
def outcomes(providers):
    """What came of the checks of each service; the services are asked side by side."""
    lent = Lent(partner_contract.made)
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(3) as pool:
        patch.setattr(partner_contract, "made", lent.made)
        names = list(providers.lifecycle.services)
        yield {name: pool.submit(checked, providers.subject(name), lent) for name in names}


def checked(subject, lent):
    """What each check said of a service; the one that ends a resource comes last."""
    in_order = sorted(CHECKS, key=lambda each: each is check_deprovision)
    found = {check: complaint(check, subject) for check in in_order}
    lent.close(subject.service)
    return found


def complaint(check, subject):
    try:
        check(subject)
    except Exception as error:  # noqa: BLE001 - it is the test's, and raised there
        return error
    return None


@pytest.mark.parametrize("service", [offer.name for offer in OFFERS])
@pytest.mark.parametrize("check", CHECKS, ids=name_of)
def test_contract(check, service, outcomes):
    """A built-in provider is asked as any other, and answers as any other should."""
    if found := outcomes[service].result()[check]:
        raise found
