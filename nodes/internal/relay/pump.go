package relay

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// spliceFlags: never wait inside splice(2), and move pages where possible.
const spliceFlags = unix.SPLICE_F_NONBLOCK | unix.SPLICE_F_MOVE

// copySize is the buffer of a copy where no pipe can be made, in bytes.
const copySize = 32 << 10

var copyBuffers = sync.Pool{New: func() any { b := make([]byte, copySize); return &b }}

// pump carries one direction of a TCP connection, from src to dst, in rounds:
//
//  1. unless dst is known to have room, wait until it has, and see how much
//  2. wait until src has bytes, and take at most that many into a pipe
//  3. pass the pipe's content to dst
//
// Because no more is taken than dst has room for, step 3 does not wait, and a pipe
// is never held while waiting: neither an idle connection nor a slow receiver
// has one. Where the estimate of the room was too high, the rest is copied out
// of the pipe and written from memory.
//
// The plain way, io.Copy between two net.TCPConn, splices as well, but holds a pipe
// of 1 MiB for as long as a direction lives: 1,000 idle connections are 2,000 pipes, and
// past the first 64 of a user the kernel makes them a page or two. Measured as a
// user without that limit, the two are equal (docs/benchmarks.md).
type pump struct {
	src, dst       *net.TCPConn
	srcRaw, dstRaw syscall.RawConn
	pool           *pipePool

	spliced, copied atomic.Int64 // bytes passed on, as in carried

	// The rest is the state of a round. The functions are kept, since a closure
	// made each round would be an allocation each round.
	awaitRoom, take, pass func(fd uintptr) bool
	room                  int // what dst can hold now; 0 if that is too little, or not known
	pipe                  *pipe
	buf                   *[]byte
	n                     int // bytes taken and not yet passed on
	err                   error
}

// carried is what a pump has passed on, in bytes.
type carried struct {
	spliced int64 // from kernel to kernel
	copied  int64 // through a buffer in user space
}

func (c carried) bytes() int64 { return c.spliced + c.copied }

// carried returns what p has passed on so far.
func (p *pump) carried() carried { return carried{spliced: p.spliced.Load(), copied: p.copied.Load()} }

func newPump(src, dst *net.TCPConn, pool *pipePool) (*pump, error) {
	p := &pump{src: src, dst: dst, pool: pool}
	var err error
	if p.srcRaw, err = src.SyscallConn(); err != nil {
		return nil, err
	}
	if p.dstRaw, err = dst.SyscallConn(); err != nil {
		return nil, err
	}
	p.awaitRoom, p.take, p.pass = p.tryRoom, p.tryTake, p.tryPass
	return p, nil
}

// readError and writeError tell on which side a pump failed.
type readError struct{ error }
type writeError struct{ error }

func (e readError) Unwrap() error  { return e.error }
func (e writeError) Unwrap() error { return e.error }

// run carries bytes until src ends its side, which returns nil, or a side fails,
// which returns a readError or a writeError.
func (p *pump) run() error {
	for {
		if p.room == 0 {
			if err := p.call(p.dstRaw.Write, p.awaitRoom); err != nil {
				return writeError{err}
			}
		}
		err := p.call(p.srcRaw.Read, p.take)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return readError{err}
		}
		if err := p.passOn(); err != nil {
			return writeError{err}
		}
	}
}

// call runs try when, and as often as, the socket is ready, until it says that it is done.
func (p *pump) call(wait func(func(fd uintptr) bool) error, try func(fd uintptr) bool) error {
	p.err = nil
	if err := wait(try); err != nil {
		return err
	}
	return p.err
}

// tryRoom sees how much dst can take without waiting: what is free of its send buffer.
// poll(2) says whether there is enough to be worth a round, and otherwise makes the
// kernel report when there is, which it else does only after a send that failed.
//
// To take less than there is room for would be safe as well, but the kernel, when short
// of memory for TCP (tcp_mem), shrinks a send buffer to half of what is in it: with
// a thousand busy connections that were never filled, buffers went down to 4 KiB.
func (p *pump) tryRoom(fd uintptr) bool {
	fds := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	if _, p.err = retry(func() (int, error) { return unix.Poll(fds[:], 0) }); p.err != nil {
		return true
	}
	if fds[0].Revents == 0 {
		return false
	}
	if p.room = sendRoom(int(fd)); p.room == 0 {
		// A TCP socket polls as writable while a third of its send buffer is free.
		p.room, p.err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF)
		p.room = max(p.room/3, leastRoom)
	}
	return true
}

// leastRoom is what a round takes at least, in bytes: a socket that polls as writable
// takes a page whatever its buffer says.
const leastRoom = 4 << 10

// sendRoom returns how much of a socket's send buffer is free, in bytes: 0 where that is so
// little that the socket does not poll as writable, less than half of what is taken,
// and where the kernel does not say (before Linux 4.12).
func sendRoom(fd int) int {
	var info [skMemInfoVars]uint32
	size := uint32(unsafe.Sizeof(info))
	if _, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0); errno != 0 {
		return 0
	}
	taken := int(info[skMemInfoWmemQueued])
	room := int(info[skMemInfoSndbuf]) - taken
	if room < taken/2 {
		return 0
	}
	return room
}

// What SO_MEMINFO tells, by the kernel's include/uapi/linux/sock_diag.h.
const (
	skMemInfoSndbuf     = 3
	skMemInfoWmemQueued = 5
	skMemInfoVars       = 9
)

// tryTake takes what src has, at most p.room bytes, into a pipe, or into a buffer if
// there can be no pipe.
func (p *pump) tryTake(fd uintptr) bool {
	if p.pipe = p.pool.get(); p.pipe != nil {
		p.n, p.err = retry(func() (int, error) {
			n, err := unix.Splice(int(fd), nil, p.pipe.w, nil, p.room, spliceFlags)
			return int(n), err
		})
	} else {
		p.buf = copyBuffers.Get().(*[]byte)
		p.n, p.err = retry(func() (int, error) { return unix.Read(int(fd), (*p.buf)[:min(p.room, copySize)]) })
	}
	if p.n > 0 {
		return true
	}
	p.giveBack()
	if p.err == nil {
		p.err = io.EOF
	}
	return p.err != unix.EAGAIN
}

// passOn passes what was taken to dst.
func (p *pump) passOn() error {
	defer p.giveBack()
	if p.buf != nil {
		p.room = 0
		return p.write((*p.buf)[:p.n])
	}
	err := p.call(p.dstRaw.Write, p.pass)
	if err != nil {
		p.pool.discard(p.pipe)
		p.pipe = nil
		return err
	}
	if p.n == 0 {
		return nil
	}
	rest := make([]byte, p.n)
	if err := p.empty(rest); err != nil {
		return err
	}
	p.giveBack()
	return p.write(rest)
}

// tryPass splices the pipe into dst until it is empty or dst is full, and sees what room
// is left: more comes by itself and less does not, since nobody else writes to dst, so
// the next round need not wait for any.
func (p *pump) tryPass(fd uintptr) bool {
	p.room = 0
	for p.n > 0 {
		n, err := retry(func() (int, error) {
			n, err := unix.Splice(p.pipe.r, nil, int(fd), nil, p.n, spliceFlags)
			return int(n), err
		})
		if err == unix.EAGAIN {
			return true
		}
		if err != nil {
			p.err = err
			return true
		}
		p.n -= n
		p.spliced.Add(int64(n))
	}
	p.room = sendRoom(int(fd))
	return true
}

// empty reads the rest of the pipe.
func (p *pump) empty(rest []byte) error {
	for len(rest) > 0 {
		n, err := retry(func() (int, error) { return unix.Read(p.pipe.r, rest) })
		if err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// write writes b to dst, waiting for room.
func (p *pump) write(b []byte) error {
	n, err := p.dst.Write(b)
	p.copied.Add(int64(n))
	return err
}

// giveBack returns the empty pipe or the buffer of this round.
func (p *pump) giveBack() {
	if p.pipe != nil {
		p.pool.put(p.pipe)
		p.pipe = nil
	}
	if p.buf != nil {
		copyBuffers.Put(p.buf)
		p.buf = nil
	}
}

// retry repeats a system call that a signal interrupted.
func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err != unix.EINTR {
			return n, err
		}
	}
}
