/** The few words of vitest that the claims about stores are written in, for a page where vitest is not: bundled in its place.
 *  Values are compared as JSON, bytes as lists of numbers. */
const shown = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) =>
    part instanceof Uint8Array ? { bytes: [...part] } : part,
  )

const demand = (holds: boolean, message: string): void => {
  if (!holds) throw new Error(message)
}

export const expect = (value: unknown) => ({
  toEqual: (wanted: unknown): void =>
    demand(shown(value) === shown(wanted), `${shown(value)} is not ${shown(wanted)}`),
  toHaveLength: (length: number): void =>
    demand(Array.isArray(value) && value.length === length, `not ${length} long: ${shown(value)}`),
  rejects: {
    toThrow: async (): Promise<void> => {
      const failed = await Promise.resolve(value).then(
        () => false,
        () => true,
      )
      demand(failed, 'it did not fail')
    },
  },
})

/** The page runs its claims when it is told to. */
export const test = (): void => undefined
