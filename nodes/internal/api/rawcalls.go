package api

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// send is send(2): unlike unix.Sendto it says how many bytes the kernel took.
func send(fd int, b []byte, f flags) (int, error) {
	n, _, no := unix.Syscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))),
		uintptr(len(b)), uintptr(f), 0, 0)
	if no != 0 {
		return 0, no
	}
	return int(n), nil
}

// getsockopt is getsockopt(2) with the length of the caller's buffer. It returns
// how much of it the kernel filled.
func getsockopt(fd, level, option int, b []byte) (int, error) {
	size := uint32(len(b))
	_, _, no := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), uintptr(level), uintptr(option),
		uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(unsafe.Pointer(&size)), 0)
	if no != 0 {
		return 0, no
	}
	return int(size), nil
}
