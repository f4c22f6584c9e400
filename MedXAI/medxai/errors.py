"""What can go wrong, said in one sentence that names the cause and the remedy."""


class MedXAIError(Exception):
    """Base of every error that MedXAI raises on purpose; its text is meant for the user as it stands."""


class InputError(MedXAIError):
    """The volume, the slice, the box or a parameter cannot be used."""


class ModelError(MedXAIError):
    """A checkpoint is missing, damaged, unsafe or of an unknown kind."""


class DownloadError(ModelError):
    """A checkpoint could not be fetched whole and unchanged."""


class OutputError(MedXAIError):
    """A result could not be written."""


class ResourceError(MedXAIError):
    """The machine has not enough memory for what was asked."""


class Cancelled(MedXAIError):
    """The user stopped the work; nothing was changed."""

    def __init__(self, message: str = "Cancelled; nothing was changed."):
        super().__init__(message)
