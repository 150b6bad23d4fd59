/** How a command ends when it cannot do what was asked: a stable code, what happened, what is safe, what to do, and the exit
 *  code (research/ux.md 6.3). Codes and keys never change with the language. */

export const exitCodes = {
  done: 0,
  internal: 1,
  usage: 2,
  notFound: 3,
  refused: 4,
  partly: 5,
  storedOnly: 6,
  locked: 7,
  verification: 8,
  timeout: 124,
  interrupted: 130,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

export type Failure = {
  readonly code: string
  readonly what: string
  readonly safe?: string
  readonly next?: string
  readonly exit: ExitCode
}
