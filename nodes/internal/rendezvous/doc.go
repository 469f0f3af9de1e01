// Package rendezvous is where two clients behind NATs find each other: both know a
// token, each tells the server so, and each learns under which transport address the
// server observes the other (RFC 5128 section 3.3). It has the wire protocol, the
// server (server rendezvous), and the client's side of the conversation (Guest).
//
// The server does not learn the token and cannot pretend to be a peer. From the token
// both clients derive an Ed25519 key pair and a key of their own. The public key is the
// name of the meeting: who registers signs with the private one, over a cookie that the
// server has just sent to that transport address, so a registration that somebody
// recorded is worth nothing from elsewhere or later. The other key, with a fresh nonce
// of each side, authenticates what the peers say to each other (Token.PeerKey); the
// server never sees anything made of it.
//
// There are two requests. A Hello asks for a cookie; the Challenge that answers it is
// smaller than it, and the server keeps nothing. A Register names the meeting and the
// state of the client (State), and is the same message for a new registration, for a
// refresh, for the verdict and for leaving. A client repeats it until the answer, a
// Status or Refused, says that it is known, so a lost message, or a server that was
// started anew, needs no rules of its own. Over TCP the messages follow each other; each
// holds its own length. docs/punching.md has the bytes and what each bad input gets.
//
// # For a relay that pairs clients by token
//
// A server with Config.Carrier does not only introduce: once two clients are paired and
// both have said that they know (StateTold), Carrier.Stream gets their TCP connections,
// and Carrier.Datagram whatever comes from either that is not a message of this
// protocol. Use another Use for the token (RelayTCP, RelayUDP), so that meetings of a
// relay and of a rendezvous are not confused. The client's side of it is JoinStream and
// JoinDatagrams, which return when there is a partner and both know it: what is written
// afterwards goes to the partner.
package rendezvous
