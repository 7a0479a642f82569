// Package comfytest is ComfyUI for tests: the HTTP and websocket interface of a
// real server, its queue, and what surprises a client of it, without Python,
// models or a GPU. Its answers are checked against recordings of a real server.
//
// What it plays on purpose, since clients and the front door must live with it:
//
//   - nobody is asked who they are, and one process holds queue, history and
//     sockets: another server knows nothing of them;
//   - events are never sent again, and a client that connects a second time with
//     its id before the first socket is gone hears nothing once that one goes;
//   - events of a prompt without a client id go to everybody;
//   - 200 with errors of nodes in it: the good outputs run, the others are dropped;
//   - an unknown, a waiting and a running prompt have the same empty history;
//   - a graph that ran before runs nothing, writes nothing and names the old files;
//   - a failed prompt keeps the outputs that it had;
//   - an empty interrupt stops whatever runs, whoever it belongs to;
//   - SIGTERM is ignored, and SIGINT stops at once: what is queued is lost.
//
// Nodes do what their names say with pictures of one colour. SlowTick, Boom and
// Blocker take time, fail, and block what comes after them.
package comfytest
