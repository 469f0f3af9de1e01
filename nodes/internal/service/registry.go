package service

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// Service is a program that server can run.
type Service struct {
	Name  string // what a user types
	Port  uint16 // the default port, TCP and UDP
	About string // one line for the help

	// New returns the service's handlers. It is called once for each command
	// line; flags are the service's own, and hold their values when a handler
	// is called.
	New func(flags *pflag.FlagSet) Handlers
}

// Handlers is how a service treats its clients. At least one of Stream and
// Datagram is set, and the service listens on TCP, UDP or both accordingly. These
// two are called concurrently.
type Handlers struct {
	// Check, if it is not nil, says what is missing among the flags. It is called
	// before anything listens.
	Check func() error

	// Stream serves one TCP connection until it returns; the caller closes the
	// connection. When ctx is done the connection is closed under it. What it
	// returns is the reason for the end in the log: nil if the service ended the
	// conversation, otherwise the error of a read or a write, io.EOF included.
	Stream func(ctx context.Context, c *Conn) error

	// Datagram returns the answer to one UDP datagram, or nil for none. Both
	// slices are used only until the next call.
	Datagram func(ctx context.Context, b []byte) []byte

	// Delay, if it is not nil, says how long to hold the answer to a datagram
	// back.
	Delay func(b []byte) time.Duration
}

// Registry is a set of services.
type Registry struct {
	services []Service
}

// All is every service of the program server.
var All Registry

// Add adds a service. A name that is taken is a mistake in the program.
func (r *Registry) Add(s Service) {
	i, found := slices.BinarySearchFunc(r.services, s.Name, byName)
	if found {
		panic(fmt.Sprintf("service: %s is added twice", s.Name))
	}
	r.services = slices.Insert(r.services, i, s)
}

// Lookup finds a service by its name.
func (r *Registry) Lookup(name string) (Service, bool) {
	i, found := slices.BinarySearchFunc(r.services, name, byName)
	if !found {
		return Service{}, false
	}
	return r.services[i], true
}

// Names lists the services in alphabetical order, for people.
func (r *Registry) Names() string {
	names := make([]string, len(r.services))
	for i, s := range r.services {
		names[i] = s.Name
	}
	return strings.Join(names, ", ")
}

func byName(s Service, name string) int { return cmp.Compare(s.Name, name) }
