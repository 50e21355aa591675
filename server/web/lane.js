/** Holds tasks back so that few run at a time: a browser opens six connections to a server, and a search must find one free. */

/**
 * A lane for at most `width` tasks at a time, the rest in order; a task whose signal is aborted before its turn is dropped.
 * @param {number} width
 */
export function lane(width) {
  /** @type {(() => void)[]} */
  const waiting = [];
  let running = 0;

  function next() {
    while (running < width && waiting.length) {
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
        const begun = signal.aborted ? Promise.reject(signal.reason) : task();
        begun.then(resolve, reject).finally(() => {
          running -= 1;
          next();
        });
      });
      next();
    });
  };
}
