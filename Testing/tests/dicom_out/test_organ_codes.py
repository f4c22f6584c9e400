"""Names of organs become codes; every organ of the phantom has one."""

import pytest

from medxai.errors import InputError
from medxai.organ_codes import ORGANS, UNNAMED, organ_named
from medxai.volume.phantom import ORGAN_LABELS


def test_every_name_has_a_code_of_its_own_and_sides_share_one():
    pairs = {(organ.type.value, organ.side and organ.side.value) for organ in ORGANS.values()}
    assert len(pairs) == len(ORGANS)
    assert organ_named("left lung").type == organ_named("right lung").type
    assert all(organ_named(name).name == name for name in ORGAN_LABELS)


def test_letters_and_spaces_do_not_matter_and_unknown_names_get_the_list():
    assert organ_named("  Right   KIDNEY ") is ORGANS["right kidney"]
    assert organ_named(None) is UNNAMED
    with pytest.raises(InputError, match=r"no code for the organ 'lever'; choose .*liver"):
        organ_named("lever")
