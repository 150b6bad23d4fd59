/** Two defects of the pinned @libp2p/webrtc, mended in its source as it is loaded (research/libp2p.md 1.10 and 6):
 *  a WebRTC-direct connection was given up at the first short silence, though `disconnected` is a passing state; and a
 *  browser-to-browser dial hung when the `init` channel had closed before it was waited for. For Vite and for Node. */
type Patch = {
    readonly file: string;
    readonly find: RegExp;
    readonly replace: string;
};
/** Each pattern matches its file exactly once; a test holds this against the installed version. */
export declare const webrtcPatches: readonly Patch[];
/** The mended source, or undefined when the file needs no mending. `id` is a path or URL. */
export declare const patchWebrtc: (id: string, code: string) => string | undefined;
/** The shape of a Vite plugin, without depending on Vite. */
export declare const webrtcPatchPlugin: () => {
    readonly name: string;
    readonly enforce: 'pre';
    readonly transform: (code: string, id: string) => {
        code: string;
        map: null;
    } | undefined;
};
export {};
