package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// Result is what came of playing a transcript in one mode.
type Result struct {
	Service, Transcript string
	Mode                Mode
	Err                 error // nil if the server answered as it must
}

// String is one line: the service, the transcript, the mode, and what was wrong.
func (r Result) String() string {
	s := fmt.Sprintf("%s: %s, %s: ", r.Service, r.Transcript, r.Mode)
	if r.Err != nil {
		return s + r.Err.Error()
	}
	return s + "ok"
}

// Player plays transcripts. Its zero value is ready to use.
type Player struct {
	// Timeout limits each step; 0 is 10 seconds.
	Timeout time.Duration

	// Pace is the time from one byte to the next when they are sent one by one; 0 is a
	// millisecond. Without any, the kernel would merge most of them.
	Pace time.Duration

	// AtOnce is how many transcripts are played at the same time; 0 is 8.
	AtOnce int
}

// ErrService means that there are no transcripts of a service.
var ErrService = errors.New("no such service")

// Run plays all transcripts of a service to the server at addr, "10.1.1.10:8009", in
// all modes, with the defaults of Player.
func Run(ctx context.Context, addr, service string) ([]Result, error) {
	return Player{}.Run(ctx, addr, service)
}

// Run plays all transcripts of a service to the server at addr, "10.1.1.10:8009", in
// all modes. The results are in the order of the table. The error is that the
// service is not known or that ctx is done; that a server answers wrong is a result.
func (p Player) Run(ctx context.Context, addr, service string) ([]Result, error) {
	table, found := tables[service]
	if !found {
		return nil, fmt.Errorf("%s: %w; choose from: %s", service, ErrService, strings.Join(Services(), ", "))
	}
	var results []Result
	var plays []func() error
	for _, t := range table {
		for _, mode := range t.modes() {
			results = append(results, Result{Service: service, Transcript: t.Name, Mode: mode})
			plays = append(plays, func() error { return p.play(ctx, addr, &t, mode) })
		}
	}
	var g errgroup.Group
	g.SetLimit(withDefault(p.AtOnce, 8))
	if oneByOne[service] {
		g.SetLimit(1)
	}
	for i := range results {
		g.Go(func() error {
			results[i].Err = plays[i]()
			return nil
		})
	}
	_ = g.Wait() // the errors are in the results
	return results, ctx.Err()
}

// Services lists the services that have transcripts, in alphabetical order.
func Services() []string {
	var names []string
	for name := range tables {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Transcripts returns those of a service, nil if it has none.
func Transcripts(service string) []Transcript { return slices.Clone(tables[service]) }

func withDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}
