import { expect, test } from 'vitest'
import { createOriginRules, originProblem } from './origin-rules.ts'

const rules = (...origins: string[]) => createOriginRules({ origins, native: true })

test.each([
  ['https://www.example.com', 'https://www.example.com', true],
  ['https://WWW.example.com:443/', 'https://www.example.com', false],
  ['https://www.example.com:443', 'https://www.example.com', true],
  ['https://www.example.com', 'http://www.example.com', false],
  ['https://www.example.com', 'https://www.example.com:8443', false],
  ['https://www.example.com', 'https://www.example.com.evil.example', false],
  ['https://*.example.com', 'https://a.b.example.com', true],
  ['https://*.example.com', 'https://example.com', false],
  ['https://*.example.com', 'https://evilexample.com', false],
  ['https://*.example.com', 'https://a.example.com:8443', false],
  ['https://*.example.com:8443', 'https://a.example.com:8443', true],
  ['https://*.example.com', 'null', false],
  ['http://localhost:3000', 'http://localhost:3000', true],
])('%s and a page of %s: %s', (pattern, origin, expected) => {
  expect(rules(pattern).allows(origin)).toBe(expected)
})

test('an empty list lets every page in; programs without a page have a switch of their own', () => {
  expect(rules().allows('https://anybody.example')).toBe(true)
  expect(rules('https://a.example').allows(undefined)).toBe(true)
  expect(createOriginRules({ origins: [], native: false }).allows(undefined)).toBe(false)
})

test.each([
  'example.com',
  'https://a.example/path',
  'https://*',
  'https://*.com',
  'https://a.*.example',
  '*',
  'ftp://a.example',
  'https://user@a.example',
])('%s is no origin', pattern => expect(originProblem(pattern)).toContain('give an origin'))
