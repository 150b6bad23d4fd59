/** Reads the fields of a JSON body that came from outside. Every read gives a value of its type; the first one that was not
 *  as wanted is named by `fault`, and the caller asks for that before it does anything. */
export type Fields = {
  readonly text: (name: string, charactersMax: number) => string
  readonly texts: (name: string, countMax: number) => readonly string[]
  readonly whole: (name: string, least: number, most: number) => number
  readonly flag: (name: string) => boolean
  readonly choice: <Choice extends string>(name: string, choices: readonly Choice[]) => Choice
  readonly fault: () => string | undefined
}

export const readFields = (body: unknown): Fields => {
  let fault: string | undefined
  const fields = new Map<string, unknown>(
    typeof body === 'object' && body !== null && !Array.isArray(body) ? Object.entries(body) : [],
  )
  const fail = (name: string): void => {
    fault ??= name
  }
  return {
    text: (name, charactersMax) => {
      const value = fields.get(name)
      if (typeof value === 'string' && value.length <= charactersMax) return value
      fail(name)
      return ''
    },
    texts: (name, countMax) => {
      const value = fields.get(name)
      const items: readonly unknown[] = Array.isArray(value) ? value : []
      const texts = items.filter(item => typeof item === 'string')
      if (!Array.isArray(value) || texts.length !== value.length || texts.length > countMax) {
        fail(name)
      }
      return texts
    },
    whole: (name, least, most) => {
      const value = fields.get(name)
      if (
        typeof value === 'number' &&
        Number.isSafeInteger(value) &&
        value >= least &&
        value <= most
      )
        return value
      fail(name)
      return least
    },
    flag: name => {
      const value = fields.get(name)
      if (typeof value !== 'boolean') fail(name)
      return value === true
    },
    choice: (name, choices) => {
      const value = fields.get(name)
      const choice = choices.find(known => known === value)
      if (choice !== undefined) return choice
      fail(name)
      const [first] = choices
      if (first === undefined) throw new Error('a choice has choices')
      return first
    },
    fault: () => fault,
  }
}
