/** Examples at the end of a help text. */
import type { CliWords } from './words.ts'

export const examplesText = (
  { help }: CliWords,
  command: keyof CliWords['help']['example'],
): string => `\n${help.examples}\n${help.example[command].map(line => `  ${line}`).join('\n')}`
