/** The version of this program, from package.json. */
import { readFileSync } from 'node:fs'

const read = (): string => {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  const parsed: unknown = JSON.parse(text)
  const isPackage = typeof parsed === 'object' && parsed !== null && 'version' in parsed
  return isPackage && typeof parsed.version === 'string' ? parsed.version : '0.0.0'
}

export const version = read()
