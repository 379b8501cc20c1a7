import { describe, expect, it } from 'vitest'
import { adminCookie, createAdminToken } from './admin-token.ts'

const token = 'correct-horse-battery'
const withBearer = (text: string) => new Headers({ Authorization: `Bearer ${text}` })

describe('the admin token', () => {
  it('admits nobody when none is configured, whatever is shown', () => {
    for (const none of [null, '']) {
      const admin = createAdminToken(none, () => 0)
      expect(admin.isSet).toBe(false)
      expect(admin.admits(withBearer(''))).toBe('denied')
      expect(admin.admits(new Headers({ Authorization: 'Bearer ', Cookie: `${adminCookie}=` }))).toBe(
        'denied',
      )
      expect(admin.signIn('')).toEqual({ ok: false, verdict: 'denied' })
    }
  })

  it('refuses a token that could be guessed', () => {
    expect(() => createAdminToken('secret', () => 0)).toThrow('at least 16 characters')
  })

  it('admits the token as a bearer, and nothing that is nearly it', () => {
    const admin = createAdminToken(token, () => 0)
    expect(admin.admits(withBearer(token))).toBe('admitted')
    for (const wrong of [token.slice(1), `${token}x`, token.toUpperCase(), '']) {
      expect(admin.admits(withBearer(wrong))).toBe('denied')
    }
    expect(admin.admits(new Headers({ Authorization: `Basic ${token}` }))).toBe('denied')
  })

  it('admits the cookie of a sign-in on any machine with the same token, and on none with another', () => {
    const signedIn = createAdminToken(token, () => 0).signIn(token)
    if (!signedIn.ok) throw new Error('not signed in')
    expect(signedIn.cookie).not.toContain(token)
    const headers = new Headers({ Cookie: `theme=dark; ${adminCookie}=${signedIn.cookie}` })
    expect(createAdminToken(token, () => 0).admits(headers)).toBe('admitted')
    expect(createAdminToken('another-token-entirely', () => 0).admits(headers)).toBe('denied')
    expect(createAdminToken(token, () => 0).admits(new Headers({ Cookie: `${adminCookie}=${token}` }))).toBe(
      'denied',
    )
  })

  it('stops looking after twenty wrong tokens, and looks again a second later; cookies stay good', () => {
    let now = 0
    const admin = createAdminToken(token, () => now)
    const signedIn = admin.signIn(token)
    for (let i = 0; i < 20; i++) expect(admin.admits(withBearer(`guess ${i}`))).not.toBe('admitted')
    for (let i = 0; i < 20; i++) admin.signIn(`guess ${i}`)
    expect(admin.admits(withBearer(token))).toBe('busy')
    const cookie = signedIn.ok ? signedIn.cookie : ''
    expect(admin.admits(new Headers({ Cookie: `${adminCookie}=${cookie}` }))).toBe('admitted')
    now = 1_100
    expect(admin.admits(withBearer(token))).toBe('admitted')
  })

  it('is not shut to its holder by a stranger who guesses elsewhere', () => {
    const admin = createAdminToken(token, () => 0, String)
    for (let i = 0; i < 40; i++) admin.admits(withBearer(`guess-${i}`), 'stranger')
    expect(admin.admits(withBearer(token), 'stranger')).toBe('busy')
    expect(admin.admits(withBearer(token), 'operator')).toBe('admitted')
    expect(admin.signIn(token, 'operator').ok).toBe(true)
    for (let i = 0; i < 10_000; i++) admin.signIn('guess', `other ${i}`)
    expect(admin.signIn(token, 'stranger').ok).toBe(true)
  })
})
