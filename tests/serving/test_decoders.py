"""Processes that decode what clients send."""

import asyncio
import dataclasses

import psutil
import pytest

from keras_transfer.serving.body import Refusal
from keras_transfer.serving.decoders import Decoders
from keras_transfer.serving.limits import ServiceLimits
from keras_transfer.serving.uploads import Uploads
from tests.serving import hostile_requests
from tests.serving.http_client import form
from tests.serving.http_client import photograph

ONE = ServiceLimits(max_decoders=1)


def with_decoders(classifier, limits, function):
    """Calls a coroutine function with running decoders."""

    async def call():
        decoders = Decoders(classifier, limits)
        await decoders.start()
        try:
            return await function(decoders)
        finally:
            await decoders.close()

    return asyncio.run(call())


async def shapes(decoders, body=None, kind="image/png"):
    async with decoders.decode(body or photograph(), kind) as images:
        return [(i.name, i.values.shape) async for i in images]


def children():
    return psutil.Process().children()


def test_images_come_one_after_the_other(classifier):
    body, kind = form(("a.png", photograph(1)), ("b.png", photograph(2)))
    found = with_decoders(
        classifier, ONE, lambda decoders: shapes(decoders, body, kind)
    )
    assert found == [("a.png", (16, 16, 3)), ("b.png", (16, 16, 3))]
    assert children() == []


def test_a_process_that_ends_is_replaced(classifier):
    async def end_it(decoders):
        for child in children():
            child.kill()
            child.wait()
        with pytest.raises(Refusal, match="ended the process that did it"):
            await shapes(decoders)
        return await shapes(decoders)

    assert with_decoders(classifier, ONE, end_it) == [("0", (16, 16, 3))]


def test_what_takes_too_long_is_ended(classifier):
    limits = dataclasses.replace(ONE, decode_seconds=2)
    # Pillow looks for the next mark byte by byte.
    endless = b"\xff\xd8" + 15_000_000 * b"\xff"

    async def wait(decoders):
        with pytest.raises(Refusal, match="took more than 2 seconds") as caught:
            await shapes(decoders, endless)
        assert caught.value.status == 422
        return await shapes(decoders)

    assert with_decoders(classifier, limits, wait) == [("0", (16, 16, 3))]


def test_who_waits_too_long_for_a_decoder_comes_again(classifier):
    limits = dataclasses.replace(ONE, decode_seconds=1)

    async def hold(decoders):
        async with decoders.decode(photograph(), "image/png"):
            with pytest.raises(Refusal, match="The service is busy") as caught:
                await shapes(decoders)
        assert caught.value.status == 503
        assert caught.value.headers == {"Retry-After": "1"}

    with_decoders(classifier, limits, hold)


def test_who_leaves_early_leaves_no_rest(classifier):
    body, kind = form(*20 * [("a.png", photograph(1))])

    async def leave(decoders):
        async with decoders.decode(body, kind) as images:
            assert (await anext(images)).name == "a.png"
        return await shapes(decoders)

    assert with_decoders(classifier, ONE, leave) == [("0", (16, 16, 3))]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (hostile_requests.saved("RGBA", (5_000, 5_000), "PNG"), "image/png"),
        (hostile_requests.saved("RGB", (5_000, 5_000), "WEBP"), "image/webp"),
        (
            hostile_requests.saved(
                "RGB", (5_000, 5_000), "JPEG", progressive=True, subsampling=0
            ),
            "image/jpeg",
        ),
    ],
    ids=["png", "webp", "jpeg"],
)
def test_memory_is_limited_and_the_cause_is_told(classifier, body, kind):
    limits = dataclasses.replace(ONE, max_decoder_bytes=60_000_000)

    async def decode(decoders):
        with pytest.raises(Refusal, match="may take over 57.2205 MiB") as told:
            await shapes(decoders, body, kind)
        assert told.value.status == 413
        assert children()[0].memory_info().rss < 150e6

    with_decoders(classifier, limits, decode)


def test_the_sum_of_pixels_is_limited(classifier):
    limits = dataclasses.replace(ONE, max_request_pixels=1_000)
    body, kind = form(("a.png", photograph(1)), ("b.png", photograph(2)))

    async def decode(decoders):
        assert await shapes(decoders) == [("0", (16, 16, 3))]
        with pytest.raises(Refusal, match="0.0012 megapixels together") as told:
            await shapes(decoders, body, kind)
        assert told.value.status == 413

    with_decoders(classifier, limits, decode)


def test_a_jpeg_of_many_scans_is_refused_before_it_is_decoded(classifier):
    contents = hostile_requests.jpeg(7_000, 7_000, 2_000, progressive=True)

    async def decode(decoders):
        with pytest.raises(Refusal, match=r"comes in 20\d\d scans") as told:
            await shapes(decoders, contents)
        assert told.value.status == 422

    with_decoders(classifier, ONE, decode)


@pytest.mark.parametrize("dtype", ["uint8", "float16"])
def test_pixels_do_not_wrap_before_they_are_checked(dtype):
    uploads = Uploads((1, 1, 3), "rgb", dtype, (0, 255), ServiceLimits())
    body = b'{"images": [[[[0, 255, 256]]]]}'
    with pytest.raises(Refusal, match="Received: 0 to 256"):
        list(uploads.read(body, "application/json"))


def test_large_images_are_decoded_one_at_a_time(classifier):
    contents = hostile_requests.saved("RGB", (6_000, 6_000), "PNG")
    limits = dataclasses.replace(ONE, max_decoders=2)

    async def decode(decoders):
        await asyncio.gather(shapes(decoders), shapes(decoders))
        before, most = memory(), 0
        both = asyncio.gather(
            shapes(decoders, contents), shapes(decoders, contents)
        )
        while not both.done():
            most = max(most, memory() - before)
            await asyncio.sleep(0.01)
        assert len(await both) == 2
        # Each takes 144 MB.
        assert 100e6 < most < 220e6

    def memory():
        return sum(child.memory_info().rss for child in children())

    with_decoders(classifier, limits, decode)
