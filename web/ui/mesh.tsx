/** The network as this peer sees it: links in words first, numbers second; what was refused under technical details. */
import { Icon } from './icons.tsx'
import { netWords } from './net-bar.tsx'
import { Name } from './parts.tsx'
import { shared, sizeWords, ui } from './i18n/index.ts'
import type { LinkView } from '#protocol'
import type { LinkKind } from '#shell'
import type { EngineClient } from '../engine/client.ts'

/** Round trips up to which a link is called good and fair, in milliseconds (research/ux.md screen 11). */
const goodMillis = 300
const fairMillis = 1_500

const quality = (link: LinkView): 'good' | 'fair' | 'poor' | undefined => {
  if (link.roundTrip === undefined) return undefined
  if (link.roundTrip < goodMillis) return 'good'
  return link.roundTrip < fairMillis ? 'fair' : 'poor'
}

const LinkRow = ({ link, kind }: { link: LinkView; kind: LinkKind | undefined }) => {
  const words = ui.value.mesh
  const rated = quality(link)
  const facts = [
    ...(kind === undefined ? [] : [shared.value.net.linkKind[kind]]),
    ...(rated === undefined ? [] : [shared.value.net.quality[rated]]),
    ...(link.roundTrip === undefined ? [] : [words.roundTrip(link.roundTrip)]),
  ]
  return (
    <li class="link-row" data-quality={rated ?? 'unknown'} data-kind={kind ?? 'unknown'}>
      <span class="reach" aria-hidden="true" />
      <span class="link-name">
        {link.name === undefined ? (
          <>
            {words.unnamed} <span class="mono quiet">{link.peer.slice(-6)}</span>
          </>
        ) : (
          <Name text={link.name} />
        )}
      </span>
      <span class="link-facts">{facts.join(' · ')}</span>
      <span class="link-more quiet">
        {words.shared(link.sharedGroups)} · {words.up} {sizeWords(link.sentBytes)} · {words.down}{' '}
        {sizeWords(link.receivedBytes)}
      </span>
      {link.toSend > 0 && (
        <span class="need" data-tone="warn">
          <Icon name="clock" />
          {words.toSend(link.toSend)}
        </span>
      )}
    </li>
  )
}

export const Mesh = ({ client }: { client: EngineClient }) => {
  const app = client.app.value
  const kinds = client.linkKinds.value
  const words = ui.value.mesh
  const links = app?.links ?? []
  const direct = links.filter(link => kinds[link.peer] === 'direct').length
  const refusals = Object.entries(app?.refusals ?? {})
  return (
    <div class="page">
      <h2>{words.title}</h2>
      <p class="lead">
        {links.length === 0 ? netWords(client.net.value) : words.summary(links.length, direct)}
      </p>
      {links.length === 0 ? (
        <section aria-labelledby="mesh-none">
          <h3 class="section-head" id="mesh-none">
            {words.none}
          </h3>
          <ul class="tries">
            {words.tries.map(text => (
              <li key={text}>{text}</li>
            ))}
          </ul>
          <p>{words.still}</p>
        </section>
      ) : (
        <section aria-labelledby="mesh-links">
          <h3 class="section-head" id="mesh-links">
            {words.links}
          </h3>
          <ul class="link-rows">
            {links.map(link => (
              <LinkRow key={link.peer} link={link} kind={kinds[link.peer]} />
            ))}
          </ul>
        </section>
      )}
      {app !== undefined && (
        <dl class="facts">
          <dt>{words.carried}</dt>
          <dd>{words.carriedValue(app.carriedOps, sizeWords(app.carriedBytes))}</dd>
        </dl>
      )}
      <details class="names">
        <summary>{ui.value.technical}</summary>
        <h3 class="section-head">{words.refusals}</h3>
        {refusals.length === 0 ? (
          <p class="quiet">{words.noRefusals}</p>
        ) : (
          <dl class="facts">
            {refusals.map(([type, count]) => (
              <RefusalFact key={type} type={type} count={count} />
            ))}
          </dl>
        )}
        {app !== undefined && (
          <dl class="facts">
            <dt>{words.peer}</dt>
            <dd class="mono">{app.peer}</dd>
          </dl>
        )}
      </details>
    </div>
  )
}

const RefusalFact = ({ type, count }: { type: string; count: number }) => {
  const known = Object.entries(shared.value.refusals).find(([name]) => name === type)?.[1]
  return (
    <>
      <dt>{known?.what ?? type}</dt>
      <dd>
        {ui.value.mesh.refusalCount(count)} <span class="mono quiet">{type}</span>
      </dd>
    </>
  )
}
