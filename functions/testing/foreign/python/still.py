"""Time and chance without WASI.

componentize-py imports files and sockets whether a program uses them or not, and no worker has those. Its option
`--stub-wasi` takes all of WASI away, so that nothing is left but the contract; then every call of the system ends the
instance with `unreachable`: files, `print`, and the clock and the random numbers too. This module puts in the place of
the last two what a function may have outside of steps: the time at which the run was scheduled, and numbers that
follow from the run. Inside of a body they would have to be real, and there is nothing to make that of: there the clock
and the system's randomness raise an error that can be read, and `random` gives the same numbers in every attempt.
"""

import os
import random
import time
from contextlib import contextmanager

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

# When the run was scheduled, in milliseconds since 1970. None inside of bodies, and before a function begins.
_scheduled = None
_run = None


def _only_outside(what, value):
    def checked(*arguments):
        if _scheduled is None:
            raise OSError(f"{what} exists outside of steps only: the component is built without WASI")
        return value(*arguments)

    return checked


def _no_waiting(_seconds):
    raise OSError("nothing can be waited for: the component is built without WASI. Sleep in a step: durable.sleep")


time.time = _only_outside("a clock", lambda: _scheduled / 1000)
time.time_ns = _only_outside("a clock", lambda: _scheduled * 1_000_000)
time.monotonic = time.perf_counter = _only_outside("a clock", lambda: 0.0)
time.monotonic_ns = time.perf_counter_ns = _only_outside("a clock", lambda: 0)
time.sleep = _no_waiting
# `uuid`, `secrets` and `random.SystemRandom` ask here.
os.urandom = random._urandom = _only_outside("the system's randomness", lambda size: random.randbytes(size))


def stand(run_id):
    """A function begins: its clock shows when the run was scheduled, which the id carries, and its random numbers
    follow from the id."""
    global _run, _scheduled
    _run = run_id
    _scheduled = 0
    for digit in run_id[:10]:
        _scheduled = _scheduled * 32 + _CROCKFORD.index(digit)
    random.seed(run_id)


@contextmanager
def moving(name):
    """The body of a step runs. Afterwards everything goes on where it stood, as if the body had not run."""
    global _scheduled
    stood, numbers = _scheduled, random.getstate()
    _scheduled = None
    random.seed(f"{_run} {name}")
    try:
        yield
    finally:
        _scheduled = stood
        random.setstate(numbers)
