"""Slicer's `SampleData` as far as sources of one's own go (5.10, 5.12 and main alike): it counts addresses and names."""

from collections.abc import Callable
from typing import Any


class SampleDataSource:
    """One thing that can be loaded; a source without lists of addresses and file names raises, as in Slicer."""

    def __init__(
        self,
        sampleName: str | None = None,
        uris: Any = None,
        fileNames: Any = None,
        nodeNames: Any = None,
        customDownloader: Callable | None = None,
        thumbnailFileName: str | None = None,
        **_more: Any,
    ):
        self.sampleName, self.thumbnailFileName, self.customDownloader = sampleName, thumbnailFileName, customDownloader
        if isinstance(uris, str):
            uris, fileNames, nodeNames = [uris], [fileNames], [nodeNames]
        self.uris, self.fileNames = uris, fileNames
        self.nodeNames = nodeNames if nodeNames else [None] * len(uris)
        if len(uris) != len(fileNames) or len(uris) != len(self.nodeNames):
            raise ValueError("There is not a file name and a node name for every address")


class SampleDataLogic:
    """Where modules register what they have to offer."""

    sources: dict[str, list[SampleDataSource]] = {}

    @classmethod
    def registerCustomSampleDataSource(cls, category: str = "Custom", **source: Any) -> None:
        """Adds a source to a category."""
        cls.sources.setdefault(category, []).append(SampleDataSource(**source))

    def downloadSamples(self, sampleName: str) -> list:
        """The nodes of a source, by its name."""
        (source,) = [one for many in self.sources.values() for one in many if one.sampleName == sampleName]
        return source.customDownloader(source)

    @staticmethod
    def registerCustomSampleDataCategory(category: str, title: str) -> None:
        """Slicer 5.12 and later."""


def downloadSample(sampleName: str) -> Any:
    """The first node of a source."""
    return SampleDataLogic().downloadSamples(sampleName)[0]
