/** Limits concurrent requests: browsers open six connections to a server, and a search must find one free. */

/**
 * A function that runs at most `limit` tasks at a time, in order. Tasks aborted before their turn are not started.
 * @param {number} limit
 */
export function createLimiter(limit) {
  /** @type {(() => void)[]} */
  const waiting = [];
  let running = 0;

  function next() {
    while (running < limit && waiting.length) {
      running += 1;
      /** @type {() => void} */ (waiting.shift())();
    }
  }

  /**
   * @template T
   * @param {() => Promise<T>} task
   * @param {AbortSignal} signal
   * @returns {Promise<T>}
   */
  return function run(task, signal) {
    return new Promise((resolve, reject) => {
      waiting.push(() => {
        const result = signal.aborted ? Promise.reject(signal.reason) : task();
        result.then(resolve, reject).finally(() => {
          running -= 1;
          next();
        });
      });
      next();
    });
  };
}
