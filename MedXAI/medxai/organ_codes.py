"""Organs by the names that users type, with the codes and colours of 3D Slicer's general anatomy terminology."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import InputError

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""


@dataclass(frozen=True)
class Code:
    """A coded word: its value and meaning, in SNOMED CT unless another scheme is named."""

    value: str
    meaning: str
    scheme: str = "SCT"


@dataclass(frozen=True)
class Organ:
    """What a segment is of.

    Attributes:
        name: As users type it, and as the segment is called.
        category: What kind of thing it is.
        type: Which thing.
        side: Left or right; None where there is one only.
        colour: Of its segment, that of Slicer's list.
    """

    name: str
    category: Code
    type: Code
    side: Code | None
    colour: Colour

    @property
    def hex_colour(self) -> str:
        """Its colour as pages write it: '#dd8265'."""
        return "#{:02x}{:02x}{:02x}".format(*self.colour)

    @property
    def terminology_entry(self) -> str:
        """As Slicer writes it at a segment: the list, category, type and side, then an empty region of the body."""
        side = _coded(self.side) if self.side is not None else "^^"
        return (
            "Segmentation category and type - 3D Slicer General Anatomy list"
            f"~{_coded(self.category)}~{_coded(self.type)}~{side}~Anatomic codes - DICOM master list~^^~^^"
        )


def _coded(code: Code) -> str:
    return f"{code.scheme}^{code.value}^{code.meaning}"


_STRUCTURE = Code("123037004", "Anatomical Structure")
_TISSUE = Code("85756007", "Tissue")
_SIDES = {"right": Code("24028007", "Right"), "left": Code("7771000", "Left")}
#: Where nobody has said which organ it is: Slicer's own word for a segment without a name.
UNNAMED = Organ("segmented organ", _TISSUE, _TISSUE, None, (128, 174, 128))


def _organs() -> dict[str, Organ]:
    single = {
        "aorta": ("15825003", (224, 97, 76)),
        "bladder": ("89837001", (222, 154, 132)),
        "brain": ("12738006", (250, 250, 225)),
        "colon": ("71854001", (204, 168, 143)),
        "duodenum": ("38848004", (255, 253, 229)),
        "esophagus": ("32849002", (211, 171, 143)),
        "gallbladder": ("28231008", (139, 150, 98)),
        "heart": ("80891009", (206, 110, 84)),
        "liver": ("10200004", (221, 130, 101)),
        "pancreas": ("15776009", (249, 180, 111)),
        "prostate": ("41216001", (230, 158, 140)),
        "small intestine": ("30315005", (205, 167, 142)),
        "spleen": ("78961009", (157, 108, 162)),
        "stomach": ("69695003", (216, 132, 105)),
        "uterus": ("35039007", (255, 181, 158)),
    }
    paired = {
        "adrenal gland": ("23451007", (249, 186, 150)),
        "kidney": ("64033007", (185, 102, 83)),
        "lung": ("39607008", (197, 165, 145)),
    }
    found = {
        name: Organ(name, _STRUCTURE, Code(value, name.capitalize()), None, colour)
        for name, (value, colour) in single.items()
    }
    # Slicer's list has the large veins under names of their own, in one colour.
    cava = Code("64131007", "Inferior vena cava")
    found["vena cava"] = Organ("vena cava", _STRUCTURE, cava, None, (0, 151, 206))
    for side, code in _SIDES.items():
        for name, (value, colour) in paired.items():
            both = f"{side} {name}"
            found[both] = Organ(both, _STRUCTURE, Code(value, name.capitalize()), code, colour)
    return dict(sorted(found.items()))


#: By name.
ORGANS = _organs()


def organ_called(name: str) -> Organ:
    """The organ that something in a scene is called after; `UNNAMED` where its name is no organ's."""
    return ORGANS.get(_plain(name), UNNAMED)


def _plain(name: str) -> str:
    return " ".join(name.lower().split())


def organ_named(name: str | None) -> Organ:
    """The organ of a name, in small or capital letters; `UNNAMED` for none.

    Raises:
        InputError: For a name that is not known.
    """
    if name is None:
        return UNNAMED
    found = ORGANS.get(_plain(name))
    if found is None:
        raise InputError(f"There is no code for the organ '{name}'; choose {', '.join(ORGANS)}.")
    return found
