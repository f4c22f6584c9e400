"""Which modality is taken for a volume, and how it was found, stands in the panel before anything is explained."""

import pytest

from medxai.volume.volume import Modality, ModalitySource, ScanFacts
from MedXAILib.panel import wording
from stand_ins.panel_bench import PanelBench
from support.panel import ball_volume


def test_a_guess_is_marked_even_while_its_part_is_folded(bench: PanelBench) -> None:
    bench.load(ball_volume())
    bench.settle()
    kind = bench.state.snapshot.volume.modality.value
    assert bench.ui.methodSection.collapsed
    assert bench.ui.methodSection.text == f"How the maps are made: {kind}, guessed ▲"
    assert bench.ui.modalityLabel.text.startswith(f"▲ Taken as {kind}: guessed from the values")


def test_what_the_scene_says_and_what_the_user_chooses_is_told_apart(bench: PanelBench) -> None:
    node = bench.load(ball_volume())
    node.SetAttribute("DICOM.Modality", "MR")
    bench.settle()
    assert bench.ui.modalityLabel.text == "✔ Taken as MR, as the scene says."
    assert bench.ui.methodSection.text == "How the maps are made: MR"
    bench.choose("modalitySelector", "CT")
    bench.settle()
    assert bench.ui.modalityLabel.text == "✔ Taken as CT, as you chose."
    bench.parameters.volume = None
    bench.settle()
    assert bench.ui.modalityLabel.text == "" and bench.ui.methodSection.text == "How the maps are made"


@pytest.mark.parametrize("source", ModalitySource)
@pytest.mark.parametrize("modality", Modality)
def test_every_modality_and_source_has_words(modality: Modality, source: ModalitySource) -> None:
    text = wording.modality_found(ScanFacts(modality, source))
    assert wording.modality(modality) in text and text.startswith("▲" if source is ModalitySource.GUESSED else "✔")


def test_the_grey_values_and_their_reason_stand_below_the_map(explained: PanelBench) -> None:
    text = explained.state.result.prepared.grey_range.text
    assert text and f"Grey values from black to white: {text}." in explained.ui.figuresLabel.text
