"""`_` of Slicer, so that every sentence of the panel can be translated."""

try:
    from slicer.i18n import tr as _
except ImportError:  # another front end, without Slicer's application

    def _(text: str) -> str:
        return text


__all__ = ["_"]
