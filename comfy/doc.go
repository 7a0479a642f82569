// Package comfy is a client of ComfyUI: it has graphs run, and brings back what
// they made, through a studio's front door or straight from a server.
//
// A ComfyUI server tells of a run in two ways. Its socket tells at once, and
// never twice: what was sent while nobody listened is gone, and a socket that
// came back may stay silent for good. Its history tells the result, and only when
// the run is over. So this client takes progress from the socket and results from
// the history, and it asks for the history whether or not the socket speaks.
//
// A prompt is not idempotent. The client gives each an id of its own, and sends it
// again only when the server has said that it does not know that id.
package comfy
