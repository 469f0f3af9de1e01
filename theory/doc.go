// Package theory is an executable model of two hosts behind two NATs that want to
// talk directly: what RFC 4787's words come to when both sides do all that they
// can. It opens no socket. What real NATs do is measured elsewhere (package matrix)
// and compared with it.
//
// The RFC leaves two things open on which the outcome depends, so they are
// [Assumptions] with names, not constants:
//
//	permission belongs to   answers leave by     pairs of 81 that are direct
//	the mapping             the flow's mapping   57
//	the mapping             a new mapping        45
//	the inside endpoint     the flow's mapping   77
//	the inside endpoint     a new mapping        49
//
// Further assumptions hold in every row. Each side has one public address, and
// both NATs differ. A rendezvous at a third address tells each side the other's
// observed transport address. Nobody guesses a port, so an outside port that was
// told to nobody is never sent to. A host sends to what it was told and to every
// address from which the other has been heard, for as long as that may help.
// Packets are not lost, and mappings outlive the attempt.
package theory
