// What an SDK for JavaScript would be made of: the interface `blocking` in the words of the language.
//
// Everything a program must know about the host is in this file. `docs/guests.md` describes the JSON, `wit/blocking.wit`
// the calls. The three rules behind the code:
//
// - `begin` and `plan` may not return. Then the host has ended the instance, and no `catch` or `finally` here or in a
//   function runs. So nothing after them may be needed for cleaning up.
// - A result is what the host stored, never the value the body made: both pass through JSON once, in the first run too.
// - One step, or one group of siblings, is open at a time.

import { begin, finish, plan, resume } from 'system-bus:durable/blocking@0.1.0';
import { log } from 'wasi:logging/logging@0.1.0-draft';

// The host drops what a replay says again, and names the run beside each line.
for (const level of ['debug', 'info', 'warn', 'error']) {
  console[level] = (...parts) => log(level, '', parts.join(' '));
}
console.log = console.info;

/** A step ended with an error, now or in an earlier call. No repetition can change it. */
export class StepError extends Error {
  constructor(stored) {
    const { name, message, stack, cause } = JSON.parse(stored);
    super(message, { cause });
    Object.assign(this, { name, stack: stack ?? this.stack, retry: { tag: 'never' } });
  }
}

/** Ends a step, or a function, for good. */
export class NonRetriableError extends Error {
  name = 'NonRetriableError';
  retry = { tag: 'never' };
}

/** Fails a step, or a function, and says when it shall be tried again. */
export class RetryAfterError extends Error {
  name = 'RetryAfterError';

  constructor(message, milliseconds) {
    super(message);
    this.retry = { tag: 'after', val: BigInt(milliseconds) };
  }
}

/** A thrown value in the form of the interface. */
function failure(thrown) {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const { name, message, stack, cause } = error;
  return { error: JSON.stringify({ name, message, stack, cause }), retry: error.retry ?? { tag: 'again' } };
}

// There is no JSON for `undefined`.
const encode = (value) => JSON.stringify(value) ?? 'null';

/** `result<string, string>` as a value, or thrown. */
function ended({ tag, val }) {
  if (tag === 'err') throw new StepError(val);
  return JSON.parse(val);
}

// The body that runs. Only here may a function wait for something that is not a step, and meanwhile the rest of the
// program could run on into another step.
let running = null;

function alone(id) {
  if (running !== null) {
    throw new NonRetriableError(
      `step ${id} begins while the body of ${running} runs; await that one first, or name both in step.parallel(…)`,
    );
  }
}

/** Runs the body the host has allowed. Ends the instance, or returns when the host has stored the result. */
async function execute(id, body, args, input) {
  let outcome;
  running = id;
  try {
    outcome = { tag: 'ok', val: encode(await body(...(input === undefined ? args : JSON.parse(input)))) };
  } catch (thrown) {
    outcome = { tag: 'err', val: failure(thrown) };
  } finally {
    running = null;
  }
  try {
    return finish(outcome);
  } catch (stored) {
    throw new StepError(stored.payload);
  }
}

/** A step without a body: the server does it, and `begin` answers with its result. */
function lasting(id, kind, options) {
  alone(id);
  const begun = begin({ id, kind, options: JSON.stringify(options) });
  if (begun.tag !== 'ended') throw new NonRetriableError(`the host asks to run ${id}, a step of kind ${kind}`);
  return ended(begun.val);
}

export const step = {
  /** Runs `body(...args)` once and for all. An operator who runs the step again may have edited the arguments. */
  async run(id, body, ...args) {
    alone(id);
    const begun = begin({ id, kind: 'run', options: '' });
    if (begun.tag === 'ended') return ended(begun.val);
    return JSON.parse(await execute(id, body, args, begun.val));
  },

  async sleep(id, milliseconds) {
    lasting(id, 'sleep', { milliseconds });
  },

  /** The event, or `null` when the time was over. `condition` is CEL over `event` and `async`. */
  async waitForEvent(id, event, milliseconds, condition) {
    return lasting(id, 'wait-for-event', { event, milliseconds, if: condition });
  },

  /** Runs bodies side by side, each a step: `{ id: body, … }`. Throws the first error once all have ended. */
  async parallel(bodies) {
    const siblings = Object.entries(bodies);
    alone(siblings.map(([id]) => id).join(', '));
    let planned = plan(siblings.map(([id]) => ({ id, kind: 'run', options: '' })));
    while (planned.tag === 'execute') {
      const { position, input } = planned.val;
      const [id, body] = siblings[position];
      // An error of this one is in the list that `resume` answers with.
      await execute(id, body, [], input).catch((error) => {
        if (!(error instanceof StepError)) throw error;
      });
      planned = resume();
    }
    return planned.val.map(ended);
  },
};

/**
 * The interface `entry` of a component with these functions: `{ id: { on: { triggers… }, run: async (call) => … } }`.
 * `call` is as in `docs/guests.md`.
 */
export function component(functions) {
  return {
    describe() {
      const declared = Object.entries(functions).map(([id, { run, ...options }]) => ({ id, name: id, ...options }));
      return JSON.stringify({ sdk: 'javascript/0.1.0', functions: declared });
    },

    async invoke(id, call) {
      try {
        return encode(await functions[id].run(JSON.parse(call)));
      } catch (thrown) {
        // The toolchain takes what is thrown for the error of the `result`.
        throw failure(thrown);
      }
    },
  };
}
