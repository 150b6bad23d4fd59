/** The start of the web app. First of all, before anything is requested, an invite in the address is taken out of it: its
 *  secret must not stay in the history or be sent anywhere. Then the shell shows what this browser has. */
import { effect } from '@preact/signals'
import { h, render } from 'preact'
import { createGate } from './engine/gate.ts'
import { startEngine } from './engine/start.ts'
import { App, followArrivals, followTitle } from './ui/app.tsx'
import { followLanguage } from './ui/i18n/index.ts'
import { groupChunk, joinChunk, moreChunk } from './ui/later.tsx'
import { followPresence } from './ui/presence.ts'
import { followHash, go, hashOf, route } from './ui/routes.ts'
import { applySettings } from './ui/settings.ts'

const takeInvite = (): string | undefined => {
  if (!location.hash.startsWith('#j=')) return undefined
  const text = location.hash
  history.replaceState(null, '', hashOf({ screen: 'join' }))
  return text
}

const invite = takeInvite()
const isJoining = invite !== undefined || location.hash === hashOf({ screen: 'join' })
/** What a person waits for comes first; the network only after it. */
const firstScreen = createGate()
const client = startEngine(firstScreen.passed)
if (invite !== undefined) client.openInvite(invite)
const loadScreens = async (): Promise<void> => {
  await (isJoining ? joinChunk : groupChunk).load()
  // painted, then the rest
  requestAnimationFrame(() => setTimeout(firstScreen.open))
  await firstScreen.passed
  await (isJoining ? groupChunk : joinChunk).load()
  await moreChunk.load()
}
void loadScreens()

// a link opened in this very tab only changes the fragment
addEventListener('hashchange', () => {
  const later = takeInvite()
  if (later === undefined) return
  route.value = { screen: 'join' }
  client.openInvite(later)
})
// a page out of the back-forward cache has lost its locks and links
addEventListener('pageshow', event => {
  if (event.persisted) location.reload()
})
addEventListener('beforeunload', event => {
  const isLoss = client.vault.value === 'memory' && client.pending.value.length > 0
  if (isLoss) event.preventDefault()
})

await followLanguage()
applySettings()
followHash()
followTitle(client)
followPresence(client)
followArrivals(client)
// from the accepted invite straight into the group, where writing works already
effect(() => {
  const join = client.join.value
  if (join.type === 'joining' && route.peek().screen === 'join') {
    go({ screen: 'conversation', group: join.invite.group })
  }
})
const host = document.querySelector('#app')
if (host !== null) {
  host.replaceChildren()
  render(h(App, { client }), host)
}
