// Package batch receives and sends UDP datagrams by the many: some dozens in one
// system call (recvmmsg(2), sendmmsg(2)), and datagrams of one size that follow each
// other in one pass through the kernel's network stack (udp(7): UDP_GRO to receive,
// UDP_SEGMENT to send). What either end sees are the same datagrams, each with its
// boundaries, in the same order.
//
// The system calls save little by themselves. The passes through the stack are what a
// relay's time goes into, and there a run of datagrams costs hardly more than one.
package batch
