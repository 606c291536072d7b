/** How a command ends. */
export const exitCode = {
  /** It did what it was asked for. */
  ok: 0,
  /** It could not: the message says why. */
  failed: 1,
  /** The command line itself is wrong. */
  misuse: 2,
  /** Ctrl-C ended it (128 + SIGINT's number, as shells have it). */
  interrupted: 130,
} as const;

/** What is wrong with a command line. */
export class Misuse extends Error {}
