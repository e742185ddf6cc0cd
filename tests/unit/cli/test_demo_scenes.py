import pytest

from backburner.cli.demo_scenes import COUNTRIES, cosine, pairs


def test_nearest_neighbours_each_pair_once() -> None:
    vectors = [[1.0, 0.0], [0.0, 1.0], [0.9, 0.1], [0.1, 0.8]]
    found = pairs(vectors)
    assert [(first, second) for _, first, second in found] == [(0, 2), (1, 3)]
    assert found[0][0] == pytest.approx(cosine(vectors[0], vectors[2]))


def test_the_file_job_is_as_long_as_it_is_said_to_be() -> None:
    assert len(set(COUNTRIES)) == 36
