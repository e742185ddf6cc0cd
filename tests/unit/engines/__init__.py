import pytest

pytest.register_assert_rewrite("tests.unit.engines.conformance", "tests.unit.engines.upstream")
