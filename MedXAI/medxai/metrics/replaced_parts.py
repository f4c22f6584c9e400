"""What the model answers when parts of the slice are hidden from it: patches of the image, or tokens of the embedding.

Hidden parts take the values of a strongly blurred slice, which keeps the grey level of a region and nothing of its
shape. Black or grey patches would be something that the model has never seen.
"""

from abc import ABC, abstractmethod
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage
from torch import Tensor

from ..encoding.feature_extraction import NECK, run_encoder
from ..explainers.base import Case
from ..model_input.frame import box_coverage
from ..progress import RunControl
from ..segmentation.segmenting import mask_logits, mixture_decoder
from ..slice.box import PixelBox, grown_box

#: Patches along each side of the slice that are hidden in image space.
PATCHES = 16
#: Deviation of the blur, as a share of the slice's longer side: an organ of a quarter of the slice loses its outline.
BLUR_SHARE = 1 / 8
#: The blur is computed on an image of at most this many pixels a side; it holds nothing finer.
_BLUR_PX = 128
#: Embeddings held at once.
_BATCH = 16
#: Far from box and mask every so-manieth row and column of the embedding's tokens is decoded.
_FAR_STEP = 3


class HiddenParts(ABC):
    """A case's slice in n cells, each of which can be hidden.

    Args:
        case: What is measured.
        grid: (rows, columns) of cells.
        area_px: (height, width) of the area that they cover, in pixels of the model's square.
        control: Stops the work.
    """

    name: str

    def __init__(
        self,
        case: Case,
        grid: tuple[int, int],
        area_px: tuple[float, float],
        control: RunControl = RunControl(),
    ):
        self.case, self.grid, self.area_px = case, grid, area_px
        self.control = control
        frame = case.result.encoding.frame
        self._content = frame.content_coverage(case.result.segmentation.logits.shape)
        self._own_mask = torch.from_numpy((case.result.segmentation.logits > 0) & (self._content > 0)).to(self.device)
        self._counted = self._averaged(self._content) > 0

    @property
    def device(self) -> torch.device:
        return self.case.model.device

    @property
    def count(self) -> int:
        """The number n of cells that lie on the slice."""
        return int(self._counted.sum())

    @property
    def has_mask(self) -> bool:
        return bool(self._own_mask.any())

    def on_cells(self, values: np.ndarray) -> np.ndarray:
        """The mean of a map on each cell.

        Args:
            values: (h, w) over the model's square.

        Returns:
            (n,).
        """
        return self._averaged(np.asarray(values, np.float64))[self._counted]

    def centres_px(self) -> np.ndarray:
        """(n, 2): x, y of the cells' centres in pixels of the model's square."""
        (rows, columns), (height, width) = self.grid, self.area_px
        y, x = np.meshgrid(
            (np.arange(rows) + 0.5) * height / rows, (np.arange(columns) + 0.5) * width / columns, indexing="ij"
        )
        return np.stack([x[self._counted], y[self._counted]], axis=1)

    @cached_property
    def outside_mask(self) -> np.ndarray:
        """(n,) bool: the cells that the model's own mask does not touch."""
        return self.on_cells(self._own_mask.cpu().numpy()) == 0

    @torch.inference_mode()
    def scores(self, kept: np.ndarray) -> np.ndarray:
        """How good the model's answer is for each of K states.

        Args:
            kept: (K, n) bool, which cells are shown.

        Returns:
            (K, 2): the mean logit inside the model's own mask of the whole slice, and the soft Dice (its probabilities
            against
            that mask).

        Raises:
            Cancelled: Once the control says so.
        """
        found = []
        for part in np.array_split(kept, max(-(-len(kept) // _BATCH), 1)):
            self.control.raise_if_cancelled()
            whole = np.zeros((len(part), *self.grid), np.float32)
            whole[:, self._counted] = part
            found.append(self._scores_of(self._logits(whole)))
        return np.concatenate(found)

    @property
    def _box(self) -> PixelBox:
        return self.case.result.segmentation.box

    @abstractmethod
    def _logits(self, kept: np.ndarray) -> Tensor:
        """(K, 4h, 4w) for states (K, rows, columns), 1 where a cell is kept."""

    @cached_property
    def _pixel_weights(self) -> Tensor:
        """(4h, 4w): how much each pixel counts in a sum over the slice; 0 in the padding."""
        return torch.from_numpy(self._content > 0).to(self.device, torch.float32)

    def _scores_of(self, logits: Tensor) -> np.ndarray:
        mask = self._own_mask
        logit = logits[:, mask].mean(1)
        probability = torch.sigmoid(logits) * self._pixel_weights
        dice = 2 * probability[:, mask].sum(1) / (probability.sum((1, 2)) + mask.sum())
        return torch.stack([logit, dice], dim=1).double().cpu().numpy()

    def _averaged(self, values: np.ndarray) -> np.ndarray:
        size = self.case.result.encoding.frame.size_px
        down = _overlap(self.grid[0], self.area_px[0], values.shape[0], size)
        across = _overlap(self.grid[1], self.area_px[1], values.shape[1], size)
        return down @ values @ across.T

    def _blurred_tensor(self) -> Tensor:
        return blurred(
            torch.from_numpy(self.case.result.prepared.model_input.tensor_chw),
            self.case.result.encoding.frame.content_shape,
        )

    def _embedding_of(self, tensor_chw: Tensor) -> Tensor:
        return run_encoder(self.case.model.sam.image_encoder, tensor_chw[None].to(self.device), (NECK,)).embedding


class HiddenPatches(HiddenParts):
    """Image space: `PATCHES` × `PATCHES` patches of the slice, one pass of encoder and decoder for each state."""

    name = "image"

    def __init__(self, case: Case, control: RunControl = RunControl()):
        super().__init__(case, (PATCHES, PATCHES), case.result.encoding.frame.content_shape, control)
        self._image = torch.from_numpy(case.result.prepared.model_input.tensor_chw)
        self._blurred = self._blurred_tensor()

    def _logits(self, kept: np.ndarray) -> Tensor:
        embeddings = torch.cat([self._embedding_of(self._hidden(state)) for state in kept])
        return mask_logits(self.case.model, embeddings, self.case.result.encoding.frame, self._box)

    def _hidden(self, state: np.ndarray) -> Tensor:
        height, width = self.area_px
        rows = np.arange(height) * self.grid[0] // height
        columns = np.arange(width) * self.grid[1] // width
        shown = torch.from_numpy(state[rows][:, columns] > 0)
        image = self._blurred.clone()
        image[:, :height, :width] = torch.where(
            shown, self._image[:, :height, :width], self._blurred[:, :height, :width]
        )
        return image


class HiddenTokens(HiddenParts):
    """The neck's space: tokens of the embedding take those of the blurred slice; only the decoder runs again.

    It tells where the decoder takes something from, not what the encoder's attention had already carried there.

    The mask is computed wherever the model's own mask or the box grown by a quarter is. Of the tokens elsewhere, where there is
    hardly any probability, one in nine stands for all (see Resources/docs/evidence.md for what that changes).
    """

    name = "neck"

    def __init__(self, case: Case, control: RunControl = RunControl()):
        frame = case.result.encoding.frame
        super().__init__(case, case.result.encoding.grid, (frame.size_px, frame.size_px), control)
        self._near = torch.from_numpy(
            self._averaged(self._own_mask.cpu().numpy().astype(float)) > 0
        ) | torch.from_numpy(
            box_coverage(
                frame.scale_xyxy(grown_box(self._box, frame.slice_shape).extent_xyxy), self.grid, frame.size_px
            )
            > 0
        )
        self._embedding = case.encoding.embedding
        self._blurred = self._embedding_of(self._blurred_tensor())
        self._asked = self._near | torch.from_numpy(self._sampled())
        self._decoder = mixture_decoder(
            case.model, torch.cat([self._embedding, self._blurred]), frame, self._box, self._asked.flatten()
        )

    def _sampled(self) -> np.ndarray:
        """(h, w) bool: one token in nine of the grid."""
        chosen = np.zeros(self.grid, bool)
        chosen[_FAR_STEP // 2 :: _FAR_STEP, _FAR_STEP // 2 :: _FAR_STEP] = True
        return chosen

    @cached_property
    def _pixel_weights(self) -> Tensor:
        on_slice = super()._pixel_weights.cpu()
        if self._decoder is None:
            return on_slice.to(self.device)
        near, asked = (cells.repeat_interleave(4, 0).repeat_interleave(4, 1) for cells in (self._near, self._asked))
        far, chosen = (on_slice * ~near).sum(), (on_slice * (asked & ~near)).sum()
        return (on_slice * torch.where(near, 1.0, asked * (far / chosen.clamp_min(1)))).to(self.device)

    def _logits(self, kept: np.ndarray) -> Tensor:
        states = torch.from_numpy(kept > 0).to(self.device)
        if self._decoder is not None:
            return self._decoder.logits(states.flatten(1))
        embeddings = torch.where(states[:, None], self._embedding, self._blurred)
        return mask_logits(self.case.model, embeddings, self.case.result.encoding.frame, self._box)


def blurred(tensor_chw: Tensor, content_shape: tuple[int, int]) -> Tensor:
    """A model input with its content blurred by a Gaussian of `BLUR_SHARE` of its longer side; padding as it was.

    Args:
        tensor_chw: (3, S, S).
        content_shape: (rows, columns) of the slice in the square.

    Returns:
        (3, S, S).
    """
    height, width = content_shape
    content = tensor_chw[:, :height, :width]
    scale = min(_BLUR_PX / max(height, width), 1.0)
    small = F.interpolate(content[None], (max(round(height * scale), 1), max(round(width * scale), 1)), mode="area")[
        0
    ].numpy()
    sigma = BLUR_SHARE * max(small.shape[1:])
    smooth = ndimage.gaussian_filter(small, (0, sigma, sigma), mode="nearest", truncate=3)
    result = tensor_chw.clone()
    result[:, :height, :width] = F.interpolate(torch.from_numpy(smooth)[None], (height, width), mode="bilinear")[0]
    return result


def _overlap(cells: int, length_px: float, sources: int, size_px: int) -> np.ndarray:
    """(cells, sources): the share of each of `cells` cells over `length_px` that each of `sources` cells over `size_px` covers."""
    edges, source_edges = np.arange(cells + 1) * length_px / cells, np.arange(sources + 1) * size_px / sources
    high = np.minimum(edges[1:, None], source_edges[None, 1:])
    low = np.maximum(edges[:-1, None], source_edges[None, :-1])
    covered = np.clip(high - low, 0, None)
    return covered / covered.sum(1, keepdims=True)
