"""check_schedule: a sound schedule passes, wrong ones learn what to mend."""

import keras
import pytest

import keras_transfer as kt
from keras_transfer.optimizer.transition import transition
from keras_transfer.testing import ConformanceError
from keras_transfer.testing import check_schedule


def refuses(schedule, sentence):
    with pytest.raises(ConformanceError, match=sentence):
        check_schedule(schedule, epochs=2)


class HeadFirst(keras.callbacks.Callback):
    """Freezes the backbone until an epoch, with all that this takes."""

    def __init__(self, until=1):
        super().__init__()
        self.until = until

    def on_train_begin(self, logs=None):
        self.done = False
        self._open(["head"])

    def on_epoch_begin(self, epoch, logs=None):
        if epoch >= self.until and not self.done:
            self.done = True
            self._open(["*"])

    def _open(self, selectors):
        transition(self.model, lambda model: kt.set_trainable(model, selectors))

    def get_config(self):
        return {"until": self.until}


def test_a_sound_schedule_passes():
    check_schedule(HeadFirst(), epochs=2)


def test_what_is_no_callback_is_refused():
    refuses(object(), "object must be a subclass of keras.callbacks.Callback")


def test_flags_without_effect_freeze_nothing():
    class Wrong(HeadFirst):
        def on_epoch_begin(self, epoch, logs=None):
            # The compiled step still trains what it was traced with.
            if epoch == 1:
                kt.freeze(self.model)

        def on_train_begin(self, logs=None):
            pass

    refuses(Wrong(), "Weights that Wrong has frozen move, such as .*: subclass")


def test_flags_without_effect_open_nothing():
    class Wrong(HeadFirst):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                kt.set_trainable(self.model, "*")

    refuses(Wrong(), r"Layers that Wrong has opened do not train, .*conv_1")


def test_state_that_stays_from_the_first_run():
    class Wrong(HeadFirst):
        done = False

        def on_train_begin(self, logs=None):
            self._open(["head"])

    refuses(Wrong(), "second run with one instance of Wrong freezes otherwise")


def test_an_argument_that_training_changes():
    class Wrong(HeadFirst):
        def on_train_end(self, logs=None):
            self.until = min(self.until, 0.5)

    refuses(Wrong(), "Training changes the get_config of Wrong: store")


def test_a_config_that_is_not_json():
    class Wrong(HeadFirst):
        def get_config(self):
            return {"until": {1}}

    refuses(Wrong(), "get_config of Wrong holds more than JSON values")


def test_a_config_that_lacks_an_argument():
    class Wrong(HeadFirst):
        def get_config(self):
            return {}

    refuses(Wrong(until=0), "The Wrong made from its get_config freezes other")


def test_a_config_that_is_not_given_back():
    class Wrong(HeadFirst):
        @classmethod
        def from_config(cls, config):
            return cls(config["until"] + 0.5)

    refuses(Wrong(), "from_config of Wrong does not give back what get_config")
