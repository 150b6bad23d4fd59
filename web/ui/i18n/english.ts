/** Both English catalogues, as one chunk that loads on demand. */
import { en as shared } from '../../../protocol/shell/words/en.ts'
import { en as ui } from './en.ts'

export const english = { shared, ui }
