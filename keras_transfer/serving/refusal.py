"""The answer to a request that cannot be fulfilled."""

from starlette.responses import JSONResponse


class Refusal(Exception):
    """Ends a request with a status and one sentence.

    Args:
        status: The HTTP status.
        sentence: What is wrong and how to mend it.
        headers: Further headers of the response.
    """

    def __init__(
        self,
        status: int,
        sentence: str,
        headers: dict[str, str] | None = None,
    ):
        super().__init__(sentence)
        self.status = status
        self.headers = headers

    def response(self) -> JSONResponse:
        """Returns what the client receives."""
        return JSONResponse({"error": str(self)}, self.status, self.headers)
