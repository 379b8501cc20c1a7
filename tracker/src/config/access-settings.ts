import { originProblem } from '../access/origin-rules.ts'
import { choice, list, optionalText, path, secret, toggle } from './setting.ts'

/** Who may use the tracker, and for what. */
export const accessSettings = {
  origins: list({
    about:
      'Pages that may connect, such as https://www.example.com or https://*.example.com. Default: all pages.',
    default: [],
    unit: 'origin',
    flag: 'origin',
    check: originProblem,
  }),
  native: toggle({
    about: 'Whether programs that are no browser may connect: headless peers and native apps.',
    default: true,
  }),
  tokens: choice({
    about:
      'Whether announces need a join token. optional: one may name a site; required: without one nobody meets anybody.',
    default: 'off',
    choices: ['off', 'optional', 'required'],
  }),
  keys: path({
    about:
      'What verifies join tokens: secrets for HS256, one a line, or public keys in PEM or as JWKS for EdDSA. A changed file applies while running.',
  }),
  secret: secret({ about: 'One more secret that verifies join tokens by HS256.', leastChars: 32 }),
  audience: optionalText({
    about: 'What the audience (aud) of a join token must contain. Default: it is not looked at.',
    unit: 'name',
  }),
  candidates: choice({
    about:
      'ICE candidates that pass between viewers. own: names and addresses of the sender’s own network; relays: TURN servers too; any: all, unread.',
    default: 'own',
    choices: ['own', 'relays', 'any'],
  }),
} as const
