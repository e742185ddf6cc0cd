"""google-genai's own tests pass here, or fail for a reason that is written down (acceptance 10)."""

import pytest

from tests.e2e.upstream_suite import GROUPS, suite


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_failure_of_the_sdks_own_suite_has_its_reason() -> None:
    report, unexplained = suite(list(GROUPS))
    print(report)
    assert unexplained == 0, report
