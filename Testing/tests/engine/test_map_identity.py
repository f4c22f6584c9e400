"""A map has one identity, the same as text in scenes, files and buttons."""

from hypothesis import given
from hypothesis import strategies as st

from medxai.explainers import registry
from medxai.map_view import ViewChoices, explainer_of, is_comparison, map_key_of
from medxai.maps import OWN_MAPS, STAGE3, STAGE3_UNWEIGHTED, MapId, Role, stage_map

_LETTERS = st.characters(codec="utf-8", exclude_characters="/@", exclude_categories=("Cs", "Cc"))
KEYS = st.text(_LETTERS, min_size=1, max_size=20)
LAYERS = st.one_of(st.just(""), st.integers(0, 40).map("block {}".format), st.just("neck"))


@given(explainer=KEYS, map_key=st.one_of(st.just(""), KEYS), layer=LAYERS)
def test_the_text_of_a_map_names_that_map_and_no_other(explainer, map_key, layer):
    map_id = MapId(explainer, map_key, layer)
    assert MapId.parse(str(map_id)) == map_id
    assert MapId.parse(map_id.key) == MapId(explainer, map_key)
    assert map_id.at("neck").key == map_id.key


def test_the_texts_are_those_that_files_and_scenes_hold():
    assert str(stage_map(3, "block 11")) == "medxai/stage3@block 11"
    assert str(MapId("medxai", "interaction")) == "medxai/interaction"
    assert str(MapId("grad-cam", layer="neck")) == "grad-cam@neck"
    assert str(MapId("box")) == "box"


def test_every_registered_map_has_a_key_of_its_own_and_words_for_the_user():
    infos = [info for cls in registry.explainers().values() for info in cls.map_infos()]
    assert len({info.key for info in infos}) == len(infos)
    for info in infos:
        assert info.title and info.sentence.endswith("."), info.key
        assert registry.map_info(info.key) == info
        assert MapId.parse(info.key) == MapId(info.explainer, info.map)
        assert not set("/@") & set(info.explainer + info.map)


def test_only_other_methods_maps_are_computed_on_demand():
    for key, cls in registry.explainers().items():
        for info in cls.map_infos():
            assert explainer_of(info.key) == key
            assert is_comparison(info.key) == (cls.role is not Role.METHOD)


def test_keys_of_earlier_scenes_name_todays_maps():
    for info in OWN_MAPS:
        assert map_key_of(info.map) == info.key == map_key_of(info.key)
    assert map_key_of("grad-cam") == "grad-cam"


def test_stage_3_without_its_weighting_is_a_map_of_its_own(phantom_result):
    choices = ViewChoices(layer="neck")
    assert choices.map_id(phantom_result) == STAGE3.at("neck")
    assert ViewChoices(layer="neck", weighted=False).map_id(phantom_result) == STAGE3_UNWEIGHTED.at("neck")
    assert ViewChoices().map_id(phantom_result) == STAGE3.at(phantom_result.shown_layer)
    assert not ViewChoices("grad-cam").is_in(phantom_result)
