import { expect, it } from 'vitest'
import { safePath } from './safe-path.ts'

it('splits a path into decoded names', () => {
  expect(safePath('/a/b%20c/%C3%A9.ts')).toEqual(['a', 'b c', 'é.ts'])
  expect(safePath('//a//b/')).toEqual(['a', 'b'])
  expect(safePath('/100%25.ts')).toEqual(['100%.ts'])
})

it.each([
  '/../etc/passwd',
  '/a/../../b',
  '/%2e%2e/b',
  '/%2E%2e%2fb',
  '/..%2fb',
  '/%252e%252e/b',
  '/%252e%252e%252fb',
  '/%25252e%25252e/b',
  '/..%5cb',
  '/a%5c..%5cb',
  '/a%255cb',
  '/a%00.ts',
  '/a%2500.ts',
  '/./a',
  '/.env',
  '/a/.git/config',
  '/%2egit/config',
  '/bad%ff',
  '/bad%',
])('refuses %s', path => {
  expect(safePath(path)).toBeNull()
})
