// Package rules decides which transport addresses a relay may be made to talk to by
// its clients: a proxy or a TURN server stands inside its own host and network, and
// lends its place to whoever may ask.
package rules
