"""The one error that a model file is refused with."""

DAMAGED = "Fetch it again, or save it again with `model.save`."
UNUSUAL = (
    "No file that `model.save` writes looks like this: do not load it unless "
    "you know who changed it and why."
)


class ModelFileError(ValueError):
    """Raised for a model file that is damaged, hostile or not to be used here.

    Its text is one sentence of what is wrong and where in the file, and one of
    what to do about it.

    Args:
        what: What the file does, as it follows "The model file 'm.keras'".
        advice: How to mend it.
        file: How the file is called. Defaults to `None`: not known yet.
        kind: What kind of file it is. Defaults to `"model file"`.

    Example:
    >>> import keras_transfer as kt
    >>> print(kt.ModelFileError("is empty.", "Save it again.", "m.keras"))
    The model file 'm.keras' is empty. Save it again.
    """

    def __init__(
        self,
        what: str,
        advice: str,
        file: str | None = None,
        kind: str = "model file",
    ):
        self.what = what
        self.advice = advice
        self.file = file
        self.kind = kind
        subject = f"The {kind}" + (f" {file!r}" if file else "")
        super().__init__(f"{subject} {what} {advice}".rstrip())

    def __reduce__(self):
        # Exceptions pickle their text alone, which is not what we are made of.
        return type(self), (self.what, self.advice, self.file, self.kind)

    def of(self, file: str) -> "ModelFileError":
        """Returns the same error with the name of the file in it."""
        return type(self)(self.what, self.advice, self.file or file, self.kind)
