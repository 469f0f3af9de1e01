// Package api narrates the socket calls: client api and server api make each call
// of the tutorials for real, as a system call of their own, and print it with what
// the kernel returned, a line each:
//
//	socket(AF_INET, SOCK_STREAM, 0) = 3               buy the phone
//	connect_ex(3, 10.1.1.11:1) = 111 ECONNREFUSED (Windows: 10061 WSAECONNREFUSED)
//
// A topic is a script of such calls. Nothing that a script prints is known
// beforehand: the numbers, the bytes and the errors are the kernel's.
//
// Names that are Python's alone, such as settimeout and sendall, stand over the
// system calls that Python makes for them, which are indented.
package api
