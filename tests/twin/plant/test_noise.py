"""Noise: the same seed gives the same numbers, and no two streams have anything in common."""

import json

import numpy as np
from scipy.stats import kstest

from twin.plant.noise import Noise

MANY = 40_000


def test_one_seed_and_one_name_give_one_stream():
    assert Noise(7, "monitors").take(1000) == Noise(7, "monitors").take(1000)


def test_the_numbers_are_standard_normal():
    drawn = Noise(1, "monitors", MANY).take(MANY)
    assert kstest(drawn, "norm").pvalue > 1e-3
    assert all(type(value) is float for value in drawn[:10])


def test_streams_of_other_names_and_seeds_are_independent():
    keys = [
        (1, "monitors"),
        (1, "sensors"),
        (2, "monitors"),
        (2, "sensors"),
        (2**40 + 1, "sensors"),
    ]
    drawn = np.array([Noise(seed, name, MANY).take(MANY) for seed, name in keys])
    correlation = np.corrcoef(drawn) - np.eye(len(keys))
    assert np.abs(correlation).max() < 4.5 / MANY**0.5
    # nor is one the other, shifted
    shifted = [abs(np.corrcoef(drawn[0][:-1000], drawn[1][k : k - 1000])[0, 1]) for k in range(50)]
    assert max(shifted) < 5.0 / MANY**0.5


def test_numbers_are_handed_out_in_order_and_none_twice():
    noise = Noise(3, "sensors", 100)
    handed = [value for _ in range(30) for value in noise.take(13)]
    assert len(set(handed)) == len(handed)
    # 7 numbers of 13 fit into a block of 100; the 9 that are left are passed over
    drawn = Noise(3, "sensors", 10_000).take(500)
    assert handed[:91] == drawn[:91]
    assert handed[91:182] == drawn[100:191]


def test_a_saved_stream_goes_on_where_it_was():
    noise = Noise(5, "sensors", 64)
    for _ in range(50):
        noise.take(10)
    state = json.loads(json.dumps(noise.state()))
    later = [noise.take(10) for _ in range(40)]
    other = Noise(999, "another name altogether", 64)
    other.load(state)
    assert [other.take(10) for _ in range(40)] == later


def test_saving_changes_nothing():
    noise, untouched = Noise(5, "sensors", 64), Noise(5, "sensors", 64)
    for _ in range(20):
        noise.state()
        assert noise.take(7) == untouched.take(7)
