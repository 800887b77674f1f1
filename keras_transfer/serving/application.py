"""The HTTP application: what each address answers."""

import asyncio
import concurrent.futures
import contextlib
import importlib.resources
import os
import time
from typing import Any

import numpy as np
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.responses import JSONResponse
from starlette.responses import Response
from starlette.routing import Route

from keras_transfer.serving.body import Body
from keras_transfer.serving.classifier import Classifier
from keras_transfer.serving.decoding import decode_upload
from keras_transfer.serving.limits import ServiceLimits
from keras_transfer.serving.metrics import Metrics
from keras_transfer.serving.micro_batches import MicroBatches
from keras_transfer.serving.ranking import rank
from keras_transfer.serving.refusal import Refusal
from keras_transfer.serving.uploads import read_uploads

_DEFAULT_TOP = 5
_RETRY_SECONDS = 1
# The page needs nothing from elsewhere, and is allowed nothing.
_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src blob: data:; "
    "style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'",
    "X-Content-Type-Options": "nosniff",
}


def build_application(
    classifier: Classifier, limits: ServiceLimits
) -> Starlette:
    """Builds the application around an open classifier.

    Args:
        classifier: What predicts.
        limits: What clients may ask of it.
    """
    service = _Service(classifier, limits)
    page = importlib.resources.files(__package__) / "page.html"
    html = page.read_text(encoding="utf-8")

    async def show_page(request):
        return HTMLResponse(html, headers=_PAGE_HEADERS)

    async def tell_health(request):
        return JSONResponse({"status": "ok"})

    async def tell_metadata(request):
        return JSONResponse(service.description)

    async def tell_metrics(request):
        metrics = service.metrics
        return Response(metrics.text(), media_type=metrics.content_type)

    return Starlette(
        routes=[
            Route("/", show_page),
            Route("/healthz", tell_health),
            Route("/metadata", tell_metadata),
            Route("/metrics", tell_metrics),
            Route("/predict", service.predict, methods=["POST"]),
        ],
        exception_handlers={
            HTTPException: _explain_status,
            Exception: _explain_failure,
        },
        lifespan=service.lifespan,
    )


class _Service:
    """Predictions, from a request to its answer."""

    def __init__(self, classifier, limits):
        self.classifier = classifier
        self.limits = limits
        self.metrics = Metrics()
        self.description = {
            **classifier.describe(),
            "limits": {
                "body_bytes": limits.max_body_bytes,
                "pixels": limits.max_pixels,
                "images": limits.max_images,
            },
        }
        self._busy = 0

    @contextlib.asynccontextmanager
    async def lifespan(self, application):
        self._pool = concurrent.futures.ThreadPoolExecutor(os.cpu_count())
        self._batches = MicroBatches(
            self.classifier.probabilities,
            self.limits.max_batch,
            self.limits.max_wait_ms / 1000,
            self.metrics.batch_size.observe,
        )
        yield
        await asyncio.to_thread(self._batches.close)
        self._pool.shutdown()

    async def predict(self, request: Request) -> Response:
        start = time.perf_counter()
        body = Body(request, self.limits)
        try:
            response = await self._answer(request, body)
        except Refusal as refusal:
            # Whatever the client still sends, uvicorn reads and forgets.
            response = refusal.response()
        except ClientDisconnect:
            # Nobody is there to read it; the count shows it.
            response = Response(status_code=499)
        self.metrics.observe(response.status_code, time.perf_counter() - start)
        return response

    async def _answer(self, request, body):
        top = _top_of(request)
        body.check_declared()
        with self._admitted():
            uploads = await read_uploads(
                Request(request.scope, body), self.limits, self._pool
            )
            rows = await self._rows(uploads)
        ranked = rank(np.stack(rows), self.classifier.class_names, top)
        return JSONResponse(
            {
                "predictions": [
                    {"image": upload.name, "classes": _as_json(best)}
                    for upload, best in zip(uploads, ranked, strict=True)
                ]
            }
        )

    @contextlib.contextmanager
    def _admitted(self):
        if self._busy >= self.limits.max_requests:
            raise Refusal(
                503,
                f"{self._busy} requests are being worked on. Come again in "
                f"{_RETRY_SECONDS} second.",
                {"Retry-After": str(_RETRY_SECONDS)},
            )
        self._busy += 1
        self.metrics.in_flight.inc()
        try:
            yield
        finally:
            self._busy -= 1
            self.metrics.in_flight.dec()

    async def _rows(self, uploads):
        loop = asyncio.get_running_loop()
        images = await _all(
            loop.run_in_executor(
                self._pool,
                decode_upload,
                upload,
                self.classifier,
                self.limits,
            )
            for upload in uploads
        )
        rows = await _all(
            asyncio.wrap_future(self._batches.submit(image)) for image in images
        )
        for upload, row in zip(uploads, rows, strict=True):
            if not np.isfinite(row).all():
                raise Refusal(
                    422,
                    f"For the image {upload.name!r} the model returns NaN or "
                    "infinity. Expected pixels in the range it was trained on.",
                )
        return rows


async def _all(awaitables) -> list[Any]:
    """Awaits all, so that nothing works on for a request that has ended."""
    results = await asyncio.gather(*awaitables, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


def _top_of(request):
    word = request.query_params.get("top", str(_DEFAULT_TOP))
    if not word.isdecimal() or len(word) > 9 or int(word) < 1:
        raise Refusal(
            400,
            "`top`, the number of classes for each image, must be a whole "
            f"number of at least 1. Received: {word!r}.",
        )
    return int(word)


def _as_json(predictions):
    return [
        {"class": p.label, "probability": p.probability} for p in predictions
    ]


async def _explain_status(request, error):
    sentences = {
        404: "There is nothing here. See /, /predict, /metadata, /healthz or "
        "/metrics.",
        405: f"{request.method} is not answered here. Send images to /predict "
        "with POST; the other addresses are read with GET.",
    }
    sentence = sentences.get(error.status_code, error.detail)
    return Refusal(error.status_code, sentence, error.headers).response()


async def _explain_failure(request, error):
    return Refusal(
        500,
        f"The service failed with {type(error).__name__}; its log tells more.",
    ).response()
