package relay

import "golang.org/x/sys/unix"

// A process has at most maxPipes pipes of pipeSize bytes. The kernel accounts pipes by
// user (pipe(7), fs.pipe-user-pages-soft: 64 MiB for all processes of one uid
// together), and every container's root is the same uid: this is a quarter of it.
// Where the kernel gives smaller ones, that costs only speed.
const (
	maxPipes = 16
	pipeSize = 1 << 20
)

// pipe is a kernel buffer that splice(2) moves pages into and out of.
type pipe struct {
	r, w int
}

func newPipe() (*pipe, error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return nil, err
	}
	// An error leaves the size as it is.
	_, _ = unix.FcntlInt(uintptr(fds[0]), unix.F_SETPIPE_SZ, pipeSize)
	return &pipe{r: fds[0], w: fds[1]}, nil
}

func (p *pipe) close() {
	unix.Close(p.r)
	unix.Close(p.w)
}

// pipePool lends empty pipes. A pipe is borrowed only by a goroutine that runs, never
// by one that waits for a socket, so a few are enough for any number of
// connections however slow their receivers are, and who has to wait for one does
// not wait long. More pipes would be slower: the system calls of more threads
// would compete for the same cores.
type pipePool struct {
	last chan *pipe // the one that was used last, whose buffers are in the processor's cache
	free chan *pipe // the others; a nil stands for a pipe still to be made
	make func() (*pipe, error)
}

func newPipePool(bound int) *pipePool {
	pp := &pipePool{last: make(chan *pipe, 1), free: make(chan *pipe, bound), make: newPipe}
	for range bound {
		pp.free <- nil
	}
	return pp
}

// get waits for a pipe and returns it, empty, or nil if it cannot be made.
func (pp *pipePool) get() *pipe {
	select {
	case p := <-pp.last:
		return p
	default:
	}
	var p *pipe
	select {
	case p = <-pp.last:
	case p = <-pp.free:
	}
	if p != nil {
		return p
	}
	p, err := pp.make()
	if err != nil {
		pp.free <- nil
		return nil
	}
	return p
}

// put takes an empty pipe back.
func (pp *pipePool) put(p *pipe) {
	select {
	case pp.last <- p:
	default:
		pp.free <- p
	}
}

// discard closes a pipe that could not be emptied.
func (pp *pipePool) discard(p *pipe) {
	p.close()
	pp.free <- nil
}

// close waits for all pipes and closes them.
func (pp *pipePool) close() {
	for range cap(pp.free) {
		select {
		case p := <-pp.last:
			p.close()
		case p := <-pp.free:
			if p != nil {
				p.close()
			}
		}
	}
}
