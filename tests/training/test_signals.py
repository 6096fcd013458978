"""Signals that end a run wait for the end of what must not be left half done."""

import os
import signal
import threading
import time

import pytest

from rnncli.training.signals import deferred_signals


def test_a_signal_takes_effect_at_the_end_of_the_block() -> None:
    done = []

    with pytest.raises(KeyboardInterrupt), deferred_signals(patience=60):
        signal.raise_signal(signal.SIGINT)
        done.append("whole")
    with pytest.raises(KeyboardInterrupt):  # nothing is deferred between blocks
        signal.raise_signal(signal.SIGINT)

    assert done == ["whole"]


def test_a_second_signal_takes_effect_at_once() -> None:
    with pytest.raises(KeyboardInterrupt), deferred_signals(patience=60):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        pytest.fail("the block went on")


def test_a_signal_takes_effect_when_patience_is_over() -> None:
    with pytest.raises(KeyboardInterrupt), deferred_signals(patience=0.01):
        signal.raise_signal(signal.SIGINT)
        time.sleep(60)  # as a pipe that nobody reads
        pytest.fail("the block went on")


def test_without_patience_every_signal_waits() -> None:
    done = []

    with pytest.raises(KeyboardInterrupt), deferred_signals():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        done.append("whole")

    assert done == ["whole"]


def test_a_signal_of_the_process_that_another_thread_receives_waits_too() -> None:
    started, ended = False, threading.Event()
    waiting = threading.Thread(target=ended.wait)  # a thread that a signal may reach, as torch has several
    waiting.start()
    try:
        with pytest.raises(KeyboardInterrupt), deferred_signals():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.1)
            started = True
    finally:
        ended.set()
        waiting.join()

    assert started


def test_after_an_error_the_handlers_are_those_of_before_and_the_error_counts() -> None:
    before = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)]

    with pytest.raises(ValueError, match="wrong"), deferred_signals(patience=60):
        signal.raise_signal(signal.SIGINT)
        raise ValueError("wrong")

    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)] == before
