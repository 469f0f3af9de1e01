// Package punch makes a path between two clients that are both behind a NAT, each of
// which dials out to a rendezvous (client punch): hole punching of RFC 5128, over UDP
// (section 3.3) and TCP (section 3.4).
//
// Over UDP both send pings to the address that the rendezvous observed of the other, to
// its own address where both come from behind the same outside address, and to whatever
// address the other is heard from. A ping is answered by a pong to where it came from;
// a pong from where the ping was sent proves that the path works both ways. One of the
// two leads: it names the path that it takes (nominates, as in RFC 8445 section 8), and
// goes on until the other has answered that too, so both know.
//
// That there is no direct path is said in tries, and by both: each tells the rendezvous
// when it has made all of its own in vain, and goes on trying until the rendezvous says
// that the other has, too. Its word is the same for both, so they go on alike.
//
// Every packet between the peers carries a MAC with a key that only the two have, and
// that is another for every meeting. What does not is ignored.
package punch
