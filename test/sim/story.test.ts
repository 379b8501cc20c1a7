import { expect, it } from 'vitest'
import { run } from './runs.ts'
import { officeScenario } from './scenario.ts'
import { createStory } from './story.ts'

const scenario = { ...officeScenario, viewers: 3, joinOverMs: 4_000, durationMs: 30_000 }

it('tells of a segment who leased it, what came from where, and when each viewer had it', () => {
  const story = createStory(1)
  run(scenario, 'nearcast', 1, { story })
  const told = story.tell(key => key === 'video/40')
  expect(told).toMatch(/v0 joins site-0/)
  expect(told).toMatch(/video\/40 {2}\d+ bytes, published 22\.000 s/)
  expect(told).toMatch(/v\d notes lease: rank \d, from 0/)
  expect(told).toMatch(/v\d EDGE #\d+ media \[0, end\) because: lease/)
  expect(told).toMatch(/v\d ← edge #\d+: \d+ kB in \d+/)
  expect(told).toMatch(/v\d ← v\d: \d+ kB in \d+/)
  expect(told.match(/HAS it \d+ ms early/g)).toHaveLength(3)
  expect(told).not.toMatch(/video\/41/)
})

it('logs one viewer’s inputs and outputs, and changes nothing by watching', () => {
  const story = createStory(2)
  const watched = run(scenario, 'nearcast', 1, { story })
  expect(watched.fingerprint).toBe(run(scenario, 'nearcast', 1).fingerprint)
  expect(story.log().some(line => line.includes('→ {"type":"want"'))).toBe(true)
  expect(story.log().some(line => line.includes('← {"type":"deliver"'))).toBe(true)
})
