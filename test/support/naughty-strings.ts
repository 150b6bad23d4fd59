/** The Big List of Naughty Strings (Max Woolf and others, MIT): what is known to trouble programs that show people's input. */
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const list: readonly string[] = require('big-list-of-naughty-strings/blns.json')

/** Without the empty one: nobody can send that. */
export const naughtyStrings = list.filter(text => text !== '')
