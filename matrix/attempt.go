package matrix

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/crosslan/crosslan/lab"
	"github.com/crosslan/crosslan/theory"
)

// firstPort is the inside port of the first pair. Each pair has its own, so that no
// mapping of the one before can be of help.
const firstPort = 20000

// attempt lets both hosts try, and returns the path that both report.
func (m *meter) attempt(ctx context.Context, n int) (theory.Path, error) {
	// The limit only guards against hanging: a machine may stand still for a while.
	argv := []string{"client", "--log", "json", "punch", "--timeout", "1m",
		"--rendezvous", m.rendezvous.String(), "--relay", m.relay.String(),
		"--bind", ":" + strconv.Itoa(firstPort+n), "--token", "matrix-" + strconv.Itoa(n)}
	if m.Transport == TCP {
		argv = append(argv, "--tcp")
	}
	hosts := [...]string{"host-a", "host-b"}
	var paths [len(hosts)]theory.Path
	g, ctx := errgroup.WithContext(ctx)
	for i, host := range hosts {
		g.Go(func() error {
			r, err := m.exec(ctx, host, argv...)
			if err == nil {
				paths[i], err = path(r)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", host, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return "", err
	}
	if paths[0] != paths[1] {
		return "", fmt.Errorf("%s says that the path is %s, %s says %s", hosts[0], paths[0], hosts[1], paths[1])
	}
	return paths[0], nil
}

// path is what client punch reported.
func path(r lab.Result) (theory.Path, error) {
	if r.ExitCode != 0 {
		return "", failure(r)
	}
	for line := range strings.Lines(r.Stdout) {
		var e struct {
			Event string      `json:"event"`
			Path  theory.Path `json:"path"`
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			return "", fmt.Errorf("client punch printed %q: %w", line, err)
		}
		if e.Event != "path" {
			continue
		}
		if e.Path != theory.Direct && e.Path != theory.Relayed {
			return "", fmt.Errorf("client punch reported a path %q", e.Path)
		}
		return e.Path, nil
	}
	return "", fmt.Errorf("client punch reported no path:\n%s", r.Output)
}

// failure is what a program that failed said.
func failure(r lab.Result) error {
	if text := strings.TrimSpace(r.Output); text != "" {
		return errors.New(text)
	}
	return fmt.Errorf("exit status %d", r.ExitCode)
}
