package api

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// lowDescriptors makes the runtime take the descriptors that it needs for its
// timers elsewhere than at the first free place, so that a topic's first socket is
// 3, as it is in a program in C or Python. It can do so only before the process
// has used a timer; later the numbers are others, and as true.
var lowDescriptors = sync.OnceFunc(func() {
	var held []int
	for range 16 {
		fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
		if err != nil {
			break
		}
		held = append(held, fd)
	}
	time.AfterFunc(time.Hour, func() {}).Stop()
	for _, fd := range held {
		unix.Close(fd)
	}
})

// descriptors are the sockets that are open.
type descriptors struct {
	mu   sync.Mutex
	open map[int]bool
}

func (d *descriptors) add(fd int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open == nil {
		d.open = make(map[int]bool)
	}
	d.open[fd] = true
}

// close is close(2). No descriptor is shut down while it is closed: its number
// may be another's at once.
func (d *descriptors) close(fd int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.open, fd)
	return unix.Close(fd)
}

func (d *descriptors) closeAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for fd := range d.open {
		unix.Close(fd)
	}
	clear(d.open)
}

// breakOff ends the system calls that wait on these sockets: accept, connect,
// recv and send return, also on sockets for which shutdown itself is an error.
func (d *descriptors) breakOff() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for fd := range d.open {
		_ = unix.Shutdown(fd, unix.SHUT_RDWR)
	}
}
