import re
from collections.abc import Callable

import pytest

from backburner.core import names
from backburner.core.errors import InvalidArgument


@pytest.mark.parametrize(("mint", "length"), [(names.job_id, 36), (names.file_id, 12), (names.cache_id, 24)])
def test_ids_are_lowercase_letters_and_digits_because_the_sdks_cut_at_anything_else(
    mint: Callable[[], str], length: int
) -> None:
    minted = {mint() for _ in range(50)}
    assert len(minted) == 50
    assert all(re.fullmatch(f"[a-z0-9]{{{length}}}", one) for one in minted)


def test_an_upload_id_is_too_long_to_guess() -> None:
    assert len(names.upload_id()) >= 26  # 160 bits in base64


@pytest.mark.parametrize("name", ["a", "my-input-1", "files/my-input-1", "x" * 40, "0"])
def test_a_fair_file_name_is_taken(name: str) -> None:
    assert names.checked_file_id(name) == name.removeprefix("files/")


@pytest.mark.parametrize(
    "name", ["", "-a", "a-", "A", "a_b", "a/b", "../x", "files/", "x" * 41, "ä", "a.jsonl", "a b", "a\n"]
)
def test_any_other_is_refused_with_an_example(name: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        names.checked_file_id(name)
    (violation,) = refused.value.violations
    assert violation.path == "file.name"
    assert "files/my-input-1" in violation.sentence()


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("files/abc", "abc"),
        ("abc", "abc"),
        ("https://host/v1beta/files/abc", "abc"),
        ("http://127.0.0.1:8080/v1/files/abc", "abc"),
        ("https://host/prefix/v1beta/files/abc", "abc"),
        ("https://host/download/v1beta/files/abc:download?alt=media", "abc"),
        ("files/http://127.0.0.1:8080/v1beta/files/abc", "abc"),
        ("files/", None),
        ("https://host/else/abc", None),
        ("not a file", None),
        ("gs://bucket/abc", None),
    ],
)
def test_a_file_is_found_in_every_way_clients_write_it(reference: str, found: str | None) -> None:
    assert names.file_id_of(reference) == found


def test_the_file_of_results_is_known_from_the_moment_the_job_exists() -> None:
    assert names.result_file_id("abc") == "batch-abc"
