"""What a request wants to be told, from the query of its address."""

from collections.abc import Sequence

from starlette.requests import Request

from keras_transfer.serving.body import Refusal
from keras_transfer.serving.reading import Reading
from keras_transfer.serving.reading import check_wanted
from keras_transfer.serving.said import Wanted

_DEFAULT_TOP = 5
_MOST_TOP = 1000


def wanted_of(request: Request, readings: Sequence[Reading]) -> Wanted:
    """Returns what a request wants to be told of each image.

    Args:
        request: May have `top`, `threshold` and `all` in its query.
        readings: How each output of the model is to be read.

    Raises:
        Refusal: If one of them is out of range, or the model has no use for
            it.
    """
    threshold, is_all = _threshold_of(request), _all_of(request)
    width = sum(reading.width for reading in readings)
    if width > _MOST_TOP and (is_all or threshold is not None):
        # Of every image in a request, in JSON.
        raise Refusal(
            400,
            f"The model has {width:,} classes or labels: `all` and `threshold` "
            f"are answered for at most {_MOST_TOP:,}. Leave them out.",
        )
    try:
        check_wanted(readings, threshold, "`threshold`")
    except ValueError as error:
        raise Refusal(400, str(error)) from error
    return Wanted(_top_of(request), threshold, is_all)


def _top_of(request):
    word = request.query_params.get("top", str(_DEFAULT_TOP))
    is_number = word.isdecimal() and len(word) < 9
    if not is_number or not 1 <= int(word) <= _MOST_TOP:
        raise Refusal(
            400,
            "`top`, the number of classes for each image, must be a whole "
            f"number from 1 to {_MOST_TOP}. Received: {word[:40]!r}.",
        )
    return int(word)


def _threshold_of(request):
    word = request.query_params.get("threshold")
    if word is None:
        return None
    try:
        return float(word[:40])
    except ValueError:
        raise Refusal(
            400,
            "`threshold`, the probability from which on a label is told, must "
            f"be a number from 0 to 1. Received: {word[:40]!r}.",
        ) from None


def _all_of(request):
    word = request.query_params.get("all", "false")
    if word not in ("true", "false"):
        raise Refusal(
            400,
            "`all`, whether the probabilities of all classes or labels are "
            f"told, must be 'true' or 'false'. Received: {word[:40]!r}.",
        )
    return word == "true"
