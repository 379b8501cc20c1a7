import { describe, expect, it } from 'vitest'
import { entryOf, Probe } from './testing/probe.ts'

/** 1.3 × the bitrate of 100,000 bytes a second. */
const thin = { groupSize: 1, lineKbps: 1_040 }
const size = 200_000

/** Alone; the first fragment is here after `tookMs`. */
function started(
  policy: ConstructorParameters<typeof Probe>[0],
  sizes: readonly number[] = [size, size, size],
) {
  const probe = new Probe(policy)
  probe.list(
    sizes.map((bytes, seq) => entryOf(seq, { size: bytes })),
    true,
  )
  probe.want(0, 0, 'start')
  probe.play(0, 0)
  probe.pass(1_500)
  probe.bring(0, size, size)
  probe.done()
  return probe
}

describe('the first fragment on a thin line', () => {
  it('is handed over when what follows is sure to come in time', () => {
    const probe = started(thin, [size, 150_000, size])
    expect(probe.all('deliver')).toHaveLength(1)
  })

  it('waits for a second one that the line would bring too late, and fetches it', () => {
    const probe = started(thin, [size, 260_000, size])
    expect(probe.all('deliver')).toEqual([])
    expect(probe.last('fetchEdge')).toMatchObject({ key: 'segment 1' })
    probe.pass(500)
    probe.bring(0, 100_000, 260_000)
    probe.pass(60)
    expect(probe.all('deliver')).toHaveLength(1)
  })

  it('waits for no longer than a viewer would', () => {
    const probe = started(thin, [size, 900_000, size])
    probe.pass(1_900)
    expect(probe.all('deliver')).toEqual([])
    probe.pass(200)
    expect(probe.all('deliver')).toHaveLength(1)
  })

  it('goes straight to the player where the line is wide, and at a seek', () => {
    expect(started({ groupSize: 1 }, [size, 900_000]).all('deliver')).toHaveLength(1)
    const probe = new Probe(thin)
    probe.list([entryOf(0), entryOf(1, { size: 900_000 })], true)
    probe.want(0, 0, 'seek')
    probe.pass(200)
    probe.bring(0, size, size)
    probe.done()
    expect(probe.all('deliver')).toHaveLength(1)
  })
})
