import { InvalidArgumentError } from 'commander'
import { parseNumber } from './variation.ts'

/** Parsers of the command lines: what they throw, commander prints with the option's name. */

export function checked<T>(parse: (text: string) => T): (text: string) => T {
  return text => {
    try {
      return parse(text)
    } catch (error) {
      throw new InvalidArgumentError(error instanceof Error ? error.message : String(error))
    }
  }
}

export function number(least: number, most?: number): (text: string) => number {
  return checked(text => parseNumber(text, least, most))
}

export function whole(least: number): (text: string) => number {
  return checked(text => Math.floor(parseNumber(text, least)))
}
