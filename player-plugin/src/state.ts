/** Where this viewer stands between plain playback and a running swarm. */
export type NearcastState =
  | { readonly type: 'idle' } // no content yet
  | { readonly type: 'consenting'; readonly contentId: string }
  | { readonly type: 'refused'; readonly contentId: string }
  | { readonly type: 'starting'; readonly contentId: string }
  | { readonly type: 'running'; readonly contentId: string }
  | {
      readonly type: 'plain'
      readonly reason: 'no-content' | 'mode-off' | 'no-webrtc' | 'no-tracker' | 'failed'
    }
  | { readonly type: 'closed' }

export interface Environment {
  readonly webrtc: boolean
  /** Memory is to be spared. */
  readonly phone: boolean
  /** The viewer pays by the byte: Save-Data, or a cellular line. */
  readonly metered: boolean
  readonly secureContext: boolean
}

interface NavigatorHints {
  readonly userAgentData?: { readonly mobile?: boolean }
  readonly connection?: { readonly saveData?: boolean; readonly type?: string }
}

/** What the platform says; in Node there is no WebRTC and nothing else matters. */
export function environment(): Environment {
  if (typeof window === 'undefined')
    return { webrtc: false, phone: false, metered: false, secureContext: false }
  const hints = navigator as Navigator & NavigatorHints
  return {
    webrtc: typeof RTCPeerConnection === 'function',
    phone: hints.userAgentData?.mobile ?? /Mobi|Android/.test(navigator.userAgent),
    metered: hints.connection?.saveData === true || hints.connection?.type === 'cellular',
    secureContext: window.isSecureContext,
  }
}

/** Whether the page may reach devices on the local network, where browsers ask. */
export async function localNetworkAccess(): Promise<'granted' | 'prompt' | 'denied' | 'unsupported'> {
  try {
    // Chrome 142; others throw on a name they do not know.
    const status = await navigator.permissions.query({ name: 'local-network-access' as PermissionName })
    return status.state
  } catch {
    return 'unsupported'
  }
}
