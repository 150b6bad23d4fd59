/** A message's text as nodes: lines, **bold**, `code` and links; everything else stays as it was typed. There is no HTML
 *  anywhere on this path. */
import { withSigns } from './signs.tsx'
import type { ComponentChild } from 'preact'

/** Links end before punctuation that closes a sentence or a bracket. */
const pattern =
  /(?<code>`[^`\n]{1,500}`)|(?<bold>\*\*[^*\n]{1,500}\*\*)|(?<link>\bhttps?:\/\/[^\s<>"'`，。；：！？、）】》」』]{2,1000})/gu

const trailing = /[.,;:!?)\]}'"]+$/

/** Only http and https, and only when the parser of the browser agrees. */
const safeAddress = (text: string): string | undefined => {
  if (!URL.canParse(text)) return undefined
  const address = new URL(text)
  return address.protocol === 'http:' || address.protocol === 'https:' ? address.href : undefined
}

const linkNode = (text: string, key: number): ComponentChild => {
  const shown = text.replace(trailing, '')
  const address = safeAddress(shown)
  if (address === undefined) return withSigns(text)
  return [
    <a key={key} href={address} target="_blank" rel="noopener noreferrer nofollow">
      <bdi>{withSigns(shown)}</bdi>
    </a>,
    withSigns(text.slice(shown.length)),
  ]
}

export const textNodes = (text: string): readonly ComponentChild[] => {
  const nodes: ComponentChild[] = []
  let at = 0
  for (const match of text.matchAll(pattern)) {
    const [whole] = match
    const { code, bold, link } = match.groups ?? {}
    if (match.index > at) nodes.push(withSigns(text.slice(at, match.index)))
    if (code !== undefined)
      nodes.push(<code key={match.index}>{withSigns(code.slice(1, -1))}</code>)
    else if (bold !== undefined)
      nodes.push(<strong key={match.index}>{withSigns(bold.slice(2, -2))}</strong>)
    else if (link !== undefined) nodes.push(linkNode(link, match.index))
    at = match.index + whole.length
  }
  if (at < text.length) nodes.push(withSigns(text.slice(at)))
  return nodes
}

export const MessageText = ({ text }: { text: string }) => (
  <div class="message-text" dir="auto">
    {textNodes(text)}
  </div>
)
