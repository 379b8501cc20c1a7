import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Hub, JoinHub } from '../../tracker/src/cluster/hub.ts'

/** What every way to meet must do, whatever carries it. */
export function hubContract(name: string, createJoin: () => JoinHub): void {
  describe(name, () => {
    const joined: Hub[] = []
    afterEach(async () => {
      for (const hub of joined.splice(0)) await hub.close()
    })

    interface Member {
      readonly hub: Hub
      readonly texts: string[]
      readonly states: string[]
    }

    async function members(...names: readonly string[]): Promise<readonly Member[]> {
      const join = createJoin()
      const all = names.map(node => {
        const texts: string[] = []
        const states: string[] = []
        const hub = join(node, {
          onText: text => texts.push(text),
          onUp: () => states.push('up'),
          onDown: () => states.push('down'),
        })
        joined.push(hub)
        return { hub, texts, states }
      })
      await vi.waitFor(
        () => expect(all.map(({ states }) => states.at(-1))).toEqual(all.map(() => 'up')),
        15_000,
      )
      for (const { hub } of all) await hub.directory.beat()
      for (const { hub } of all) await hub.directory.beat()
      return all
    }

    it('says when it is there', async () => {
      const [one] = await members('a')
      expect(one?.states).toEqual(['up'])
    })

    it('gives back a row with everybody’s part of it, and takes a part back', async () => {
      const [one, two] = (await members('a', 'b')) as [Member, Member]
      expect(await one.hub.directory.put([{ row: 's:1', value: '3 0' }])).toEqual(
        new Map([['s:1', new Map([['a', '3 0']])]]),
      )
      const both = new Map([
        ['a', '3 0'],
        ['b', '1 1'],
      ])
      expect((await two.hub.directory.put([{ row: 's:1', value: '1 1' }])).get('s:1')).toEqual(both)
      const rows = await one.hub.directory.put([
        { row: 's:1', value: null },
        { row: 'g:1:x', value: '2' },
      ])
      expect(rows).toEqual(
        new Map([
          ['s:1', new Map([['b', '1 1']])],
          ['g:1:x', new Map([['a', '2']])],
        ]),
      )
    })

    it('knows who lives, and forgets at once what a node put that left', async () => {
      const [one, two] = (await members('a', 'b')) as [Member, Member]
      expect([...(await one.hub.directory.beat())].sort()).toEqual(['a', 'b'])
      await one.hub.directory.put([{ row: 's:1', value: '3 0' }])
      await one.hub.directory.leave()
      expect([...(await two.hub.directory.beat())]).toEqual(['b'])
      expect((await two.hub.directory.put([{ row: 's:1', value: '1 0' }])).get('s:1')).toEqual(
        new Map([['b', '1 0']]),
      )
    })

    it('carries texts to one, in order and whole, and says when nobody was there', async () => {
      const [one, two, three] = (await members('a', 'b', 'c')) as [Member, Member, Member]
      const sent = Array.from({ length: 50 }, (_, n) => `{"n":${n},"text":"ü\u0000${'x'.repeat(n * 100)}"}`)
      const heard = await Promise.all(sent.map(text => one.hub.bus.publish('b', text)))
      expect(heard).toEqual(sent.map(() => true))
      await vi.waitFor(() => expect(two.texts).toEqual(sent))
      expect(three.texts).toEqual([])
      expect(await one.hub.bus.publish('nobody', 'x')).toBe(false)
    })

    it('carries texts to all others', async () => {
      const [one, two, three] = (await members('a', 'b', 'c')) as [Member, Member, Member]
      await one.hub.bus.publish('all', 'everybody')
      await vi.waitFor(() => expect([two.texts, three.texts]).toEqual([['everybody'], ['everybody']]))
    })

    it('is silent to a node that has closed, and closes twice', async () => {
      const [one, two] = (await members('a', 'b')) as [Member, Member]
      await two.hub.close()
      await vi.waitFor(async () => expect(await one.hub.bus.publish('b', 'x')).toBe(false))
      await two.hub.close()
      expect(two.texts).toEqual([])
    })

    it('keeps one text for all, also for those that come later', async () => {
      const [one, two] = (await members('a', 'b')) as [Member, Member]
      expect(await one.hub.board.read()).toBeNull()
      await one.hub.board.write('{"rules":[]}')
      expect(await two.hub.board.read()).toBe('{"rules":[]}')
    })
  })
}
