"""The functions of this testing guest. `../javascript/guest.js` has the same ones, and one table of tests holds for
both."""

import random
import time

from durable import Component, NonRetriableError, RetryAfterError, parallel, run, sleep, wait_for_event


def refuse():
    raise NonRetriableError("no use")


def linear(call):
    """Every kind of step this guest has, one after another."""
    one = run("one", lambda: 1)
    sleep("nap", call["event"]["data"].get("wait", 1000))
    paid = wait_for_event("paid", "testing/paid", 60_000, "event.data.order == async.data.order")
    two = run("two", lambda: one + 1)
    return {"one": one, "two": two, "paid": paid and paid["data"]}


def side_by_side(_call):
    """Three steps side by side, then one that needs all of them."""
    a, b, c = parallel(a=lambda: 1, b=lambda: 2, c=lambda: 3)
    return run("sum", lambda: a + b + c)


def torn(_call):
    """Siblings of which one fails for good; the others end nevertheless."""
    try:
        parallel(good=lambda: 1, bad=refuse)
    except Exception as error:
        return f"{error.name}: {error}"


def caught(_call):
    """A step that fails for good, and code that goes on. What `finally` does is not seen while the step is open."""
    seen = "nothing"
    try:
        run("doomed", refuse)
    except Exception as error:
        seen = f"{error.name}: {error}"
    finally:
        run("rescue", lambda: None)
    return seen


def uncaught(_call):
    """A step's failure that nobody catches."""
    run("doomed", refuse)


def retried(call):
    """A step that fails as often as the event says, then succeeds."""

    def flaky():
        if call["attempt"] < call["event"]["data"]["failures"]:
            raise RetryAfterError("not yet", 1000)
        return call["attempt"]

    return run("flaky", flaky)


def edited(call):
    """A step with arguments, which an operator may edit."""
    data = call["event"]["data"]
    return run("add", lambda left, right: left + right, data["left"], data["right"])


def fails(_call):
    """Fails outside of any step."""
    raise TypeError("nothing works today")


def look():
    """What a function can see of time and chance."""
    return {"millis": round(time.time() * 1000), "random": random.random()}


def looks(_call):
    """Looks before and after a step, and inside of it, where only chance is left."""
    before = look()
    inside = run("inside", lambda: {"random": random.random()})
    return {"before": before, "inside": inside, "after": look()}


def clock_inside(_call):
    """Asks for the time inside of a step."""
    return run("inside", look)


def reaches_outside(_call):
    """Reaches for a file, and would hide that it may not."""
    try:
        return open("/etc/hostname").read()
    except BaseException:
        return "it was refused, and nobody noticed"


def nested(_call):
    """Begins a step inside the body of another."""
    return run("outer", lambda: run("inner", lambda: 1))


FUNCTIONS = {
    "linear": linear,
    "parallel": side_by_side,
    "torn": torn,
    "caught": caught,
    "uncaught": uncaught,
    "retried": retried,
    "edited": edited,
    "fails": fails,
    "looks": looks,
    "clock-inside": clock_inside,
    "reaches-outside": reaches_outside,
    "nested": nested,
}


class Entry(Component):
    functions = {
        f"python-{id}": ({"retries": 4, "triggers": [{"event": f"testing/python-{id}.requested"}]}, function)
        for id, function in FUNCTIONS.items()
    }
