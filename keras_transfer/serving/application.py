"""The HTTP application: what each address answers."""

import asyncio
import contextlib
import importlib.resources
import json
import time

import numpy as np
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.responses import JSONResponse
from starlette.responses import Response
from starlette.routing import Route

from keras_transfer.serving.body import RETRY
from keras_transfer.serving.body import Bodies
from keras_transfer.serving.body import Refusal
from keras_transfer.serving.classifier import Classifier
from keras_transfer.serving.decoders import Decoders
from keras_transfer.serving.limits import ServiceLimits
from keras_transfer.serving.metrics import Metrics
from keras_transfer.serving.micro_batches import MicroBatches
from keras_transfer.serving.query import wanted_of
from keras_transfer.serving.said import as_json

# Decoded images that wait for the model, in batches.
_WAITING_BATCHES = 4
# The page needs nothing from elsewhere, and is allowed nothing.
_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src blob: data:; "
    "style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'",
    "X-Content-Type-Options": "nosniff",
}
# What the model still computes at the end, nobody waits for any more.
_LAST_BATCH_SECONDS = 0.5


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
    # Names of thousands of classes are written once.
    metadata = json.dumps(_describe(classifier, limits)).encode()

    async def show_page(request):
        return HTMLResponse(html, headers=_PAGE_HEADERS)

    async def tell_health(request):
        return JSONResponse({"status": "ok"})

    async def tell_metadata(request):
        return Response(metadata, media_type="application/json")

    async def tell_metrics(request):
        metrics = service.metrics
        return Response(metrics.text(), media_type=metrics.content_type)

    application = Starlette(
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
    # It would lead to whatever host the client names.
    application.router.redirect_slashes = False
    return application


class _Service:
    """Predictions, from a request to its answer."""

    def __init__(self, classifier, limits):
        self.classifier = classifier
        self.limits = limits
        self.metrics = Metrics()
        for reading in classifier.readings:
            self.metrics.outputs.labels(reading.task.kind).inc()
        self._busy = 0
        self._bodies = Bodies(limits)

    @contextlib.asynccontextmanager
    async def lifespan(self, application):
        limits = self.limits
        self._decoders = Decoders(self.classifier, limits)
        self._places = asyncio.Semaphore(_WAITING_BATCHES * limits.max_batch)
        self._batches = MicroBatches(
            self.classifier.values,
            limits.max_batch,
            limits.max_wait_ms / 1000,
            self.metrics.batch_size.observe,
        )
        try:
            await self._decoders.start()
            yield
        finally:
            await self._decoders.close()
            await asyncio.to_thread(self._batches.close, _LAST_BATCH_SECONDS)

    async def predict(self, request: Request) -> Response:
        start = time.perf_counter()
        try:
            response = await self._answer(request)
        except Refusal as refusal:
            response = _refuse(refusal)
        self.metrics.observe(response.status_code, time.perf_counter() - start)
        return response

    async def _answer(self, request):
        wanted = wanted_of(request, self.classifier.readings)
        headers = request.headers
        if headers.get("content-encoding", "identity") != "identity":
            raise Refusal(
                415, "Compressed requests are not read. Send it as it is."
            )
        async with self._bodies.read(request.receive, headers) as body:
            with self._admitted():
                kind = headers.get("content-type", "")
                images, rows = await self._rows(body, kind)
        # Off the loop: there may be thousands of classes for each.
        return await asyncio.to_thread(
            lambda: _respond(images, self.classifier.told(rows, wanted))
        )

    @contextlib.contextmanager
    def _admitted(self):
        if self._busy >= self.limits.max_requests:
            raise Refusal(
                503,
                f"{self._busy} requests are being worked on. Come again in "
                "1 second.",
                RETRY,
            )
        self._busy += 1
        self.metrics.in_flight.inc()
        try:
            yield
        finally:
            self._busy -= 1
            self.metrics.in_flight.dec()

    async def _rows(self, body, kind):
        """Returns name and warning of each image, and its probabilities."""
        images, futures = [], []
        try:
            async with self._decoders.decode(body, kind) as decoded:
                async for pixels in decoded:
                    await self._places.acquire()
                    future = asyncio.wrap_future(
                        self._batches.submit(pixels.values)
                    )
                    future.add_done_callback(self._free_place)
                    futures.append(future)
                    images.append((pixels.name, pixels.warning))
            rows = await asyncio.gather(*futures)
        finally:
            # Nothing works on for a request that has ended.
            for future in futures:
                future.cancel()
        for (name, _), row in zip(images, rows, strict=True):
            if not np.isfinite(row).all():
                raise Refusal(
                    422,
                    f"For the image {name!r} the model returns NaN or "
                    "infinity. Expected pixels in the range it was trained on.",
                )
        return images, np.stack(rows)

    def _free_place(self, future):
        self._places.release()
        if not future.cancelled():
            future.exception()  # Seen, also where another one was raised.


def _describe(classifier, limits):
    return {
        **classifier.describe(),
        "limits": {
            "body_bytes": limits.max_body_bytes,
            "pixels": limits.max_pixels,
            "request_pixels": limits.max_request_pixels,
            "images": limits.max_images,
        },
    }


def _respond(images, said):
    predictions = []
    for (name, warning), outputs in zip(images, said, strict=True):
        prediction = {"image": name, **as_json(outputs)}
        if warning is not None:
            prediction["warning"] = warning
        predictions.append(prediction)
    return JSONResponse({"predictions": predictions})


def _refuse(refusal):
    body = {"error": str(refusal)}
    return JSONResponse(body, refusal.status, refusal.headers)


async def _explain_status(request, error):
    sentences = {
        404: "There is nothing here. See /, /predict, /metadata, /healthz or "
        "/metrics.",
        405: f"{request.method} is not answered here. Send images to /predict "
        "with POST; the other addresses are read with GET.",
    }
    sentence = sentences.get(error.status_code, error.detail)
    return _refuse(Refusal(error.status_code, sentence, error.headers))


async def _explain_failure(request, error):
    sentence = f"The service failed with {type(error).__name__}; see its log."
    return _refuse(Refusal(500, sentence))
