import { optionalText, secret, text, toggle, url } from './setting.ts'

/** Several machines that serve together. */
export const clusterSettings = {
  redis: url({
    about:
      'Redis or Valkey, 7 or later, where the machines meet, such as redis://10.0.0.5:6379; rediss:// is TLS. Default: this machine serves alone.',
    flag: 'redis',
    check: value => {
      const parsed = URL.canParse(value) ? new URL(value) : null
      return parsed !== null && /^rediss?:$/.test(parsed.protocol) && parsed.hostname !== ''
        ? null
        : 'give a URL such as redis://10.0.0.5:6379 or rediss://user:password@host'
    },
  }),
  redisPassword: secret({ about: 'Its password, where the URL has none.', leastChars: 1 }),
  node: optionalText({
    about: 'What the other machines call this one. Default: something random.',
    unit: 'name',
    check: name => (/^[\w.-]{1,64}$/.test(name) ? null : 'give up to 64 letters, digits, dots and dashes'),
  }),
  prefix: text({
    about: 'Before every key and channel in Redis: clusters that share a Redis have one each.',
    default: 'nearcast',
    unit: 'name',
    check: name =>
      /^[\w.:{}-]{1,64}$/.test(name) ? null : 'give up to 64 letters, digits, dots, colons and dashes',
  }),
  sharded: toggle({
    about: 'Whether that is a Redis Cluster: keys and channels are spread over its machines.',
    default: false,
  }),
} as const
