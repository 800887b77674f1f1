"""What a service writes."""

import io
import logging
import time

from keras_transfer.serving.running import BoundedHandler


def test_messages_are_counted_cut_and_escaped():
    file = io.StringIO()
    logger = logging.Logger("test")
    logger.addHandler(BoundedHandler(file))
    logger.warning("\x1b[31mred\r\nand more")
    logger.info("not of interest")
    for _ in range(1_000):
        logger.error("x" * 10_000)
    lines = file.getvalue().splitlines()
    assert lines[:2] == ["\\x1b[31mred", "and more"]
    assert len(lines) == 21
    assert max(map(len, lines)) == 2_000


def test_later_it_tells_how_many_were_left_out():
    file = io.StringIO()
    logger = logging.Logger("test")
    logger.addHandler(BoundedHandler(file, seconds=0.5))
    for _ in range(25):
        logger.warning("again")
    time.sleep(0.6)
    logger.warning("later")
    assert file.getvalue().splitlines()[-2:] == ["5 more messages", "later"]


def test_a_closed_stderr_stops_nothing():
    file = io.StringIO()
    file.close()
    logger = logging.Logger("test")
    logger.addHandler(BoundedHandler(file))
    logger.warning("nobody reads it")
