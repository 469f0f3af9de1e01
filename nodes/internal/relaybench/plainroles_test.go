package relaybench

import (
	"io"
	"net"

	"golang.org/x/sys/unix"
)

// ioCopyRole is the relay from args[0] to args[1] that package net makes easy: two
// io.Copy, which splice, each with a pipe that it holds for good.
func ioCopyRole(args []string) error {
	return plain(args, func(dst, src *net.TCPConn) { _, _ = io.Copy(dst, src) })
}

// spliceRole is the least that a relay which splices can do: a pipe of 1 MiB for each
// direction, in, out, and no more. Like io.Copy it has no limits, counters or RST.
func spliceRole(args []string) error { return plain(args, spliceLoop) }

func plain(args []string, carry func(dst, src *net.TCPConn)) error {
	l, err := net.Listen("tcp", args[0])
	if err != nil {
		return err
	}
	for {
		client, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer client.Close()
			target, err := net.Dial("tcp", args[1])
			if err != nil {
				return
			}
			defer target.Close()
			a, b := client.(*net.TCPConn), target.(*net.TCPConn)
			go func() {
				carry(a, b)
				_ = a.CloseWrite()
			}()
			carry(b, a)
			_ = b.CloseWrite()
		}()
	}
}

func spliceLoop(dst, src *net.TCPConn) {
	from, err := src.SyscallConn()
	if err != nil {
		return
	}
	to, err := dst.SyscallConn()
	if err != nil {
		return
	}
	const flags, size = unix.SPLICE_F_MOVE | unix.SPLICE_F_NONBLOCK, 1 << 20
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return
	}
	defer unix.Close(pipe[0])
	defer unix.Close(pipe[1])
	_, _ = unix.FcntlInt(uintptr(pipe[0]), unix.F_SETPIPE_SZ, size)
	var n int64
	in := func(fd uintptr) bool {
		n, err = unix.Splice(int(fd), nil, pipe[1], nil, size, flags)
		return err != unix.EAGAIN
	}
	out := func(fd uintptr) bool {
		for n > 0 && err == nil {
			var m int64
			if m, err = unix.Splice(pipe[0], nil, int(fd), nil, int(n), flags); err == unix.EAGAIN {
				err = nil
				return false
			}
			n -= m
		}
		return true
	}
	for {
		if from.Read(in) != nil || n <= 0 || err != nil || to.Write(out) != nil || err != nil {
			return
		}
	}
}
