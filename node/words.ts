/** The words that only the terminal says; what screens say too is in '#words'. */
import type { Lang } from '#words'
import { en } from './words/en.ts'
import { zhCN } from './words/zh-CN.ts'
import type { CliWords } from './words/zh-CN.ts'

export type { CliWords, Said } from './words/zh-CN.ts'

export const cliWords = (lang: Lang): CliWords => (lang === 'en' ? en : zhCN)
