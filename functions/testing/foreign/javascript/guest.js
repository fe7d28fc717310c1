// The functions of this testing guest. `../python/guest.py` has the same ones, and one table of tests holds for both.

import { component, NonRetriableError, RetryAfterError, step } from './durable.js';

const sleepFor = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** What a function can see of time and chance. */
const look = () => ({ millis: Date.now(), random: Math.random() });

/** Every kind of step this guest has, one after another. */
async function linear({ event }) {
  const one = await step.run('one', () => 1);
  await step.sleep('nap', event.data.wait ?? 1000);
  const paid = await step.waitForEvent('paid', 'testing/paid', 60_000, 'event.data.order == async.data.order');
  const two = await step.run('two', async () => {
    await sleepFor(1);
    return one + 1;
  });
  return { one, two, paid: paid?.data ?? null };
}

/** Three steps side by side, then one that needs all of them. */
async function parallel() {
  const [a, b, c] = await step.parallel({ a: () => 1, b: async () => 2, c: () => 3 });
  return step.run('sum', () => a + b + c);
}

/** Siblings of which one fails for good; the others end nevertheless. */
async function torn() {
  const refuse = () => {
    throw new NonRetriableError('no use');
  };
  try {
    await step.parallel({ good: () => 1, bad: refuse });
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
}

/** A step that fails for good, and code that goes on. What `finally` does is not seen while the step is open. */
async function caught() {
  let seen = 'nothing';
  try {
    await step.run('doomed', () => {
      throw new NonRetriableError('no use');
    });
  } catch (error) {
    seen = `${error.name}: ${error.message}`;
  } finally {
    await step.run('rescue', () => null);
  }
  return seen;
}

/** A step's failure that nobody catches. */
async function uncaught() {
  await step.run('doomed', () => {
    throw new NonRetriableError('no use');
  });
}

/** A step that fails as often as the event says, then succeeds. */
async function retried({ event, attempt }) {
  return step.run('flaky', () => {
    if (attempt < event.data.failures) throw new RetryAfterError('not yet', 1000);
    return attempt;
  });
}

/** A step with arguments, which an operator may edit. */
async function edited({ event }) {
  return step.run('add', (left, right) => left + right, event.data.left, event.data.right);
}

/** Fails outside of any step. */
async function fails() {
  throw new TypeError('nothing works today');
}

/** Looks before and after a step, and inside of it. */
async function looks() {
  const before = look();
  const inside = await step.run('inside', look);
  return { before, inside, after: look() };
}

/** Logs before, inside of and after a step. */
async function logs() {
  console.log('begin');
  await step.run('one', () => console.warn('in one'));
  console.log('end');
}

/** Waits by a timer outside of a step. */
async function waitsOutside() {
  await sleepFor(1);
}

/** Asks the network inside of a step. */
async function asks({ event }) {
  return step.run('ask', async () => (await fetch(event.data.url)).status);
}

/** Asks the network outside of a step, and would hide that it may not. */
async function reachesOutside({ event }) {
  try {
    return (await fetch(event.data.url)).status;
  } catch {
    return 'it was refused, and nobody noticed';
  }
}

/** Begins a step inside the body of another. */
async function nested() {
  return step.run('outer', () => step.run('inner', () => 1));
}

const on = (id, run) => ({ retries: 4, triggers: [{ event: `testing/${id}.requested` }], run });
const named = Object.entries({
  linear,
  parallel,
  torn,
  caught,
  uncaught,
  retried,
  edited,
  fails,
  looks,
  logs,
  asks,
  'reaches-outside': reachesOutside,
  'waits-outside': waitsOutside,
  nested,
});

export const entry = component(
  Object.fromEntries(named.map(([id, run]) => [`javascript-${id}`, on(`javascript-${id}`, run)])),
);
