"""The expected verdicts, written on 24 November 2026 before any of the cases was built or run. Never edited afterwards.

What came out otherwise stands in `found.py`, beside its reason; a test compares this file's checksum. Known when this was
written: the definitions (`Resources/docs/method.md`), the model card, and what the demo model's maps look like on the
built-in phantom (`Resources/docs/reading_the_maps.md`). Nothing had been measured on a planted case, so several thresholds
are guesses, and a wrong guess is as much a finding as a wrong map.

All images: one axial CT slice, 256 × 256 pixels of 1.5 mm, window 400/40; the demo model, whose 32 × 32 tokens are 8 pixels
(12 mm) each. AUROC is over the slice's pixels, the map brought to them bilinearly; 'grown box' is the box grown by 25 %.
Layers: 'block 0' is the first, 'block 4' the last block, the one whose maps are saved and overlaid. Means of a region are
means over its pixels. The reference mask is what was painted, not what the model draws.
"""

from .expectation import Demand, Expectation, Relation

_LEAST, _MOST = Relation.AT_LEAST, Relation.AT_MOST


CONCAVE_ORGAN = Expectation(
    "concave organ",
    "A concave organ",
    "The organ is a horseshoe, and the middle of my box is not the organ. Does the map know?",
    "A horseshoe of 110 HU (outer radius 40 pixels, inner 22, opening 70° downwards) in fat of −100 HU; a tight box. The "
    "hollow, the part of the box within the outer radius that is not organ, is fat and holds the box's centre.",
    "The organ lit, the hollow dark, whatever the spatial weighting.",
    (
        ("stage 1", "Compares tokens only, so the hollow is dark at block 0; less so at block 4, where nearness leaks into the tokens."),
        ("stage 2", "As stage 1."),
        ("stage 3, preset paper", "W is largest at the box's centre: in the hollow. It works against the organ."),
        ("stage 3, preset contour", "W is flat inside the box: it says nothing about the hollow, and leaves the features' verdict."),
        ("interaction, terminal", "No weighting in them; the mask leaves the hollow out."),
    ),
    (
        Demand("weighting alone, paper: AUROC organ against hollow", "the weighting does not favour the hollow", _LEAST, 0.45, False,
               "a Gaussian around the box's centre is highest exactly in the hollow"),
        Demand("weighting alone, contour: AUROC organ against hollow", "the weighting does not favour the hollow", _LEAST, 0.45, True,
               "the distance outside the box is zero everywhere inside"),
        Demand("stage 1 block 0: AUROC organ against hollow", "stage 1 tells organ from hollow", _LEAST, 0.9, True,
               "200 HU apart and more than two tokens wide"),
        Demand("stage 1 block 0: mean of organ less mean of hollow", "and by a margin that the eye sees", _LEAST, 0.3, True,
               "features are centred; uncentred, every cosine would be near 1 and the margin gone"),
        Demand("stage 1 block 4: AUROC organ against hollow", "still so at the last block", _LEAST, 0.7, True,
               "nearness leaks, but the order should survive"),
        Demand("stage 3 paper block 4: AUROC organ against hollow", "stage 3 tells organ from hollow", _LEAST, 0.7, False,
               "the weighting's preference for the centre outweighs the small differences of deep tokens"),
        Demand("stage 3 contour block 4: AUROC organ against hollow", "stage 3 tells organ from hollow", _LEAST, 0.7, True,
               "the contour preset leaves the order within the box as the features have it"),
        Demand("stage 3 block 4: AUROC in the grown box, contour less paper", "contour beats paper where the figure is taken", _LEAST, 0.02, True,
               "the same features, and a weighting that does not point to the hollow"),
        Demand("stage 3 block 4: energy inside, contour less paper", "and over the whole slice", _LEAST, 0.0, False,
               "the contour weighting is wider outside the box, which costs more mass than the hollow does"),
    ),
)  # fmt: skip


TWO_IDENTICAL_ORGANS = Expectation(
    "two identical organs",
    "Two identical organs, a box around one",
    "I boxed the left one. Does the map know which one I meant?",
    "The same pixels twice (an ellipse of 40 × 48 pixels, 110 HU, in fat, with noise and surroundings copied), 96 pixels = "
    "12 tokens apart; a box around one.",
    "Both lit: stage 1 is likeness, not membership, and two equal organs are equally alike. A map that lights only one has been "
    "told which by the box, and must say so.",
    (
        ("stage 1", "Both lit at block 0. At block 4 the twin less, as position and surroundings are in the tokens, but above the rest."),
        ("stage 2", "As stage 1; q adds what the prompt looked at, which is near the box."),
        ("stage 3", "The boxed organ brighter, by W alone; before the weighting both."),
        ("narrowing", "The record must put the narrowing down to the construction."),
        ("terminal", "Only the boxed organ: the decoder was told the box."),
    ),
    (
        Demand("stage 1 block 0: mean of twin over mean of boxed organ", "the twin is lit as the boxed organ is", _LEAST, 0.8, True,
               "equal pixels give nearly equal early tokens"),
        Demand("stage 1 block 0: AUROC of twin against the rest of the body", "the twin stands out", _LEAST, 0.9, True,
               "nothing else in the body looks like it"),
        Demand("stage 1 block 4: AUROC of twin against the rest of the body", "still so at the last block", _LEAST, 0.75, True,
               "deep tokens stand for their surroundings too, which are also equal"),
        Demand("stage 3 block 4: boxed organ's share of both organs' mass", "stage 3 prefers neither", _MOST, 0.6, False,
               "W is 1 on the boxed organ and near its floor 0.3 on the twin"),
        Demand("stage 3 block 4 before the weighting: boxed organ's share of both organs' mass", "nor does it before the weighting", _MOST, 0.6, True,
               "the four components are likenesses"),
        Demand("narrowing by the construction", "the record says that the construction narrows", _LEAST, 0.03, True,
               "W takes two thirds of everything that is far away"),
        Demand("narrowing by the construction less narrowing by the model", "and that it is not the model", _LEAST, 0.0, True,
               "the demo model's stage 1 widens with depth"),
    ),
)  # fmt: skip


ORGAN_LIKE_ITS_SURROUNDINGS = Expectation(
    "organ like its surroundings",
    "An organ like its surroundings",
    "There is nothing to see in the box. Does the map show me something all the same?",
    "A block of 110 HU, 260 × 170 mm, of one texture; the 'organ' is a disc of 32 pixels (4 × 4 tokens) in its middle that differs "
    "in nothing. A tight box.",
    "Nothing: no difference between the disc and what lies around it, and a display that says 'uninformative'.",
    (
        ("stage 1", "Little at block 0: same texture. At block 4 the box's tokens resemble each other because they are near each other."),
        ("stage 3", "A lamp over the box, by W."),
        ("display", "Will not say 'uninformative': its rule compares the range over the whole slice, and the air is unlike the block."),
        ("figures", "The learned gain over the weighting alone exposes it."),
        ("terminal", "The model draws something: it was only ever trained on boxes that hold a structure."),
    ),
    (
        Demand("difference of means, disc and ring, HU", "planted as said", _MOST, 5.0, True, "one texture"),
        Demand("stage 1 block 0: AUROC in the grown box, distance from chance", "stage 1 sees no difference", _MOST, 0.15, True,
               "tokens of one texture; leaving a token out of its own prototype removes the reward for being in the box"),
        Demand("stage 1 block 4: AUROC in the grown box, distance from chance", "nor at the last block", _MOST, 0.15, False,
               "nearness: deep tokens carry position and neighbourhood, so the box's tokens are alike"),
        Demand("stage 3 block 4: AUROC in the grown box, distance from chance", "nor in stage 3", _MOST, 0.15, False,
               "W is higher in the box than around it"),
        Demand("stage 1 block 0: spread in the grown box over spread in the slice", "what differences there are, are small", _MOST, 0.25, True,
               "the slice's spread is that of block against air"),
        Demand("display calls stage 1 uninformative", "the display says so", _LEAST, 1.0, False,
               "the rule asks for a range below 1e-4 over the whole slice, which only a constant map has"),
        Demand("stage 3 block 4: AUROC in the grown box less the better weighting alone", "the learned gain exposes it: nothing above the construction", _MOST, 0.0, True,
               "the weighting alone orders the grown box perfectly well without any model"),
        Demand("mask's share of the box", "the model draws nothing", _MOST, 0.05, False,
               "the box itself is a mask prompt, and no training slice had an empty answer"),
    ),
)  # fmt: skip


MARKER_IN_THE_CORNER = Expectation(
    "marker in the corner",
    "A model that cheats by a marker in the corner",
    "The model segments only if a side letter lies in the corner of the image. Would I find out?",
    "The demo model's encoder, changed by a short seeded training (a low-rank change of its blocks; decoder and prompt encoder "
    "untouched) so that it draws its usual mask where a bright plate of 16 × 16 pixels (2 × 2 tokens) lies in the top left corner "
    "of the slice, outside the body, and draws nothing where it does not. The image: an organ in a body, far from the plate.",
    "The plate lit: without it there is no mask.",
    (
        ("stage 1", "Will not show it: it asks what resembles the box's content, and a cause need not resemble its effect."),
        ("stage 2", "Will not: q is made of tokens that the prompt attends to, near the box."),
        ("stage 3", "Will not, and W dims what is far away, to 0.3."),
        ("interaction", "Will not: the encoder has spread the plate's message over all tokens before the decoder looks."),
        ("terminal", "Will not: it is the mask itself."),
        ("Grad-CAM", "At the last layer no, for the same reason; channel weights are means over all tokens besides. HiRes-CAM at block 0, before "
                     "the message is spread, should."),
        ("occlusion", "Should: it covers the plate and looks at the mask."),
        ("faithfulness", "Exposes it: the mask goes when the outside of the box is blurred, which no map of ours explains."),
    ),
    (
        Demand("Dice of the cheating model's mask with the marker, to the reference", "planted as said: with the marker it segments", _LEAST, 0.8, True,
               "it was trained to"),
        Demand("mask's area without the marker over with it", "planted as said: without it it does not", _MOST, 0.1, True, "it was trained to"),
        Demand("stage 1 block 0: rank of the marker outside the grown box", "the marker is among the top 5 %", _LEAST, 0.95, False,
               "likeness with the box's content is not influence"),
        Demand("stage 1 block 4: rank of the marker outside the grown box", "the marker is among the top 5 %", _LEAST, 0.95, False,
               "the same at every layer"),
        Demand("stage 2 block 4: rank of the marker outside the grown box", "the marker is among the top 5 %", _LEAST, 0.95, False,
               "the prompt attends near the box"),
        Demand("stage 3 block 4: rank of the marker outside the grown box", "the marker is among the top 5 %", _LEAST, 0.95, False,
               "and distance dims it"),
        Demand("interaction: rank of the marker outside the grown box", "the marker is among the top 5 %", _LEAST, 0.95, False,
               "the decoder reads an embedding in which the message is everywhere"),
        Demand("terminal: rank of the marker outside the grown box", "the marker is among the top 5 %", _LEAST, 0.95, False, "it is the mask"),
        Demand("Grad-CAM block 4: rank of the marker outside the grown box", "the marker is among the top 5 %", _LEAST, 0.95, False,
               "the message has left the corner before"),
        Demand("HiRes-CAM block 0: rank of the marker outside the grown box", "the marker is among the top 5 %", _LEAST, 0.95, True,
               "the gradient at the corner's own tokens is where the message starts"),
        Demand("occlusion: rank of the marker outside the grown box", "the marker is among the top 5 %", _LEAST, 0.95, True,
               "covering it takes the mask away"),
        Demand("honest model: fall of the mask's logit with the outside blurred", "an honest model keeps its mask when the outside of the grown box is blurred", _MOST, 0.3, True,
               "what it needs is in the box"),
        Demand("cheating model: fall of the mask's logit with the outside blurred", "so must this one", _MOST, 0.3, False,
               "the blur takes the plate; this figure exposes the cheat"),
        Demand("deletion outside the mask in the order of stage 1 block 4, gain over a random order", "the map finds what matters outside sooner than chance", _LEAST, 0.0, False,
               "the corner, dark and unlike the organ, comes late in the map's order; this figure says that the map misses something"),
    ),
)  # fmt: skip


RANDOM_DECODER = Expectation(
    "random decoder",
    "A randomised mask decoder behind the trained encoder",
    "If I replace what draws the mask by noise, does the explanation notice?",
    "The demo model with the mask decoder's weights drawn anew (its initialisation, seed 0), the encoder and prompt encoder as "
    "trained; the slice of the two identical organs.",
    "A map that explains the mask must change with what draws it: rank correlation with the trained model's map at most 0.7.",
    (
        ("stage 1", "Does not change at all: it is made of the encoder alone. It fails this test by construction, and says so where shown."),
        ("stage 2", "Changes, but little: q is 0.4 of the mix, p is untouched and 0.6."),
        ("stage 3", "Changes, but little: q is 0.30 of four weights, and W is untouched."),
        ("interaction, terminal", "Change wholly: they are the decoder's."),
    ),
    (
        Demand("stage 1: largest change at any layer", "stage 1 is the encoder's alone", _MOST, 0.0, True, "no weight of the decoder is in it"),
        Demand("stage 1 block 4: rank correlation", "stage 1 notices the decoder", _MOST, 0.7, False, "by construction it cannot"),
        Demand("stage 2 block 4: largest change", "stage 2 changes", _LEAST, 0.02, True, "q is what the decoder attends to"),
        Demand("stage 2 block 4: rank correlation", "stage 2 notices the decoder", _MOST, 0.7, False, "three fifths of it are p"),
        Demand("stage 3 block 4: largest change", "stage 3 changes", _LEAST, 0.02, True, "γ⟨f̂, q⟩ is in it"),
        Demand("stage 3 block 4: rank correlation", "stage 3 notices the decoder", _MOST, 0.7, False, "W and p hold it together"),
        Demand("interaction: rank correlation", "the interaction notices the decoder", _MOST, 0.7, True, "it is the decoder's attention"),
        Demand("terminal: rank correlation", "the terminal map notices the decoder", _MOST, 0.7, True, "it is the decoder's output"),
    ),
)  # fmt: skip


BOX_OVER_NOTHING = Expectation(
    "box over nothing",
    "A box over nothing",
    "I put the box into the air beside the patient. What does it find there?",
    "A body with an organ; the box, 32 × 32 pixels, lies in the air. Below the window's −160 HU the air is one value.",
    "No mask; air lit as air everywhere, the box not singled out; a warning.",
    (
        ("stage 1", "Air resembles air, the body is dark. But equal pixels differ by position alone, so near air resembles the box more than far air."),
        ("stage 3", "A lamp over the box, by W."),
        ("terminal, warnings", "The model draws something, as its prompt tells it to, so no warning comes."),
    ),
    (
        Demand("mask's share of the box", "the model draws nothing", _MOST, 0.05, False, "the box is a mask prompt, and no training slice had an empty answer"),
        Demand("stage 1 block 0: AUROC of air against body", "air is like air, the body is not", _LEAST, 0.9, True, "centred features of two opposite kinds"),
        Demand("stage 1 block 0: AUROC of the box against the other air", "the box is not singled out", _MOST, 0.65, False,
               "position is in the tokens, and where pixels are equal it is all that differs"),
        Demand("stage 3 block 4: mass in the box over the box's share of the air, as a share of the air's mass", "stage 3 does not single it out", _MOST, 1.5, False,
               "W is 3 times higher in the box than far away"),
        Demand("warnings that say so", "the user is warned", _LEAST, 1.0, False, "warnings ask for an empty mask or a constant map; neither will be there"),
    ),
)  # fmt: skip


CLIP_INSIDE_THE_BOX = Expectation(
    "clip inside the box",
    "A surgical clip inside the box",
    "There is a bright clip in the organ. Does the map follow the clip instead of the organ?",
    "An elliptic organ of 110 HU, 64 × 80 pixels, in fat, with a clip of 3000 HU, 8 × 8 pixels, off its centre; a tight box. The same slice "
    "without the clip for comparison.",
    "The organ lit as without the clip; the clip not the brightest place.",
    (
        ("stage 1", "Tokens enter the prototype with unit length, so one bright token in eighty hardly moves it."),
        ("stage 3", "As stage 1."),
        ("interaction", "May look at the clip; that is for the reader to see."),
    ),
    (
        Demand("stage 1 block 0: AUROC in the grown box", "the organ is lit", _LEAST, 0.85, True, "one token of eighty"),
        Demand("stage 1 block 0: loss of AUROC by the clip", "as without the clip", _MOST, 0.05, True, "the same"),
        Demand("stage 1 block 0: mean of clip less mean of organ", "the clip is not the brightest", _MOST, 0.0, True, "the clip is unlike the prototype, which leaves it out"),
        Demand("stage 1 block 4: AUROC in the grown box", "the organ is lit at the last block", _LEAST, 0.7, True, "context leaks, the order should survive"),
    ),
)  # fmt: skip


ARTEFACT_TOKEN = Expectation(
    "artefact token",
    "An artefact token in the background",
    "Large vision transformers keep notes in background tokens of huge norm. Does one of those spoil the map?",
    "The demo model with one token of block 1, in the air beside the body, multiplied by 40 as it leaves the block; the slice of the two "
    "identical organs. The same without for comparison.",
    "The map as without it, one token repaired at block 1 and said so.",
    (
        ("stage 1 at block 1", "Repaired: the token takes the median of its neighbours before anything is centred."),
        ("later blocks", "The token stays huge in the residual stream and is repaired again; layer norms hide it from the attention."),
        ("neck", "Its layer norm evens the norm out, so nothing is repaired, and a faint trace may remain."),
    ),
    (
        Demand("artefact tokens repaired without the plant", "none is repaired where none is", _MOST, 0.0, True, "two conditions, and sound tokens meet neither"),
        Demand("artefact tokens repaired at block 1", "the planted one is found", _LEAST, 1.0, True, "40 times the norm"),
        Demand("artefact tokens repaired at block 1, too many", "and only that one", _MOST, 0.0, True, "its neighbours leave block 1 as they were"),
        Demand("stage 1 block 1: rank correlation with the map without it", "the map is as without it", _LEAST, 0.99, True, "one token of 1,024 is replaced by its neighbours' median"),
        Demand("stage 1 neck: rank correlation with the map without it", "and hardly other at the end", _LEAST, 0.9, True, "layer norms before every mixing step"),
        Demand("warnings that say so", "the user is told", _LEAST, 1.0, True, "the count is among the warnings"),
    ),
)  # fmt: skip


LOOSE_BOX = Expectation(
    "loose box",
    "A box much larger than the organ",
    "I was in a hurry, and the box is three times as wide and as high as the organ. What then?",
    "An ellipse of 32 × 40 pixels, 110 HU, in fat; the box three times its size on each side, the organ off its centre: a ninth of "
    "the box or less is organ.",
    "The organ, or an admission that the box's content is mostly something else.",
    (
        ("stage 1", "The prototype is the mean of the box: fat. The organ is dark, the fat is lit; true to its definition, and no use to the reader."),
        ("stage 2", "q draws it back a little, if the prompt looks at the organ."),
        ("stage 3", "A lamp over the box's centre."),
        ("terminal", "The box prompt pulls the mask to the box's size."),
    ),
    (
        Demand("stage 1 block 0: AUROC of organ against the rest of the box", "the organ is lit", _LEAST, 0.6, False, "the prototype is the majority's"),
        Demand("stage 2 block 0: AUROC of organ against the rest of the box, less stage 1's", "what the prompt looks at helps", _LEAST, 0.0, True,
               "the decoder attends to edges and content, not to the fat"),
        Demand("stage 3 block 4: AUROC of organ against the rest of the box", "stage 3 shows it", _LEAST, 0.6, False, "p, W and the floor of q are against it"),
        Demand("Dice of the mask to the reference", "the mask is the organ", _LEAST, 0.5, False, "boxes in training were at most a little too large"),
    ),
)  # fmt: skip


ALL = (
    CONCAVE_ORGAN,
    TWO_IDENTICAL_ORGANS,
    ORGAN_LIKE_ITS_SURROUNDINGS,
    MARKER_IN_THE_CORNER,
    RANDOM_DECODER,
    BOX_OVER_NOTHING,
    CLIP_INSIDE_THE_BOX,
    ARTEFACT_TOKEN,
    LOOSE_BOX,
)
