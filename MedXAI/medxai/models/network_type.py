"""The type of a network whose parts are used by name."""

from typing import Any, TypeAlias

#: A torch module such as segment-anything's `Sam`, whose parts are walked through (`sam.image_encoder.blocks[3].attn`).
#: torch knows every part of a module as "tensor or module" only, and segment-anything has no types, so that a type
#: checker cannot follow the names; tests compare each of these walks with the module's own forward pass.
Network: TypeAlias = Any
