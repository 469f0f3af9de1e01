// Package descriptors keeps the lowest file descriptors for the program that imports it.
//
// In C or Python the first socket is descriptor 3. Go's runtime takes two descriptors for
// its network poller when the first timer is set, and keeps them: some packages do that
// before main begins (a random number is enough). With this package they get higher ones.
// It must be initialised before such packages: packages are, in the order of their import
// paths, as soon as those that they import are, and this one imports next to nothing.
package descriptors

import (
	"syscall"
	"time"
)

// pipes is how many are held, of two descriptors each: more than a lesson opens.
const pipes = 32

func init() {
	var held [pipes][2]int
	n := 0
	for n < pipes && syscall.Pipe2(held[n][:], syscall.O_CLOEXEC) == nil {
		n++
	}
	time.AfterFunc(time.Hour, func() {}).Stop()
	for _, p := range held[:n] {
		_ = syscall.Close(p[0])
		_ = syscall.Close(p[1])
	}
}
