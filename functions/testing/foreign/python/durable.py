"""What an SDK for Python would be made of: the interface `blocking` in the words of the language.

Everything a program must know about the host is in this file. `docs/guests.md` describes the JSON,
`wit/blocking.wit` the calls. The three rules behind the code:

- `begin` and `plan` may not return. Then the host has ended the instance, and no `except` or `finally` here or in a
  function runs. So nothing after them may be needed for cleaning up.
- A result is what the host stored, never the value the body made: both pass through JSON once, in the first run too.
- One step, or one group of siblings, is open at a time.
"""

import json
import traceback
from contextlib import contextmanager

import still
from componentize_py_types import Err, Ok
from wit_world import exports
from wit_world.imports import blocking
from wit_world.imports.failures import Failure, Retry_After, Retry_Again, Retry_Never


def encode(value):
    """JSON as short as it gets, and nothing that only Python reads."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


class StepError(Exception):
    """A step ended with an error, now or in an earlier call. No repetition can change it."""

    retry = Retry_Never()

    def __init__(self, stored):
        error = json.loads(stored)
        super().__init__(error["message"])
        self.name = error["name"]
        self.stack = error.get("stack")


class NonRetriableError(Exception):
    """Ends a step, or a function, for good."""

    retry = Retry_Never()


class RetryAfterError(Exception):
    """Fails a step, or a function, and says when it shall be tried again."""

    def __init__(self, message, milliseconds):
        super().__init__(message)
        self.retry = Retry_After(milliseconds)


def failure(error):
    """An exception in the form of the interface."""
    # Without the text of the lines: that is in files, and there are none.
    frames = traceback.StackSummary.extract(traceback.walk_tb(error.__traceback__), lookup_lines=False)
    stack = "\n".join(f"{frame.name} ({frame.filename}:{frame.lineno})" for frame in reversed(frames))
    said = {
        "name": getattr(error, "name", None) or type(error).__name__,
        "message": str(error),
        "stack": getattr(error, "stack", None) or stack,
    }
    return Failure(encode(said), getattr(error, "retry", Retry_Again()))


def ended(result):
    """`result<string, string>` as a value, or raised."""
    if isinstance(result, Err):
        raise StepError(result.value)
    return json.loads(result.value)


_running = None


@contextmanager
def _body(name):
    global _running
    _running = name
    try:
        with still.moving(name):
            yield
    finally:
        _running = None


def _alone(name):
    if _running is not None:
        raise NonRetriableError(f"step {name} begins inside the body of {_running}; begin it after that one")


def _execute(name, body, arguments, edited):
    """Runs the body the host has allowed. Ends the instance, or answers when the host has stored the result."""
    try:
        with _body(name):
            value = body(*(arguments if edited is None else json.loads(edited)))
        outcome = Ok(encode(value))
    except Exception as error:
        outcome = Err(failure(error))
    try:
        return json.loads(blocking.finish(outcome))
    except Err as stored:
        raise StepError(stored.value) from None


def _lasting(name, kind, options):
    """A step without a body: the server does it, and `begin` answers with its result."""
    _alone(name)
    begun = blocking.begin(blocking.Step(name, kind, encode(options)))
    if not isinstance(begun, blocking.Begun_Ended):
        raise NonRetriableError(f"the host asks to run {name}, a step of kind {kind}")
    return ended(begun.value)


def run(name, body, *arguments):
    """Runs `body(*arguments)` once and for all. An operator who runs the step again may have edited the arguments."""
    _alone(name)
    begun = blocking.begin(blocking.Step(name, "run", ""))
    if isinstance(begun, blocking.Begun_Ended):
        return ended(begun.value)
    return _execute(name, body, arguments, begun.value)


def sleep(name, milliseconds):
    """Sleeps. The server wakes the function; nothing waits meanwhile."""
    _lasting(name, "sleep", {"milliseconds": milliseconds})


def wait_for_event(name, event, milliseconds, condition=None):
    """The event, or `None` when the time was over. `condition` is CEL over `event` and `async`."""
    options = {"event": event, "milliseconds": milliseconds}
    return _lasting(name, "wait-for-event", options if condition is None else {**options, "if": condition})


def parallel(**bodies):
    """Runs bodies side by side, each a step. Raises the first error once all have ended."""
    _alone(", ".join(bodies))
    siblings = list(bodies.items())
    planned = blocking.plan([blocking.Step(name, "run", "") for name, _ in siblings])
    while isinstance(planned, blocking.Planned_Execute):
        name, body = siblings[planned.value.position]
        try:
            _execute(name, body, (), planned.value.input)
        except StepError:
            pass  # It is in the list that `resume` answers with.
        planned = blocking.resume()
    return [ended(result) for result in planned.value]


class Component(exports.Entry):
    """The interface `entry`, over `functions`: `{id: (options, function)}`. A module that the toolchain builds
    inherits from this, as its class `Entry`."""

    functions = {}

    def describe(self):
        declared = [{"id": id, "name": id, **options} for id, (options, _) in self.functions.items()]
        return encode({"sdk": "python/0.1.0", "functions": declared})

    def invoke(self, id, call):
        call = json.loads(call)
        still.stand(call["run_id"])
        try:
            return encode(self.functions[id][1](call))
        except Exception as error:
            # The toolchain takes this for the error of the `result`.
            raise Err(failure(error)) from None
