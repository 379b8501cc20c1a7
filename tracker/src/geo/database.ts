import { Reader, type Response } from 'maxmind'
import type { Locate, Location } from '../registry/network.ts'
import { TrackerError } from '../tracker-error.ts'

/** A database in MaxMind's format, in memory. Whatever it knows of provider and country is used. */
export interface Database {
  /** What its maker calls it, such as `GeoLite2-ASN`. */
  readonly type: string
  readonly builtAt: Date
  lookup(address: string): Location
}

/** Data begin so many zero bytes behind the search tree (MaxMind DB format 2.0). */
const separatorBytes = 16

/**
 * @param name of the file, for the message
 * @throws TrackerError `bad-database`
 */
export function readDatabase(bytes: Buffer, name: string): Database {
  const reader = open(bytes, name)
  return {
    type: reader.metadata.databaseType,
    builtAt: reader.metadata.buildEpoch,
    lookup(address) {
      // A tree of IPv4 would take the first 32 bits of anything else for an address.
      if (reader.metadata.ipVersion === 4 && address.includes(':')) return unknown
      try {
        return locationOf(reader.get(address))
      } catch {
        // A record that is damaged: nobody knows.
        return unknown
      }
    },
  }
}

/** The first database that knows a thing says it. */
export function locateIn(databases: readonly Database[]): Locate {
  return ({ text }) => {
    let { asn, country } = unknown
    for (const database of databases) {
      const found = database.lookup(text)
      asn ??= found.asn
      country ??= found.country
    }
    return { asn, country }
  }
}

const unknown: Location = { asn: null, country: null }

function open(bytes: Buffer, name: string): Reader<Response> {
  let reader: Reader<Response>
  try {
    reader = new Reader<Response>(bytes)
  } catch (error) {
    throw new TrackerError(
      'bad-database',
      `${name} is no MMDB file, or a part of one: ${reasonOf(error)}`,
      error,
    )
  }
  const { searchTreeSize, databaseType } = reader.metadata
  if (searchTreeSize + separatorBytes > bytes.length)
    throw new TrackerError('bad-database', `${name} (${databaseType}) is cut off`)
  return reader
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** MaxMind's own field names, and those of the free databases in its format. */
function locationOf(record: unknown): Location {
  if (!isObject(record)) return unknown
  const number = record['autonomous_system_number'] ?? record['as_number'] ?? record['asn']
  const { country } = record
  const code = isObject(country) ? country['iso_code'] : (record['country_code'] ?? country)
  return {
    asn: /^(AS)?\d{1,10}$/i.test(String(number)) ? String(number).replace(/^as/i, '') : null,
    country: typeof code === 'string' && /^[A-Za-z]{2}$/.test(code) ? code.toUpperCase() : null,
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
