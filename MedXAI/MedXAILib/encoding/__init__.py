"""The image encoder's one pass over a slice: embedding, features of the tapped layers, and their cache."""

from .backend import EXACT, Backend, choose_backend
from .cache import EncodingCache
from .draft import DRAFT, can_draft
from .encoding import Encoding, encode, encoding_key
from .features import LayerFeatures
from .tapped_pass import EncoderOutput, check_layers, default_layers, layer_names, run_encoder

__all__ = [
    "DRAFT",
    "EXACT",
    "Backend",
    "EncoderOutput",
    "Encoding",
    "EncodingCache",
    "LayerFeatures",
    "can_draft",
    "check_layers",
    "choose_backend",
    "default_layers",
    "encode",
    "encoding_key",
    "layer_names",
    "run_encoder",
]
