package matrix

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/lab"
	"github.com/crosslan/crosslan/theory"
)

// A fake is a lab whose routers and hosts do as theory says, until told otherwise.
type fake struct {
	mu    sync.Mutex
	kinds map[string]theory.Kind
	calls []string
	punch func(host string, path theory.Path) (lab.Result, error)
}

func (f *fake) exec(_ context.Context, node string, argv ...string) (lab.Result, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, node+" "+strings.Join(argv, " "))
	flag := func(name string) string { return argv[slices.Index(argv, name)+1] }
	if argv[0] == "router" {
		var k theory.Kind
		err := errors.Join(k.Mapping.UnmarshalText([]byte(flag("--mapping"))), k.Filtering.UnmarshalText([]byte(flag("--filtering"))))
		f.kinds[node] = k
		return lab.Result{}, err
	}
	return f.punch(node, theory.Punch(f.kinds["nat-a"], f.kinds["nat-b"], theory.Linux).Path)
}

// reports is what client punch prints that came about by path.
func reports(path theory.Path) lab.Result {
	return lab.Result{Stdout: fmt.Sprintf("{\"event\":\"try\"}\n{\"event\":\"path\",\"path\":%q}\n", path)}
}

func newFake() (*fake, *meter) {
	f := &fake{kinds: make(map[string]theory.Kind)}
	f.punch = func(_ string, path theory.Path) (lab.Result, error) { return reports(path), nil }
	m := &meter{
		Options:    Options{Transport: TCP},
		rendezvous: netip.MustParseAddrPort("198.18.12.10:7100"),
		relay:      netip.MustParseAddrPort("198.18.12.20:7200"),
		exec:       f.exec,
	}
	return f, m
}

func TestRunMeasuresEveryPair(t *testing.T) {
	f, m := newFake()
	var progress []int
	m.Progress = func(done, total int) {
		progress = append(progress, done)
		assert.Equal(t, 81, total)
	}
	cells, err := m.run(t.Context())
	require.NoError(t, err)
	require.Len(t, cells, 81)
	assert.Equal(t, 57, Direct(cells))
	assert.Zero(t, Disagreeing(cells))
	assert.Len(t, progress, 81)
	for i, c := range cells {
		assert.Equal(t, theory.Kinds()[i/9], c.A)
		assert.Equal(t, theory.Kinds()[i%9], c.B)
	}
	for _, call := range []string{
		"nat-b router set --mapping address-dependent --filtering endpoint-independent --permission mapping",
		"host-a client --log json punch --timeout 1m --rendezvous 198.18.12.10:7100 --relay 198.18.12.20:7200 --bind :20080 --token matrix-80 --tcp",
	} {
		assert.True(t, slices.Contains(f.calls, call), "no call %q", call)
	}
}

// What is measured is not bent to what is expected.
func TestRunTellsDisagreement(t *testing.T) {
	f, m := newFake()
	f.punch = func(string, theory.Path) (lab.Result, error) { return reports(theory.Relayed), nil }
	cells, err := m.run(t.Context())
	require.NoError(t, err)
	assert.Zero(t, Direct(cells))
	assert.Equal(t, 57, Disagreeing(cells))
}

func TestRunSaysWhatWentWrong(t *testing.T) {
	for name, c := range map[string]struct {
		punch func(host string, path theory.Path) (lab.Result, error)
		says  string
	}{
		"the sides differ": {
			func(host string, _ theory.Path) (lab.Result, error) {
				return reports(map[string]theory.Path{"host-a": theory.Direct, "host-b": theory.Relayed}[host]), nil
			}, "host-a says that the path is direct, host-b says relayed",
		},
		"no path": {
			func(string, theory.Path) (lab.Result, error) {
				return lab.Result{ExitCode: 1, Output: "client: punch: nobody came\n"}, nil
			}, "client: punch: nobody came",
		},
		"a silent failure": {
			func(string, theory.Path) (lab.Result, error) { return lab.Result{ExitCode: 137}, nil },
			"exit status 137",
		},
		"nothing reported": {
			func(string, theory.Path) (lab.Result, error) { return lab.Result{}, nil },
			"reported no path",
		},
		"a path that does not exist": {
			func(string, theory.Path) (lab.Result, error) { return reports("sideways"), nil },
			`reported a path "sideways"`,
		},
		"no JSON": {
			func(string, theory.Path) (lab.Result, error) { return lab.Result{Stdout: "ready\n"}, nil },
			`client punch printed "ready\n"`,
		},
		"the engine": {
			func(string, theory.Path) (lab.Result, error) { return lab.Result{}, errors.New("engine gone") },
			"engine gone",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f, m := newFake()
			f.punch = c.punch
			_, err := m.run(t.Context())
			require.ErrorContains(t, err, c.says)
			assert.ErrorContains(t, err, "nat-a with endpoint-independent mapping")
		})
	}
}

func TestParseTransport(t *testing.T) {
	for _, want := range []Transport{UDP, TCP} {
		got, err := ParseTransport(string(want))
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	_, err := ParseTransport("sctp")
	assert.EqualError(t, err, `transport "sctp" does not exist; write udp or tcp`)
}
