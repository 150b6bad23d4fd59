/** A promise and its key: whoever waits is let through when somebody else says so. */
export type Gate<T> = {
  readonly passed: Promise<T>
  readonly open: (value: T) => void
}

export const createGate = <T = void>(): Gate<T> => {
  let open: (value: T) => void = () => undefined
  const passed = new Promise<T>(resolve => (open = resolve))
  return { passed, open: value => open(value) }
}
