// Loaded with `node --import`, this shortens the samples' wait between polls, which is exactly 30 s; every
// other timer (time limits of requests, say) stays as it is.
const wait = globalThis.setTimeout;
globalThis.setTimeout = (then, duration, ...rest) => wait(then, duration === 30000 ? 50 : duration, ...rest);
