/** Stands in for libp2p's debugging log in the web build: no page shows it, and its formatting weighs 4 KB. */
type Log = { (): void; enabled: boolean; trace: () => void; error: () => void; newScope: () => Log }

const log: Log = Object.assign(() => undefined, {
  enabled: false,
  trace: () => undefined,
  error: () => undefined,
  newScope: () => log,
})

export const defaultLogger = () => ({ forComponent: () => log })
