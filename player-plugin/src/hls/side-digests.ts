import { parseDigestTags, sidecarUrl, type TrackPath } from '@nearcast/peer-core'
import type { ResolvedConfig } from '../config.ts'
import type { DetailsLike } from './hls-like.ts'
import type { HlsPlayer } from './hls-player.ts'
import { readByPlayer } from './player-read.ts'
import type { ListedPlaylist } from './playlist-window.ts'
import { createSidecar, type Sidecar } from './sidecar.ts'

/** Digests beside the VoD playlists of one player, read as far as playback needs them. */
export class SideDigests {
  readonly #config: Pick<ResolvedConfig, 'sidecar' | 'integrity'>
  readonly #onFailure: (cause: unknown) => void
  readonly #sidecars = new Map<TrackPath, Sidecar>()

  constructor(config: Pick<ResolvedConfig, 'sidecar' | 'integrity'>, onFailure: (cause: unknown) => void) {
    this.#config = config
    this.#onFailure = onFailure
  }

  /** For a playlist that carries no digests itself. */
  lookFor(track: TrackPath, details: DetailsLike, player: HlsPlayer | null): void {
    const { sidecar, integrity } = this.#config
    if (!player || sidecar === 'never' || integrity === 'off' || this.#sidecars.has(track)) return
    if (sidecar === 'announced' && !announcesSidecar(details)) return
    const url = sidecarUrl(details.url)
    const read = (from: number, to: number) => readByPlayer(player.hls, url, from, to)
    this.#sidecars.set(track, createSidecar(details.url, read))
    const first = details.fragments.find(fragment => fragment !== null)
    if (typeof first?.sn === 'number') this.read(track, first.sn, player)
  }

  /** Makes the digests around a segment known; nothing to do for init segments (−1), which come along. */
  read(track: TrackPath, seq: number, player: HlsPlayer): void {
    const sidecar = this.#sidecars.get(track)
    if (!sidecar || seq < 0) return
    sidecar
      .around(seq)
      .then(digests => {
        if (digests && this.#sidecars.get(track) === sidecar) player.addDigests(track, digests)
      })
      .catch(this.#onFailure)
  }

  clear(): void {
    this.#sidecars.clear()
  }
}

/** A head tag without any segment's: the publisher's digests are beside the playlist. */
export function announcesSidecar({ m3u8, url }: Pick<ListedPlaylist, 'm3u8' | 'url'>): boolean {
  return m3u8.includes('#EXT-X-NEARCAST:') && parseDigestTags(m3u8, url).segments.size === 0
}
