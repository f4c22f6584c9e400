"""The numbers of organs in the first picture of their report: beside their boxes, and none on another."""

import math
from dataclasses import replace
from itertools import combinations

import pytest

from medxai.report.organs import places_of_numbers
from medxai.report.pictures import Pictures, Rectangle
from support.answered import phantom_case


@pytest.fixture(scope="module")
def scene():
    return Pictures(phantom_case("aorta").result).scene


@pytest.mark.parametrize("corner", [(0.3, 0.3), (0.0, 0.0), (0.9, 0.9), (0.3, 0.0)])
def test_numbers_of_nearly_equal_boxes_stand_apart_and_on_the_picture(scene, corner):
    half = 0.03 * scene.width
    x, y = corner[0] * scene.width, corner[1] * scene.height
    size = 0.1 * scene.width
    boxes = [Rectangle(x + n, y + n, size, size) for n in range(4)]
    places = places_of_numbers([replace(scene, box=box) for box in boxes])
    assert min(math.dist(one, other) for one, other in combinations(places, 2)) >= 2 * half
    assert all(0 <= px <= scene.width and 0 <= py <= scene.height for px, py in places)
    px, py = places[0]
    assert not (x < px < x + size and y < py < y + size), "the number hides the organ"
