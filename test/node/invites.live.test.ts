/** Invites that do not work, between real nodes: each is named for what it is, says what to do in both languages, ends with its
 *  code, and lets nobody in. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { words } from '../../protocol/shell/words/index.ts'
import { createCleanup } from '../support/host.ts'
import { petrel } from '../support/petrel-process.ts'
import { untilValue } from '../support/until.ts'
import { aheadOf, guessed, newLink, officeAt, revoke } from './invite-office.ts'
import { joinWith, json, newHome, up } from './running.ts'

const cleanup = createCleanup()
afterEach(() => cleanup.run())

test('used, revoked, guessed, expired and own invites are each refused by name, in both languages', async () => {
  const [office, li, wang] = [
    await newHome(cleanup),
    await newHome(cleanup),
    await newHome(cleanup),
  ]
  const start = await officeAt(cleanup, office)
  const first = await start()
  const once = await newLink(office)
  const revoked = await newLink(office)
  const late = await newLink(office, '--expires', '1h')

  await up(cleanup, li, ['--no-first-group'])
  writeFileSync(join(li, 'link'), once)
  await joinWith(li, join(li, 'link'), 'Li')
  await up(cleanup, wang, ['--no-first-group'])

  const refused = async (
    place: string,
    link: string,
    type: keyof ReturnType<typeof words>['refusals'],
    exit: number,
  ) => {
    const args = ['join', '-', '--timeout', '30s']
    const { code, lines } = await json(args, place, { input: link })
    const english = words('en').refusals[type]
    expect([type, code, lines.at(-1)]).toMatchObject([type, exit, { code: type, exit }])
    expect(lines.at(-1)).toMatchObject({ what: english.what, next: english.next })
    const chinese = words('zh-CN').refusals[type]
    const shown = await petrel([...args, '--lang', 'zh-CN'], place, { input: link })
    expect([type, shown.code, shown.stdout]).toEqual([type, exit, ''])
    expect(shown.stderr).toContain(chinese.what)
    expect(shown.stderr).toContain(chinese.next)
  }

  await refused(wang, once, 'invite-used', 4)
  await refused(wang, guessed(once), 'invite-unknown', 4)
  await refused(li, once, 'already-member', 4)
  await refused(office, revoked, 'already-member', 4)

  await first.running.stop()
  await revoke(office, revoked)
  const second = await start()
  await refused(wang, revoked, 'invite-revoked', 4)
  await second.running.stop()

  const third = await start({ NODE_OPTIONS: aheadOf(office) })
  await refused(wang, late, 'invite-expired', 4)
  expect((await json(['group', 'show', 'ops'], office)).lines[0]?.['members']).toHaveLength(2)
  await third.running.stop()

  // What went wrong leaves no trace: a good invite lets the same person in.
  const fourth = await start()
  await joinWith(wang, fourth.linkFile, 'Wang')
  await untilValue(
    async () => (await json(['group', 'show', 'ops'], office)).lines[0]?.['members'],
    members => Array.isArray(members) && members.length === 3,
    { within: 20_000, every: 300 },
  )
})
