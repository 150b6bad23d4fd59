/** A browser is linked to the node that served it, and carries its groups, before its person opens an invite. */
import { expect, test } from 'vitest'
import { millis } from '#protocol'
import { createNodeCryptography } from '../../node/cryptography.ts'
import { formGroup } from '../../sim/random-run.ts'
import { createWorld } from '../../sim/world.ts'

const cryptography = createNodeCryptography()
const texts = (view: ReturnType<ReturnType<typeof createWorld>['group']>): readonly string[] =>
  (view?.messages ?? []).flatMap(({ body }) => (body.type === 'text' ? [body.text] : []))

test.each(['at once', 'after a restart'])(
  'who carried a group and joins it %s understands it',
  when => {
    const world = createWorld({ seed: 'carrier', names: ['alice', 'bob', 'carol'], cryptography })
    const group = formGroup(world, ['alice', 'bob'])
    world.ask('alice', { type: 'send-text', group, text: 'before', priority: 'routine' })
    world.connect('alice', 'carol')
    world.run(30_000)
    expect(world.app('carol').carriedOps).toBeGreaterThan(0)

    const invited = world.ask('alice', {
      type: 'create-invite',
      group,
      maxUses: 1,
      validFor: millis(3_600_000),
      libp2pKey: new Uint8Array(32),
      addresses: [],
    })
    if (!invited.ok || invited.value.type !== 'invited') throw new Error('no invite')
    world.run(5_000)
    if (when === 'after a restart') {
      world.crash('carol')
      world.start('carol')
      world.connect('alice', 'carol')
    }
    world.ask('carol', { type: 'join', token: invited.value.token, name: 'carol', unit: '' })
    world.run(10_000)
    expect(world.group('carol', group)?.summary).toMatchObject({ state: 'member', members: 3 })
    expect(texts(world.group('carol', group))).toEqual(['before'])
    world.ask('carol', { type: 'send-text', group, text: 'after', priority: 'routine' })
    world.run(10_000)
    expect(texts(world.group('alice', group))).toEqual(['before', 'after'])
  },
)
